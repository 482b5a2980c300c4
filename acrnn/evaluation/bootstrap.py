"""Intervals of a mean over clips that is no share of successes: percentile bootstrap."""

import numpy as np
from scipy.stats import bootstrap

N_RESAMPLES = 2000
CONFIDENCE = 0.95


def mean_with_interval(values: np.ndarray, seed: int = 0) -> dict[str, float | list[float] | None]:
    """Mean of values (clip,) with its 95 % percentile bootstrap interval over clips, rounded to four places.

    Returns
    -------
    dict
        `mean` and `interval`, a list of its ends; None of both without a value, an interval of None of a single one.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return {"mean": None, "interval": None}
    mean = round(float(values.mean()), 4)
    if len(values) == 1:
        return {"mean": mean, "interval": None}
    if np.ptp(values) == 0:  # every resample is the same
        return {"mean": mean, "interval": [mean, mean]}
    found = bootstrap(
        (values,), np.mean, n_resamples=N_RESAMPLES, confidence_level=CONFIDENCE, method="percentile", batch=500,
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return {"mean": mean, "interval": [round(float(found.low), 4), round(float(found.high), 4)]}
