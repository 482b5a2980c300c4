"""From finished runs to `results/`: one JSON file a setting, which tables and pages are made from."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from acrnn.data import atomic_write_bytes
from acrnn.errors import RunError
from acrnn.labels import CLASSES
from acrnn.measures.crossval import wilson_interval
from acrnn.runs.run import Run
from acrnn.training import Recipe
from acrnn.training.config import RunConfig

SCHEMA = 1
ABLATION = "ablation"
"""Folder of inner validations, in the folder of results."""


def finished_runs(folder: Path | str) -> list[Run]:
    """Finished runs in `folder` or below it, sorted by path.

    Raises
    ------
    RunError
        If there is none.
    """
    runs = [Run(path.parent) for path in sorted(Path(folder).rglob("summary.json"))]
    if not runs:
        raise RunError(f"{folder} holds no finished run; a folder that `train` or `sweep` wrote to is expected.")
    return runs


def report(runs: Iterable[Run], earlier: Path | str | None = None, suffix: str = "") -> list[dict[str, Any]]:
    """Sum up runs by setting: all that a run has but its fold and seed.

    Parameters
    ----------
    runs : iterable of Run
        Finished ones.
    earlier : path, optional
        Folder of an earlier report: of a setting that is summed up again, the folds that none of `runs` held out are
        taken over from there, so that a cross-validation can be run in parts.
    suffix : str
        Of the settings' names.

    Returns
    -------
    list of dict
        A setting each: `name`, `dataset`, `data_title`, `placement`, `recipe`, `labels`, `runs` (per run: fold, seed,
        accuracy, recall of each class), `clips` (out-of-fold probabilities of every clip, mean over seeds), and
        `accuracy` as the mean over folds with the 95 % Wilson interval over clips.
    """
    settings: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        settings[_name(run.config) + suffix].append(run)
    return [_setting(name, members, _read(earlier, name)) for name, members in sorted(settings.items())]


def _name(config: RunConfig) -> str:
    """Name a run's setting, such as `esc10-l10-paper-60`, or `ablation/esc10-l10-best-20-sealed1`."""
    name = f"{config.dataset}-{config.network.placement}-{config.recipe.name}-{config.recipe.epochs}"
    return f"{ABLATION}/{name}-sealed{''.join(map(str, config.sealed))}" if config.sealed else name


def write_report(settings: list[dict[str, Any]], folder: Path | str) -> list[Path]:
    """Write `<name>.json` for each setting; gives their paths. Inner validations go to a folder of their own."""
    paths = []
    for setting in settings:
        path = Path(folder) / f"{setting['name']}.json"
        atomic_write_bytes(path, (json.dumps(setting, ensure_ascii=False) + "\n").encode())
        paths.append(path)
    return paths


def _read(folder: Path | str | None, name: str) -> dict[str, Any]:
    """Read the setting that an earlier report wrote; empty if there is none."""
    path = Path(folder or ".") / f"{name}.json"
    if folder is None or not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is not a file of results ({error}); delete it to report without it.") from error


def _setting(name: str, runs: list[Run], earlier: dict[str, Any]) -> dict[str, Any]:
    config = runs[0].config
    if len({run.config.data_fingerprint for run in runs}) > 1:
        raise RunError(f"The runs of {name} were trained on different files; report them apart.")
    labels = CLASSES[config.dataset]
    rows = [_run_row(run, labels) for run in runs]
    clips = _mean_over_seeds(runs, labels)
    if earlier and earlier["data_fingerprint"] == config.data_fingerprint and _recipe(earlier) == config.recipe:
        anew = {row["fold"] for row in rows}
        rows = sorted(rows + [r for r in earlier["runs"] if r["fold"] not in anew], key=itemgetter("fold", "seed"))
        clips = sorted(clips + [c for c in earlier["clips"] if c["fold"] not in anew], key=itemgetter("filename"))
    n_correct = sum(labels[int(np.argmax(clip["probabilities"]))] == clip["label"] for clip in clips)
    by_fold = defaultdict(list)
    for row in rows:
        by_fold[row["fold"]].append(row["accuracy"])
    # The interval is over clips, each counted once: seeds of one clip are no new clips.
    share = float(np.mean([clip["hit_rate"] for clip in clips]))
    return {
        "schema": SCHEMA,
        "name": name,
        "dataset": config.dataset,
        "data_title": config.data_title,
        "data_fingerprint": config.data_fingerprint,
        "placement": config.network.placement,
        "recipe": config.recipe.as_dict(),
        "labels": list(labels),
        "folds": sorted(by_fold),
        "sealed": list(config.sealed),
        "seeds": sorted({row["seed"] for row in rows}),
        "accuracy": float(np.mean([np.mean(values) for values in by_fold.values()])),
        "interval": list(wilson_interval(round(share * len(clips)), len(clips))),
        "n_clips": len(clips),
        "n_correct_of_mean": n_correct,
        "runs": rows,
        "clips": clips,
    }


def _recipe(setting: dict[str, Any]) -> Recipe:
    """Read the recipe of a setting; one of an earlier version lacks what was added since, and did without."""
    return Recipe(**setting["recipe"])


def _run_row(run: Run, labels: tuple[str, ...]) -> dict[str, Any]:
    rows = _predictions(run)
    hits = {label: [row["predicted"] == label for row in rows if row["label"] == label] for label in labels}
    return {
        "fold": run.config.fold,
        "seed": run.config.seed,
        "accuracy": float(np.mean([row["predicted"] == row["label"] for row in rows])),
        "n_clips": len(rows),
        "recall": {label: float(np.mean(of_label)) if of_label else None for label, of_label in hits.items()},
        "device": run.config.device,
        "code": run.config.code,
    }


def _mean_over_seeds(runs: list[Run], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for run in runs:
        for row in _predictions(run):
            found[row["filename"]].append(row)
    return [
        {
            "filename": filename,
            "fold": int(rows[0]["fold"]),
            "label": rows[0]["label"],
            "hit_rate": float(np.mean([row["predicted"] == row["label"] for row in rows])),
            "probabilities": [round(float(np.mean([float(row[label]) for row in rows])), 6) for label in labels],
        }
        for filename, rows in sorted(found.items())
    ]


def _predictions(run: Run) -> list[dict[str, str]]:
    path = run.path / "predictions.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}); a finished run has it.") from error
