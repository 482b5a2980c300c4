"""Tables of which a click on a row, wherever in it, chooses that row."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

ROW_PX, HEAD_PX = 35, 38


def choosable(
    table: pd.DataFrame, words: Sequence[str], chosen: str, *, key: str, many: bool = False, **more: Any
) -> None:
    """Draw a table in which rows are chosen, together with a widget that chooses the same by name.

    Parameters
    ----------
    table : DataFrame
        What is shown; a click on a column's head sorts it.
    words : sequence of str
        One a row: what the widget has as its options.
    chosen : str
        Key of that widget, which has been drawn before, elsewhere on the page: a list of words with `many`, else one
        or None.
    key : str
        Unique on the page.
    **more
        What else `st.dataframe` takes.
    """
    now = st.session_state.get(chosen)
    wanted = (now or []) if many else [now]
    rows = [words.index(word) for word in wanted if word in words]
    grid = f"{key}_{crc32(repr(list(words)).encode())}"  # of other rows it is another table, whose clicks arrive
    st.session_state[grid] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    with st.container(key=key):
        st.dataframe(
            table, hide_index=True, key=grid, on_select=partial(_take, list(words), chosen, grid, many),
            selection_mode=["multi-row" if many else "single-row", "single-cell"], **more,
        )  # fmt: skip


def _take(words: list[str], chosen: str, key: str, many: bool) -> None:
    """Let the widget have the rows that are marked, or the row of the cell that was clicked; never none."""
    selection = st.session_state[key]["selection"]
    rows = [cell[0] for cell in selection["cells"]] or selection["rows"]
    found = [words[row] for row in rows if row < len(words)]
    if found:
        st.session_state[chosen] = found if many else found[0]


def height_px(n_rows: int, most: int) -> int:
    """Height of a table that shows all its rows, or `most` pixels."""
    return min(HEAD_PX + ROW_PX * n_rows, most)
