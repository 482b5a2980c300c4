"""A map over time and frequency below the spectrogram that it is of, tile by tile."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from acrnn.figures.clip import ClipView, frequency_axis, spectrogram_trace
from acrnn.figures.style import BLUE, VERMILION, Figure
from acrnn.inference import Prediction
from acrnn.measures.maps import METHODS, TimeFrequencyMap

HEIGHT_PX = 460
UNITS = {
    "integrated_gradients": "brings %{z:+.4f} of the probability",
    "occlusion": "its removal costs %{z:+.4f} of the probability",
    "grad_cam": "weight %{z:.3g}",
}
"""Method → what a tile's score says, for a hover."""


def map_figure(prediction: Prediction, found: TimeFrequencyMap, kept: np.ndarray, view: ClipView) -> Figure:
    """Draw a clip's spectrogram, greyed where the map keeps nothing, and below it the map.

    Parameters
    ----------
    prediction : Prediction
    found : TimeFrequencyMap
        Of this clip.
    kept : bool ndarray (row, column)
        Tiles that are not greyed.
    view : ClipView
        Colours of the spectrogram.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    figure.add_trace(spectrogram_trace(prediction, view).update(showscale=False), row=1, col=1)
    axis = frequency_axis(prediction)
    figure.update_yaxes(axis, row=1, col=1)
    figure.add_trace(_veil(prediction, found, kept))
    figure.add_trace(_map_trace(prediction, found), row=2, col=1)
    figure.update_yaxes(axis | {"type": "linear"}, row=2, col=1)
    figure.update_xaxes(range=[0, prediction.duration_s], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="time (s)", title_standoff=4, row=2, col=1)
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 62, "r": 8, "t": 12, "b": 40},
        showlegend=False,
        hovermode="closest",
        uirevision=prediction.name,
        # An axis of its own for the veil: the spectrogram's is one of categories.
        yaxis9={"overlaying": "y", "range": axis["range"], "visible": False, "fixedrange": True},
    )
    figure.update_yaxes(title_font_size=11)
    return figure


def _edges(prediction: Prediction, found: TimeFrequencyMap) -> dict[str, np.ndarray]:
    """Edges of the tiles in seconds and in bands, as a heatmap takes them."""
    hop_s = prediction.times_s[1] - prediction.times_s[0] if len(prediction.times_s) > 1 else prediction.duration_s
    return {"x": found.grid.times_s(hop_s).astype(np.float32), "y": found.grid.band_edges - 0.5}


def _veil(prediction: Prediction, found: TimeFrequencyMap, kept: np.ndarray) -> go.Heatmap:
    return go.Heatmap(
        **_edges(prediction, found),
        z=kept.astype(np.int8),
        zmin=0,
        zmax=1,
        colorscale=[[0, "rgba(128,128,128,0.85)"], [1, "rgba(128,128,128,0)"]],
        showscale=False,
        hoverinfo="skip",
        xaxis="x",
        yaxis="y9",
    )


def _map_trace(prediction: Prediction, found: TimeFrequencyMap) -> go.Heatmap:
    """Scores of the tiles; none is colourless, what speaks for the class is orange, what speaks against it is blue."""
    tiles = found.tiles
    most = max(float(np.abs(tiles).max()), np.finfo(np.float32).tiny)
    edges_hz = found.grid.edges_hz(prediction.centres_hz)
    edges_hz[-1] = prediction.centres_hz[-1]
    bands = [f"{low:.0f} to {high:.0f} Hz" for low, high in pairwise(edges_hz)]
    return go.Heatmap(
        **_edges(prediction, found),
        z=tiles.astype(np.float32),
        zmin=-most,
        zmax=most,
        colorscale=[[0, BLUE], [0.5, "rgba(138,143,152,0.06)"], [1, VERMILION]],
        colorbar={
            "title": {"text": "", "side": "top"}, "len": 0.5, "y": 0.24, "thickness": 10, "x": 1.005,
            "tickvals": [-most, 0, most], "ticktext": ["against", "0", "for"], "outlinewidth": 0,
        },
        customdata=np.repeat(np.array(bands)[:, None], tiles.shape[1], axis=1),
        hovertemplate=f"%{{x:.2f}} s, %{{customdata}}: {UNITS[found.method]}<extra>{METHODS[found.method]}</extra>",
    )  # fmt: skip
