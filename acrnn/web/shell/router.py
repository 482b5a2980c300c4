"""That every page runs through app.py, with a query that its widgets can take."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from acrnn.web.shell.query import forget_unusable


def through_app() -> None:
    """Run this page again through app.py if Streamlit started it by itself; the first line of every page.

    A fresh server takes a folder `pages` for its older kind of app with many pages until app.py has run once. If the
    first visitor opens a page's own address, that page would run alone, without navigation and title. The flag is
    private to Streamlit: its version is pinned, and a browser test opens a page's address on a fresh server.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    forget_unusable()
