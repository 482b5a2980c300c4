"""What removing tiles in the order of a map costs, as measured for one checkpoint, and which controls a map beats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.intervals import CONFIDENCE, bootstrap_p_values, holm
from acrnn.measures.maps.attribution import METHODS
from acrnn.measures.maps.clip import CONTROLS
from acrnn.measures.maps.study import estimate
from acrnn.results.result import StudyResult

MEASURE = "deletion_area"
_PLACE = list(MEASURES).index(MEASURE)


@dataclass(frozen=True)
class Comparison:
    """One order of tiles against another, by the area under the deletion curve.

    Attributes
    ----------
    fill : str
        What removed tiles become.
    order, other : str
        Of `ORDERS`.
    gain : mapping
        `mean` and `interval`: the probability that the order loses more than the other, averaged over the curve.
    p_value : float
        After Holm's correction for all comparisons of the checkpoint.
    """

    fill: str
    order: str
    other: str
    gain: Mapping[str, Any]
    p_value: float

    @property
    def sign(self) -> int:
        """1 if the order loses more, -1 if less, 0 if chance can make the difference."""
        return int(np.sign(self.gain["mean"])) if self.p_value < 1 - CONFIDENCE else 0


@dataclass(frozen=True)
class MapsResult(StudyResult):
    """What `python -m acrnn maps` found for one checkpoint, over clips of its held-out fold.

    Attributes
    ----------
    n_recordings : int
        That the clips were cut from.
    weights_sha256 : str
    summary : mapping
        See `acrnn.measures.maps.study.summarise`.
    clips : tuple of mapping
        A row a clip: `filename`, `recording`, and `measures` (fill → order → the values of `MEASURES`).
    """

    n_recordings: int = 0
    weights_sha256: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    clips: tuple[Mapping[str, Any], ...] = ()

    @property
    def checkpoint(self) -> str:
        """The one that was measured."""
        return self.checkpoints[0]

    @property
    def methods(self) -> tuple[str, ...]:
        """Maps that were measured."""
        return tuple(name for name in METHODS if name in self.clips[0]["measures"][FILLS[0]])

    @property
    def controls(self) -> tuple[str, ...]:
        """Controls that they were measured beside: `attention` is absent for a network without."""
        return tuple(name for name in CONTROLS if name in self.clips[0]["measures"][FILLS[0]])

    def area(self, fill: str, order: str) -> dict[str, Any]:
        """`mean` and `interval` of the area under the deletion curve of an order."""
        return self.summary[fill]["maps"][order][MEASURE]

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every map with every control, and the maps with one another, by both fills; corrected together."""
        pairs = [(fill, *pair) for fill in FILLS for pair in (*self._with_controls(), *combinations(self.methods, 2))]
        gains = np.stack([self._areas(fill, other) - self._areas(fill, order) for fill, order, other in pairs], axis=1)
        recordings = [clip["recording"] for clip in self.clips]
        alone = len(set(recordings)) < 2
        corrected = np.ones(len(pairs)) if alone else holm(bootstrap_p_values(gains, recordings))
        return tuple(
            Comparison(*pair, estimate(gain, recordings), float(p))
            for pair, gain, p in zip(pairs, gains.T, corrected, strict=True)
        )

    def comparison(self, fill: str, order: str, other: str) -> Comparison:
        """Give the comparison of an order with another."""
        return next(one for one in self.comparisons if (one.fill, one.order, one.other) == (fill, order, other))

    def _with_controls(self) -> list[tuple[str, str]]:
        return [(method, control) for method in self.methods for control in self.controls]

    def _areas(self, fill: str, order: str) -> np.ndarray:
        return np.array([clip["measures"][fill][order][_PLACE] for clip in self.clips])
