"""The choice of a clip: a bundled sample, a dataset's clip, an upload or a recording; the URL says which."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from acrnn import data
from acrnn.audio import encode_wav, open_audio
from acrnn.audio.containers import SUFFIXES
from acrnn.audio.scenes import SCENES, TITLES, render
from acrnn.data import Dataset, sha256_of
from acrnn.data.download import download
from acrnn.errors import AcrnnError, TruncatedAudioError
from acrnn.labels import pretty
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.datasets import clip_word, read_source, sources
from acrnn.web.shared.words import named, plain, sentence_of
from acrnn.web.shell import address
from acrnn.web.shell.public import admit_upload, let_upload_go, may_write, upload_limit_mb

FIRST_SCENE = "dog"
"""Shown to who has chosen nothing: of the scenes, one that the default checkpoint is sure of from end to end."""


def choose_clip(held_out_fold: int, upload_at: DeltaGenerator | None = None) -> ChosenClip | None:
    """Widgets to choose a clip; None as long as there is none.

    Parameters
    ----------
    held_out_fold : int
        The fold that a dataset's clips are offered from first.
    upload_at : DeltaGenerator, optional
        Where a file can be uploaded whatever is chosen; by default among the other widgets once *Upload* is chosen.
    """
    choose = {
        "sample": _sample,
        "dataset": lambda: _dataset_clip(held_out_fold),
        "upload": lambda: _upload(file),
        "record": _record,
    }
    st.session_state.setdefault("opened_with", st.query_params.get("source"))
    source = address.one_of(st.pills, "Sound", list(choose), format_func=str.capitalize, key="source")
    file = None
    if upload_at is not None or source == "upload":
        with upload_at or nullcontext():
            file = _uploader()
    return choose[source]()


@st.cache_data(show_spinner=False)
def _scene_wav(label: str) -> bytes:
    scene = render(label)
    return encode_wav(scene.samples, scene.rate_hz)


def _sample() -> ChosenClip:
    label = address.one_of(
        st.selectbox, "Synthetic scene", SCENES, default=FIRST_SCENE, format_func=pretty, key="sample",
        help="Ten scenes synthesised by `acrnn.audio.scenes`, one for each class of ESC-10, so that the app works "
        "without a download. No model was trained on them.",
    )  # fmt: skip
    st.caption(TITLES[label])
    return scene_clip(label)


def scene_clip(label: str) -> ChosenClip:
    """Give the bundled scene of a class of ESC-10."""
    content = _scene_wav(label)
    about = f"Synthetic: {TITLES[label][0].lower()}{TITLES[label][1:]}."
    return ChosenClip(f"{label}.wav", content, sha256_of(content), truth=label, about=about)


def dataset_clip(clip: data.Clip, dataset: Dataset) -> ChosenClip:
    """Read a dataset's clip; raises OSError if its file cannot be read."""
    content = clip.path.read_bytes()
    return ChosenClip(
        Path(clip_word(clip)).name,
        content,
        sha256_of(content),
        clip.label,
        clip.fold,
        dataset.fingerprint(),
        dataset.name,
    )


def _dataset_clip(held_out_fold: int) -> ChosenClip | None:
    found = sources()
    if not found:
        offer_download()
        return None
    root, name = found[address.one_of(st.selectbox, "Dataset", list(found), key="data")]
    try:
        dataset = read_source(root, name)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return None
    label = address.one_of(st.selectbox, "Class", dataset.labels, format_func=pretty, key="label")
    fold = address.one_of(
        st.selectbox, "Fold", dataset.folds, default=held_out_fold, key="clipfold",
        help=None if data.is_own(dataset.name) else f"The chosen network never heard fold {held_out_fold} of ESC-50.",
    )  # fmt: skip
    clips = {clip_word(clip): clip for clip in dataset.fold(fold) if clip.label == label}
    if not clips:
        st.info(f"Fold {fold} has no clip of {named(label)}. Choose another fold.")
        return None
    clip = clips[address.one_of(st.selectbox, "Clip", list(clips), key="clip")]
    try:
        return dataset_clip(clip, dataset)
    except OSError as error:
        st.error(
            f"{plain(clip.path.name)} cannot be read ({error.strerror}); every clip of the dataset is expected there."
        )
        return None


def offer_download() -> None:
    """Say that no dataset is there, and download one on request of somebody who may."""
    if not may_write():
        st.info("There is no dataset on this server. Upload a file, or take one of the samples.")
        return
    st.info("No dataset here yet. ESC-10 (400 clips) and ESC-50 (2000) come in one public archive of about 600 MB.")
    name = st.segmented_control(
        "Dataset to download", list(data.TITLES), format_func=data.TITLES.get, default="esc10", required=True
    )
    if not st.button(f"Download {data.TITLES[name]}", icon=":material/download:"):
        return
    bar = st.progress(0.0, text="Connecting …")

    def show(done: int, total: int | None) -> None:
        told = f"{done / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else "")
        bar.progress(min(done / total, 1.0) if total else 0.0, text=told)

    try:
        download(name, data.data_root(), on_progress=show)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return
    st.rerun()


def _uploader() -> UploadedFile | None:
    limit_mb = upload_limit_mb()
    return st.file_uploader(
        "Upload your own sound", list(SUFFIXES), key="upload", on_change=_uploaded, max_upload_size=limit_mb,
        help=f"One audio or video file of up to {limit_mb} MB; the next one takes its place. Any rate from 4 to 384 "
        "kHz, any number of channels, 20 ms to an hour and a half. The command line takes recordings of many hours.",
    )  # fmt: skip


def _uploaded() -> None:
    """Take an upload as the sound, whatever was chosen before."""
    _forget("upload")
    if st.session_state["upload"] is not None:
        st.session_state["source"] = "upload"


def _upload(file: UploadedFile | None) -> ChosenClip | None:
    if not _is_admitted("upload", file):
        return None
    clip = _kept("upload", None if file is None else _from_bytes(Path(file.name).name, file.getvalue()))
    if clip is None and st.session_state["opened_with"] == "upload":
        st.caption("An upload does not survive a reload, and a link does not carry it. Please upload the file again.")
    return None if clip is None else _as_chosen(clip)


def _record() -> ChosenClip | None:
    file = st.audio_input("Microphone", sample_rate=44_100, key="record", on_change=_forget, args=("record",))
    if not _is_admitted("record", file):
        return None
    return _kept("record", None if file is None else _from_bytes("recording.wav", file.getvalue()))


def _is_admitted(widget: str, file: UploadedFile | None) -> bool:
    """Count what a widget holds; False, and said so, if the server holds too much already."""
    try:
        if file is not None:
            admit_upload(widget, file.file_id, file.size)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return False
    return True


def show_unusable(error: AcrnnError, clip: ChosenClip) -> None:
    """Say why a sound cannot be used, and offer what is there of one that is cut short."""
    st.error(sentence_of(error), icon=":material/hearing_disabled:")
    if isinstance(error, TruncatedAudioError) and not clip.partial:
        st.button("Use what is there", icon=":material/content_cut:", on_click=_use_what_is_there, args=(clip,))


def _use_what_is_there(clip: ChosenClip) -> None:
    """Use what is there of an upload that is cut short, from now on."""
    st.session_state[f"partial_{clip.key.partition('-')[0]}"] = True


def _as_chosen(clip: ChosenClip) -> ChosenClip:
    """Offer the channels of an upload that has several, and remember whether what is there of it is to be used."""
    partial = st.session_state.get(f"partial_{clip.key}", False)
    channel, n_channels = None, _n_channels(clip.content, clip.key)
    if n_channels > 1:
        channel = st.selectbox(
            "Channel", [None, *range(1, n_channels + 1)], key=f"channel_{clip.key}",
            format_func=lambda i: "mean of those with sound" if i is None else f"channel {i}",
        )  # fmt: skip
    key = clip.key + (f"-{channel}" if channel else "") + ("-partial" if partial else "")
    return replace(clip, key=key, channel=channel, partial=partial)


@st.cache_data(show_spinner=False, max_entries=64)
def _n_channels(_content: bytes, key: str) -> int:
    try:
        with open_audio(_content, partial=True) as file:
            return file.n_channels
    except AcrnnError:  # which the analysis tells
        return 1


def _kept(key: str, clip: ChosenClip | None) -> ChosenClip | None:
    """Give the clip, or the one that was given on another page: Streamlit empties these two widgets on the way."""
    if clip is not None:
        st.session_state[f"kept_{key}"] = clip
        return clip
    kept = st.session_state.get(f"kept_{key}")
    if kept is not None:
        st.caption(f"Still using {plain(kept.name)}.")
    return kept


def _forget(key: str) -> None:
    st.session_state.pop(f"kept_{key}", None)
    let_upload_go(key)


def _from_bytes(name: str, content: bytes) -> ChosenClip:
    return ChosenClip(name, content, sha256_of(content))
