"""Which sounds a collection is of, and what a network says of each, kept for the whole process."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from acrnn import data
from acrnn.audio.containers import SUFFIXES
from acrnn.checkpoints import Checkpoint
from acrnn.collection import Entry, Listener, Sound
from acrnn.errors import AcrnnError
from acrnn.scan import find_files
from acrnn.web.shared.analysis import Kept, page_limits, predictor_of
from acrnn.web.shared.clips import offer_download
from acrnn.web.shared.datasets import clip_word, read_source, sources
from acrnn.web.shared.words import plain, sentence_of
from acrnn.web.shell import address
from acrnn.web.shell.public import admit_upload, is_public, let_upload_go, spend, turns, upload_limit_mb

MOST = 5000
"""Recordings of one collection: the command line scans more."""
KEPT = 20_000
"""Entries kept for everybody, about 6 kB each."""


def choose_sounds(held_out_fold: int) -> list[Sound]:
    """Widgets to choose several sounds; none as long as nothing is chosen."""
    ways = {"dataset": lambda: _of_dataset(held_out_fold), "folder": _of_folder, "uploads": _of_uploads}
    if is_public():
        ways.pop("folder")
    way = address.one_of(st.pills, "Sounds", list(ways), format_func=str.capitalize, key="of")
    sounds = ways[way]()
    if len(sounds) > MOST:
        st.warning(f"The first {MOST} of {len(sounds)} are listened to; `python -m acrnn scan` takes any number.")
    return sounds[:MOST]


def _of_dataset(held_out_fold: int) -> list[Sound]:
    found = sources()
    if not found:
        offer_download()
        return []
    root, own = found[address.one_of(st.selectbox, "Dataset", list(found), key="data")]
    try:
        dataset = read_source(root, own)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return []
    default = [held_out_fold] if held_out_fold in dataset.folds else dataset.folds[:1]
    folds = address.some_of(
        st.multiselect, "Folds", dataset.folds, default=list(default), key="folds",
        help=None if data.is_own(dataset.name) else f"The chosen network never heard fold {held_out_fold} of ESC-50; "
        "on the others it is better than it would be elsewhere.",
    )  # fmt: skip
    return [
        Sound(clip_word(clip), clip.path, None, clip.label, clip.fold, clip.source, dataset.name)
        for clip in dataset.clips
        if clip.fold in folds
    ]


def _of_folder() -> list[Sound]:
    root = data.data_root()
    folders = {folder.name: folder for folder in _folders_in(root)}
    if not folders:
        st.info("There is no folder among the server's data; `ACRNN_DATA` names where they are looked for.")
        return []
    folder = folders[address.one_of(st.selectbox, "Folder", list(folders), key="folder")]
    files = find_files([folder], lambda error: st.warning(sentence_of(error)))
    if not files:
        st.info(f"There is no recording in {plain(folder.name)}.")
    return [Sound(str(path.relative_to(folder)), path) for path in files]


def _folders_in(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _of_uploads() -> list[Sound]:
    files = st.file_uploader(
        "Audio or video files", list(SUFFIXES), accept_multiple_files=True, key="uploads",
        max_upload_size=upload_limit_mb(),
    )  # fmt: skip
    try:
        if files:
            admit_upload("uploads", " ".join(file.file_id for file in files), sum(file.size for file in files))
    except AcrnnError as error:
        st.error(sentence_of(error))
        return []
    if files:
        st.session_state["kept_uploads"] = [Sound(Path(file.name).name, content=file.getvalue()) for file in files]
    kept = st.session_state.get("kept_uploads", [])
    if kept and not files and st.button(f"Forget the {len(kept)} uploaded before", icon=":material/delete:"):
        st.session_state.pop("kept_uploads")
        let_upload_go("uploads")
        return []
    return kept


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept(KEPT)


def listen_to_all(
    sounds: list[Sound], checkpoint: Checkpoint, on_progress: Callable[[int, int], object]
) -> tuple[list[Entry], bool]:
    """Give the entries of sounds, in their order; those that were listened to before are taken from there.

    Parameters
    ----------
    on_progress : callable
        Told how many are done, and of how many.

    Returns
    -------
    entries : list of Entry
    complete : bool
        False if the server gives this visitor no more; the entries are of what was done.
    """
    listener, entries = Listener(predictor_of(checkpoint), page_limits()), []
    for sound in sounds:
        key = (sound.identity, checkpoint.config.key)
        entry = _kept().get(key)
        if entry is None:
            on_progress(len(entries), len(sounds))
            with turns().take():
                entry = listener(sound)
            _kept().put(key, entry, 1)
            try:
                spend(entry.duration_s or 0.0)
            except AcrnnError as error:
                st.warning(sentence_of(error))
                return [*entries, entry], False
        entries.append(replace(entry, sound=sound))
    return entries, True
