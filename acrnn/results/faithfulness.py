"""The faithfulness of one checkpoint's attention, as measured, and which controls it beats for certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.intervals import CONFIDENCE, bootstrap_p_values, holm
from acrnn.results.result import StudyResult

CONTROLS = ("random", "shifted", "energy", "integrated_gradients")
"""What attention is compared with; keys of `MAPS`."""


@dataclass(frozen=True)
class FaithfulnessResult(StudyResult):
    """What `python -m acrnn faithfulness` found for one checkpoint, over clips of its held-out fold.

    Attributes
    ----------
    summary : mapping
        See `acrnn.measures.faithfulness.study.summarise`.
    randomisation : mapping or None
        `stages` (stage → mean, interval, n_clips, draws), `n_clips` and `n_draws`; None without attention.
    clips : tuple of mapping
        A row a clip: `filename`, and `measures` (fill → map → the values of `MEASURES`, then one more).
    """

    summary: Mapping[str, Any] = field(default_factory=dict)
    randomisation: Mapping[str, Any] | None = None
    clips: tuple[Mapping[str, Any], ...] = ()

    @property
    def checkpoint(self) -> str:
        """The one that was measured."""
        return self.checkpoints[0]

    @property
    def fold(self) -> int:
        """Held out of its training."""
        return self.folds[0]

    def estimate(self, fill: str, name: str, measure: str) -> dict[str, Any]:
        """`mean` and `interval` of a measure of one map."""
        return self.summary[fill]["maps"][name][measure]

    def difference(self, fill: str, other: str, measure: str) -> dict[str, Any] | None:
        """`mean` and `interval` of attention's measure less another map's, paired by clip; None without attention."""
        found = self.summary[fill]["attention_minus"].get(other)
        return None if found is None else found[measure]

    def differences_by_clip(self, fill: str, measure: str) -> np.ndarray | None:
        """(clip, control) attention's measure less that of each of `CONTROLS`; None if the file has no clips."""
        if not self.clips:
            return None
        place = list(MEASURES).index(measure)
        of_clips = [clip["measures"][fill] for clip in self.clips]
        return np.array([[maps["attention"][place] - maps[name][place] for name in CONTROLS] for maps in of_clips])


@dataclass(frozen=True)
class Verdict:
    """How the attention of one checkpoint compares with the controls, by one measure.

    Attributes
    ----------
    study : FaithfulnessResult
    measure : str
        A key of `MEASURES`.
    beats, undecided, loses_to : tuple of str
        Controls, of `CONTROLS`.
    n_comparisons : int or None
        Number that the p-values are corrected for; None if clips are lacking, so that only intervals could be used,
        without a correction.
    """

    study: FaithfulnessResult
    measure: str
    beats: tuple[str, ...]
    undecided: tuple[str, ...]
    loses_to: tuple[str, ...]
    n_comparisons: int | None


def verdicts(studies: Sequence[FaithfulnessResult], fill: str, measure: str) -> list[Verdict]:
    """Compare the attention of each study with every control, all comparisons corrected together.

    A control is beaten, or not, if the paired bootstrap's p-value is below 0.05 after Holm's correction for all
    comparisons: controls times studies. Where a file has no clips, the 95% intervals decide, uncorrected.

    Parameters
    ----------
    studies : sequence of FaithfulnessResult
        Of networks with attention; what is told side by side.
    """
    signs = _signs_by_p_value(studies, fill, measure)
    n_comparisons = None if signs is None else signs.size
    if signs is None:
        signs = np.array([[_sign_by_interval(s.difference(fill, c, measure)) for c in CONTROLS] for s in studies])
    if not MEASURES[measure][1]:  # lower is better
        signs = -signs
    return [
        Verdict(
            study,
            measure,
            *(tuple(c for c, sign in zip(CONTROLS, row, strict=True) if sign == wanted) for wanted in (1, 0, -1)),
            n_comparisons,
        )
        for study, row in zip(studies, signs, strict=True)
    ]


def _signs_by_p_value(studies: Sequence[FaithfulnessResult], fill: str, measure: str) -> np.ndarray | None:
    """(study, control) sign of each difference, 0 where it may be chance."""
    differences = [study.differences_by_clip(fill, measure) for study in studies]
    if not studies or any(of_study is None for of_study in differences):
        return None
    p_values = np.array([bootstrap_p_values(of_study) for of_study in differences])
    means = np.array([of_study.mean(axis=0) for of_study in differences])
    corrected = holm(p_values.ravel()).reshape(p_values.shape)
    return np.where(corrected < 1 - CONFIDENCE, np.sign(means), 0).astype(int)


def _sign_by_interval(difference: Mapping[str, Any]) -> int:
    low, high = difference["interval"]
    return 1 if low > 0 else -1 if high < 0 else 0
