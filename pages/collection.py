"""Collection: many recordings at once, to sort, to hear, to label, and to see which are alike."""

import streamlit as st

from acrnn.collection import table_of
from acrnn.web.collection import labelling, pairs, rows
from acrnn.web.collection import map as embedding
from acrnn.web.collection.gather import choose_sounds, listen_to_all
from acrnn.web.shared.models import choose_checkpoint, describe_accuracy
from acrnn.web.shell import address
from acrnn.web.shell.router import through_app

through_app()

st.title("Collection", anchor=False)
with st.sidebar:
    checkpoint = choose_checkpoint()
    if checkpoint is None:
        st.stop()
    st.caption(describe_accuracy(checkpoint))
    st.divider()
    sounds = choose_sounds(checkpoint.config.fold)
if not sounds:
    st.info("Choose or upload sounds in the sidebar: many at once.", icon=":material/library_music:")
    st.stop()

place = st.empty()
entries, _ = listen_to_all(
    sounds, checkpoint, lambda n, of: place.progress(n / of, f"Listening to {n + 1} of {of} … What is done is kept.")
)
place.empty()

labels = labelling.read_labels()
by_key = {entry.key: entry for entry in reversed(entries)}
by_key = {key: by_key[key] for key in dict.fromkeys(entry.key for entry in entries)}
table = table_of(list(by_key.values()), labels, checkpoint.config.labels).set_index("key", drop=False)
collection = rows.Collection(by_key, table, checkpoint)

said = st.empty()
table_tab, map_tab, pairs_tab = address.tabs({"table": "Table", "map": "Map", "pairs": "Near-duplicates"}, key="as")
selected: list[str] = []
if pairs_tab.open:
    with pairs_tab:
        pairs.show_pairs(entries, collection)
if map_tab.open:
    with map_tab:
        embedding.show_map(collection)
if table_tab.open:
    with table_tab:
        kept = rows.choose_rows(collection)
        if kept.empty:
            st.info("No recording passes the filters.", icon=":material/filter_alt_off:")
        else:
            selected = rows.show_table(collection, kept)
            labelling.label_selected(collection, selected)
            with st.container(horizontal=True):
                rows.save_buttons(kept, f"collection-{checkpoint.name}")
                labelling.export_button(collection, labels)
else:
    kept = table
said.markdown(rows.describe(collection, len(kept)))
if kept.empty or pairs_tab.open:
    st.stop()

st.divider()
if len(selected) == 2:
    pairs.show_two((collection.entries[selected[0]], collection.entries[selected[1]]), collection)
    st.stop()
entry = rows.choose_clip(collection, kept)
if entry is None:
    st.stop()
picture, beside = st.columns([5, 3], gap="large")
with picture:
    rows.show_clip(entry, checkpoint)
with beside:
    if entry.error is None:
        keys = list(kept["key"])
        after = keys[keys.index(entry.key) + 1 :]
        labelling.label_buttons(collection, entry, after[0][:16] if after else entry.key[:16])
        rows.similar_buttons(entry, embedding.similar_to(entry, collection, kept), rows.go_to)
