"""Where in frequency? Listen's section with a map over time and frequency, how far to believe it, and its sound."""

import numpy as np
import pandas as pd
import streamlit as st

from acrnn.audio import encode_wav
from acrnn.audio.masking import scale_tiles
from acrnn.checkpoints import Checkpoint
from acrnn.figures import ClipView
from acrnn.figures.maps import map_figure
from acrnn.inference import Predictor
from acrnn.labels import pretty
from acrnn.measures.maps import METHODS, Mapper, TimeFrequencyMap, methods_of
from acrnn.report.table import csv_text
from acrnn.report.tables.maps import NOT_MEASURED, tell_belief, tell_measured
from acrnn.results.maps import MapsResult
from acrnn.training.machine import keep_memory
from acrnn.web.shared.analysis import Analysis, Kept, attended_sound, my_turn, predictor_of
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.downloads import download
from acrnn.web.shared.faithfulness import KEPT_MEMORY
from acrnn.web.shared.player import player
from acrnn.web.shared.results import known_part
from acrnn.web.shared.words import named, plain
from acrnn.web.shell import address

LONGEST_S = 30.0
"""Longest clip that a map is made of on a page; the tiles of a longer clip are longer, so that the cost is bounded."""
KEPT_SECONDS = 3600.0
"""Seconds of sound whose maps are kept for everybody: 90 kB a map of 5 s."""
USUAL_SHARE = 20
SOUNDS = {
    "kept": "what the map keeps",
    "rest": "the rest",
    "attended": "only what it attends to",
    "clip": "the clip",
}
EXPLANATIONS = {
    "integrated_gradients": "Integrated gradients add up what each part brings on the way from silence to the clip. "
    "Orange speaks for the class, blue against it.",
    "occlusion": "Occlusion makes each tile silent in turn, and predicts again. Orange speaks for the class, blue "
    "against it.",
    "grad_cam": "Grad-CAM shows in orange which cells of the last convolution the class rests on. They stand for 16 "
    "bands by 9 frames, and for what lies around them.",
}


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept(KEPT_SECONDS)


@st.cache_resource(show_spinner=False, max_entries=4)
def _mapper(_predictor: Predictor, key: str) -> Mapper:
    keep_memory(KEPT_MEMORY)
    return Mapper(_predictor)


def _mapper_of(checkpoint: Checkpoint, analysis: Analysis) -> Mapper:
    predictor = predictor_of(checkpoint).suited_to(analysis.prediction.duration_s)
    return _mapper(predictor, predictor.checkpoint.config.key)


def where_section(clip: ChosenClip, checkpoint: Checkpoint, analysis: Analysis, view: ClipView) -> None:
    """Draw the toggle, and once it is on the map that is asked for; nothing is computed before.

    Parameters
    ----------
    view : ClipView
        Colours of the spectrogram, as on the page.
    """
    if st.toggle(
        "Where in frequency?", key="where", bind="query-params",
        help="Attention weighs whole frames. A map also tells bands apart: it marks the parts of the spectrogram that "
        "the class rests on, and lets you hear them. Takes a few seconds on a CPU.",
    ):  # fmt: skip
        _show(clip, checkpoint, analysis, view)


def _show(clip: ChosenClip, checkpoint: Checkpoint, analysis: Analysis, view: ClipView) -> None:
    prediction = analysis.prediction
    if prediction.duration_s > LONGEST_S:
        st.info(
            f"{plain(clip.name)} lasts {prediction.duration_s:.0f} s; maps are made of clips of up to "
            f"{LONGEST_S:.0f} s.", icon=":material/timer:",
        )  # fmt: skip
        return
    by, of, kept = st.columns([9, 5, 5], vertical_alignment="bottom", gap="medium")
    offered = methods_of(predictor_of(checkpoint).model)
    method = address.one_of(by.segmented_control, "Map", offered, format_func=METHODS.get, key="map")
    with of:
        label = address.none_or_one_of(
            "Class", prediction.labels, key="mapof", format_func=pretty,
            placeholder=f"{pretty(prediction.label)}, as predicted",
        )  # fmt: skip
    share = kept.slider("Share kept (%)", 10, 50, USUAL_SHARE, 5, key="share", bind="query-params")
    found = make(clip, checkpoint, analysis, method, label or prediction.label)
    key = analysis.key, method, found.label
    st.markdown(describe(found, analysis, share / 100, *_probabilities(checkpoint, analysis, found, key, share / 100)))
    of_others = "" if found.label == prediction.label else " That was for predicted classes; of others it says nothing."
    st.caption(f"{EXPLANATIONS[method]} {tell_trust(measured(checkpoint), method)}{of_others}")
    _player(clip, analysis, found, share / 100, view)


def _player(clip: ChosenClip, analysis: Analysis, found: TimeFrequencyMap, share: float, view: ClipView) -> None:
    prediction = analysis.prediction
    sounds = [name for name in SOUNDS if name != "attended" or prediction.attention is not None]
    played = address.one_of(
        st.segmented_control, "Play", sounds, format_func=SOUNDS.get, key="heard",
        help="What the map keeps: the tiles that are not grey. Their part of the sound is cut out of its short-time "
        "spectrum, with the phases as they were; neighbouring bands leak into it a little.",
    )  # fmt: skip
    stem = f"{clip.name.rsplit('.', 1)[0]}-{found.method}-{found.label}"
    player(
        map_figure(prediction, found, found.kept(share), view),
        sound_of(analysis, found, share, played),
        key="wheremap",
        clip=f"{clip.key} map",
        alt=f"Spectrogram of {clip.name} and below it {METHODS[found.method]} for {pretty(found.label)}, tile by tile",
        filename=stem,
        bar=False,
    )
    with st.container(horizontal=True, key="where_exports"):
        download("Map (CSV)", csv_text(tiles_frame(found, analysis, share), float_format="%.6g"), f"{stem}.csv")


def make(clip: ChosenClip, checkpoint: Checkpoint, analysis: Analysis, method: str, label: str) -> TimeFrequencyMap:
    """Make a map of a clip, or give what was made before of the same content, checkpoint, method and class."""
    key = analysis.key, method, label
    if (known := _kept().get(key)) is not None:
        return known
    place = st.empty()
    text = f"Making the map of {plain(clip.name)} …"
    try:
        with my_turn():
            bar = place.progress(0.0, text=text)
            mapper = _mapper_of(checkpoint, analysis)
            found = mapper(
                analysis.prediction, method, label=label, on_progress=lambda share: bar.progress(share, text=text)
            )
    finally:
        place.empty()
    _kept().put(key, found, analysis.prediction.duration_s)
    return found


@st.cache_resource(show_spinner=False, max_entries=64)
def _probabilities(
    _checkpoint: Checkpoint, _analysis: Analysis, _found: TimeFrequencyMap, key: tuple, share: float
) -> tuple[float, float]:
    """Probability of the map's class from the tiles kept alone, and without them."""
    return _mapper_of(_checkpoint, _analysis).probabilities(_analysis.prediction, _found, _found.kept(share))


def describe(found: TimeFrequencyMap, analysis: Analysis, share: float, alone: float, without: float) -> str:
    """Say in which bands the tiles lie that are kept, and what becomes of the probability with them and without.

    Parameters
    ----------
    alone, without : float
        Probability of the map's class from these tiles alone, and from all others.
    """
    kept, prediction = found.kept(share), analysis.prediction
    if not kept.any():
        return f"Nothing in this clip speaks for {named(found.label)} by this map."
    edges_hz = edges_of(found, analysis)
    low, high = _middle(kept.sum(axis=1) / kept.sum())
    whole = prediction.probabilities[prediction.labels.index(found.label)]
    return (
        f"Four fifths of the tiles kept lie between **{_hertz(edges_hz[low])} and {_hertz(edges_hz[high + 1])}**. "
        f"The probability of {named(found.label)} is **{alone:.2f}** with these tiles alone and **{without:.2f}** "
        f"without them; with all it is {whole:.2f}."
    )


def edges_of(found: TimeFrequencyMap, analysis: Analysis) -> np.ndarray:
    """(row + 1,) edges of the rows of tiles in hertz, from 0 to half the sampling rate."""
    edges_hz = found.grid.edges_hz(analysis.prediction.centres_hz)
    edges_hz[-1] = analysis.rate_hz / 2
    return edges_hz


def _middle(of_row: np.ndarray, outside: float = 0.1) -> tuple[int, int]:
    """First and last row without the lowest and the highest tenth."""
    below = of_row.cumsum()
    low = int((below <= outside).sum())
    high = int((below < 1 - outside - 1e-9).sum())
    return low, max(low, high)


def _hertz(hz: float) -> str:
    return f"{hz:.0f} Hz" if hz < 1000 else f"{hz / 1000:.1f} kHz"


def measured(checkpoint: Checkpoint) -> MapsResult | None:
    """Give what was measured of the maps of these very weights; None if nothing was."""
    of_weights = checkpoint.config.weights_sha256
    return next((study for study in known_part("maps").items if study.weights_sha256 == of_weights), None)


def tell_trust(study: MapsResult | None, method: str) -> str:
    """Say how far to believe a map of a checkpoint, by the deletion test of its held-out fold."""
    if study is None or method not in study.methods:
        return NOT_MEASURED
    return f"**{tell_belief(study)}** {tell_measured(study, method)}"


def sound_of(analysis: Analysis, found: TimeFrequencyMap, share: float, which: str) -> bytes:
    """Give the sound of what a map keeps, of the rest, or one of the page's own versions, as a file."""
    if which == "clip":
        return analysis.sound
    if which == "attended":
        return attended_sound(analysis)
    return _part(analysis, found, (analysis.key, found.method, found.label), share, which)


@st.cache_resource(show_spinner=False, max_entries=16)
def _part(_analysis: Analysis, _found: TimeFrequencyMap, key: tuple, share: float, which: str) -> bytes:
    kept, grid = _found.kept(share), _found.grid
    hop_s = _analysis.prediction.times_s[1] if len(_analysis.prediction.times_s) > 1 else 1.0
    scaled = scale_tiles(
        _analysis.samples, _analysis.rate_hz, kept if which == "kept" else ~kept,
        grid.edges_hz(_analysis.prediction.centres_hz), grid.times_s(hop_s),
    )  # fmt: skip
    return encode_wav(scaled, _analysis.rate_hz)


def tiles_frame(found: TimeFrequencyMap, analysis: Analysis, share: float) -> pd.DataFrame:
    """One line a tile: `start_s`, `end_s`, `low_hz`, `high_hz`, `score`, and whether it is `kept`."""
    prediction, grid = analysis.prediction, found.grid
    hop_s = prediction.times_s[1] if len(prediction.times_s) > 1 else prediction.duration_s
    times_s, edges_hz = grid.times_s(hop_s).clip(0, prediction.duration_s), edges_of(found, analysis)
    rows, columns = grid.shape
    return pd.DataFrame(
        {
            "start_s": np.tile(times_s[:-1], rows), "end_s": np.tile(times_s[1:], rows),
            "low_hz": np.repeat(edges_hz[:-1], columns), "high_hz": np.repeat(edges_hz[1:], columns),
            "score": found.tiles.ravel(), "kept": found.kept(share).ravel(),
        }
    )  # fmt: skip
