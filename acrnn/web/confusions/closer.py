"""One clip looked into: by the network that erred, beside clips that it got right, or by two networks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from acrnn.checkpoints import Checkpoint
from acrnn.collection import most_similar
from acrnn.data import Clip, Dataset
from acrnn.errors import AcrnnError, CheckpointError, LimitError
from acrnn.inference import Prediction
from acrnn.labels import pretty
from acrnn.results.confusion import right_example, stem_of
from acrnn.results.published import checkpoint_of_fold
from acrnn.results.settings import Setting
from acrnn.web.shared.analysis import analyse
from acrnn.web.shared.clips import dataset_clip
from acrnn.web.shared.datasets import clip_word, word_of
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.side_by_side import Side, show_sides
from acrnn.web.shared.words import code, describe_attention, named, plain, sentence_of
from acrnn.web.shell import address

_SCROLL = """
let shown
export default function ({ data }) {
  if (data.clip === shown) return
  shown = data.clip
  if (!data.clip) return
  const show = () => document.querySelector(".st-key-closer")?.scrollIntoView({ behavior: "smooth", block: "start" })
  setTimeout(show, 150) // when the page has its new length
}
"""
MOST_COMPARED = 60
"""Right clips that a clip is compared with to find the nearest: the surest ones."""
_BELOW_HEAD = "<style>.st-key-closer { scroll-margin-top: 4rem }</style>"
"""Where the page scrolls to, its own head leaves room."""


@cache
def _scroller():
    return st.components.v2.component("acrnn_scroll", js=_SCROLL)


@dataclass(frozen=True)
class Closer:
    """The place on the page where a clip is looked into, and which it is."""

    place: DeltaGenerator
    back: DeltaGenerator
    on: DeltaGenerator
    chosen: str | None
    """Name of the clip, or None."""


@dataclass(frozen=True)
class View:
    """A clip of a setting: `key` is unique on the page, `title` (not escaped) and `told` (Markdown) stand above it."""

    key: str
    title: str
    told: str
    row: pd.Series
    setting: Setting


@contextmanager
def closer_below(setting: Setting) -> Iterator[Closer]:
    """Draw what the block draws, and below it the choice of a clip; gives the `Closer`, which is chosen by then."""
    above, place = st.container(), st.container(key="closer")
    with place:
        st.html(_BELOW_HEAD)
        box, back, on = st.columns([6, 1, 1], vertical_alignment="bottom")
        with box:
            chosen = address.none_or_one_of(
                "Look into a clip", setting.filenames, key="look", placeholder="Choose one here, or click its row"
            )
        _scroller()(key="closer_scroll", data={"clip": chosen})
    with above:
        yield Closer(place, back, on, chosen)


def walk_through(closer: Closer, clips: pd.DataFrame) -> None:
    """Draw buttons for the previous and the next clip of a list; the keys K and J do the same."""
    names = clips["filename"].tolist()
    at = names.index(closer.chosen) if closer.chosen in names else -1
    for place, name, step, shortcut in ((closer.back, "Previous", -1, "k"), (closer.on, "Next", 1, "j")):
        there = at + step if at >= 0 else 0
        is_there = 0 <= there < len(names)
        place.button(
            name, shortcut=shortcut, width="stretch", disabled=not is_there, on_click=look,
            args=(names[there] if is_there else None,),
        )  # fmt: skip


def look(filename: str | None) -> None:
    """Look into a clip, or into none."""
    st.session_state["look"] = filename


def show_closer(closer: Closer, setting: Setting, clips: pd.DataFrame, dataset: Dataset | None) -> None:
    """Show the chosen clip as the model of its fold sees it, beside right ones of the predicted and the true class.

    Any other clip of the setting can be chosen to stand beside it in their place.
    """
    if closer.chosen is None:
        return
    with closer.place:
        row = clips[clips["filename"] == closer.chosen].iloc[0]
        st.header(_headline(row), anchor=False)
        try:
            checkpoint = checkpoint_of_fold(setting, row["fold"])
        except CheckpointError as error:
            st.info(f"{sentence_of(error)} Only its stored probabilities can be shown.", icon=":material/info:")
            _stored(setting, closer.chosen)
            return
        beside = choose_beside(setting, clips, row, checkpoint, dataset)
        views, lacking = [View("chosen", "This clip", _tell_true(row), row, setting)], []
        if beside is None:
            peers, lacking = _peers(setting, clips, row)
            views += peers
        else:
            told = f"{plain(beside['filename'])}: {_headline(beside)}"
            views.append(View("beside", "Beside it", told, beside, setting))
        predictions = show_views(views, dataset)
        if lacking:
            st.caption(f"In this fold the network classified no other clip of {' or '.join(lacking)} correctly.")
        if beside is not None and beside["fold"] == row["fold"] and (told := _cosine(predictions)):
            st.caption(told)
        seen = "" if predictions[0] is None else describe_attention(predictions[0], checkpoint)
        st.caption(f"By {code(checkpoint.name)}, which never saw fold {row['fold']} in training. {seen}")


def _peers(setting: Setting, clips: pd.DataFrame, row: pd.Series) -> tuple[list[View], list[str]]:
    """Give right clips of the predicted and of the true class, and the classes that have none."""
    views, lacking = [], []
    for key, label in {"peer": row["predicted"], "truepeer": row["true"]}.items():
        if key == "truepeer" and row["right"]:
            continue
        example = right_example(clips, row, label)
        if example is None:
            lacking.append(named(label))
        else:
            title = f"a {pretty(label)} that it classified correctly".capitalize()
            views.append(View(key, title, _tell_example(example, row), example, setting))
    return views, lacking


def _tell_true(row: pd.Series) -> str:
    return f"{plain(row['filename'])}, true class {named(row['true'])}"


def _cosine(predictions: Sequence[Prediction | None]) -> str | None:
    """Say how alike the two are to the one network that heard both."""
    if any(one is None or one.features is None for one in predictions):
        return None
    (cosine,) = most_similar(np.stack([one.features for one in predictions]), 0, 1)["similarity"]
    return f"Cosine of their features before the output layer: {cosine:.2f}."


def show_both(
    closer: Closer, settings: Sequence[Setting], clips: Sequence[pd.DataFrame], dataset: Dataset | None
) -> None:
    """Show the chosen clip as the networks of two settings see it, of those that have scored it.

    Parameters
    ----------
    settings, clips
        Two settings, and the clips of each by `clip_table`.
    """
    if closer.chosen is None:
        return
    with closer.place:
        views, stem = [], stem_of(closer.chosen)
        for which, setting, table in zip(("first", "second"), settings, clips, strict=True):
            for _, row in table[[stem_of(name) == stem for name in table["filename"]]].iterrows():
                views.append(View(which, f"The {which}: {setting.name}", _headline(row), row, setting))
        row = views[0].row
        st.header(f"{named(row['true']).capitalize()}, {plain(row['filename'])}", anchor=False)
        show_views(views, dataset)
        st.caption(
            f"Each by the network of its setting that never saw fold {row['fold']} in training. Attention shows where "
            "a network looked, not why."
        )


def show_views(views: Sequence[View], dataset: Dataset | None) -> list[Prediction | None]:
    """Draw views side by side; gives what each network says, None where there is no network or no sound."""
    by_key = {view.key: view for view in views}

    def below(side: Side, prediction: Prediction) -> None:
        row = by_key[side.key].row
        if prediction.label != row["predicted"]:
            st.caption(f"The stored prediction was {named(row['predicted'])}: from other files, or a mean over seeds.")
        _open_in_listen(sounds_by_stem(dataset)[stem_of(row["filename"])], dataset, side.checkpoint)

    return show_sides(
        [_side(view, dataset) for view in views],
        f"{stem_of(views[0].row['filename']).replace('/', '-')}-finding",
        instead=lambda side: _stored(by_key[side.key].setting, by_key[side.key].row["filename"]),
        below=below,
    )


def _side(view: View, dataset: Dataset | None) -> Side:
    """Find the sound of a view and the checkpoint of its fold, as far as they are there."""
    found = sounds_by_stem(dataset).get(stem_of(view.row["filename"]))
    clip = checkpoint = problem = None
    try:
        checkpoint = checkpoint_of_fold(view.setting, view.row["fold"])
        clip = None if found is None else replace(dataset_clip(found, dataset), truth=view.row["true"])
    except (AcrnnError, OSError) as error:
        problem = sentence_of(error)
    return Side(view.key, view.title, view.told, clip, checkpoint, problem)


def choose_beside(
    setting: Setting, clips: pd.DataFrame, row: pd.Series, checkpoint: Checkpoint, dataset: Dataset | None
) -> pd.Series | None:
    """Choose a clip to stand beside the chosen one; one click takes the nearest right clip of its true class."""
    if st.session_state.get("beside_of", row["filename"]) != row["filename"]:
        st.session_state["beside"] = None  # it stood beside another clip
    st.session_state["beside_of"] = row["filename"]
    box, nearest = st.columns([5, 3], vertical_alignment="bottom")
    asked = nearest.button(
        f"Nearest right {named(row['true'])}", icon=":material/compare_arrows:", width="stretch", key="nearest",
        disabled=dataset is None,
        help="Of the clips of its true class and fold that this network classified correctly, the one whose features "
        "before the output layer are most like this clip's.",
    )  # fmt: skip
    if asked and (found := _nearest_right(setting, clips, row, checkpoint, dataset)) is not None:
        st.session_state["beside"] = found
    with box:
        beside = address.none_or_one_of(
            "Beside it", [name for name in setting.filenames if name != row["filename"]], key="beside",
            placeholder="Any other clip, in place of those below",
        )  # fmt: skip
    return None if beside is None else clips[clips["filename"] == beside].iloc[0]


def _nearest_right(
    setting: Setting, clips: pd.DataFrame, row: pd.Series, checkpoint: Checkpoint, dataset: Dataset
) -> str | None:
    """Find the right clip of the true class and fold that is most like a clip to the network; None, and said why."""
    right = clips[clips["right"] & (clips["true"] == row["true"]) & (clips["fold"] == row["fold"])]
    right = right[right["filename"] != row["filename"]].nlargest(MOST_COMPARED, "confidence")
    sounds, heard = sounds_by_stem(dataset), {}
    with st.spinner("Comparing …"):
        for name in (row["filename"], *right["filename"]):
            found = sounds.get(stem_of(name))
            try:
                prediction = found and analyse(dataset_clip(found, dataset), checkpoint, lambda share: None).prediction
            except LimitError as error:
                st.info(sentence_of(error), icon=":material/info:")
                return None
            except (AcrnnError, OSError):
                continue
            if prediction is not None and prediction.features is not None:
                heard[name] = prediction.features
    if row["filename"] not in heard or len(heard) < 2:
        st.info(f"There is no right clip of {named(row['true'])} in fold {row['fold']} to compare it with.")
        return None
    names = list(heard)
    return names[int(most_similar(np.stack(list(heard.values())), 0, 1)["row"].iloc[0])]


def _tell_example(example: pd.Series, row: pd.Series) -> str:
    same = ", cut from the same recording" if example["recording"] and example["recording"] == row["recording"] else ""
    return f"{plain(example['filename'])}, {example['confidence']:.0%}{same}"


def _headline(row: pd.Series) -> str:
    if row["right"]:
        return f"{named(row['true'])}, classified correctly with {row['confidence']:.0%}".capitalize()
    return (
        f"{named(row['true'])}, mistaken for {named(row['predicted'])} with {row['confidence']:.0%} "
        f"(true class: {row['p_true']:.0%})"
    ).capitalize()


def _open_in_listen(clip: Clip, dataset: Dataset, checkpoint: Checkpoint) -> None:
    st.page_link(
        "pages/listen.py", label="Open in Listen", icon=":material/hearing:",
        query_params={
            "source": "dataset", "data": word_of(dataset), "label": clip.label, "clipfold": str(clip.fold),
            "clip": clip_word(clip), **listen_query(checkpoint),
        },
    )  # fmt: skip


def _stored(setting: Setting, filename: str) -> None:
    probabilities = setting.probabilities[setting.filenames.index(filename)]
    table = pd.DataFrame({"class": [pretty(label) for label in setting.labels], "probability": 100 * probabilities})
    st.dataframe(
        table.nlargest(5, "probability"), hide_index=True, width=420, alt=f"Stored probabilities of {filename}",
        column_config={"probability": st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)},
    )  # fmt: skip


def sounds_by_stem(dataset: Dataset | None) -> dict[str, Clip]:
    """Stem of each clip of a dataset (`stem_of`) → the clip."""
    return {} if dataset is None else {stem_of(clip.filename): clip for clip in dataset.clips}
