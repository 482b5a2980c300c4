"""The table of a collection: what is shown of it, in which order, and the clip that is looked into."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.collection import Entry
from acrnn.data import share_folds
from acrnn.errors import AcrnnError
from acrnn.figures import ClipView
from acrnn.labels import pretty
from acrnn.report.table import csv_text
from acrnn.web.shared.analysis import analyse, figure_of
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.clips import show_unusable
from acrnn.web.shared.downloads import download
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.player import Stretch, player
from acrnn.web.shared.words import describe_figure, named, plain
from acrnn.web.shell import address

ORDERS = {
    "given": ("as given", None, True),
    "unsure": ("least sure first", "confidence", True),
    "sure": ("surest first", "confidence", False),
    "strange": ("strangest first", "strangeness", False),
    "quiet": ("quietest first", "level (dB)", True),
    "long": ("longest first", "seconds", False),
}
"""Word in the URL → what is shown, column, whether it ascends."""
SHOWN = {
    "all": "all", "wrong": "wrong", "unsure": "unsure", "unknown": "none of its classes",
    "unlabelled": "not labelled", "error": "errors",
}  # fmt: skip


PICTURE = "picture"
ROW_PX, TALL_PX, SHORT_PX = 50, 560, 340
"""Of a row, of the table alone, and of the table over a clip."""


@dataclass(frozen=True)
class Collection:
    """A collection as a page has it.

    Attributes
    ----------
    entries : dict of str to Entry
        By key; of two recordings with the same content the first.
    table : DataFrame
        Of all, as `acrnn.collection.table_of` gives it; `key` is the index too.
    checkpoint : Checkpoint
        Which network spoke.
    """

    entries: dict[str, Entry]
    table: pd.DataFrame
    checkpoint: Checkpoint

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's classes."""
        return self.checkpoint.config.labels


def choose_rows(collection: Collection) -> pd.DataFrame:
    """Widgets to filter and to order the table; gives the rows that are left."""
    table = collection.table
    heard = [label for label in collection.labels if (table["predicted"] == label).any()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = address.one_of(st.selectbox, "Show", SHOWN, format_func=SHOWN.get, key="show")
        classes = address.some_of(st.multiselect, "Predicted", heard, format_func=pretty, key="predicted")
        order = address.one_of(
            st.selectbox, "Order", ORDERS, format_func=lambda word: ORDERS[word][0], key="orderby",
            help="A click on the head of a column orders what is shown below, too.",
        )  # fmt: skip
    table = table[_passes(table, shown)]
    if classes:
        table = table[table["predicted"].isin(classes)]
    if (lassoed := st.session_state.get("lassoed")) is not None:
        table = table[table["key"].isin(lassoed)]
        st.button(
            f"The map keeps {len(table)} of them; show all again", icon=":material/close:",
            on_click=partial(st.session_state.pop, "lassoed", None),
        )  # fmt: skip
    _, column, ascends = ORDERS[order]
    return table if column is None else table.sort_values(column, ascending=ascends, kind="stable")


def _passes(table: pd.DataFrame, shown: str) -> pd.Series:
    return {
        "all": pd.Series(True, table.index),
        "wrong": table["right"].eq(False).fillna(False),
        "unknown": table["known"].eq(False).fillna(False),
        "unsure": table["unsure"].eq(True).fillna(False),
        "unlabelled": table["label"].isna(),
        "error": table["error"].notna(),
    }[shown].astype(bool)


def show_table(collection: Collection, rows: pd.DataFrame) -> list[str]:
    """Draw the rows with thumbnails; gives the keys of those that are selected.

    A click on a cell opens its clip below, one on the picture plays it, too; two selected rows are shown side by side.
    """
    told = rows.drop(columns=["key", "unsure", *(["error"] if rows["error"].isna().all() else [])])
    for column in ("predicted", "second", "label", "true class"):
        told[column] = told[column].map(pretty, na_action="ignore")
    told[["confidence", "strangeness"]] *= 100
    told.insert(0, PICTURE, [_data_url(collection.entries[key].thumbnail) for key in rows["key"]])
    told = told.dropna(axis="columns", how="all")
    answer = st.dataframe(
        told, hide_index=True, key="rows", on_select=partial(_cell_clicked, list(rows["key"])),
        height=min(SHORT_PX if _is_something_below() else TALL_PX, 40 + ROW_PX * len(told)),
        selection_mode=["multi-row", "single-cell"], row_height=ROW_PX, column_config=_COLUMNS,
        alt="The collection: a row a recording; Clip, below, opens one of them",
    )  # fmt: skip
    return [rows["key"].iloc[i] for i in answer["selection"]["rows"] if i < len(rows)]


def _is_something_below() -> bool:
    """Whether a clip, or the two that are selected, will be drawn under the table."""
    selection = st.session_state.get("rows", {}).get("selection", {})
    return st.session_state.get("row") is not None or len(selection.get("rows", ())) == 2


_COLUMNS = {
    PICTURE: st.column_config.ImageColumn(
        "spectrogram, attention", width=150, pinned=True, help="A click plays the recording."
    ),
    "file": st.column_config.TextColumn(width=125),
    "predicted": st.column_config.TextColumn(width=105),
    "second": st.column_config.TextColumn(width=115),
    "confidence": st.column_config.ProgressColumn(
        format="%.0f %%",
        min_value=0,
        max_value=100,
        width=105,
        help="Probability of the predicted class, calibrated if the network has been calibrated.",
    ),
    "strangeness": st.column_config.NumberColumn(
        format="%.0f %%", width=90, help="Share of clips of its classes that are less strange to the network."
    ),
    "known": st.column_config.CheckboxColumn(width=60, help="Whether it is taken for one of the classes."),
    "right": st.column_config.CheckboxColumn(
        width="small", help="Whether the prediction is your label or, without one, the dataset's class."
    ),
    "label": st.column_config.TextColumn("your label"),
    "seconds": st.column_config.NumberColumn(format="%.2f", width=70),
    "level (dB)": st.column_config.NumberColumn(format="%.0f", width=75, help="The spectrogram's loudest point."),
    "fold": st.column_config.NumberColumn(width="small"),
}


def _data_url(picture: bytes) -> str | None:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}" if picture else None


def _cell_clicked(keys: list[str]) -> None:
    cells = st.session_state["rows"]["selection"]["cells"]
    if cells and cells[0][0] < len(keys):
        st.session_state["row"] = keys[cells[0][0]][:16]
        if cells[0][1] == PICTURE:
            st.session_state["row_played"] = st.session_state["row"]
            st.session_state["row_asked"] = st.session_state.get("row_asked", 0) + 1


def _played(entry: Entry, duration_s: float) -> Stretch | None:
    """Give all of a clip to be played, if its picture was clicked."""
    if st.session_state.get("row_played") != entry.key[:16]:
        return None
    return Stretch(0.0, duration_s, False, st.session_state["row_asked"])


def choose_clip(collection: Collection, rows: pd.DataFrame) -> Entry | None:
    """Give the clip that is looked into, with buttons and keys for the previous and the next one."""
    by_word = {key[:16]: collection.entries[key] for key in rows["key"]}
    words = list(by_word)
    box, back, on = st.columns([6, 1, 1], vertical_alignment="bottom")
    with box:
        word = address.none_or_one_of(
            "Clip", words, key="row", format_func=lambda word: by_word[word].sound.name if word in by_word else word,
            placeholder="Choose one here, or click a row's picture to play it",
        )  # fmt: skip
    at = words.index(word) if word in by_word else -1
    for place, name, step, shortcut in ((back, "Previous", -1, "k"), (on, "Next", 1, "j")):
        there = at + step if at >= 0 else 0
        place.button(
            name, shortcut=shortcut, width="stretch", disabled=not 0 <= there < len(words), on_click=go_to,
            args=(words[there] if 0 <= there < len(words) else None,),
        )  # fmt: skip
    return by_word.get(word)


def go_to(word: str | None) -> None:
    """Look into another clip."""
    st.session_state["row"] = word
    st.session_state.pop("row_played", None)


def show_clip(entry: Entry, checkpoint: Checkpoint) -> None:
    """Draw a clip as Listen does, smaller, with a way there."""
    if entry.error is not None:
        st.error(plain(entry.error), icon=":material/hearing_disabled:")
        return
    sound = entry.sound
    try:
        clip = ChosenClip(sound.name, sound.read(), entry.key, sound.truth, sound.fold, dataset=sound.dataset)
        analysis = analyse(clip, checkpoint, lambda share: None)
    except AcrnnError as error:
        show_unusable(error, clip)
        return
    except OSError as error:
        st.error(plain(f"{sound.name} cannot be read any more ({error.strerror})."))
        return
    st.markdown(f"**{verdict(entry)}** · {plain(sound.name)}{_truth(entry)}")
    player(
        figure_of(analysis, ClipView()),
        analysis.sound,
        key="collected",
        clip=entry.key,
        alt=describe_figure(sound.name, checkpoint),
        filename=f"{sound.name.rsplit('.', 1)[0]}-{checkpoint.name}",
        bar=False,
        stretch=_played(entry, analysis.prediction.duration_s),
    )
    _ways_on(clip, checkpoint)


def verdict(entry: Entry) -> str:
    """Say what the network says of a recording, escaped."""
    label, confidence = entry.likely[0]
    told = f"{confidence:.0%}" if entry.known is None else f"{confidence:.0%} calibrated"
    if entry.known is False:
        return f"None of its classes; nearest: {named(label)} ({told})"
    if entry.unsure:
        return f"Unsure; most likely {named(label)} ({told})"
    return f"{named(label)}, {told}"


def _truth(entry: Entry) -> str:
    return "" if entry.sound.truth is None else f" · the dataset says {named(entry.sound.truth)}"


def _ways_on(clip: ChosenClip, checkpoint: Checkpoint) -> None:
    """Draw buttons that open the clip on the pages for one clip, as an upload."""
    with st.container(horizontal=True):
        for page, icon in (("listen", "hearing"), ("compare", "stacked_line_chart")):
            if st.button(f"Open in {page.capitalize()}", icon=f":material/{icon}:", key=f"to_{page}"):
                st.session_state["kept_upload"] = ChosenClip(clip.name, clip.content, clip.key, clip.truth)
                query = {"source": "upload", **(listen_query(checkpoint) if page == "listen" else {})}
                st.session_state["source"] = "upload"
                st.switch_page(f"pages/{page}.py", query_params=query)


def save_buttons(rows: pd.DataFrame, name: str) -> None:
    """Draw buttons that download the rows that are shown, as CSV and as Parquet."""
    told = rows.drop(columns="key").assign(sha256=rows["key"])
    download("What is shown (CSV)", lambda: csv_text(told, float_format="%.6f"), f"{name}.csv")
    download("What is shown (Parquet)", lambda: told.to_parquet(index=False), f"{name}.parquet")


def describe(collection: Collection, n_shown: int) -> str:
    """Say in a line what the collection is and how it came out, apart for clips that the network was trained on."""
    table = collection.table
    n, failed, unknown = len(table), int(table["error"].notna().sum()), int(table["known"].eq(False).sum())
    unsure = int(table["unsure"].eq(True).sum())
    told = [f"{n} recordings, {table['seconds'].sum() / 60:.1f} minutes"]
    told += [f"{unknown} taken for none of its classes"] if unknown else []
    told += [f"{unsure} unsure"] if unsure else []
    told += [f"{failed} could not be used"] if failed else []
    told += [f"{n_shown} shown"] if n_shown < n else []
    return "; ".join(told) + ". " + " ".join(_scores(collection))


def _scores(collection: Collection) -> list[str]:
    judged, config = collection.table.dropna(subset="right"), collection.checkpoint.config
    datasets = (collection.entries[key].sound.dataset for key in judged.index)
    fold = judged["fold"].where([name is None or share_folds(name, config.dataset) for name in datasets])
    parts = {
        "Correct": judged[fold.isna()],
        f"Correct on fold {config.fold}, held out of training": judged[fold.eq(config.fold)],
        "Correct on the folds that it was trained on": judged[fold.ne(config.fold) & fold.notna()],
    }
    return [
        f"{name}: {int(part['right'].sum())} of {len(part)} ({part['right'].mean():.1%})."
        for name, part in parts.items()
        if len(part)
    ]


def similar_buttons(entry: Entry, similar: Sequence[tuple[Entry, float]], on_click: Callable[[str], None]) -> None:
    """Draw the recordings most like one of them; a click goes there."""
    st.markdown("**Similar to this network**")
    for other, similarity in similar:
        picture, name = st.columns([2, 3], vertical_alignment="center", gap="small")
        with picture:
            st.image(other.thumbnail, width="stretch", alt=f"Spectrogram of {other.sound.name}")
        with name, st.container(gap=None):
            st.button(
                f"{named(other.likely[0][0])}, cosine {similarity:.2f}", key=f"similar_{other.key[:16]}",
                type="tertiary", on_click=on_click, args=(other.key[:16],),
            )  # fmt: skip
            st.caption(plain(other.sound.name))
    if not similar:
        st.caption(f"Nothing else is shown to compare {plain(entry.sound.name)} with.")
