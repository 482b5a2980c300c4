"""Pages run by AppTest, without a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture
def open_page():
    """open_page(name, query=value, …) → the page, run once without an error."""

    def opened(name: str, **query: str) -> AppTest:
        page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
        for key, value in query.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception
        return page

    return opened


@pytest.fixture
def downloads(monkeypatch):
    """Label of each download button that was drawn → what it saves: AppTest draws the buttons and cannot press them."""
    found: dict[str, str | bytes | Callable] = {}
    original = st.download_button

    def drawn(label, data, *arguments, **options):
        found[label] = data
        return original(label, data, *arguments, **options)

    monkeypatch.setattr(st, "download_button", drawn)

    def saved(label: str) -> str | bytes:
        data = found[label]
        return data() if callable(data) else data

    return saved
