"""The choice of a checkpoint, in the page's URL."""

import streamlit as st

from acrnn.checkpoints import Checkpoint, listed
from acrnn.data import TITLES, dataset_title
from acrnn.errors import FolderError
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.report.sentences import tell_accuracy
from acrnn.web.shared.words import plain, sentence_of
from acrnn.web.shell import address


def list_checkpoints() -> list[Checkpoint]:
    """Every checkpoint that can be read; messages for those that cannot, and one if there is none."""
    try:
        found, damaged = listed()
    except FolderError as error:
        st.error(sentence_of(error))
        return []
    for error in damaged:
        st.warning(sentence_of(error))
    if not found:
        st.error("There is no checkpoint yet. `python -m acrnn train` makes one, and `publish` offers it here.")
    return found


def choose_checkpoint() -> Checkpoint | None:
    """Widgets to choose a checkpoint by dataset, attention and fold; None (and a message) if there is none."""
    found = list_checkpoints()
    if not found:
        return None
    names = {c.config.dataset for c in found}
    datasets = [*(name for name in reversed(TITLES) if name in names), *sorted(names - {*TITLES})]
    dataset = address.one_of(st.selectbox, "Trained on", datasets, format_func=dataset_title, key="model")
    found = [c for c in found if c.config.dataset == dataset]
    placements = [p for p in (*reversed(PLACEMENTS), PICZAK) if any(c.config.placement == p for c in found)]
    placement = address.one_of(
        st.selectbox, "Attention", placements, key="attention",
        help="Where the attention sits (§4.4): on the output of a convolution l2 to l8, scaled by sigmoid or softmax "
        "(eq. 1), or on the last Bi-GRU l10 (eq. 3). The baseline piczakcnn has none (§4.2).",
    )  # fmt: skip
    found = [c for c in found if c.config.placement == placement]
    by_word = {fold_word_of(c): c for c in found}
    chosen = address.one_of(
        st.selectbox, "Held-out fold", list(by_word), key="fold", format_func=lambda word: _fold_title(by_word[word]),
        help="The fold that this network never saw (ESC-50 has five), and the recipe that it was trained with.",
    )  # fmt: skip
    return by_word[chosen]


def listen_query(checkpoint: Checkpoint) -> dict[str, str]:
    """Query parameters with which a page's `choose_checkpoint` has this checkpoint chosen."""
    config = checkpoint.config
    return {"model": config.dataset, "attention": config.placement, "fold": fold_word_of(checkpoint)}


def fold_word_of(checkpoint: Checkpoint) -> str:
    """Give the word in a URL for which of the checkpoints of one placement it is; one of the user's has its name."""
    config = checkpoint.config
    return fold_word(config.fold, config.recipe["name"]) if checkpoint.is_shipped else checkpoint.name


def fold_word(fold: int, recipe: str) -> str:
    """Give the word in a URL for a held-out fold and the recipe trained by."""
    return f"{fold}-{recipe}"


def fold_title(fold: int, recipe: str) -> str:
    """Say a held-out fold and the recipe trained by, as the choice of it does."""
    return f"{fold}, recipe {recipe}"


def _fold_title(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    if checkpoint.is_shipped:
        return fold_title(config.fold, config.recipe["name"])
    return f"{config.fold}, yours: {checkpoint.name}"


def describe_accuracy(checkpoint: Checkpoint) -> str:
    """One line: accuracy on the held-out fold, interval, data, fold and epochs, escaped."""
    return tell_accuracy(checkpoint, plain)
