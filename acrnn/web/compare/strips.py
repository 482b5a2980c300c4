"""What the Compare page chooses, computes and says: the attention of many checkpoints on one clip."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from acrnn.checkpoints import Checkpoint, CheckpointConfig
from acrnn.errors import CheckpointError
from acrnn.figures import ClipView, Figure
from acrnn.figures.compare import Scale, Strip
from acrnn.labels import pretty
from acrnn.measures.attention import (
    AttentionMeasures,
    frame_level_db,
    hold,
    jensen_shannon_distance,
    measure_attention,
)
from acrnn.report.sentences import tell_class
from acrnn.report.table import csv_text
from acrnn.web.compare.families import Family, Slot
from acrnn.web.shared.analysis import Analysis, Kept, analyse
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.downloads import download
from acrnn.web.shared.words import named, sentence_of
from acrnn.web.shell import address

HEIGHTS: dict[Scale, str] = {"largest": "share of its maximum", "mean": "times its mean"}
KEPT_SECONDS = 36_000.0
"""Seconds of sound whose strips are kept for everybody: about 60 MB."""


@dataclass(frozen=True)
class Heard:
    """What one checkpoint made of a clip, without the sound and the spectrogram.

    Attributes
    ----------
    label : str
        The most probable class.
    probability : float
    times_s, weights : ndarray (frame,)
        Its attention.
    step_s : float
    measures : AttentionMeasures
    known : bool or None
        Whether it takes the clip for one of its classes; None if it cannot tell.
    n_classes : int
    """

    label: str
    probability: float
    times_s: np.ndarray
    weights: np.ndarray
    step_s: float
    measures: AttentionMeasures
    known: bool | None = None
    n_classes: int = 0

    def said(self, name: Callable[[str], str] = named) -> str:
        """Say the class as `name` writes it, or that it is none of them, in the words of Listen."""
        return tell_class(name(self.label), self.known, self.n_classes)


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept(KEPT_SECONDS)


def hear(clip: ChosenClip, checkpoint: Checkpoint, on_progress: Callable[[float], None]) -> Heard:
    """Analyse a clip by a checkpoint with attention, or give what was found before.

    Raises
    ------
    AudioError
        If the sound cannot be used.
    CheckpointError
        If the weights are damaged.
    """
    key = clip.key, checkpoint.config.key
    if (known := _kept().get(key)) is not None:
        return known
    prediction = analyse(clip, checkpoint, on_progress).prediction
    attention = prediction.attention
    label, probability = prediction.top(1)[0]
    heard = Heard(
        label=label,
        probability=probability,
        times_s=attention.times_s,
        weights=attention.weights,
        step_s=attention.step_s,
        measures=measure_attention(attention.weights, frame_level_db(prediction.spectrogram)),
        known=prediction.known,
        n_classes=len(prediction.labels),
    )
    _kept().put(key, heard, prediction.duration_s)
    return heard


def hear_all(
    clip: ChosenClip, slots: Sequence[Slot], on_progress: Callable[[float, str], None]
) -> tuple[list[Heard | None], list[Strip]]:
    """Analyse a clip by every checkpoint of the slots; a damaged one gives a message and an empty strip.

    Parameters
    ----------
    on_progress : callable
        Told the share done, 0 to 1, and the placement at work.

    Returns
    -------
    list of Heard or None, and list of Strip
        In the order of `slots`.

    Raises
    ------
    AudioError
        If the sound cannot be used.
    """
    heard, strips = [], []
    for i, slot in enumerate(slots):
        found, why_not = None, f"not trained: train --placement {slot.placement}"
        if slot.checkpoint is not None:
            try:
                found = hear(
                    clip, slot.checkpoint, lambda share, i=i: on_progress((i + share) / len(slots), slots[i].placement)
                )
            except CheckpointError as error:
                st.warning(sentence_of(error))
                why_not = "its checkpoint is damaged"
        heard.append(found)
        strips.append(_strip(slot, found, why_not))
    return heard, strips


def _strip(slot: Slot, heard: Heard | None, why_not: str) -> Strip:
    layer, _, scaling = slot.placement.partition("-")
    scaling = scaling or "softmax"  # of l10 (eq. 3)
    if heard is None:
        return Strip(layer, scaling, note=why_not)
    return Strip(layer, scaling, heard.times_s, heard.weights, slot.note)


def choose_scale(place: DeltaGenerator) -> Scale:
    """Draw the choice of what the weights of a strip are divided by."""
    return address.one_of(
        place.segmented_control, "Height of a strip", list(HEIGHTS), format_func=HEIGHTS.get, key="height",
        help="Share of its maximum: every strip fills its row. Times its mean: sigmoid strips "
        "have one scale and softmax strips another, on which the dotted line at 1 is uniform attention.",
    )  # fmt: skip


def choose_view(place: DeltaGenerator) -> ClipView:
    """Draw the choice of the range of colours, in decibels, at least 5 wide."""
    low_db, high_db = place.slider(
        "Colours (dB)",
        -80,
        10,
        (-80, 0),
        step=5,
        key="db",
        bind="query-params",
        help="A full-scale sine is about 0 dB.",
    )
    return ClipView(low_db, max(high_db, low_db + 5))


def finest_analysis(clip: ChosenClip, slots: Sequence[Slot], heard: Sequence[Heard | None]) -> Analysis:
    """Give the analysis of one that was heard, at the highest sampling rate among them."""
    there = [slot.checkpoint for slot, found in zip(slots, heard, strict=True) if found is not None]
    return analyse(clip, max(there, key=lambda c: c.config.front_end.rate_hz), lambda share: None)


def measures_table(slots: Sequence[Slot], heard: Sequence[Heard | None], clip: ChosenClip) -> pd.DataFrame:
    """One row a slot, in plain numbers: accuracy and interval, top class, measures; empty where not trained."""
    rows = []
    for slot, found in zip(slots, heard, strict=True):
        config = None if slot.checkpoint is None else slot.checkpoint.config
        scores = config.scores if config else {}
        low, high = scores.get("interval", (None, None))
        measures = found and found.measures
        rows.append(
            {
                "attention": slot.placement,
                "checkpoint": config.name if config else "not trained",
                "epochs": config and config.recipe["epochs"],
                "accuracy": scores.get("accuracy"),
                "accuracy_low": low,
                "accuracy_high": high,
                "top_class": found and found.label,
                "known": found and found.known,
                "probability": found and found.probability,
                "entropy": measures and measures.entropy,
                "top_tenth": measures and measures.top_tenth,
                "loudness_correlation": measures and measures.loudness_correlation,
                "clip_was": config and _relation(clip, config),
            }
        )
    table = pd.DataFrame(rows)
    return table.astype({"epochs": "Int64"})


def _relation(clip: ChosenClip, config: CheckpointConfig) -> str | None:
    if clip.fold is None:
        return None
    return "held out" if clip.fold == config.fold else "in its training set"


def show_measures(table: pd.DataFrame, heard: Sequence[Heard | None]) -> None:
    """Show the table of measures for people."""
    percents = ["probability", "top_tenth", "accuracy"]
    shown = table.assign(
        **{name: (100 * table[name].astype(float)).round(1) for name in percents},  # a browser rounds halves up
        attention=table["attention"].str.replace("-", " "),
        interval=[
            None if pd.isna(low) else f"{low:.0%} to {high:.0%}"
            for low, high in zip(table["accuracy_low"], table["accuracy_high"], strict=True)
        ],
        top_class=[found and found.said(pretty) for found in heard],
    )
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    columns = {
        "attention": text(pinned=True),
        "top_class": text("top class"),
        "probability": number(
            format="%.1f %%",
            help="Of the top class, by the vote of the segments (§4.1).",
        ),
        "entropy": number(
            format="%.3f",
            help="Entropy of the weights over the clip, divided by its maximum log n: 1 is uniform attention, 0 a "
            "single frame. A step at l10 is 18 frames, so there it cannot fall below about 0.5 in a clip of 5 s.",
        ),
        "top_tenth": number(
            "top tenth",
            format="%.1f %%",
            help="Share of the attention on the tenth of the frames with the most; uniform attention has 10%.",
        ),
        "loudness_correlation": number(
            "loudness ρ",
            format="%.2f",
            help="Spearman's rank correlation between a frame's weight and its level: the sum of the band powers of "
            "the spectrogram that the network saw, in decibels.",
        ),
        "accuracy": number(format="%.1f %%", help="Of the checkpoint, on its held-out fold."),
        "interval": text("95% interval", help="Wilson's, over the clips of that fold."),
        "clip_was": text("this clip", help="Held out: from the fold that the checkpoint never saw."),
        "checkpoint": text(),
        "epochs": number(),
    }
    st.dataframe(
        shown,
        hide_index=True,
        height="content",
        placeholder="–",
        key="measures",
        alt="Accuracy, top class and measures of the attention of each checkpoint",
        column_order=[name for name in columns if name != "clip_was" or table["clip_was"].notna().any()],
        column_config=columns,
    )


def strips_csv(strips: Sequence[Strip], names: Sequence[str]) -> str:
    """Write `time_s` and a column of weights for each strip that is there, on the frames of the first of them."""
    there = [(name, strip) for name, strip in zip(names, strips, strict=True) if strip.weights is not None]
    times_s = there[0][1].times_s
    columns = {name: hold(strip.times_s, strip.weights, times_s) for name, strip in there}
    table = pd.DataFrame({"time_s": times_s} | columns)
    return csv_text(table, float_format="%.8f")


def describe_votes(clip: ChosenClip, heard: Sequence[Heard | None]) -> str:
    """One sentence: how many networks say what, and what it is."""
    answers = [found for found in heard if found is not None]
    known = Counter(named(found.label) for found in answers if found.known is not False)
    unknown = Counter(found.said() for found in answers if found.known is False)
    votes = [f"{n} {label}" for label, n in known.most_common()] + [f"{n} none of its classes" for n in _total(unknown)]
    truth = "" if clip.truth is None else f"; it is {named(clip.truth)}"
    told = f"{len(answers)} network{'s' * (len(answers) != 1)}: {', '.join(votes)}{truth}."
    return told + "".join(f" {n} say{'s' * (n == 1)}: {said}." for said, n in unknown.most_common())


def _total(counted: Counter) -> list[int]:
    return [counted.total()] if counted else []


def describe_strips(slots: Sequence[Slot], heard: Sequence[Heard | None], scale: Scale) -> str:
    """Say what a strip shows, and how long a step is at each layer."""
    step_s = {slot.placement.split("-")[0]: found.step_s for slot, found in zip(slots, heard, strict=True) if found}
    steps = ", ".join(f"{1000 * seconds:.0f} ms at {layer}" for layer, seconds in step_s.items())
    part = (
        "maximum"
        if scale == "largest"
        else "mean. Sigmoid strips have one scale and softmax strips another, written at the right; the dotted line at "
        "1 is uniform attention"
    )
    return (
        f"Each strip is the attention of one network, divided by its {part}. A step is {steps}. Where segments "
        "overlap, the mean is shown. Attention shows where a network looked, not why."
    )


def describe_difference(a: Strip, b: Strip) -> str:
    """Say what is subtracted, and how far the two are apart."""
    distance = jensen_shannon_distance(a.weights, hold(b.times_s, b.weights, a.times_s))
    return (
        f"At the bottom: {a.full_name} minus {b.full_name}, each divided by its mean. Their Jensen–Shannon distance is "
        f"**{distance:.3f}** (0: the same distribution over the frames; 1: no frame in common)."
    )


def show_missing(family: Family | None, slots: Sequence[Slot]) -> None:
    """Show the commands that train what a family lacks."""
    missing = [slot.placement for slot in slots if slot.checkpoint is None]
    if family is None or not missing:
        return
    with st.expander(f"{len(missing)} of {len(slots)} not trained: the commands that train them", key="missing"):
        st.code(
            "\n".join(family.training_command(placement) for placement in missing), language="bash", wrap_lines=True
        )


def export_buttons(
    clip: ChosenClip, strips: Sequence[Strip], slots: Sequence[Slot], table: pd.DataFrame, figure: Figure
) -> None:
    """Offer strips and measures as CSV, and the figure as HTML that needs nothing else."""
    stem = f"{clip.name.rsplit('.', 1)[0]}-compare"
    with st.container(horizontal=True, key="exports"):
        download("Strips (CSV)", lambda: strips_csv(strips, [slot.label for slot in slots]), f"{stem}-strips.csv")
        download("Measures (CSV)", lambda: csv_text(table), f"{stem}-measures.csv")
        download("Figure (HTML)", lambda: figure.to_html(include_plotlyjs=True), f"{stem}.html")


def explain_scaling() -> None:
    """Explain in three sentences, and by the equation, why softmax must concentrate and sigmoid need not."""
    st.header("Why softmax must concentrate and sigmoid need not", anchor=False)
    st.latex(r"A = \sigma(s), \quad s = \mathrm{AvgPool}(\mathrm{Conv}^{3 \times 3}(M)) \quad (1)")
    st.latex(
        r"\sigma_\text{softmax}(s)_t = \frac{e^{s_t}}{\sum_{u=1}^{T} e^{s_u}}, \quad"
        r"\sigma_\text{sigmoid}(s)_t = \frac{1}{1 + e^{-s_t}}"
    )
    st.markdown(
        "Softmax divides by the sum over the T steps of a segment, so its weights add up to one: a step passes at "
        "nearly full strength only if all others are nearly suppressed, and if none stands out, each is scaled down "
        "to 1/T. Sigmoid weights each step by its own score alone, so every step of steady rain can pass at nearly "
        "full strength and every silent step can be suppressed. The paper therefore considers softmax ill suited to "
        "continuous sounds (§1), and finds sigmoid as good or better at each convolutional layer (§4.4, Table 4)."
    )
