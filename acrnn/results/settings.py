"""What `report` wrote, read back: the settings that were trained, and what each made of every clip it never saw."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acrnn.errors import RunError
from acrnn.paths import make_writable, result_files, user_results
from acrnn.results.summary import SCHEMA, report, write_report
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
        95 % Wilson interval over clips.
    runs : tuple of mapping
        Per run: `fold`, `seed`, `accuracy`, `n_clips`, `recall` by class, `device`, `code`.
    filenames : tuple of str
        Clips, each scored by the model that never saw its fold.
    clip_folds : ndarray (clip,), int64
    targets : ndarray (clip,), int64
    probabilities : ndarray (clip, class), float32
        Mean over seeds.
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

    @property
    def predicted(self) -> np.ndarray:
        """(clip,) index of the most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def epochs(self) -> int:
        """Length of the schedule, fixed beforehand."""
        return int(self.recipe["epochs"])

    def has_recipe(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a recipe, as a checkpoint's config has it, is this one; what an older one lacks, it did without."""
        return Recipe(**self.recipe) == Recipe(**recipe)


def load_settings(folder: Path | None = None, kind: str = "") -> list[Setting]:
    """Read every setting in a folder of results, sorted by name; an empty or absent folder has none.

    By default those that come with the project, then the user's (`acrnn.paths.result_files`); of inner
    validations if `kind` is `ablation`.

    Raises
    ------
    RunError
        If a file is not what `report` writes.
    """
    return [_read(path) for path in result_files(kind, folder)]


def _read(path: Path) -> Setting:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise RunError(f"{path} has schema {values['schema']}; this version reads schema {SCHEMA}.")
        labels = tuple(values["labels"])
        clips = values["clips"]
        return Setting(
            name=values["name"],
            dataset=values["dataset"],
            data_title=values["data_title"],
            data_fingerprint=values["data_fingerprint"],
            placement=values["placement"],
            recipe=values["recipe"],
            labels=labels,
            folds=tuple(values["folds"]),
            seeds=tuple(values["seeds"]),
            accuracy=values["accuracy"],
            interval=tuple(values["interval"]),
            runs=tuple(values["runs"]),
            filenames=tuple(clip["filename"] for clip in clips),
            clip_folds=np.array([clip["fold"] for clip in clips], np.int64),
            targets=np.array([labels.index(clip["label"]) for clip in clips], np.int64),
            probabilities=np.array([clip["probabilities"] for clip in clips], np.float32).reshape(-1, len(labels)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a file of results ({error!r}); `report` writes them.") from error


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
    if there is None or (there.exists() and not _is_of(json.loads(there.read_text(encoding="utf-8")), setting)):
        setting |= {"name": wanted + user_suffix(run.path.parent)}
    write_report([setting], folder or make_writable(user_results(), "ACRNN_RESULTS"))
    return setting["name"]


def user_suffix(runs: Path) -> str:
    """Name the folder of runs, to tell a setting in the user's results from one that comes with the project."""
    return f"-{runs.resolve().name}"


def _is_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether every run of `old` is one of `new`."""
    same_data = old.get("data_fingerprint") == new["data_fingerprint"]
    return same_data and all(row in new["runs"] for row in old.get("runs", ()))
