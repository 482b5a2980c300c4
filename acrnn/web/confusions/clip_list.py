"""Clips of a setting as rows with players, and one of them looked into beside a clip that the model got right."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.data import Clip, Dataset, sha256_of
from acrnn.errors import AcrnnError, CheckpointError
from acrnn.figures import ClipView, top_figure
from acrnn.inference import Prediction
from acrnn.labels import pretty
from acrnn.results.confusion import right_example, stem_of
from acrnn.results.published import checkpoint_of_fold
from acrnn.results.settings import Setting
from acrnn.web.shared.analysis import analyse, figure_of
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.datasets import clip_word, word_of
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.player import player, quiet_player
from acrnn.web.shared.words import code, describe_attention, describe_figure, named, plain, sentence_of
from acrnn.web.shell import address

ROWS = 8  # a page of a list; each has its own player

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


@cache
def _scroller():
    return st.components.v2.component("acrnn_scroll", js=_SCROLL)


def clip_list(
    clips: pd.DataFrame, setting: Setting, dataset: Dataset | None, describe: Callable[[pd.Series], str], key: str
) -> None:
    """Rows of clips, each with a player if the recordings are here and a button to look into it.

    Parameters
    ----------
    clips : DataFrame
        With `filename` and what `describe` reads.
    describe : callable
        From a row to its first line, in Markdown.
    key : str
        Unique on the page; names the pages of the list in the URL.
    """
    if clips.empty:
        st.caption("No clip.")
        return
    n_pages = -(-len(clips) // ROWS)
    page = 1
    if n_pages > 1:
        page = min(st.session_state.get(key, 1), n_pages)
    sounds = _sounds(dataset)
    with st.container(key=f"{key}_rows", gap="small"):
        for _, row in clips.iloc[(page - 1) * ROWS : page * ROWS].iterrows():
            _row(row, sounds.get(stem_of(row["filename"])), describe(row), key)
    if n_pages > 1:
        st.pagination(n_pages, key=key, bind="query-params")


def _row(row: pd.Series, clip: Clip | None, told: str, key: str) -> None:
    name = row["filename"]
    with st.container(gap="xxsmall"):
        st.markdown(f"{told} :small[:gray[· fold {row['fold']} · {plain(name)}]]")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if clip is not None and clip.path.is_file():
                with st.container(key=f"{key}_{stem_of(name)}"):
                    quiet_player(clip.path, f"Player of {name}")
            st.button(
                "Look", key=f"{key}_look_{name}", on_click=look, args=(name,), icon=":material/search:",
                help="Spectrogram, attention and prediction of the model that made this prediction.",
            )  # fmt: skip


def look(filename: str) -> None:
    """Look into a clip."""
    st.session_state["look"] = filename


def look_closer(setting: Setting, clips: pd.DataFrame, dataset: Dataset | None) -> None:
    """Show the chosen clip as the model of its fold sees it, beside a clip of the predicted class that it got right."""
    with st.container(key="closer"):
        chosen = address.none_or_one_of(
            "Look into a clip", setting.filenames, key="look", placeholder="Choose one here or with its Look button"
        )
        _scroller()(key="closer_scroll", data={"clip": chosen})
        if chosen is None:
            return
        row = clips[clips["filename"] == chosen].iloc[0]
        st.header(_headline(row), anchor=False)
        try:
            checkpoint = checkpoint_of_fold(setting, row["fold"])
        except CheckpointError as error:
            st.info(f"{sentence_of(error)} Only its stored probabilities can be shown.", icon=":material/info:")
            _stored(setting, chosen)
            return
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown(f"**This clip**, {plain(chosen)}, true class {named(row['true'])}")
            prediction = _analysed(setting, row, dataset, checkpoint, "chosen")
        peer = right_example(clips, row)
        with right:
            if peer is None:
                st.markdown(
                    f"This model classified no other {named(row['predicted'])} of fold {row['fold']} correctly."
                )
            else:
                told = f"a {named(peer['true'])} that it classified correctly".capitalize()
                st.markdown(f"**{told}**, {plain(peer['filename'])}, {peer['confidence']:.0%}")
                _analysed(setting, peer, dataset, checkpoint, "peer")
        seen = "" if prediction is None else describe_attention(prediction, checkpoint)
        st.caption(f"By {code(checkpoint.name)}, which never saw fold {row['fold']} in training. {seen}")


def _headline(row: pd.Series) -> str:
    if row["right"]:
        return f"{named(row['true'])}, classified correctly with {row['confidence']:.0%}".capitalize()
    return (
        f"{named(row['true'])}, mistaken for {named(row['predicted'])} with {row['confidence']:.0%} "
        f"(true class: {row['p_true']:.0%})"
    ).capitalize()


def _analysed(
    setting: Setting, row: pd.Series, dataset: Dataset | None, checkpoint: Checkpoint, key: str
) -> Prediction | None:
    """Show a clip as a checkpoint sees it, or else what is stored of it."""
    clip = _sounds(dataset).get(stem_of(row["filename"]))
    if clip is None:
        _stored(setting, row["filename"])
        return None
    place = st.empty()
    try:
        content = clip.path.read_bytes()
        name, hashed = Path(clip_word(clip)).name, sha256_of(content)
        chosen = ChosenClip(name, content, hashed, clip.label, clip.fold, dataset.fingerprint())
        analysis = analyse(chosen, checkpoint, lambda share: place.progress(share, text="Listening …"))
    except (AcrnnError, OSError) as error:
        st.error(sentence_of(error), icon=":material/hearing_disabled:")
        _stored(setting, row["filename"])
        return None
    finally:
        place.empty()
    prediction = analysis.prediction
    st.plotly_chart(
        top_figure(prediction, truth=row["true"]), key=f"{key}_top", config=NO_BAR,
        alt=f"Most probable classes: {', '.join(f'{pretty(name)} {p:.0%}' for name, p in prediction.top(5))}",
    )  # fmt: skip
    player(
        figure_of(analysis, ClipView()),
        analysis.wav,
        key=key,
        clip=chosen.key,
        alt=describe_figure(chosen.name, checkpoint),
        filename=f"{Path(chosen.name).stem}-{checkpoint.name}",
    )
    if prediction.label != row["predicted"]:
        st.caption(f"The stored prediction was {named(row['predicted'])}: from other files, or a mean over seeds.")
    st.page_link(
        "pages/listen.py", label="Open in Listen", icon=":material/hearing:",
        query_params={
            "source": "dataset", "data": word_of(dataset), "label": clip.label, "clipfold": str(clip.fold),
            "clip": clip_word(clip), **listen_query(checkpoint),
        },
    )  # fmt: skip
    return prediction


def _stored(setting: Setting, filename: str) -> None:
    probabilities = setting.probabilities[setting.filenames.index(filename)]
    table = pd.DataFrame({"class": [pretty(label) for label in setting.labels], "probability": 100 * probabilities})
    st.dataframe(
        table.nlargest(5, "probability"), hide_index=True, width=420, alt=f"Stored probabilities of {filename}",
        column_config={"probability": st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)},
    )  # fmt: skip


def _sounds(dataset: Dataset | None) -> dict[str, Clip]:
    return {} if dataset is None else {stem_of(clip.filename): clip for clip in dataset.clips}
