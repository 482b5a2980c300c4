"""The map of a collection, on which a lasso picks rows, and what is like a clip."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from acrnn.collection import Entry, map_of, most_similar
from acrnn.collection.neighbours import FEWEST
from acrnn.figures.collection import COLOURINGS, map_figure
from acrnn.web.collection.rows import Collection
from acrnn.web.shell import address

N_SIMILAR = 6


@st.cache_data(show_spinner="Laying out the map …", max_entries=8)
def _points(_features: np.ndarray, keys: tuple[str, ...], checkpoint: tuple) -> np.ndarray:
    return map_of(_features)


def show_map(collection: Collection) -> None:
    """Draw the map of all the recordings that have features."""
    entries = [entry for entry in collection.entries.values() if entry.features is not None]
    if len(entries) < FEWEST:
        st.info(f"A map needs {FEWEST} recordings or more, of a network that has features to compare.")
        return
    colouring = address.one_of(st.segmented_control, "Colour", COLOURINGS, key="colour")
    keys = tuple(entry.key for entry in entries)
    points = _points(np.stack([entry.features for entry in entries]), keys, collection.checkpoint.config.key)
    figure = map_figure(points, collection.table.loc[list(keys)], colouring, collection.labels)
    st.plotly_chart(
        figure, key="map", on_select=_lassoed, selection_mode=["lasso", "box", "points"],
        alt="Map of the collection: recordings that are alike to the network lie near each other",
    )  # fmt: skip
    st.caption(
        f"{len(entries)} recordings by the {entries[0].features.size} features before the output layer, in two "
        "dimensions by t-SNE. Near means alike to this network; distances between groups, and their sizes, mean "
        "little. Draw a lasso to keep its recordings in the table; click one to open it."
    )


def _lassoed() -> None:
    picked = st.session_state["map"]["selection"]["points"]
    keys = [_key(point["customdata"]) for point in picked if point.get("customdata")]
    if len(keys) == 1:
        st.session_state["row"] = keys[0][:16]
    elif keys:
        st.session_state["lassoed"] = keys
    else:
        st.session_state.pop("lassoed", None)


def _key(customdata: str | Sequence[str]) -> str:
    return customdata if isinstance(customdata, str) else customdata[0]


def similar_to(entry: Entry, collection: Collection, rows: pd.DataFrame) -> list[tuple[Entry, float]]:
    """Give the recordings of the rows that are most like one, the most alike first."""
    if entry.features is None:
        return []
    others = [collection.entries[key] for key in rows["key"] if key != entry.key]
    others = [other for other in others if other.features is not None]
    found = most_similar(np.stack([entry.features, *(other.features for other in others)]), 0, N_SIMILAR)
    return [(others[row - 1], similarity) for row, similarity in zip(found["row"], found["similarity"], strict=True)]
