"""The button that downloads what a page shows."""

from collections.abc import Callable

import streamlit as st

TYPES = {
    "csv": "text/csv", "json": "application/json", "html": "text/html", "parquet": "application/vnd.apache.parquet",
    "txt": "text/plain",
}  # fmt: skip
"""Ending of a file's name → its type."""


def download(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    filename: str,
    *,
    key: str | None = None,
    disabled: bool = False,
    help: str | None = None,
) -> None:
    """Draw a button that saves a file; a function as its content is called when the button is pressed.

    Parameters
    ----------
    filename : str
        Ends as one of `TYPES`.
    """
    st.download_button(
        label, content, filename, TYPES[filename.rsplit(".", 1)[1]], icon=":material/download:", on_click="ignore",
        key=key, disabled=disabled, help=help,
    )  # fmt: skip
