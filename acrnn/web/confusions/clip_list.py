"""Clips of a setting as one table, in which a click on a row looks into its clip."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from acrnn.labels import pretty
from acrnn.web.shared.rows import choosable, height_px

TALL_PX = 520
_SHARE = {"format": "%.0f %%", "width": "small"}
_COLUMNS = {
    "right": st.column_config.CheckboxColumn(width=50),
    "true": st.column_config.TextColumn("true class"),
    "predicted": st.column_config.TextColumn("predicted as"),
    "confidence": st.column_config.NumberColumn(help="Probability of the predicted class.", **_SHARE),
    "p_true": st.column_config.NumberColumn("p (true class)", help="Probability of the true class.", **_SHARE),
    "suspected": st.column_config.CheckboxColumn(
        width="small", help="Whether confident learning takes the label for an error."
    ),
    "recording": st.column_config.TextColumn(
        width="small", help="What the clip was cut from: for ESC-50 the number of a recording on Freesound."
    ),
    "fold": st.column_config.NumberColumn(width=50),
    "filename": st.column_config.TextColumn("clip"),
    "predicted_a": st.column_config.TextColumn("first says"),
    "predicted_b": st.column_config.TextColumn("second says"),
    "confidence_a": st.column_config.NumberColumn("p (first)", help="Probability of what the first says.", **_SHARE),
    "confidence_b": st.column_config.NumberColumn("p (second)", help="Probability of what the second says.", **_SHARE),
}
OF_CELL = ("filename", "confidence", "p_true", "recording", "fold")
"""Columns of the clips of one cell, whose classes are known."""
OF_ANY = ("true", "predicted", "confidence", "p_true", "recording", "filename", "fold")
OF_LABELS = ("true", "p_true", "predicted", "confidence", "suspected", "recording", "filename", "fold")
OF_TWO = {
    "first": ("true", "confidence_a", "predicted_b", "confidence_b", "recording", "filename", "fold"),
    "second": ("true", "confidence_b", "predicted_a", "confidence_a", "recording", "filename", "fold"),
}
"""Columns of clips that one of two settings alone gets right, by which one."""


AS_LABELS = {
    "true": st.column_config.TextColumn("label"),
    "p_true": st.column_config.NumberColumn(
        "p (label)", format="%.2f %%", width="small", help="Self-confidence: the probability of its label."
    ),
    "predicted": st.column_config.TextColumn("the network says"),
}
"""How columns are told where the label is what is in question."""


def clip_list(
    clips: pd.DataFrame, columns: Sequence[str], key: str, told: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Draw a table of clips that a click on a column's head sorts, and a click on a row looks into.

    Parameters
    ----------
    clips : DataFrame
        Of `clip_table`, or of `Comparison`.
    columns : sequence of str
        Which of its columns are shown, in this order; of recordings that are not known there is no column.
    key : str
        Unique on the page.
    told : mapping, optional
        Columns that are told otherwise than in other lists.
    """
    if clips.empty:
        st.caption("No clip.")
        return
    columns = [name for name in columns if not (name == "recording" and clips[name].isna().all())]
    shown = clips[columns].copy()
    for name in columns:
        if name.startswith(("confidence", "p_true")):
            shown[name] *= 100
        elif name.startswith(("true", "predicted")):
            shown[name] = shown[name].map(pretty)
    choosable(
        shown, clips["filename"].tolist(), "look", key=key, column_config=_COLUMNS | dict(told),
        height=height_px(len(shown), TALL_PX), alt="Clips; Look into a clip, below, chooses one of them by its name",
    )  # fmt: skip


def tell_clips(clips: pd.DataFrame) -> str:
    """Count clips, and the recordings that they were cut from, where these are known: `5 clips, 2 recordings`."""
    told = f"{len(clips)} clip{'s' * (len(clips) != 1)}"
    if clips.empty or clips["recording"].isna().any():
        return told
    n = clips["recording"].nunique()
    return f"{told}, {n} recording{'s' * (n != 1)}"
