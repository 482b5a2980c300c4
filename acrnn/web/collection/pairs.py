"""Pairs of recordings that are nearly the same, and any two recordings side by side."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st

from acrnn.collection import Entry
from acrnn.collection.duplicates import (
    Member,
    agreement,
    check_waveforms,
    named_pairs,
    near_duplicates,
    tell_pairs,
    waveform_of,
)
from acrnn.collection.neighbours import most_similar
from acrnn.errors import AcrnnError
from acrnn.labels import pretty
from acrnn.report.table import csv_text
from acrnn.web.collection.rows import Collection, verdict
from acrnn.web.shared.analysis import page_limits
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.downloads import download
from acrnn.web.shared.rows import choosable, height_px
from acrnn.web.shared.side_by_side import Side, show_sides
from acrnn.web.shared.words import named, plain, sentence_of
from acrnn.web.shell import address
from acrnn.web.shell.public import turns

MOST_PAIRS = 500
"""Of different recordings; the command line takes more."""
TALL_PX = 420
SHOWN = {"all": "all", "same": "the same sound", "folds": "in different folds"}


def show_pairs(entries: Sequence[Entry], collection: Collection) -> None:
    """Draw the pairs that are most alike, as a list to listen to, and the chosen one side by side."""
    heard = [entry for entry in entries if entry.features is not None]
    if len(heard) < 2:
        st.info("Pairs need two recordings or more, of a network that has features to compare.")
        return
    members = [Member.of(entry) for entry in heard]
    try:
        found = _pairs(heard, members, hash(tuple(members)), collection.checkpoint.config.key)
    except (AcrnnError, OSError) as error:
        st.error(sentence_of(error))
        return
    told = named_pairs(members, found)
    st.markdown(tell_pairs(told))
    shown = address.one_of(st.segmented_control, "Pairs", SHOWN, format_func=SHOWN.get, key="pairs")
    passes = {"all": told["first"].notna(), "same": told["same_sound"], "folds": told["across_folds"].fillna(False)}
    passes = passes[shown].astype(bool)
    found, told = found[passes], told[passes]
    if told.empty:
        st.info("No such pair.", icon=":material/filter_alt_off:")
        return
    chosen = _choose(heard, found, told)
    download("Pairs (CSV)", lambda: csv_text(told, float_format="%.6f"), "near-duplicates.csv")
    if chosen is not None:
        show_two(chosen, collection)


@st.cache_data(show_spinner="Comparing the recordings …", max_entries=8)
def _pairs(_heard: Sequence[Entry], _members: Sequence[Member], key: int, checkpoint: str) -> pd.DataFrame:
    found = near_duplicates(_members, np.stack([entry.features for entry in _heard]), MOST_PAIRS)
    with turns().take():
        return check_waveforms(found, lru_cache(maxsize=500)(lambda i: _waveform(_heard[i])))


def _waveform(entry: Entry) -> np.ndarray:
    return waveform_of(entry.sound.read(), entry.sound.name, page_limits())


def _choose(heard: Sequence[Entry], found: pd.DataFrame, told: pd.DataFrame) -> tuple[Entry, Entry] | None:
    """Draw the list and the choice of one of its pairs."""
    pairs = [(heard[a], heard[b]) for a, b in zip(found["a"], found["b"], strict=True)]
    by_word = {f"{a.key[:12]}-{b.key[:12]}": (a, b) for a, b in pairs}
    words = [f"{a.key[:12]}-{b.key[:12]}" for a, b in pairs]
    place = st.container()
    word = address.none_or_one_of(
        "Hear a pair", list(by_word), key="pair", placeholder="Choose one here, or click its row",
        format_func=lambda word: " and ".join(one.sound.name for one in by_word[word]) if word in by_word else word,
    )  # fmt: skip
    folds = [None if pd.isna(row.fold_a) else f"{row.fold_a}, {row.fold_b}" for row in told.itertuples()]
    table = told.assign(what=[_what(row) for row in told.itertuples()], folds=folds)
    for name in ("label_a", "label_b"):
        table[name] = table[name].map(pretty, na_action="ignore")
    table = table[list(_COLUMNS)].dropna(axis="columns", how="all")
    with place:
        choosable(
            table, words, "pair", key="pairlist", column_config=_COLUMNS, height=height_px(len(table), TALL_PX),
            alt="Pairs of recordings; Hear a pair, below, opens one of them",
        )  # fmt: skip
    return by_word.get(word)


_COLUMNS = {
    "first": st.column_config.TextColumn(width=150),
    "label_a": st.column_config.TextColumn("its class", width=100),
    "second": st.column_config.TextColumn(width=150),
    "label_b": st.column_config.TextColumn("its class", width=100),
    "what": st.column_config.TextColumn("what it is", width=160),
    "similarity": st.column_config.NumberColumn(
        "cosine", format="%.3f", width=70, help="Of the features before this network's output layer."
    ),
    "waveform": st.column_config.NumberColumn(
        "waveforms", format="%.2f", width=90,
        help="Correlation of the waveforms, laid over each other where they agree most: the middle one of three bands.",
    ),
    "folds": st.column_config.TextColumn(width=60),
}  # fmt: skip


def _what(row: tuple) -> str:
    if row.copies:
        return "a copy"
    if row.same_source:
        return "cuts of one recording"
    return "the same sound" if row.same_sound else "alike to the network"


def show_two(pair: tuple[Entry, Entry], collection: Collection) -> None:
    """Draw two recordings side by side, and say how much alike they are."""
    sides = [_side(entry, key, collection) for entry, key in zip(pair, ("one", "other"), strict=True)]
    show_sides(sides, "two-clips-finding")
    if (told := _alike(*pair)) is not None:
        st.caption(told)


def _side(entry: Entry, key: str, collection: Collection) -> Side:
    sound, clip, problem = entry.sound, None, None
    if entry.error is not None:
        return Side(key, sound.name, "", None, collection.checkpoint, plain(entry.error))
    try:
        clip = ChosenClip(sound.name, sound.read(), entry.key, sound.truth, sound.fold, dataset=sound.dataset)
    except OSError as error:
        problem = plain(f"{sound.name} cannot be read any more ({error.strerror}).")
    told = verdict(entry) if sound.truth is None else f"{verdict(entry)}; the dataset says {named(sound.truth)}"
    return Side(key, sound.name, told, clip, collection.checkpoint, problem)


def _alike(one: Entry, other: Entry) -> str | None:
    """Say how much alike two recordings are to the network and by their waveforms; None if that cannot be told."""
    if one.features is None or other.features is None:
        return None
    (cosine,) = most_similar(np.stack([one.features, other.features]), 0, 1)["similarity"]
    told = f"Cosine of their features before the output layer: {cosine:.2f}."
    try:
        found = agreement(_waveform(one), _waveform(other))
    except (AcrnnError, OSError):
        return told
    if not found.is_same:
        return f"{told} Their waveforms do not hold the same sound (correlation {found.correlation:.2f})."
    later = f"{abs(found.lag_s):.2f} s {'later' if found.lag_s > 0 else 'earlier'} in the second"
    where = "" if abs(found.lag_s) < 0.01 else f", {later}"
    return f"{told} Their waveforms hold the same sound (correlation {found.correlation:.2f}{where})."
