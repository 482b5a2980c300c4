"""The classical methods of Table 1 as settings of the results, beside the networks."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from acrnn.audio import open_audio
from acrnn.data import Dataset, dataset_title
from acrnn.measures.classical import METHODS, dataset_statistics, score_method
from acrnn.measures.crossval import Scores, wilson_interval
from acrnn.paths import code_revision

RECIPE = "mfcc"


def classical_settings(
    dataset: Dataset, seed: int = 0, on_clip: Callable[[int, int], None] | None = None
) -> list[dict[str, Any]]:
    """Train every method on four folds and score it on the fifth, five times over.

    Returns
    -------
    list of dict
        A setting each, as `report` gives them for networks; `placement` names the method.

    Raises
    ------
    AudioError
        If a clip cannot be used.
    """
    rows = dataset_statistics(dataset, on_clip)
    return [
        _setting(dataset, method, [score_method(dataset, rows, method, fold, seed) for fold in dataset.folds], seed)
        for method in METHODS
    ]


def _setting(dataset: Dataset, method: str, folds: Sequence[Scores], seed: int) -> dict[str, Any]:
    with open_audio(dataset.clips[0].path) as file:
        rate_hz = file.rate_hz
    clips = sorted((row for scores in folds for row in _clip_rows(scores)), key=lambda row: row["filename"])
    n_correct = sum(scores.n_correct for scores in folds)
    return {
        "name": f"{dataset.name}-{method}-{RECIPE}",
        "dataset": dataset.name,
        "data_title": f"{dataset_title(dataset.name)} {rate_hz / 1000:g} kHz",
        "data_fingerprint": dataset.fingerprint(),
        "placement": method,
        "recipe": {"name": RECIPE, "epochs": 0},
        "labels": list(dataset.labels),
        "folds": list(dataset.folds),
        "seeds": [seed],
        "accuracy": float(np.mean([scores.accuracy for scores in folds])),
        "interval": list(wilson_interval(n_correct, len(clips))),
        "n_clips": len(clips),
        "runs": [_run_row(dataset, fold, scores, seed) for fold, scores in zip(dataset.folds, folds, strict=True)],
        "clips": clips,
    }


def _clip_rows(scores: Scores) -> list[dict[str, Any]]:
    right = scores.predicted == scores.targets
    return [
        {
            "filename": clip.filename,
            "fold": clip.fold,
            "label": clip.label,
            "hit_rate": float(hit),
            "probabilities": [round(float(p), 6) for p in row],
        }
        for clip, hit, row in zip(scores.clips, right, scores.probabilities, strict=True)
    ]


def _run_row(dataset: Dataset, fold: int, scores: Scores, seed: int) -> dict[str, Any]:
    right = scores.predicted == scores.targets
    of_label = [right[scores.targets == target] for target in range(len(dataset.labels))]
    recall = {
        label: float(hits.mean()) if len(hits) else None for label, hits in zip(dataset.labels, of_label, strict=True)
    }
    return {
        "fold": fold,
        "seed": seed,
        "accuracy": scores.accuracy,
        "n_clips": len(scores.clips),
        "recall": recall,
        "device": "cpu",
        "code": code_revision(),
    }
