"""What was measured on a checkpoint, in files: `results/robustness/NAME.json` and `results/localisation/NAME.json`.

Checkpoints that differ in their fold alone are read together: their clips are pooled, each scored by a network that
never saw it.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from acrnn.data import Dataset, atomic_write_bytes
from acrnn.errors import RunError
from acrnn.inference import Predictor
from acrnn.measures import localisation, robustness
from acrnn.paths import code_revision, is_shipped, result_files

KINDS = ("robustness", "localisation")
SCHEMA = 1


def header_of(predictor: Predictor, dataset: Dataset, kind: str, size: tuple[int, int]) -> dict[str, Any]:
    """Say what was measured on what: checkpoint, weights, data, fold, code, and numbers of clips and conditions."""
    config = predictor.checkpoint.config
    return {
        "schema": SCHEMA,
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
        "n_clips": size[0],
        "n_conditions": size[1],
        "n_clips_of_fold": len(dataset.fold(config.fold)),
        "code": code_revision(),
    }


def write_probe(header: dict[str, Any], values: dict[str, Any], folder: Path) -> Path:
    """Write what was measured to `folder`/NAME.json; gives its path.

    Raises
    ------
    RunError
        If a file is there that holds more clips or conditions: a quick look must not replace a whole fold.
    """
    path = folder / f"{header['checkpoint']}.json"
    require_replaceable(path, (header["n_clips"], header["n_conditions"]))
    atomic_write_bytes(path, (json.dumps(header | values, ensure_ascii=False) + "\n").encode())
    return path


def require_replaceable(path: Path, size: tuple[int, int]) -> None:
    """Raise RunError if `path` holds more clips or more conditions than `size`."""
    if not path.exists():
        return
    values = _read(path)
    there = values["n_clips"], values["n_conditions"]
    if there[0] > size[0] or there[1] > size[1]:
        raise RunError(
            f"{path} is of {there[0]} clips under {there[1]} conditions, these would be {size[0]} and {size[1]}; give "
            "another folder with --out."
        )


@dataclass(frozen=True)
class Probe:
    """One setting's measurements, over the folds that were measured.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    dataset, data_title, placement, recipe : str
    epochs : int
    checkpoints : tuple of str
    folds : tuple of int
    rows : tuple of dict
        Clips (robustness) or scenes (localisation) of all folds.
    left_out : tuple of dict
        Clips without a scene, and why; empty for robustness.
    is_shipped : bool
        Whether it comes with the project; the user's own is not pooled with such.
    """

    kind: str
    dataset: str
    data_title: str
    placement: str
    recipe: str
    epochs: int
    checkpoints: tuple[str, ...]
    folds: tuple[int, ...]
    rows: tuple[dict[str, Any], ...]
    left_out: tuple[dict[str, Any], ...]
    is_shipped: bool = True

    @property
    def title(self) -> str:
        """For people: `l10, 60 epochs`, the recipe if it is not the paper's, and `yours` if it is the user's."""
        told = "" if self.recipe == "paper" else f", recipe {self.recipe}"
        return f"{self.placement}, {self.epochs} epochs{told}{'' if self.is_shipped else ', yours'}"

    @property
    def tell_run(self) -> str:
        """What was measured on: data, folds and clips (of localisation: scenes)."""
        named = ", ".join(map(str, self.folds))
        return f"{self.data_title}, held-out fold{'s' if len(self.folds) > 1 else ''} {named}"

    def under(self, key: str) -> dict[str, Any]:
        """Summary of one condition (`white=10`, `clean`) or placement (`noise=10`) over all clips."""
        if key not in self._summaries:
            self._summaries[key] = _SUMMARISE[self.kind](self.rows, key)
        return self._summaries[key]

    @cached_property
    def _summaries(self) -> dict[str, dict[str, Any]]:
        return {}


def load_probes(kind: str, folder: Path | None = None) -> list[Probe]:
    """Read every file of a kind in a folder of results, pooled over folds, sorted by dataset and placement.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    folder : Path, optional
        Of results; by default what comes with the project and what is the user's.

    Raises
    ------
    RunError
        If a file is not what the commands write.
    """
    found: dict[tuple, list[dict[str, Any]]] = {}
    for path in result_files(kind, folder):
        values = _read(path)
        key = tuple(values[name] for name in ("dataset", "data_title", "placement", "recipe", "epochs"))
        found.setdefault((*key, folder is not None or is_shipped(path)), []).append(values)
    rows_of = {"robustness": "clips", "localisation": "scenes"}[kind]
    return [
        Probe(
            kind,
            *key[:-1],
            checkpoints=tuple(values["checkpoint"] for values in of_key),
            folds=tuple(sorted(values["fold"] for values in of_key)),
            rows=tuple(row for values in of_key for row in values[rows_of]),
            left_out=tuple(row for values in of_key for row in values.get("left_out", ())),
            is_shipped=key[-1],
        )
        for key, of_key in sorted(found.items(), key=lambda item: (*item[0][:-1], not item[0][-1]))
    ]


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise RunError(f"{path} has schema {values['schema']}; this version reads schema {SCHEMA}.")
        lacking = {*_NEEDED, {"robustness": "clips", "localisation": "scenes"}[values["kind"]]} - values.keys()
        if lacking:
            raise RunError(f"{path} has no {', '.join(sorted(lacking))}; measure again.")
        return values
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is not a file of measurements ({error!r}); delete it or measure again.") from error


_SUMMARISE = {"robustness": robustness.summarise, "localisation": localisation.summarise}
_NEEDED = (
    "checkpoint", "dataset", "data_title", "placement", "recipe", "epochs", "fold", "n_clips", "n_conditions",
    "weights_sha256",
)  # fmt: skip
