"""The datasets on this machine that pages offer clips of: those in ESC-50's layout, and one's own classes."""

from pathlib import Path

import streamlit as st

from acrnn import data
from acrnn.data import Clip, Dataset
from acrnn.data.own import inspect, known_roots
from acrnn.errors import FolderError
from acrnn.web.shared.words import sentence_of
from acrnn.web.shell.public import is_public

FRESH_S = 60
"""For so long a folder of one's own is not looked through again."""


def sources() -> dict[str, tuple[Path, str | None]]:
    """List datasets by their word in a URL: folder or table, and the name of one of one's own classes.

    On a public server one's own recordings are not offered to visitors.
    """
    found: dict[str, tuple[Path, str | None]] = {root.name: (root, None) for root in data.discover()}
    if is_public():
        return found
    try:
        return found | {name: (root, name) for root, name in known_roots()}
    except FolderError as error:
        st.warning(sentence_of(error))
        return found


def read_source(root: Path, name: str | None) -> Dataset:
    """Read one of `sources`, once a process and again when it was changed.

    Raises
    ------
    DatasetError
        If it is not as expected.
    OSError
        If it cannot be read.
    """
    return read_dataset(root) if name is None else _own(str(root), name)


def read_dataset(root: Path) -> Dataset:
    """Read a dataset's table once a process, and again when it was changed.

    Raises
    ------
    DatasetError
        If it is not as the release has it.
    """
    return _dataset(str(root), (root / data.CSV).stat().st_mtime)


def word_of(dataset: Dataset) -> str:
    """Give the word in a URL for a dataset."""
    return dataset.name if data.is_own(dataset.name) else dataset.root.name


def clip_word(clip: Clip) -> str:
    """Give the word in a URL for a clip, unique in its class: of one's own, its path within the dataset."""
    return clip.filename if clip.key else clip.path.name


@st.cache_resource(show_spinner="Reading the dataset …", max_entries=8)
def _dataset(root: str, changed: float) -> Dataset:
    return data.load(root)


@st.cache_resource(show_spinner="Reading the dataset …", max_entries=8, ttl=FRESH_S)
def _own(root: str, name: str) -> Dataset:
    return inspect(root, name, keep=False).dataset()
