"""Sigmoid against softmax at one layer: one clip heard by both networks, then the fold that both never saw."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from acrnn.figures.compare import Strip, compare_figure
from acrnn.labels import pretty
from acrnn.measures.attention import hold, measure_agreement
from acrnn.report.table import Column, Table
from acrnn.report.tables.pair import SCALINGS, pair_table, tell_agreement, tell_comparison, tell_differences
from acrnn.report.words import DASH, listed, tell_number
from acrnn.results.pair import pair_result, training_differences
from acrnn.web.compare import strips as web
from acrnn.web.compare.families import Family, Slot
from acrnn.web.compare.strips import Heard
from acrnn.web.shared.analysis import Analysis
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.player import player
from acrnn.web.shared.results import known_results, show_damaged
from acrnn.web.shared.tables import show_table
from acrnn.web.shared.words import code, named, plain
from acrnn.web.shell import address

LAYERS = ("l2", "l4", "l6", "l8")
DEFAULT = "l4"
"""At l2 the networks that come with the project had different numbers of epochs."""


def choose_slots(family: Family) -> list[Slot]:
    """Draw the choice of a layer, and give the places of its two networks: sigmoid, softmax."""
    layer = address.one_of(
        st.segmented_control, "Attention at", LAYERS, key="layer", default=DEFAULT,
        help="The convolution on whose output the attention sits (§4.4). At l10 there is softmax alone (eq. 3).",
    )  # fmt: skip
    placements = [f"{layer}-{scaling}" for scaling in SCALINGS]
    return [Slot(placement, family.checkpoints.get(placement)) for placement in placements]


def tell_training(family: Family, slots: Sequence[Slot]) -> None:
    """Warn of what differs in the two trainings, and say which of the two there is not; without either, stop."""
    missing = [slot.placement for slot in slots if slot.checkpoint is None]
    if not missing:
        a, b = (slot.checkpoint.config for slot in slots)
        if found := training_differences(a, b):
            st.warning(
                f"The two networks differ in more than sigmoid and softmax: {tell_differences(found)}. What differs "
                "below may come from that.",
                icon=":material/warning:",
            )
        return
    st.info(describe_missing(family, missing), icon=":material/help:")
    web.show_missing(family, slots)
    if len(missing) == len(slots):
        st.stop()


def describe_missing(family: Family, missing: Sequence[str]) -> str:
    """Say in one sentence which of the two placements of a layer there is no checkpoint of."""
    layer = missing[0].partition("-")[0]
    where = f"for {plain(family.title)}, recipe {plain(family.recipe)}"
    if len(missing) == len(SCALINGS):
        return f"Neither sigmoid nor softmax attention at {layer} has a checkpoint {where}."
    lacking = missing[0].partition("-")[2]
    (other,) = set(SCALINGS) - {lacking}
    return f"{lacking.capitalize()} attention at {layer} has no checkpoint {where}, so {other} is shown by itself."


def show(
    family: Family,
    clip: ChosenClip,
    slots: Sequence[Slot],
    heard: Sequence[Heard | None],
    strips: Sequence[Strip],
    analysis: Analysis,
) -> None:
    """Show the clip and then the fold.

    Parameters
    ----------
    slots, heard, strips
        Of sigmoid and of softmax, as `choose_slots` and `strips.hear_all` give them; at least one was heard.
    """
    st.markdown(describe_answers(clip, family, heard))
    for note in analysis.prediction.notes:
        st.caption(f":material/info: {plain(note)}")
    _show_clip(clip, slots, heard, strips, analysis)
    _show_fold(family, slots)


def _show_clip(
    clip: ChosenClip, slots: Sequence[Slot], heard: Sequence[Heard | None], strips: Sequence[Strip], analysis: Analysis
) -> None:
    """Draw the two strips, their difference and the measures of the clip."""
    scales, levels = st.columns([1, 1], vertical_alignment="bottom", gap="medium")
    scale, view = web.choose_scale(scales), web.choose_view(levels)
    both = all(found is not None for found in heard)
    figure = compare_figure(
        analysis.prediction, strips, scale, difference=tuple(strips) if both else None, view=view, roomy=True
    )
    layer = strips[0].layer
    player(
        figure,
        analysis.sound,
        key="compare",
        clip=clip.key,
        alt=f"Log-gammatone spectrogram of {clip.name} and, under it on the same time axis, the attention at {layer} "
        "with sigmoid, with softmax, and their difference",
        filename=f"{clip.name.rsplit('.', 1)[0]}-{layer}-pair",
    )
    st.caption(web.describe_strips(slots, heard, scale))
    if both:
        a, b = strips
        st.caption(web.describe_difference(a, b))
    show_table(clip_table(heard), csv=False)
    if both:
        st.markdown(tell_agreement(measure_agreement(a.weights, hold(b.times_s, b.weights, a.times_s))))
    web.export_buttons(clip, strips, slots, web.measures_table(slots, heard, clip), figure)


def _show_fold(family: Family, slots: Sequence[Slot]) -> None:
    """Show what the results have of both networks on the fold that they never saw; nothing is measured here."""
    results = known_results()
    found = pair_result(tuple(slot.checkpoint and slot.checkpoint.config for slot in slots), results)
    table = pair_table(found)
    st.header(table.title, anchor=False)
    names = listed([code(slot.checkpoint.name) for slot in slots if slot.checkpoint])
    compared = f" {tell_comparison(found.comparison)}" if found.comparison else ""
    st.markdown(f"{names} on the clips of {plain(family.title)}, which were held out of training.{compared}")
    show_damaged(results.damaged)
    show_table(table)
    st.caption(table.note)


def describe_answers(clip: ChosenClip, family: Family, heard: Sequence[Heard | None]) -> str:
    """One sentence: what each network says, what it is, and whether the clip was held out."""
    told = [
        f"{scaling} says **{found.said()}** ({found.probability:.1%})"
        for scaling, found in zip(SCALINGS, heard, strict=True)
        if found is not None
    ]
    truth = "" if clip.truth is None else f"; it is {named(clip.truth)}"
    fold = ""
    if clip.fold is not None:
        fold = " The clip was held out of training." if clip.fold == family.fold else " It was in the training set."
    return f"{plain(clip.name)}: {', '.join(told)}{truth}.{fold}"


def clip_table(heard: Sequence[Heard | None]) -> Table:
    """Lay out class, probability and measures of a clip, a column a network."""
    rows = {
        "predicted class": lambda found: found.said(pretty),
        "its probability": lambda found: f"{found.probability:.1%}",
        "entropy (uniform: 1)": lambda found: f"{found.measures.entropy:.3f}",
        "on the top tenth of the frames (uniform: 10%)": lambda found: f"{found.measures.top_tenth:.1%}",
        "rank correlation with loudness": lambda found: _number(found.measures.loudness_correlation),
    }
    lines = [
        {"measure": title}
        | {scaling: tell(found) if found else DASH for scaling, found in zip(SCALINGS, heard, strict=True)}
        for title, tell in rows.items()
    ]
    columns = Column("on this clip", "measure"), *(Column(scaling, scaling) for scaling in SCALINGS)
    return Table("Pair clip", columns, pd.DataFrame(lines), "Both networks on this clip")


def _number(value: float) -> str:
    return DASH if pd.isna(value) else tell_number(value, ".2f")
