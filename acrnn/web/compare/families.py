"""Which checkpoints are compared: a family that differs in its attention alone, or any."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from acrnn import data
from acrnn.checkpoints import Checkpoint, CheckpointConfig
from acrnn.errors import AcrnnError
from acrnn.model import WITH_ATTENTION
from acrnn.training.transfer import SUFFIX
from acrnn.web.shared.datasets import read_source, sources
from acrnn.web.shared.models import fold_title, fold_word
from acrnn.web.shared.words import plain
from acrnn.web.shell import address
from acrnn.web.shell.public import is_public

_WHOLE_NAMES = "<style>.st-key-checkpoints * { max-height: none }</style>"
"""Streamlit cuts a box of many names off after the fourth line."""


@dataclass(frozen=True)
class Family:
    """Networks that differ in their attention alone: those of one dataset, held-out fold and recipe.

    Attributes
    ----------
    dataset : str
    fold : int
    recipe : str
    checkpoints : mapping
        By placement; those that were not trained are not in it. There is at least one.
    number : int
        1, or more if a user has published others of the same placements.
    """

    dataset: str
    fold: int
    recipe: str
    checkpoints: Mapping[str, Checkpoint]
    number: int = 1

    @property
    def word(self) -> str:
        """What it is called in a URL."""
        return fold_word(self.fold, self.recipe) + (f"-{self.number}" if self.number > 1 else "")

    @property
    def option(self) -> str:
        """What it is called where it is chosen."""
        return fold_title(self.fold, self.recipe) + (f" ({self.number})" if self.number > 1 else "")

    @property
    def title(self) -> str:
        """Such as `ESC-10, fold 1`."""
        return f"{data.dataset_title(self.dataset)}, fold {self.fold}"

    @property
    def config(self) -> CheckpointConfig:
        """Of any of its checkpoints: data and recipe are the same in all."""
        return next(iter(self.checkpoints.values())).config

    def training_command(self, placement: str) -> str:
        """Two lines for a shell: train the network that is missing, then offer it to the app."""
        recipe = self.recipe.removesuffix(SUFFIX)  # fine-tuning keeps the placement: another one starts anew
        name = f"{self.dataset}-{placement}-{recipe}-fold{self.fold}-seed{self.config.seed}"
        return (
            f"python -m acrnn train --data {shlex.quote(_data_folder(self.config))} --dataset {self.dataset} "
            f"--fold {self.fold} --placement {placement} --recipe {recipe} "
            f"--epochs {self.config.recipe['epochs']} --seed {self.config.seed}\n"
            f"python -m acrnn publish runs/{name}"
        )


@dataclass(frozen=True)
class Slot:
    """A place for a strip: its placement, its checkpoint if there is one, and what tells it from its like."""

    placement: str
    checkpoint: Checkpoint | None
    note: str = ""

    @property
    def label(self) -> str:
        """What it is called in a list, unique on the page."""
        return f"{self.placement} ({self.note})" if self.note else self.placement


def families_of(found: Sequence[Checkpoint]) -> list[Family]:
    """Group checkpoints with attention by dataset, fold and recipe; those with most placements first.

    A user's fill what the shipped ones lack; a second of one placement begins a family of its own.
    """
    grouped: dict[tuple[str, int, str], list[dict[str, Checkpoint]]] = {}
    for checkpoint in found:
        config = checkpoint.config
        if config.has_attention:
            key = config.dataset, config.fold, config.recipe["name"]
            of_key = grouped.setdefault(key, [])
            free = next((group for group in of_key if config.placement not in group), None)
            if free is None:
                of_key.append(free := {})
            free[config.placement] = checkpoint
    families = [
        Family(*key, checkpoints, number)
        for key, of_key in grouped.items()
        for number, checkpoints in enumerate(of_key, start=1)
    ]
    return sorted(families, key=lambda family: -len(family.checkpoints))


def choose_family(families: Sequence[Family]) -> Family:
    """Widgets to choose one: on what it was trained, and which fold was held out."""
    datasets = list(dict.fromkeys(family.dataset for family in families))
    dataset = address.one_of(st.selectbox, "Trained on", datasets, format_func=data.dataset_title, key="model")
    of_dataset = [family for family in families if family.dataset == dataset]
    by_word = {family.word: family for family in of_dataset}
    elsewhere = str(st.session_state.get("fold", ""))
    chosen = by_word[
        address.one_of(
            st.selectbox, "Held-out fold", list(by_word), format_func=lambda word: by_word[word].option, key="family",
            default=_fullest(of_dataset, elsewhere).word,
            help="The fold of the official five that these networks never saw, and the recipe they were trained with.",
        )
    ]  # fmt: skip
    if elsewhere in by_word and elsewhere != chosen.word:
        st.caption(
            f"Fold {plain(by_word[elsewhere].option)}, chosen on Listen, has {len(by_word[elsewhere].checkpoints)} of "
            f"{len(WITH_ATTENTION)} placements; fold {plain(chosen.option)} has {len(chosen.checkpoints)}."
        )
    return chosen


def _fullest(families: Sequence[Family], elsewhere: str) -> Family:
    """Take the one with most placements, if possible of the fold that is chosen on other pages."""
    same_fold = [family for family in families if elsewhere.startswith(f"{family.fold}-")]
    return max(same_fold or families, key=lambda family: len(family.checkpoints))


def slots_of_family(family: Family) -> list[Slot]:
    """One slot for each placement of Table 4, trained or not."""
    return [Slot(placement, family.checkpoints.get(placement)) for placement in WITH_ATTENTION]


def choose_slots(families: Sequence[Family]) -> list[Slot]:
    """Widget to choose any checkpoints with attention; their slots in the order of Table 4."""
    every = {c.name: c for family in families for c in family.checkpoints.values()}
    st.html(_WHOLE_NAMES)
    chosen = address.some_of(
        st.multiselect, "Checkpoints", list(every), default=[c.name for c in families[0].checkpoints.values()],
        key="checkpoints", help="Networks without attention have no strip and are not offered.",
    )  # fmt: skip
    recipes = {every[name].config.recipe["name"] for name in chosen}
    same_data = len({(every[name].config.dataset, every[name].config.fold) for name in chosen}) == 1
    slots = []
    for name in sorted(chosen, key=lambda name: (WITH_ATTENTION.index(every[name].config.placement), name)):
        config = every[name].config
        parts = [] if same_data else [f"{data.dataset_title(config.dataset)}, fold {config.fold}"]
        parts += [config.recipe["name"]] if len(recipes) > 1 else []
        note = ", ".join(parts) if every[name].is_shipped else name
        slots.append(Slot(config.placement, every[name], note))
    return slots


def _data_folder(config: CheckpointConfig) -> str:
    """Folder of the very data that a checkpoint was trained on, else where the download puts it."""
    if is_public():
        return f"data/{config.dataset}"
    for root, name in sources().values():
        if name not in (None, config.dataset):
            continue
        try:
            if read_source(root, name).fingerprint() == config.data_fingerprint:
                return str(root)
        except (AcrnnError, OSError):
            continue  # a damaged dataset is told where it is chosen
    return str(data.data_root() / config.dataset)
