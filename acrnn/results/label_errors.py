"""Clips whose label is likely wrong, by what a network says that never heard them.

The ranking is by self-confidence: the probability that the network gives to a clip's label. Which clips are suspected
is decided by confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021), where cleanlab is installed (the extra
`acrnn[audit]`).
"""

import warnings
from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np
import pandas as pd

from acrnn.results.confusion import clip_table
from acrnn.results.settings import Setting


def has_cleanlab() -> bool:
    """Whether cleanlab is installed."""
    return find_spec("cleanlab") is not None


def label_errors(setting: Setting, recordings: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Rank a setting's clips by self-confidence, the most likely label errors first.

    Parameters
    ----------
    setting : Setting
        Each of its clips was scored by the network that never heard it.
    recordings : mapping, optional
        As in `clip_table`.

    Returns
    -------
    DataFrame
        The rows of `clip_table`, whose `p_true` is the self-confidence, and `suspected`, which is missing where
        cleanlab is not installed.
    """
    clips = clip_table(setting, recordings)
    suspected = _suspected(setting.targets, setting.probabilities) if has_cleanlab() else None
    clips = clips.assign(suspected=pd.array([None] * len(clips) if suspected is None else suspected, "boolean"))
    return clips.sort_values("p_true", kind="stable", ignore_index=True)


def _suspected(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(clip,) bool: pruned by the noise rates of the confident joint, cleanlab's own choice."""
    from cleanlab.filter import find_label_issues

    shares = probabilities.astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)  # those of a file are rounded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a class with few clips, none of which it then suspects
        return find_label_issues(targets, shares, filter_by="prune_by_noise_rate", n_jobs=1)


def tell_ranking(ranked: pd.DataFrame) -> str:
    """Say how clips are ranked, and how many are suspected."""
    told = "Ranked by self-confidence: the probability of a clip's label, by the network that never heard it."
    if ranked["suspected"].isna().all():
        return f"{told} With cleanlab (`pip install acrnn[audit]`) confident learning says which to suspect."
    n, n_wrong = int(ranked["suspected"].sum()), int((ranked["true"] != ranked["predicted"]).sum())
    return (
        f"{told} Confident learning suspects {n} of {len(ranked)} clips. The network errs too: it says another class "
        f"than the label for {n_wrong}. Listen before you change a label."
    )
