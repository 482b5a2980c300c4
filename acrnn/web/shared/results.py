"""What was measured, read once a process for every page as long as no file changes."""

from pathlib import Path

import streamlit as st

from acrnn.errors import RunError
from acrnn.results.collection import PARTS, Results, assemble, read_part
from acrnn.results.files import Found
from acrnn.results.settings import Setting, results_root
from acrnn.web.shared.words import plain


@st.cache_resource(show_spinner="Reading the results …", max_entries=2 * len(PARTS))
def _part(part: str, folder: str, versions: tuple[tuple[str, int], ...]) -> Found:
    return read_part(part, Path(folder))


def _known(part: str) -> Found:
    folder = results_root()
    paths = sorted((folder / PARTS[part]).glob("*.json"))
    return _part(part, str(folder), tuple((path.name, path.stat().st_mtime_ns) for path in paths))


def known_results() -> Results:
    """Give everything in `results_root()`, as far as it can be read."""
    return assemble({part: _known(part) for part in PARTS})


def known_settings() -> list[Setting]:
    """Give the settings with clips in `results_root()`; a message for each file that cannot be read."""
    found = _known("settings")
    show_damaged(found.damaged)
    return [setting for setting in found.items if setting.filenames]


def show_damaged(errors: tuple[RunError, ...]) -> None:
    """Name the files that could not be read; the page goes on with the others."""
    for error in errors:
        st.error(plain(str(error)), icon=":material/error:")
