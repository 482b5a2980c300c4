"""What was measured, read once a process for every page as long as no file changes."""

import streamlit as st

from acrnn.errors import RunError
from acrnn.paths import result_files
from acrnn.results.collection import PARTS, Results, assemble, read_part
from acrnn.results.files import Found
from acrnn.results.settings import Setting
from acrnn.web.shared.words import sentence_of


@st.cache_resource(show_spinner="Reading the results …", max_entries=2 * len(PARTS))
def _part(part: str, versions: tuple[tuple[str, int], ...]) -> Found:
    return read_part(part)


def known_part(part: str) -> Found:
    """Give the results of one of `PARTS` alone, and the errors of the files that could not be read."""
    return _part(part, tuple((str(path), path.stat().st_mtime_ns) for path in result_files(PARTS[part])))


def known_results() -> Results:
    """Give all results of the project and the user, as far as they can be read."""
    return assemble({part: known_part(part) for part in PARTS})


def known_settings() -> list[Setting]:
    """Give the settings with clips among the results; a message for each file that cannot be read."""
    found = known_part("settings")
    show_damaged(found.damaged)
    return [setting for setting in found.items if setting.filenames]


def show_damaged(errors: tuple[RunError, ...]) -> None:
    """Name the files that could not be read; the page goes on with the others."""
    for error in errors:
        st.error(sentence_of(error), icon=":material/error:")
