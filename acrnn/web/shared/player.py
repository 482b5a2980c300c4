"""A player whose playhead runs over a chart: Streamlit's audio element, steered and followed by a small component."""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit import runtime

from acrnn.figures import Figure

_HTML = """
<div class="bar">
  <span>playhead <b class="clock">0.00 s</b> · Space plays and pauses, a click on the picture seeks, a drag zooms,
  a double click zooms out</span>
  <span class="save">save picture
    <button type="button" data-format="png">PNG</button>
    <button type="button" data-format="svg">SVG</button>
  </span>
</div>
"""
_CSS = """
.bar { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; align-items: center;
  font: .8rem var(--st-font); color: color-mix(in srgb, var(--st-text-color) 75%, transparent); }
.clock { font-variant-numeric: tabular-nums; color: var(--st-text-color); }
button { font: inherit; color: var(--st-text-color); background: transparent; cursor: pointer; padding: .1rem .6rem;
  border: 1px solid var(--st-border-color); border-radius: .4rem; margin-left: .25rem; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""


@cache
def _component():
    script = Path(__file__).with_name("player.js").read_text(encoding="utf-8")
    return st.components.v2.component("acrnn_player", html=_HTML, css=_CSS, js=script)


def _address_of(sound: str | bytes, media_type: str, name: str) -> str:
    """Have the server keep a file, or the content of one, for this session, and give its address."""
    url = runtime.get_instance().media_file_mgr.add(sound, media_type, name)
    base = st.get_option("server.baseUrlPath").strip("/")  # Streamlit's own players are told it in the browser
    return f"/{base}{url}" if base else url


def _media_type(sound: bytes) -> str:
    return "audio/flac" if sound.startswith(b"fLaC") else "audio/wav"


@dataclass(frozen=True)
class Controls:
    """Widgets of a page that change its player and its chart at once, in the browser; the server hears of it later.

    Attributes
    ----------
    veil, colours, version : str
        Keys of a toggle, of a slider with two ends in decibels, and of a choice of the clip or its attended version.
    attended : bytes or None
        The attended version, a sound file; None as long as there is none.
    """

    veil: str
    colours: str
    version: str
    attended: bytes | None

    def for_browser(self, sound: bytes, key: str) -> dict:
        """Give what the component needs: the keys, and addresses in the order of the choice."""
        versions: list[str | None] = [None, None]
        if runtime.exists():  # not a page that is run by a test, without a server
            names = {f"{key} clip": sound, f"{key} attended": self.attended}
            versions = [each and _address_of(each, _media_type(each), name) for name, each in names.items()]
        return {"veil": self.veil, "colours": self.colours, "version": self.version, "versions": versions}


STEERING = {
    "type": "buttons",
    "buttons": [{"method": "skip", "label": ""}],
    "showactive": False,
    "bgcolor": "rgba(0,0,0,0)",
    "borderwidth": 0,
    "pad": {"l": 0, "r": 0, "t": 0, "b": 0},
    "x": 0, "y": 1, "xanchor": "left", "yanchor": "top",
}  # fmt: skip
"""An item of a figure's `updatemenus` by which `player.js` restyles it, as Plotly does when a button is pressed. It is
not to be seen, on the page or in a picture."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a sound to play at once: from where to where, whether over and over, and which time it is asked."""

    start_s: float
    end_s: float
    loop: bool
    asked: int


def player(
    figure: Figure,
    sound: bytes,
    *,
    key: str,
    clip: str,
    alt: str,
    filename: str,
    bar: bool = True,
    stretch: Stretch | None = None,
    controls: Controls | None = None,
) -> None:
    """Show `figure`, whose x axis is in seconds, and a player whose playhead runs over it.

    Parameters
    ----------
    sound : bytes
        A WAV or FLAC file.
    key : str
        Unique on the page, letters only.
    clip : str
        Identity of the clip: another version of the same clip goes on playing from where it stands.
    alt : str
        Description of the chart for screen readers.
    filename : str
        Of a saved picture, without extension.
    bar : bool
        Whether the bar with the time, the hints and the buttons that save the picture is shown.
    stretch : Stretch, optional
        Played when it is asked anew.
    controls : Controls, optional
        Widgets that steer both; `figure` then has `STEERING` among its `updatemenus`.
    """
    place, drawing = st.container(key=f"{key}_audio"), st.container(key=f"{key}_chart")
    _component()(
        key=f"{key}_playhead",
        data={
            "chart": f"{key}_chart",
            "player": f"{key}_audio",
            "clip": clip,
            "filename": filename,
            "bar": bar,
            "stretch": stretch and asdict(stretch),
            "controls": controls and controls.for_browser(sound, key),
        },
    )
    with place:  # filled after the component, which must know of another clip before its sound arrives
        st.audio(sound, format=_media_type(sound), alt=f"Player of {filename}")
    with drawing:
        st.plotly_chart(
            figure,
            key=f"{key}_figure",
            alt=alt,
            config={
                "displaylogo": False,
                "displayModeBar": True,
                "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
                "toImageButtonOptions": {"format": "png", "filename": filename, "scale": 2},
            },
        )
