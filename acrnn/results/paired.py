"""Settings compared clip by clip: attention with none, and recipe `best` with what is left of it.

Two accuracies over the same clips differ by less than their intervals say, since a hard clip is hard for both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from acrnn.measures.intervals import mean_with_interval
from acrnn.model import PLACEMENTS
from acrnn.results.confusion import compare
from acrnn.results.settings import Setting
from acrnn.training.recipe import Recipe


def pairing_frame(settings: Sequence[Setting]) -> pd.DataFrame:
    """Pair each placement of attention with the network without, clip by clip, where both had the same training.

    Parameters
    ----------
    settings : sequence of Setting
        A placement is paired with `none` of the same recipe, epochs, seeds and files, over the folds that both had.

    Returns
    -------
    DataFrame
        A line a pair: `dataset`, `placement`, `recipe`, `epochs`, `seeds`, `folds`, `clips`, `data`, `n_more` and
        `n_fewer` clips right with attention than without, their difference in accuracy `points` with `low` and `high`
        (95%, paired bootstrap over clips; percentage points), and `p_value` (McNemar's exact test).
    """
    lines = []
    placed = [setting for setting in settings if setting.placement in PLACEMENTS]  # PiczakCNN is another network
    settings = sorted(placed, key=lambda setting: PLACEMENTS.index(setting.placement))
    for without in (setting for setting in settings if setting.placement == "none"):
        for setting in settings:
            same = _training_of(setting) == _training_of(without)
            folds = [fold for fold in setting.folds if fold in without.folds]
            if same and folds and setting.has_attention:
                lines.append(_pairing_line(setting, without, folds))
    columns = [
        "dataset", "placement", "recipe", "epochs", "seeds", "folds", "clips", "data", "n_more", "n_fewer", "points",
        "low", "high", "p_value",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)


def _training_of(setting: Setting) -> tuple[Any, ...]:
    return setting.data_fingerprint, Recipe(**setting.recipe), setting.seeds


def _pairing_line(setting: Setting, without: Setting, folds: Sequence[int]) -> dict[str, Any]:
    comparison = compare(setting, without)
    gains = comparison.clips["right_a"].astype(float) - comparison.clips["right_b"].astype(float)
    gain = mean_with_interval(gains)
    low, high = gain["interval"] or (np.nan, np.nan)  # of a single clip
    return {
        "dataset": setting.dataset,
        "placement": setting.placement,
        "recipe": setting.recipe["name"],
        "epochs": setting.epochs,
        "seeds": ", ".join(map(str, setting.seeds)),
        "folds": ", ".join(map(str, folds)),
        "clips": len(comparison.clips),
        "data": setting.data_title,
        "n_more": len(comparison.only_a),
        "n_fewer": len(comparison.only_b),
        "points": 100 * gain["mean"],
        "low": 100 * low,
        "high": 100 * high,
        "p_value": comparison.p_value,
    }


VARIANTS = {"best": ("best_", "short"), "whole": ("whole_",)}
"""Recipe → what the names of those begin with that are compared with it."""
BASES = tuple(VARIANTS)


def ablation_frame(settings: Sequence[Setting]) -> pd.DataFrame:
    """Compare recipe `best`, and the candidate `whole`, each with its variants and with `paper`.

    Parameters
    ----------
    settings : sequence of Setting
        Inner validations: scored on a fold that is trained on in the end.

    Returns
    -------
    DataFrame
        A line a recipe that was run beside its base, of the same data, folds and epochs: `data`, `folds`,
        `epochs`, `recipe`, `differs` (in words), `accuracy`, `low`, `high` (95%, Wilson; shares from
        0 to 1), and against the base: `n_more` and `n_fewer` clips right, `p_value` (McNemar's exact test).
    """
    lines = []
    for base in (setting for setting in settings if setting.recipe["name"] in BASES):
        same = base.data_fingerprint, base.placement, base.folds, base.epochs
        lines.append(_ablation_line(base, base))
        for setting in settings:
            key = setting.data_fingerprint, setting.placement, setting.folds, setting.epochs
            name = setting.recipe["name"]
            if key == same and (name == "paper" or name.startswith(VARIANTS[base.recipe["name"]])):
                lines.append(_ablation_line(setting, base))
    columns = [
        "data", "folds", "epochs", "recipe", "differs", "accuracy", "low", "high", "n_more", "n_fewer", "p_value",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)


def _ablation_line(setting: Setting, base: Setting) -> dict[str, Any]:
    name = setting.recipe["name"]
    values = _differing(setting, base) if name != "paper" else {}
    comparison = compare(setting, base)
    return {
        "data": setting.data_title,
        "folds": ", ".join(map(str, setting.folds)),
        "epochs": setting.epochs,
        "recipe": name,
        "differs": ", ".join(f"{key} {value}" for key, value in values.items()),
        "accuracy": setting.accuracy,
        "low": setting.interval[0],
        "high": setting.interval[1],
        "n_more": len(comparison.only_a),
        "n_fewer": len(comparison.only_b),
        "p_value": comparison.p_value,
    }


def _differing(setting: Setting, base: Setting) -> dict[str, Any]:
    """Find what a setting's recipe has different, by the names of its parameters."""
    ours, theirs = (vars(Recipe(**s.recipe)) for s in (setting, base))
    return {key: value for key, value in ours.items() if key != "name" and theirs[key] != value}
