"""Two settings on the same clips: where their matrices differ, and both on one clip."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint, listed
from acrnn.data import Dataset
from acrnn.errors import OptionError
from acrnn.figures.confusion import difference_figure
from acrnn.measures.crossval import wilson_interval
from acrnn.report.words import tell_mcnemar
from acrnn.results.confusion import ClipFilter, Comparison, Confusion, clip_table, compare
from acrnn.results.published import checkpoints_of
from acrnn.results.settings import Setting
from acrnn.web.confusions.clip_list import OF_TWO, clip_list, tell_clips
from acrnn.web.confusions.closer import closer_below, show_both, walk_through
from acrnn.web.confusions.view import frame, is_dark, recordings_of, save_csv
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.words import code, sentence_of
from acrnn.web.shell import address


def choose_other(setting: Setting, settings: Sequence[Setting]) -> Setting | None:
    """Choose a setting of the same classes; None (and a message) if there is none.

    Offered first is the one that has networks here to look into for the most of its folds that both have.
    """
    others = {other.name: other for other in settings if other.labels == setting.labels and other.name != setting.name}
    if not others:
        st.info("There is no other setting with the same classes yet.", icon=":material/compare:")
        return None
    published, _ = listed()
    first = max(others.values(), key=lambda other: _n_shown(other, published, setting.folds))
    title = f"Compare {setting.name} with"
    return others[address.one_of(st.selectbox, title, list(others), default=first.name, key="against", width=340)]


def _n_shown(setting: Setting, published: Sequence[Checkpoint], folds: Sequence[int]) -> int:
    return sum(checkpoint.config.fold in folds for checkpoint in checkpoints_of(setting, published))


def compare_with(setting: Setting, settings: Sequence[Setting], wanted: ClipFilter, dataset: Dataset | None) -> None:
    """Another setting on the same clips: difference matrix, clips that one alone gets right, McNemar's test."""
    other = choose_other(setting, settings)
    if other is None:
        return
    known = recordings_of(setting, dataset)
    try:
        found = compare(setting, other, known)
    except OptionError as error:
        st.info(sentence_of(error), icon=":material/compare:")
        return
    found = replace(found, clips=wanted.subset(found.clips))
    if found.clips.empty:
        st.info("None of the common clips passes the filters.", icon=":material/filter_alt_off:")
        return
    st.markdown(describe_comparison(setting.name, other.name, found))
    with closer_below(setting) as closer:
        grid, beside = st.columns([3, 2], gap="large")
        with grid:
            _show_difference(setting, other, found)
        with beside:
            walk_through(closer, _list_side(setting, other, found))
    show_both(closer, (setting, other), [clip_table(one, known) for one in (setting, other)], dataset)


def _show_difference(setting: Setting, other: Setting, found: Comparison) -> None:
    if not found.difference.any():
        st.info("Both predict the same class for every clip.", icon=":material/compare:")
        return
    order = Confusion(setting.labels, np.abs(found.difference)).order("group")
    figure = difference_figure(
        setting.labels, found.difference, order, names=(setting.name, other.name), dark=is_dark()
    )
    with frame(figure):
        st.plotly_chart(
            figure, key="difference", config=NO_BAR, alt=f"Confusion matrix of {other.name} less that of {setting.name}"
        )
    st.caption(
        f"Blue: {code(other.name)} has more clips in the cell than {code(setting.name)}. Orange: fewer. On the "
        "diagonal blue is better, elsewhere orange. Classes without a difference are left out."
    )


def _list_side(setting: Setting, other: Setting, found: Comparison) -> pd.DataFrame:
    """List the clips that one of the two alone gets right."""
    sides = {"first": found.only_a, "second": found.only_b}
    side = address.one_of(
        st.segmented_control, "Clips", list(sides), format_func=lambda which: f"only the {which} correct", key="side"
    )
    st.caption(f"{tell_clips(sides[side])}. Click a row to see what both networks make of its clip.")
    clip_list(sides[side], OF_TWO[side], "sideclips")
    with st.container(horizontal=True):
        save_csv(sides[side], f"{setting.name}-{other.name}-clips", label="These clips (CSV)")
        save_csv(found.clips, f"{setting.name}-{other.name}-all", label="All common clips (CSV)")
    return sides[side]


def describe_comparison(a: str, b: str, comparison: Comparison) -> str:
    """Say how the two settings fare on their common clips, and what McNemar's test makes of it."""
    clips, n_a, n_b = comparison.clips, len(comparison.only_a), len(comparison.only_b)
    shares = []
    for name, side in ((a, "a"), (b, "b")):
        n_right = int(clips[f"right_{side}"].sum())
        low, high = wilson_interval(n_right, len(clips))
        shares.append(f"{code(name)} {n_right / len(clips):.1%} ({low:.1%} to {high:.1%})")
    return (
        f"Accuracy on {len(clips)} common clips: {', '.join(shares)}. Only the first is correct on {n_a}, only the "
        f"second on {n_b}. {tell_mcnemar(comparison.p_value)} The test takes clips as independent and "
        "the networks as given; it says nothing about other seeds."
    )
