"""What is chosen on one page is chosen on the next, and stands in its URL."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

CARRIED = ("source", "sample", "data", "label", "clipfold", "clip", "model", "attention", "fold", "db")
"""Keys of widgets that mean the same on every page that has them: a sound, a checkpoint, the colours."""


@contextmanager
def carried_choices(page: str) -> Iterator[None]:
    """Around a page's run: keep the carried widgets' values and their parts of the URL over a change of page.

    Streamlit forgets the value of a widget that the last run did not draw, unless it was set by hand, and gives a new
    page an empty query string.
    """
    state = st.session_state
    query = state.setdefault("carried_query", {})
    for key in CARRIED:
        if key in state:
            state[key] = state[key]
    if state.get("carried_to") not in (None, page):
        for key in query.keys() - st.query_params.keys():
            st.query_params[key] = query[key]
    state["carried_to"] = page
    try:
        yield
    finally:  # a page may stop early
        for key in CARRIED:
            if key not in state:
                continue
            if key in st.query_params:
                query[key] = st.query_params[key]
            else:  # a widget's default does not stand in the URL
                query.pop(key, None)
