"""Deletion and insertion curves, their areas (RISE), comprehensiveness and sufficiency (ERASER)."""

from dataclasses import dataclass

import numpy as np

KEPT_SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
"""ERASER's k."""
SHARES = (0.0, *KEPT_SHARES, *(1 - k for k in reversed(KEPT_SHARES[:-1])), 1.0)
"""Where a curve is computed: at each k and at what each k leaves, so that inserting in an order is deleting in its
reverse. Eleven points; areas are by trapezoids between them."""


@dataclass(frozen=True)
class Curve:
    """The probability of a class as the frames of a clip go, and come, in the order of a map.

    Attributes
    ----------
    shares : ndarray (point,)
        Part of the clip's frames, 0 to 1, that is removed or put in: near `SHARES`, in whole frames.
    deletion : ndarray (point,)
        Probability without the first frames of the order; begins with the whole clip.
    insertion : ndarray (point,)
        Probability with nothing but the first frames of the order; ends with the whole clip.
    """

    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> float:
        """Mean height of the deletion curve, 0 to 1; lower is better: the class goes with the first frames."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Mean height of the insertion curve, 0 to 1; higher is better: the first frames alone give the class."""
        return float(np.trapezoid(self.insertion, self.shares))

    @property
    def costs(self) -> np.ndarray:
        """(k,) probability lost without the first k of the frames; higher is better."""
        return self.deletion[0] - self.deletion[1 : 1 + len(KEPT_SHARES)]

    @property
    def shortfalls(self) -> np.ndarray:
        """(k,) probability lacking with the first k of the frames alone; lower is better."""
        return self.insertion[-1] - self.insertion[1 : 1 + len(KEPT_SHARES)]

    @property
    def comprehensiveness(self) -> float:
        """Mean of `costs` over k = 1, 5, 10, 20 and 50%, -1 to 1."""
        return float(self.costs.mean())

    @property
    def sufficiency(self) -> float:
        """Mean of `shortfalls` over k = 1, 5, 10, 20 and 50%, -1 to 1."""
        return float(self.shortfalls.mean())


MEASURES: dict[str, tuple[str, bool]] = {
    "comprehensiveness": ("comprehensiveness", True),
    "sufficiency": ("sufficiency", False),
    "deletion_area": ("deletion area", False),
    "insertion_area": ("insertion area", True),
}
"""Property of `Curve` → its name for people, and whether higher is better."""


def counts(n_frames: int) -> np.ndarray:
    """(point,) whole frames at each of `SHARES`, at least one at the lowest.

    The points k and 1 − k have all frames together; of an odd number, one half is rounded down.
    """
    lower = [min(max(1, round(k * n_frames)), n_frames // 2) for k in KEPT_SHARES]
    upper = [n_frames - n for n in reversed(lower[:-1])]
    return np.maximum.accumulate(np.array([0, *lower, *upper, n_frames]))


def order_of(scores: np.ndarray) -> np.ndarray:
    """(frame,) frames from the highest score down; equal ones in order of time.

    So the frames of one attention step go as a run from its beginning. A draw would scatter holes over the step, and
    scattered holes cost a network more than a run as long: the random order shows it. Silent frames have equal energy,
    the lowest, and so come last, in order of time.
    """
    return np.argsort(-np.asarray(scores, np.float64), kind="stable")


def removals(order: np.ndarray) -> np.ndarray:
    """Give (point, frame) bool: the first frames of an order at each point of a curve."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank < counts(len(order))[:, None]


def curve_of(deletion: np.ndarray, insertion: np.ndarray, n_frames: int) -> Curve:
    """Curve of a clip of `n_frames` from its probabilities (point,) each."""
    return Curve(counts(n_frames) / n_frames, deletion, insertion)
