"""Long curves and pictures → as many columns as a wide screen can show."""

import numpy as np

MAX_COLUMNS = 2000  # as many as a wide screen can show; longer clips are reduced to it


def envelope(samples: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest sample in each of at most 2000 spans: (times_s, low, high), each (span,)."""
    span = max(1, -(-len(samples) // MAX_COLUMNS))
    starts = np.arange(0, len(samples), span)
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    return starts / rate_hz, low, high


def reduced(times_s: np.ndarray, values: np.ndarray, how: np.ufunc) -> tuple[np.ndarray, np.ndarray]:
    """(frame,) times and (row, frame) values → the same with at most `MAX_COLUMNS` columns."""
    span = -(-len(times_s) // MAX_COLUMNS)
    if span <= 1:
        return times_s, values
    starts = np.arange(0, len(times_s), span)
    return times_s[starts] + (times_s[1] - times_s[0]) * (span - 1) / 2, how.reduceat(values, starts, axis=1)
