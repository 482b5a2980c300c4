"""Score a model on the fold that it never saw: a clip takes the class with the highest mean probability (§4.1)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acrnn.data import Clip, Dataset
from acrnn.errors import AudioError
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
        """95% interval of the accuracy over clips, by Wilson."""
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
    from scipy.stats import binomtest  # slow to load

    interval = binomtest(n_correct, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def score_fold(
    predictor: Predictor,
    dataset: Dataset,
    fold: int,
    *,
    on_clip: Callable[[int, int], None] | None = None,
    on_damaged: Callable[[AudioError], None] | None = None,
) -> Scores:
    """Predict every clip of a fold, each by the very path that a user's clip takes.

    Parameters
    ----------
    on_clip : callable, optional
        Told (clips done, clips in all).
    on_damaged : callable, optional
        Told why a clip cannot be used; the others are scored. By default the first such clip is an error.

    Raises
    ------
    OptionError
        If there is no such fold, or a clip's class is none of the predictor's.
    AudioError
        If a clip cannot be used and `on_damaged` is not given, or none can be.
    """
    clips = dataset.fold(fold)
    dataset.targets(clips)
    scored, rows = [], []
    for done, clip in enumerate(clips, start=1):
        try:
            rows.append(predictor(clip.path).probabilities)
            scored.append(clip)
        except AudioError as error:
            if on_damaged is None or (done == len(clips) and not scored):
                raise
            on_damaged(error)
        if on_clip is not None:
            on_clip(done, len(clips))
    return Scores(tuple(scored), predictor.checkpoint.config.labels, dataset.targets(scored), np.stack(rows))
