"""Clips side by side, each as one network sees it, on one time axis and one scale of colours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.errors import AcrnnError
from acrnn.figures import ClipView, top_figure
from acrnn.inference import Prediction
from acrnn.labels import pretty
from acrnn.web.shared.analysis import Analysis, analyse, figure_of
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.exports import Found, finding_button
from acrnn.web.shared.player import player
from acrnn.web.shared.words import describe_figure, describe_strangeness, headline, plain, sentence_of

_GRID = """<style>
.st-key-views { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr)) }
</style>"""
"""As many pictures side by side as there is room for; columns of Streamlit would be squeezed."""


@dataclass(frozen=True)
class Side:
    """A clip as one network sees it.

    Attributes
    ----------
    key : str
        Unique on the page, letters only.
    title : str
        Stands above it, not escaped.
    told : str
        What is said of it, in Markdown.
    clip : ChosenClip or None
        None where there is no sound.
    checkpoint : Checkpoint or None
        None where there is no network.
    problem : str or None
        Why one of the two is missing, escaped.
    """

    key: str
    title: str
    told: str
    clip: ChosenClip | None
    checkpoint: Checkpoint | None
    problem: str | None = None


def show_sides(
    sides: Sequence[Side],
    name: str,
    *,
    instead: Callable[[Side], object] = lambda side: None,
    below: Callable[[Side, Prediction], object] = lambda side, prediction: None,
) -> list[Prediction | None]:
    """Draw clips side by side, and a button that saves them as one page.

    Parameters
    ----------
    sides : sequence of Side
    name : str
        Of the saved page, without its ending.
    instead : callable
        Draws what stands in place of a clip that cannot be shown.
    below : callable
        Draws what stands below a clip.

    Returns
    -------
    list of Prediction or None
        What each network says; None where there is no network or no sound.
    """
    st.html(_GRID)
    places, analyses = [], []
    with st.container(key="views"):
        for side in sides:
            with st.container(key=f"{side.key}_view"):
                st.markdown(f"**{plain(side.title)}**")
                st.caption(side.told)
                places.append(st.container())
                with places[-1]:
                    analyses.append(_analysed(side))
    until_s = max((one.prediction.duration_s for one in analyses if one is not None), default=0.0)
    for side, place, analysis in zip(sides, places, analyses, strict=True):
        with place:
            if analysis is None:
                instead(side)
            else:
                _draw(side, analysis, until_s)
                below(side, analysis.prediction)
    shown = [
        Found(side.clip, analysis, side.checkpoint, side.title)
        for side, analysis in zip(sides, analyses, strict=True)
        if analysis is not None
    ]
    if shown:
        finding_button(shown, ClipView(), name)
    return [None if analysis is None else analysis.prediction for analysis in analyses]


def _analysed(side: Side) -> Analysis | None:
    """Have the network hear a clip; None, and said why, if that cannot be."""
    if side.problem is not None:
        st.info(side.problem, icon=":material/info:")
    if side.clip is None or side.checkpoint is None:
        return None
    place = st.empty()
    try:
        return analyse(side.clip, side.checkpoint, lambda share: place.progress(share, text="Listening …"))
    except AcrnnError as error:
        st.info(sentence_of(error), icon=":material/info:")
        return None
    finally:
        place.empty()


def _draw(side: Side, analysis: Analysis, until_s: float) -> None:
    prediction, clip = analysis.prediction, side.clip
    if prediction.known is False:
        st.markdown(f":material/help: {headline(prediction)}")
        st.caption(describe_strangeness(prediction))
    st.plotly_chart(
        top_figure(prediction, truth=clip.truth), key=f"{side.key}_top", config=NO_BAR,
        alt=f"Most probable classes: {', '.join(f'{pretty(name)} {p:.0%}' for name, p in prediction.top(5))}",
    )  # fmt: skip
    player(
        figure_of(analysis, ClipView(until_s=until_s)),
        analysis.sound,
        key=side.key,
        clip=clip.key,
        alt=describe_figure(clip.name, side.checkpoint),
        filename=f"{Path(clip.name).stem}-{side.checkpoint.name}",
    )
