"""What was measured on checkpoints, in files: a folder of `results/` for each of `KINDS`.

Of robustness and localisation, checkpoints that differ in their fold alone are read together: their clips are pooled,
each scored by a network that never saw it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from acrnn.data import Dataset
from acrnn.inference import Predictor
from acrnn.measures import localisation, robustness
from acrnn.paths import code_revision, is_shipped, result_files
from acrnn.results.events import EventsResult
from acrnn.results.faithfulness import FaithfulnessResult
from acrnn.results.files import Found, read_file, read_files, write_file
from acrnn.results.maps import MapsResult
from acrnn.results.open_set import OpenSetResult
from acrnn.results.result import StudyResult

KINDS = ("faithfulness", "maps", "robustness", "localisation", "open_set", "events")
"""Kinds of studies, and the folders that their files are in."""
_SETTING = ("dataset", "data_title", "placement", "recipe", "epochs")


@dataclass(frozen=True)
class PooledResult(StudyResult):
    """One setting's measurements, over the folds that were measured.

    Attributes
    ----------
    rows : tuple of dict
        Clips (robustness) or scenes (localisation) of all folds, each with the name of its `checkpoint`.
    left_out : tuple of dict
        Clips without a scene, and why; empty for robustness.
    """

    rows: tuple[dict[str, Any], ...] = ()
    left_out: tuple[dict[str, Any], ...] = ()

    rows_key: ClassVar[str]
    summarise: ClassVar[Callable[[Sequence[dict[str, Any]], str], dict[str, Any]]]

    def under(self, key: str) -> dict[str, Any]:
        """Sum up one condition (`white=10`, `clean`) or kind of scene (`noise=10`) over all clips."""
        if key not in self._summaries:
            self._summaries[key] = self.summarise(self.rows, key)
        return self._summaries[key]

    @cached_property
    def _summaries(self) -> dict[str, dict[str, Any]]:
        return {}


class RobustnessResult(PooledResult):
    """Accuracy and attention under noise and damage; see `acrnn.measures.robustness.summarise`."""

    rows_key = "clips"
    summarise = staticmethod(robustness.summarise)


class LocalisationResult(PooledResult):
    """Attention beside events whose times are known; see `acrnn.measures.localisation.summarise`."""

    rows_key = "scenes"
    summarise = staticmethod(localisation.summarise)


POOLED: dict[str, type[PooledResult]] = {"robustness": RobustnessResult, "localisation": LocalisationResult}


def header_of(predictor: Predictor, dataset: Dataset, kind: str, size: dict[str, int]) -> dict[str, Any]:
    """Say what was measured on what: checkpoint, weights, data, fold, code, and `size` in clips and conditions."""
    config = predictor.checkpoint.config
    return {
        "kind": kind,
        "checkpoint": config.name,
        "weights_sha256": config.weights_sha256,
        "dataset": config.dataset,
        "data_title": config.data_title,
        "data_fingerprint": dataset.fingerprint(),
        "same_data_as_training": dataset.fingerprint() == config.data_fingerprint,
        "placement": config.placement,
        "recipe": config.recipe["name"],
        "epochs": config.recipe["epochs"],
        "seed": config.seed,
        "fold": config.fold,
        **size,
        "n_clips_of_fold": len(dataset.fold(config.fold)),
        "code": code_revision(),
    }


def write_study(kind: str, values: dict[str, Any], folder: Path) -> Path:
    """Write what was measured on a checkpoint to `folder`/CHECKPOINT.json; gives its path."""
    return write_file(folder / f"{values['checkpoint']}.json", values, kind)


def read_studies(kind: str, folder: Path | None = None) -> Found[StudyResult]:
    """Read every file of a kind in a folder of results, and say which are damaged.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    folder : Path, optional
        Of results; by default what comes with the project and what is the user's.

    Returns
    -------
    Found of StudyResult
        Robustness and localisation pooled over folds, by dataset and placement; the others a checkpoint each.
    """
    found = read_files(result_files(kind, folder), partial(_read_study, kind=kind, one_folder=folder is not None))
    grouped: dict[tuple, list[dict[str, Any]]] = {}
    for values in found.items:
        key = (*(values[name] for name in _SETTING), not values["is_shipped"])
        grouped.setdefault(key if kind in POOLED else (*key, values["checkpoint"]), []).append(values)
    if kind in POOLED:
        return Found(tuple(_pooled(kind, of_key) for _, of_key in sorted(grouped.items())), found.damaged)
    return Found(tuple(_MADE[kind](values) for (values,) in grouped.values()), found.damaged)


def read_study(path: Path, kind: str) -> StudyResult:
    """Read one file of a kind that is not pooled; raises RunError if it is damaged."""
    return _MADE[kind](_read_study(path, kind, one_folder=True))


def _read_study(path: Path, kind: str, one_folder: bool) -> dict[str, Any]:
    """Read a file, and note whether it comes with the project; of a folder that was named, none is told apart."""
    return read_file(path, kind) | {"is_shipped": one_folder or is_shipped(path)}


def load_studies(kind: str, folder: Path | None = None) -> list[StudyResult]:
    """Read every file of a kind, as `read_studies`; raises RunError if one is damaged."""
    return read_studies(kind, folder).whole()


def _common(files: list[dict[str, Any]]) -> dict[str, Any]:
    same = {name: files[0][name] for name in (*_SETTING, "is_shipped")}
    return same | {
        "checkpoints": tuple(values["checkpoint"] for values in files),
        "folds": tuple(sorted(values["fold"] for values in files)),
        "n_clips": sum(values["n_clips"] for values in files),
    }


def _pooled(kind: str, files: list[dict[str, Any]]) -> PooledResult:
    made = POOLED[kind]
    rows = tuple(row | {"checkpoint": values["checkpoint"]} for values in files for row in values[made.rows_key])
    left_out = tuple(row for values in files for row in values.get("left_out", ()))
    return made(**_common(files), rows=rows, left_out=left_out)


def _faithfulness(values: dict[str, Any]) -> FaithfulnessResult:
    own = {name: values[name] for name in ("summary", "randomisation")}
    return FaithfulnessResult(**_common([values]), **own, clips=tuple(values.get("clips", ())))


def _maps(values: dict[str, Any]) -> MapsResult:
    own = {name: values[name] for name in ("summary", "n_recordings", "weights_sha256")}
    return MapsResult(**_common([values]), **own, clips=tuple(values["clips"]))


def _open_set(values: dict[str, Any]) -> OpenSetResult:
    own = {name: values[name] for name in ("fit", "own", "reliability")}
    lists = {name: tuple(values.get(name, ())) for name in ("groups", "classes")}
    return OpenSetResult(**_common([values]), **own, **lists, same_rate=values.get("same_rate"))


def _events(values: dict[str, Any]) -> EventsResult:
    lists = {name: tuple(values[name]) for name in ("candidates", "scenes", "classes")}
    own = {name: values[name] for name in ("training_fold", "default", "chosen")}
    return EventsResult(**_common([values]), **own, **lists)


_MADE: dict[str, Callable[[dict[str, Any]], StudyResult]] = {
    "open_set": _open_set, "events": _events, "faithfulness": _faithfulness, "maps": _maps,
}  # fmt: skip
"""Kind → what makes its result of one file."""
