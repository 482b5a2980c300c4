"""What a network makes of many sounds, segment by segment: what temperature, score and quantiles are fitted on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acrnn.checkpoints.open_set import scores_of
from acrnn.errors import AudioError
from acrnn.inference import Prediction, Predictor


@dataclass(frozen=True)
class Sound:
    """A sound to be heard.

    Attributes
    ----------
    name : str
    kind : str
        Its class, or what it is if it is of none.
    source : path or ndarray (n_samples,)
    rate_hz : int, optional
        Of samples.
    group : str
        What it was cut from: sounds of one recording are right or wrong together.
    """

    name: str
    kind: str
    source: Any
    rate_hz: int | None = None
    group: str = ""


@dataclass(frozen=True)
class Heard:
    """A sound and what the network said; of all segments, silent ones included."""

    sound: Sound
    probabilities: np.ndarray
    logits: np.ndarray
    features: np.ndarray | None
    votes: np.ndarray
    is_silent: np.ndarray
    level_db: float

    def segment_scores(self, score: str, statistics: Mapping[str, Tensor]) -> np.ndarray:
        """(segment,) how strange each is, by one of `acrnn.checkpoints.open_set.SCORES`."""
        features = None if self.features is None else torch.from_numpy(self.features)
        return scores_of(score, torch.from_numpy(self.logits), features, statistics).numpy()

    def clip_score(self, score: str, statistics: Mapping[str, Tensor]) -> float:
        """Mean over the segments, each counting by its vote."""
        return float(np.average(self.segment_scores(score, statistics), weights=self.votes))

    @property
    def segment_probabilities(self) -> np.ndarray:
        """(segment, class)."""
        return torch.from_numpy(self.logits).softmax(dim=1).numpy()


def hear(
    predictor: Predictor, sounds: Iterable[Sound], on_clip: Callable[[], object] = lambda: None
) -> tuple[list[Heard], list[AudioError]]:
    """Predict each sound; those that cannot be used, such as silent ones, are told, not raised."""
    heard, refused = [], []
    for sound in sounds:
        try:
            prediction = predictor(sound.source, sound.rate_hz, name=sound.name)
        except AudioError as error:
            refused.append(error)
        else:
            heard.append(_heard(sound, prediction))
        on_clip()
    return heard, refused


def _heard(sound: Sound, prediction: Prediction) -> Heard:
    return Heard(
        sound,
        prediction.probabilities,
        prediction.segment_logits,
        prediction.segment_features,
        prediction.segment_votes,
        prediction.segment_is_silent,
        prediction.level_db,
    )
