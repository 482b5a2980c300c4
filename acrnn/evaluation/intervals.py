"""Means with their 95 % intervals over clips."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import bootstrap

N_RESAMPLES = 2000


def mean_with_interval(values: Iterable[float | None]) -> dict[str, Any] | None:
    """Mean of one value a clip, with the percentile bootstrap's 95 % interval over clips, seeded.

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
        drawn = bootstrap(
            (kept,), np.mean, n_resamples=N_RESAMPLES, method="percentile", vectorized=True,
            rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
        interval = [round(float(drawn.low), 5), round(float(drawn.high), 5)]
    return {"mean": round(float(kept.mean()), 5), "interval": interval, "n": len(kept)}
