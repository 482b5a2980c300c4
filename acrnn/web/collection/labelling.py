"""Labels that a listener gives with a key, kept on this machine or, on a public server, in the session."""

import streamlit as st

from acrnn.collection import Entry, Label, LabelStore, esc50_table
from acrnn.errors import FolderError
from acrnn.labels import pretty
from acrnn.paths import user_labels
from acrnn.web.collection.rows import Collection
from acrnn.web.shared.downloads import download
from acrnn.web.shared.words import named, plain, sentence_of
from acrnn.web.shell.public import may_write


def read_labels() -> dict[str, str]:
    """Give the labels so far, by SHA-256; a visitor's are those of the session."""
    if not may_write():
        return st.session_state.get("labels", {})
    try:
        return LabelStore(user_labels()).read()
    except FolderError as error:
        st.error(sentence_of(error))
        return {}


def label_buttons(collection: Collection, entry: Entry, following: str | None) -> None:
    """Draw a button and a key for each likely class, a box for the others, and a way to take a label back.

    The button of the class that was given is filled.

    Parameters
    ----------
    following : str or None
        The clip to go on to.
    """
    given = collection.table.loc[entry.key, "label"]
    given = given if isinstance(given, str) else None
    st.markdown("**What is it?**" + (f" :green[:material/check: You said {named(given)}.]" if given else ""))
    st.caption("Keys 1 to 5 take a class and go on to the next clip; J and K walk through the rows; Space plays.")
    with st.container(horizontal=True, gap="small"):
        for i, (label, probability) in enumerate(entry.likely, 1):
            st.button(
                f"{named(label)} {probability:.0%}", shortcut=str(i), key=f"label_{i}",
                type="primary" if label == given else "secondary", on_click=_give,
                args=(collection, [entry], label, following),
            )  # fmt: skip
    chosen = st.selectbox(
        "Another class", collection.labels, index=None, format_func=pretty, accept_new_options=True,
        placeholder="Choose or type one", key=f"other_{entry.key[:16]}",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        st.button("Take it", disabled=not chosen, on_click=_give, args=(collection, [entry], chosen, following))
        st.button(
            "Remove the label", shortcut="0", disabled=given is None, on_click=_give,
            args=(collection, [entry], None, entry.key[:16]),
        )  # fmt: skip


def label_selected(collection: Collection, keys: list[str]) -> None:
    """Draw a way to label all the selected rows at once."""
    if not keys:
        return
    entries = [collection.entries[key] for key in keys if collection.entries[key].error is None]
    box, give = st.columns([3, 2], vertical_alignment="bottom")
    chosen = box.selectbox(
        f"Class of the {len(entries)} selected", collection.labels, index=None, format_func=pretty,
        accept_new_options=True, key="of_selected",
    )  # fmt: skip
    give.button("Label them", disabled=not chosen, on_click=_give, args=(collection, entries, chosen, None))


def export_button(collection: Collection, labels: dict[str, str]) -> None:
    """Draw a button that saves all recordings of known class in ESC-50's layout."""
    table = esc50_table(collection.entries.values(), labels)
    download(
        f"Labels in ESC-50's layout ({len(table)} rows)", lambda: table.to_csv(index=False), "esc50.csv",
        disabled=table.empty, key="esc50_csv",
        help="meta/esc50.csv of a dataset whose audio/ holds these files: your labels, else the dataset's classes.",
    )  # fmt: skip


def _give(collection: Collection, entries: list[Entry], label: str | None, following: str | None) -> None:
    """Label recordings, and go on."""
    checkpoint = collection.checkpoint.name
    labels = [
        Label(entry.key, entry.sound.name, _word(label), entry.likely[0][0] if entry.likely else None, checkpoint)
        for entry in entries
    ]
    if may_write():
        try:
            LabelStore(user_labels()).add(labels)
        except FolderError as error:
            st.toast(plain(str(error)), icon=":material/error:")
            return
    else:
        mine = dict(st.session_state.get("labels", {}))
        for one in labels:
            mine.pop(one.sha256, None) if one.label is None else mine.update({one.sha256: one.label})
        st.session_state["labels"] = mine
    if following is not None:
        st.session_state["row"] = following


def _word(label: str | None) -> str | None:
    """Give a class as datasets write it: `crying_baby`."""
    return None if label is None else "_".join(label.split())[:100] or None
