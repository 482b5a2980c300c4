"""Parts of a sound: its short-time spectrum with other gains in some bands at some times, and back to a waveform."""

import numpy as np

from acrnn.errors import OptionError

WINDOW_S = 2048 / 44_100
"""46 ms: an eighth of a tile's length at most, and lines a quarter of the lowest tile's width apart."""


def scale_tiles(
    samples: np.ndarray, rate_hz: int, gains: np.ndarray, edges_hz: np.ndarray, edges_s: np.ndarray
) -> np.ndarray:
    """Multiply a waveform's short-time spectrum by a gain for each band and time; the phases stay.

    Parameters
    ----------
    samples : (n_samples,), float
        In about [-1, 1].
    rate_hz : int
    gains : (row, column)
        At least 0; 1 keeps a tile as it is, 0 silences it.
    edges_hz : (row + 1,)
        Ascending edges of the rows in hertz. What lies outside them takes the nearest row's gain.
    edges_s : (column + 1,)
        Ascending edges of the columns in seconds, and the same of them.

    Returns
    -------
    float32 (n_samples,)

    Raises
    ------
    OptionError
        If edges and gains do not fit each other, edges do not ascend, or a gain is negative or not finite.
    """
    gains, edges_hz, edges_s = (np.asarray(values, np.float64) for values in (gains, edges_hz, edges_s))
    if gains.ndim != 2 or (len(edges_hz), len(edges_s)) != (gains.shape[0] + 1, gains.shape[1] + 1) or not gains.size:
        raise OptionError(
            f"Gains of shape {gains.shape}, {len(edges_hz)} edges in hertz and {len(edges_s)} in seconds; one edge "
            "more than gains is accepted."
        )
    if (np.diff(edges_hz) <= 0).any() or (np.diff(edges_s) <= 0).any():
        raise OptionError("Edges of the gains do not ascend; strictly ascending ones are accepted.")
    if not np.isfinite(gains).all() or gains.min() < 0:
        raise OptionError(f"A gain is {gains.min():g}; finite gains of at least 0 are accepted.")
    from scipy.signal import ShortTimeFFT  # slow to load, and only who listens to a part needs it

    length = 4 * max(1, round(WINDOW_S * rate_hz / 4))
    transform = ShortTimeFFT.from_window(
        "hann", rate_hz, nperseg=length, noverlap=3 * length // 4, fft_mode="onesided", symmetric_win=False
    )
    padded = np.pad(np.asarray(samples, np.float64), (0, max(0, length - len(samples))))  # it takes no shorter ones
    spectrum = transform.stft(padded)  # (bin, step)
    rows = np.searchsorted(edges_hz[1:-1], transform.f, side="right")
    columns = np.searchsorted(edges_s[1:-1], transform.t(len(padded)), side="right")
    scaled = spectrum * gains[rows][:, columns]
    return transform.istft(scaled, k1=len(padded))[: len(samples)].astype(np.float32)
