"""Score a model on the fold that it never saw: a clip takes the class with the highest mean probability (§4.1)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from acrnn.data import Clip, Dataset
from acrnn.inference import Predictor


@dataclass(frozen=True)
class Scores:
    """What a model made of the clips of one fold.

    Attributes
    ----------
    clips : tuple of Clip
    labels : tuple of str
        Class names by index.
    targets : ndarray (clip,), int64
    probabilities : ndarray (clip, class), float32
    """

    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """(clip,) index of the most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def n_correct(self) -> int:
        """Clips whose most probable class is the true one."""
        return int((self.predicted == self.targets).sum())

    @property
    def accuracy(self) -> float:
        """Share of clips that are correct, 0 to 1."""
        return self.n_correct / len(self.clips)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy over clips, by Wilson."""
        return wilson_interval(self.n_correct, len(self.clips))

    def summary(self) -> dict:
        """`n_clips`, `n_correct`, `accuracy`, `interval` as plain values."""
        return {
            "n_clips": len(self.clips),
            "n_correct": self.n_correct,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
        }


def wilson_interval(n_correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: (low, high) in [0, 1]. `n` is at least 1."""
    interval = binomtest(n_correct, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def score_fold(
    predictor: Predictor, dataset: Dataset, fold: int, *, on_clip: Callable[[int, int], None] | None = None
) -> Scores:
    """Predict every clip of a fold, each by the very path that a user's clip takes.

    Raises
    ------
    OptionError
        If there is no such fold, or a clip's class is none of the predictor's.
    AudioError
        If a clip cannot be used.
    """
    clips = dataset.fold(fold)
    targets = dataset.targets(clips)
    rows = []
    for done, clip in enumerate(clips, start=1):
        rows.append(predictor(clip.path).probabilities)
        if on_clip is not None:
            on_clip(done, len(clips))
    return Scores(clips, predictor.checkpoint.config.labels, targets, np.stack(rows))
