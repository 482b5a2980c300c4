"""What `report` wrote, read back: the settings that were trained, and what each made of every clip it never saw."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from acrnn.errors import OptionError, RunError
from acrnn.measures.classical import METHODS
from acrnn.measures.intervals import interval_by_group
from acrnn.model import WITH_ATTENTION
from acrnn.paths import make_writable, result_files, user_results
from acrnn.results.files import Found, read_file, read_files
from acrnn.results.summary import report, write_report
from acrnn.runs.run import Run
from acrnn.training import Recipe


@dataclass(frozen=True)
class Setting:
    """One network under one recipe on one dataset, over the folds and seeds that were run.

    Attributes
    ----------
    name : str
        Such as `esc10-l10-paper-60`: dataset, placement, recipe, epochs.
    dataset, data_title, data_fingerprint : str
    placement : str
    recipe : mapping
        `Recipe.as_dict()`: its name, epochs and the rest.
    labels : tuple of str
        Class names by index.
    folds, seeds : tuple of int
        What was run; a setting with fewer than five folds is not a cross-validation.
    accuracy : float
        Mean over folds, 0 to 1.
    interval : tuple of float
        95% Wilson interval over clips.
    runs : tuple of mapping
        Per run: `fold`, `seed`, `accuracy`, `n_clips`, `recall` by class, `device`, `code`.
    filenames : tuple of str
        Clips, each scored by the model that never saw its fold.
    clip_folds : ndarray (clip,), int64
    targets : ndarray (clip,), int64
    probabilities : ndarray (clip, class), float32
        Mean over seeds.
    hit_rates : ndarray (clip,), float64
        Share of the seeds that named the clip rightly, 0 to 1.
    """

    name: str
    dataset: str
    data_title: str
    data_fingerprint: str
    placement: str
    recipe: Mapping[str, Any]
    labels: tuple[str, ...]
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    accuracy: float
    interval: tuple[float, float]
    runs: tuple[Mapping[str, Any], ...]
    filenames: tuple[str, ...]
    clip_folds: np.ndarray
    targets: np.ndarray
    probabilities: np.ndarray
    hit_rates: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """(clip,) index of the most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def epochs(self) -> int:
        """Length of the schedule, fixed beforehand; 0 of a classical method."""
        return int(self.recipe["epochs"])

    @property
    def is_classical(self) -> bool:
        """Whether it is no network, but one of `acrnn.measures.classical.METHODS`, which has no epochs."""
        return self.placement in METHODS

    @property
    def tell_training(self) -> str:
        """`recipe paper, 60 epochs`; without a recipe, as `tell_length`."""
        return self.tell_length if self.is_classical else f"recipe {self.recipe['name']}, {self.tell_length}"

    @property
    def tell_length(self) -> str:
        """`60 epochs`; of a classical method, what it was trained on."""
        return "MFCC statistics" if self.is_classical else f"{self.epochs} epochs"

    @property
    def has_attention(self) -> bool:
        """Whether the network attends to any layer."""
        return self.placement in WITH_ATTENTION

    @cached_property
    def interval_by_recording(self) -> tuple[float, float] | None:
        """95% interval of the accuracy, bootstrap over the recordings that the clips were cut from."""
        return interval_by_group(self.hit_rates, [recording_of(name) for name in self.filenames])

    def has_recipe(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a recipe, as a checkpoint's config has it, is this one; what an older one lacks, it did without."""
        try:
            return Recipe(**self.recipe) == Recipe(**recipe)
        except (TypeError, OptionError):  # a stranger's, with what this version does not know
            return False


def recording_of(filename: str) -> str:
    """Freesound id of the recording that a clip of ESC-50 (`FOLD-ID-TAKE-CLASS.wav`) was cut from.

    Of a file that is not named so, its whole name: a recording of its own.
    """
    named = re.fullmatch(r"\d+-(\d+)-[^-/]+-[^-/]+", filename)
    return named[1] if named else filename


def read_settings(folder: Path | None = None, kind: str = "") -> Found[Setting]:
    """Read every setting, sorted by name, and say which files are damaged.

    Parameters
    ----------
    folder : Path, optional
        Of results; by default those that come with the project, then the user's (`acrnn.paths.result_files`).
    kind : str
        `ablation` for inner validations.
    """
    return read_files(result_files(kind, folder), lambda path: _setting(read_file(path, "setting")))


def load_settings(folder: Path | None = None, kind: str = "") -> list[Setting]:
    """Read every setting, as `read_settings`; raises RunError if a file is damaged."""
    return read_settings(folder, kind).whole()


def _setting(values: Mapping[str, Any]) -> Setting:
    labels, clips = tuple(values["labels"]), values["clips"]
    same = ("name", "dataset", "data_title", "data_fingerprint", "placement", "recipe", "accuracy")
    targets = np.array([labels.index(clip["label"]) for clip in clips], np.int64)
    probabilities = np.array([clip["probabilities"] for clip in clips], np.float32).reshape(-1, len(labels))
    right = (probabilities.argmax(axis=1) == targets).astype(float)
    return Setting(
        **{name: values[name] for name in same},
        labels=labels,
        folds=tuple(values["folds"]),
        seeds=tuple(values["seeds"]),
        interval=tuple(values["interval"]),
        runs=tuple(values["runs"]),
        filenames=tuple(clip["filename"] for clip in clips),
        clip_folds=np.array([clip["fold"] for clip in clips], np.int64),
        targets=targets,
        probabilities=probabilities,
        hit_rates=np.array([clip.get("hit_rate", hit) for clip, hit in zip(clips, right, strict=True)]),
    )


def record(run: Run, folder: Path | None = None) -> str:
    """Write the setting of a finished run, with the other finished runs of that setting beside it, into the results.

    In the user's results, and in a `folder` that has a file of that name of other runs than these, the name of the
    folder of runs is added to the setting's (`user_suffix`).

    Returns
    -------
    str
        Name of the setting, as `load_settings` gives it.

    Raises
    ------
    RunError
        If the run is not finished, or runs of the setting were trained on different files.
    """
    if run.summary is None:
        raise RunError(f"{run.path} is not finished; train it to its last epoch first (train … --resume).")
    (wanted,) = (setting["name"] for setting in report([run]))
    beside = [Run(path.parent) for path in sorted(run.path.parent.glob("*/summary.json"))]
    setting = next(setting for setting in report(beside) if setting["name"] == wanted)
    there = None if folder is None else folder / f"{wanted}.json"
    if there is None or (there.exists() and not _covers(setting, read_file(there, "setting"))):
        setting |= {"name": wanted + user_suffix(run.path.parent)}
    write_report([setting], folder or make_writable(user_results(), "ACRNN_RESULTS"))
    return setting["name"]


def user_suffix(runs: Path) -> str:
    """Name the folder of runs, to tell a setting in the user's results from one that comes with the project."""
    return f"-{runs.resolve().name}"


def _covers(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether every run of `old` is one of `new`."""
    same_data = old["data_fingerprint"] == new["data_fingerprint"]
    return same_data and all(row in new["runs"] for row in old["runs"])
