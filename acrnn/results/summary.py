"""From finished runs to `results/`: one JSON file a setting, which tables and pages are made from."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acrnn.checkpoints import find
from acrnn.errors import RunError
from acrnn.events.formats import FORMULA
from acrnn.labels import CLASSES
from acrnn.measures.crossval import wilson_interval
from acrnn.results.files import read_file, write_file
from acrnn.runs.run import Run
from acrnn.training import Recipe
from acrnn.training.config import RunConfig

_NAMES = ("filename", "label", "predicted")
_APOSTROPHE = f"^'(?=[{re.escape(''.join(FORMULA))}])"
_COLUMNS = ("filename", "fold", "label", "predicted")  # of predictions.csv, before its probabilities
ABLATION = "ablation"
"""Folder of inner validations, in the folder of results."""


def finished_runs(folder: Path | str, on_damaged: Callable[[RunError], object] | None = None) -> list[Run]:
    """Finished runs in `folder` or below it, sorted by path.

    Parameters
    ----------
    on_damaged : callable, optional
        Told of each run that cannot be read, which is left out; by default it is an error.

    Raises
    ------
    RunError
        If there is none.
    """
    runs = []
    for path in sorted(Path(folder).rglob("summary.json")):
        try:
            run = Run(path.parent)
            _predictions(run)
            runs.append(run)
        except RunError as error:
            if on_damaged is None:
                raise
            on_damaged(error)
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
        `accuracy` as the mean over folds with the 95% Wilson interval over clips.
    """
    settings: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        settings[_name_of(run.config) + suffix].append(run)
    return [_setting(name, members, _earlier(earlier, name)) for name, members in sorted(settings.items())]


def _name_of(config: RunConfig) -> str:
    """Name a run's setting, such as `esc10-l10-paper-60`, or `ablation/esc10-l10-best-20-sealed1`."""
    name = f"{config.dataset}-{config.network.placement}-{config.recipe.name}-{config.recipe.epochs}"
    return f"{ABLATION}/{name}-sealed{''.join(map(str, config.sealed))}" if config.sealed else name


def write_report(settings: list[dict[str, Any]], folder: Path | str) -> list[Path]:
    """Write `<name>.json` for each setting; gives their paths. Inner validations go to a folder of their own."""
    return [write_file(Path(folder) / f"{setting['name']}.json", setting, "setting") for setting in settings]


def _earlier(folder: Path | str | None, name: str) -> dict[str, Any]:
    """Read the setting that an earlier report wrote; empty if there is none."""
    path = Path(folder or ".") / f"{name}.json"
    return {} if folder is None or not path.exists() else read_file(path, "setting")


def _setting(name: str, runs: list[Run], earlier: dict[str, Any]) -> dict[str, Any]:
    config = runs[0].config
    if len({run.config.data_fingerprint for run in runs}) > 1:
        raise RunError(f"The runs of {name} were trained on different files; report them apart.")
    labels = CLASSES.get(config.dataset) or _labels_of(runs[0])
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


def _labels_of(run: Run) -> tuple[str, ...]:
    """Read the classes that a run's network knows: of one's own, no list has them."""
    return find(str((run.path / run.config.name).resolve())).config.labels


def _recipe(setting: dict[str, Any]) -> Recipe:
    """Read the recipe of a setting; one of an earlier version lacks what was added since, and did without."""
    return Recipe(**setting["recipe"])


def _run_row(run: Run, labels: tuple[str, ...]) -> dict[str, Any]:
    clips = _predictions(run)
    right = clips["predicted"] == clips["label"]
    recall = right.groupby(clips["label"]).mean().to_dict()
    return {
        "fold": run.config.fold,
        "seed": run.config.seed,
        "accuracy": float(right.mean()),
        "n_clips": len(clips),
        "recall": {label: float(recall[label]) if label in recall else None for label in labels},
        "device": run.config.device,
        "code": run.config.code,
    }


def _mean_over_seeds(runs: list[Run], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Give a row a clip, sorted by name: its probabilities and the share of the seeds that named it rightly."""
    rows = pd.concat([_predictions(run) for run in runs])
    rows["hit_rate"] = (rows["predicted"] == rows["label"]).astype(float)
    of_clip = rows.groupby(["filename", "fold", "label"], sort=True)[["hit_rate", *range(len(labels))]].mean()
    return [
        {
            "filename": filename,
            "fold": int(fold),
            "label": label,
            "hit_rate": float(means.iloc[0]),
            "probabilities": [round(float(p), 6) for p in means.iloc[1:]],
        }
        for (filename, fold, label), means in of_clip.iterrows()
    ]


def _predictions(run: Run) -> pd.DataFrame:
    """Read a row a held-out clip: `filename`, `fold`, `label`, `predicted`, and by its index, a probability a class."""
    path = run.path / "predictions.csv"
    texts = {0: str, 2: str, 3: str}  # a class may be called 1, NA or predicted
    how = {"header": None, "skiprows": 1, "float_precision": "round_trip", "keep_default_na": False}
    try:
        table = pd.read_csv(path, dtype=texts, **how)
        table.columns = [*_COLUMNS, *range(len(table.columns) - len(_COLUMNS))]
        # the apostrophe that keeps a spreadsheet from a formula is no part of a name
        return table.assign(**{name: table[name].str.replace(_APOSTROPHE, "", regex=True) for name in _NAMES})
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}); a finished run has it.") from error
    except ValueError as error:
        raise RunError(f"{path} is not a table of predictions ({error}); a finished run has one.") from error
