"""Measures of one clip's attention, and how far two attentions are apart.

All of them look at the weights as shares of the clip: weights over their sum, one share a frame. They do not change
when all weights are scaled alike, so sigmoid (each weight up to one) and softmax (a segment's sum to one) compare.
"""

from dataclasses import dataclass

import numpy as np

TOP_SHARE = 0.1


@dataclass(frozen=True)
class AttentionMeasures:
    """How concentrated the attention of one clip is, and whether it goes with loudness.

    Attributes
    ----------
    entropy : float
        Of the shares over the clip's n frames, as a part of its largest value log n: 1 for even attention, 0 if a
        single frame has it all. A weight is held over the frames of its step, so the least that can be reached at l10,
        with 18 frames a step, is log 18 / log n.
    top_tenth : float
        Sum of the shares of the tenth of the frames (rounded up) that have the most: about 0.1 for even attention.
    loudness_correlation : float
        Spearman's rank correlation of weight and frame level, -1 to 1; NaN where either is the same in all frames.
        Ranks do not ask how much a scaling function spreads its weights, only which frames come first.
    """

    entropy: float
    top_tenth: float
    loudness_correlation: float


def measure_attention(weights: np.ndarray, level_db: np.ndarray) -> AttentionMeasures:
    """Measure the attention of one clip.

    Parameters
    ----------
    weights : ndarray (frame,)
        Not negative, and not all zero.
    level_db : ndarray (frame,)
        See `frame_level_db`.
    """
    share = shares(weights)
    return AttentionMeasures(
        entropy=normalised_entropy(share),
        top_tenth=float(np.sort(share)[-_n_top(len(share)) :].sum()),
        loudness_correlation=rank_correlation(weights, level_db),
    )


@dataclass(frozen=True)
class Agreement:
    """How alike two attentions rank the frames of one clip.

    Attributes
    ----------
    rank_correlation : float
        Spearman's, -1 to 1; NaN where either is the same in all frames.
    top_overlap : float
        Part of the tenth of the frames with the most attention that both have in common, 0 to 1: about 0.1 by chance.
    """

    rank_correlation: float
    top_overlap: float


def measure_agreement(a: np.ndarray, b: np.ndarray) -> Agreement:
    """Measure how two attentions agree, whatever the scale of each.

    Parameters
    ----------
    a, b : ndarray (frame,)
        Weights on one time axis (`hold`).
    """
    common = np.minimum(_top_tenth(a), _top_tenth(b)).sum() / _n_top(len(a))
    return Agreement(rank_correlation(a, b), float(common))


def _top_tenth(weights: np.ndarray) -> np.ndarray:
    """(frame,) 1 in the top tenth of the frames and 0 elsewhere; frames that tie for the last places share them."""
    n = _n_top(len(weights))
    least = np.sort(weights)[-n]
    above, ties = weights > least, weights == least
    return above + ties * (n - above.sum()) / ties.sum()


def _n_top(n_frames: int) -> int:
    """Count a tenth of the frames, rounded up."""
    return -(-n_frames // round(1 / TOP_SHARE))


def shares(weights: np.ndarray) -> np.ndarray:
    """(frame,) weights → (frame,) parts of their sum, float64."""
    return np.asarray(weights, np.float64) / np.sum(weights, dtype=np.float64)


def normalised_entropy(share: np.ndarray) -> float:
    """Entropy of shares (frame,) that sum to one, over log n: in [0, 1]; 1 for a single frame."""
    if len(share) == 1:
        return 1.0
    present = share[share > 0]
    return float(-(present * np.log(present)).sum() / np.log(len(share)))


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation of two series of one length; NaN if either is constant."""
    from pandas import Series  # its ranks, as those of scipy.stats take half a second to load

    ranks = np.stack([Series(a).rank(), Series(b).rank()])
    if (np.ptp(ranks, axis=1) == 0).any():
        return float("nan")
    return float(np.corrcoef(ranks)[0, 1])


def frame_level_db(spectrogram: np.ndarray) -> np.ndarray:
    """Level of each frame in decibels: the sum of its bands' powers.

    Parameters
    ----------
    spectrogram : ndarray (band, frame), decibels
        The log-gammatone spectrogram that the network saw.

    Returns
    -------
    ndarray (frame,), float32
    """
    return 10 * np.log10((10 ** (spectrogram / 10)).sum(axis=0))


def loud_to_quiet(weights: np.ndarray, level_db: np.ndarray) -> float:
    """Mean weight of the loudest tenth of the frames (rounded up) over that of the quietest tenth.

    1 where both get the same, infinite where the quietest get nothing.

    Parameters
    ----------
    weights, level_db : ndarray (frame,)
    """
    n = _n_top(len(weights))
    order = np.argsort(level_db, kind="stable")
    loud, quiet = np.mean(weights[order[-n:]]), np.mean(weights[order[:n]])
    return float(loud / quiet) if quiet > 0 else float("inf")


def jensen_shannon_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Jensen–Shannon distance of two attentions on one time axis, in [0, 1].

    0 if both spread over the frames alike, 1 if no frame has a share in both. The root of the divergence in bits.

    Parameters
    ----------
    a, b : ndarray (frame,)
        Weights, of any scale each.
    """
    from scipy.spatial.distance import jensenshannon  # slow to load, and for two networks alone

    return float(jensenshannon(a, b, base=2))


def hold(times_s: np.ndarray, weights: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Weights at other times: each takes that of the frame whose centre is nearest.

    For two front ends whose frames are not the same length: 11.61 ms at 44.1 kHz, 11.63 ms at 16 kHz.

    Parameters
    ----------
    times_s, weights : ndarray (frame,)
        Ascending centres in seconds, and their weights.
    at_s : ndarray (other frame,)

    Returns
    -------
    ndarray (other frame,)
    """
    edges_s = (times_s[1:] + times_s[:-1]) / 2
    return weights[np.searchsorted(edges_s, at_s)]
