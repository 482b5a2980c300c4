"""What the garbage collector need not look at.

Streamlit collects garbage in full after every run of a page. With torch, pandas and plotly loaded that is half a
million objects that stay for the life of the process: 0.19 of the 0.23 s that a change on Listen took, and no other
session runs meanwhile.
"""

import gc

import streamlit as st


@st.cache_resource(show_spinner=False)
def freeze(page: str) -> None:
    """Once a process and page, take all that its first run has loaded out of the collector's sight.

    Frozen objects are still freed when nothing refers to them; only cycles among them stay.
    """
    del page  # the cache's key
    gc.collect()
    gc.freeze()
