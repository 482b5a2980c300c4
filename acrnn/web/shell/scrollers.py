"""Tables, equations and matrices that are too wide for the screen can be scrolled by keyboard."""

from functools import cache
from pathlib import Path

import streamlit as st


@cache
def _component():
    script = Path(__file__).with_name("scrollers.js").read_text(encoding="utf-8")
    return st.components.v2.component("acrnn_scrollers", js=script)


def reach_scrollers() -> None:
    """Let the keyboard reach whatever scrolls sideways by itself on any page."""
    _component()(key="acrnn_scrollers")
