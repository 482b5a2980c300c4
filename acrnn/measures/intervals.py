"""Means with their 95% intervals over clips or recordings, and p-values corrected for their number."""

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

N_RESAMPLES = 2000
CONFIDENCE = 0.95
N_RESAMPLES_OF_P = 10_000
"""More than for intervals: the smallest p-value is to stay small after it is corrected for fifty comparisons."""
ROUNDING = 1e-12


def mean_with_interval(values: Iterable[float | None]) -> dict[str, Any] | None:
    """Mean of one value a clip, with the percentile bootstrap's 95% interval over clips, seeded.

    All means of as many values share their resamples, so that hundreds of them cost one product of matrices each.

    Parameters
    ----------
    values : iterable of float
        None and NaN (a measure that is not defined for a clip) are left out.

    Returns
    -------
    dict or None
        `mean`, `interval` (low, high; None for fewer than two clips) and `n`; None if nothing is left.
    """
    kept = np.array([v for v in values if v is not None and np.isfinite(v)], np.float64)
    if len(kept) == 0:
        return None
    interval = None
    if len(kept) > 1:
        low, high = np.percentile(resamples(len(kept)) @ kept, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
        interval = [round(float(low), 5), round(float(high), 5)]
    return {"mean": round(float(kept.mean()), 5), "interval": interval, "n": len(kept)}


@lru_cache(maxsize=6)
def resamples(n: int, n_resamples: int = N_RESAMPLES) -> np.ndarray:
    """(resample, value) share of each value in each resample of n values, with replacement."""
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    return counts / n


def interval_by_group(values: np.ndarray, groups: Sequence[Hashable]) -> tuple[float, float] | None:
    """Interval of a mean over clips whose groups, not themselves, are independent: the bootstrap over groups.

    ESC-50 cuts some recordings into several clips. They share a microphone, a place and a source, and are right or
    wrong together more often than clips of different recordings are; an interval over clips takes them for more
    evidence than they are. Each resample draws as many groups as there are, with replacement, each with all its clips.

    Parameters
    ----------
    values : ndarray (clip,)
        What is averaged, such as 1 for a clip that is right and 0 for one that is wrong.
    groups : sequence (clip,)
        What each clip belongs to, such as the Freesound id of its recording.

    Returns
    -------
    tuple of float or None
        95%, percentiles of `N_RESAMPLES` resamples, seeded; None for fewer than two groups.
    """
    means = _means_by_group(np.asarray(values, np.float64)[:, None], groups, N_RESAMPLES)
    if means is None:
        return None
    low, high = np.percentile(means[:, 0], [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return float(low), float(high)


def _means_by_group(values: np.ndarray, groups: Sequence[Hashable], n_resamples: int) -> np.ndarray | None:
    """(clip, column) values → (resample, column) means over as many groups as there are; None for fewer than two."""
    _, group_of_clip = np.unique(np.asarray(groups, str), return_inverse=True)
    sizes = np.bincount(group_of_clip)
    if len(sizes) < 2:
        return None
    sums = np.stack([np.bincount(group_of_clip, weights=column) for column in values.T], axis=1)
    drawn = resamples(len(sizes), n_resamples)
    return (drawn @ sums) / (drawn @ sizes)[:, None]


def bootstrap_p_values(values: np.ndarray, groups: Sequence[Hashable] | None = None) -> np.ndarray:
    """Two-sided p-values of means against zero, by the bootstrap over clips, or over groups of them, seeded.

    Parameters
    ----------
    values : ndarray (clip, comparison)
        Such as paired differences.
    groups : sequence (clip,), optional
        What each clip belongs to, where groups are independent and clips are not; at least two of them.

    Returns
    -------
    ndarray (comparison,)
        Twice the share of resampled means that lie on the other side of zero, or on it; never 0, as that many
        resamples can tell. Below 0.05 where the percentile interval of 95% leaves zero out.
    """
    values = np.asarray(values, np.float64)
    if groups is None:
        means = resamples(len(values), N_RESAMPLES_OF_P) @ values
    else:
        means = _means_by_group(values, groups, N_RESAMPLES_OF_P)
    beyond = np.minimum((means <= ROUNDING).sum(axis=0), (means >= -ROUNDING).sum(axis=0))
    return np.minimum(1, 2 * (beyond + 1) / (N_RESAMPLES_OF_P + 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for their number by Holm's method: (comparison,) → (comparison,), 0 to 1.

    The chance that any of the true null hypotheses has a corrected value below α is at most α, however the
    comparisons depend on each other.
    """
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(1, np.maximum.accumulate(stepped))
    return corrected
