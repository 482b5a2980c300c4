"""When a clip sounds: an energy gate, the events it finds, and the level that a signal-to-noise ratio is taken of.

Many clips of ESC-50 are a short event followed by digital silence, so that power over the whole clip says more of the
silence than of the sound. The gate's numbers were set beforehand and are the same for every clip and every measure.
"""

import numpy as np

from acrnn.errors import BadSamplesError

BLOCK_S = 0.010
GATE_DB = 30.0
"""A block of 10 ms sounds if its power is less than this below that of the clip's loudest block."""
GAP_S = 0.15
"""Pauses shorter than this belong to the event around them."""

Events = tuple[tuple[float, float], ...]


def sounding_blocks(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Tell which blocks of `BLOCK_S` sound.

    Parameters
    ----------
    samples : (n_samples,)
    rate_hz : int

    Returns
    -------
    bool (block,)
        The last block may be shorter than the others.

    Raises
    ------
    BadSamplesError
        If every sample is zero.
    """
    power = block_power(samples, rate_hz)
    loudest = power.max(initial=0.0)
    if loudest == 0.0:
        raise BadSamplesError("A clip is digital silence; one with sound is needed to tell when it sounds.")
    return power > loudest * 10.0 ** (-GATE_DB / 10.0)


def block_power(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Mean power of each block of `BLOCK_S`: float64 (block,)."""
    n = round(BLOCK_S * rate_hz)
    starts = np.arange(0, len(samples), n)
    lengths = np.minimum(starts + n, len(samples)) - starts
    return np.add.reduceat(np.square(samples, dtype=np.float64), starts) / lengths


def sounding_power(samples: np.ndarray, rate_hz: int) -> float:
    """Mean power over the blocks that sound; raises BadSamplesError for digital silence."""
    sounding = sounding_blocks(samples, rate_hz)
    per_sample = np.repeat(sounding, round(BLOCK_S * rate_hz))[: len(samples)]
    return float(np.mean(np.square(samples[per_sample], dtype=np.float64)))


def find_events(samples: np.ndarray, rate_hz: int) -> Events:
    """Give the stretches (on, off) in seconds that sound, ascending, pauses under `GAP_S` closed.

    Raises
    ------
    BadSamplesError
        If every sample is zero.
    """
    block_s = round(BLOCK_S * rate_hz) / rate_hz
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sounding_blocks(samples, rate_hz).astype(int), [0]])))
    on_s, off_s = edges[::2] * block_s, np.minimum(edges[1::2] * block_s, len(samples) / rate_hz)
    apart = on_s[1:] - off_s[:-1] >= GAP_S
    starts, stops = on_s[np.concatenate([[True], apart])], off_s[np.concatenate([apart, [True]])]
    return tuple((float(a), float(b)) for a, b in zip(starts, stops, strict=True))


def frames_inside(times_s: np.ndarray, events_s: Events, margin_s: float = 0.0) -> np.ndarray:
    """Tell which times lie in an event, or at most `margin_s` from one: bool (frame,) for (frame,) seconds."""
    inside = np.zeros(len(times_s), bool)
    for on_s, off_s in events_s:
        inside |= (times_s >= on_s - margin_s) & (times_s < off_s + margin_s)
    return inside
