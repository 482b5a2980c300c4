"""A drifting zero line, as of a recorder that settles or a poor microphone: found, and filtered out."""

import numpy as np

BLOCK_S = 0.020  # one period of 50 Hz, where the lowest band is
_MEAN_S = 1.0
"""What is left of a sound in a mean over this time is slower than anything that is heard."""
_MIN_DRIFT = 0.08
"""−22 dB: more than any clip of ESC-50 comes to, wind at a microphone included."""
CUT_OFF_HZ = 20.0


class Drift:
    """One channel's zero line, window by window. From the first window on that drifts, all are high-pass filtered.

    Parameters
    ----------
    rate_hz : int
    """

    def __init__(self, rate_hz: int) -> None:
        self.largest = 0.0
        self._n = max(1, round(BLOCK_S * rate_hz))
        self._rate_hz = rate_hz
        self._state: np.ndarray | None = None

    def without(self, samples: np.ndarray) -> np.ndarray | None:
        """Take the drift off (n_samples,); None for samples that have none."""
        slow = _slow(samples, self._n)
        if self._state is None and slow <= _MIN_DRIFT:
            return None
        from scipy.signal import butter, sosfilt, sosfilt_zi  # not where this package is imported for training

        high_pass = butter(2, CUT_OFF_HZ, "high", fs=self._rate_hz, output="sos")
        if self._state is None:  # as if the first sample had always been there
            self._state = sosfilt_zi(high_pass) * float(samples[0])
        self.largest = max(self.largest, slow)
        filtered, self._state = sosfilt(high_pass, samples, zi=self._state)
        return filtered.astype(np.float32)


def _slow(samples: np.ndarray, n: int) -> float:
    """Give how far means over a second lie from that of all, at most; of a short recording, over half of it."""
    whole = len(samples) // n
    blocks = samples[: whole * n].reshape(whole, n)
    blocks = blocks[np.count_nonzero(blocks, axis=1) > 0.9 * n]  # digital silence has a zero line of its own
    whole = len(blocks)
    width = min(round(_MEAN_S / BLOCK_S), whole // 2)
    if width < 5:
        return 0.0
    means = blocks.mean(axis=1, dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(means - means.mean())])
    return float(np.abs(sums[width:] - sums[:-width]).max() / width)
