"""What is chosen on one page is chosen on the next."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

CARRIED = ("source", "sample", "data", "label", "clipfold", "clip", "model", "attention", "fold", "db")
"""Keys of widgets that mean the same on every page that has them: a sound, a checkpoint, the colours."""
BOUND = "db"
"""The one of them whose part of the URL Streamlit writes."""


@contextmanager
def carried_choices(page: str) -> Iterator[None]:
    """Around a page's run: keep the carried widgets' values over a change of page.

    Streamlit forgets the value of a widget that the last run did not draw, unless it was set by hand, and gives a new
    page an empty query string.
    """
    state = st.session_state
    for key in CARRIED:
        if key in state:
            state[key] = state[key]
    bound = state.setdefault("carried_query", {})
    if state.get("carried_to") not in (None, page) and BOUND in bound and BOUND not in st.query_params:
        st.query_params[BOUND] = bound[BOUND]
    state["carried_to"] = page
    state["n_runs"] = state.get("n_runs", 0) + 1
    try:
        yield
    finally:  # a page may stop early
        if BOUND in st.query_params:
            bound[BOUND] = st.query_params.get_all(BOUND)
        elif BOUND in state:  # a widget's default does not stand in the URL
            bound.pop(BOUND, None)
