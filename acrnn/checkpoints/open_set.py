"""What a checkpoint knows: calibrated probabilities, and how strange a sound is to it.

A softmax gives every sound to one of its classes, speech and noise included. Three things are kept with a checkpoint
to tell when not to believe it. All are fitted on an inner split of its training folds: a network of the same recipe,
trained on those folds but one and scored on that one, so that the fold that is held out of the checkpoint is not
touched (`acrnn.measures.open_set`).

- A temperature (Guo et al., 2017), applied to the logarithms of a clip's mean probabilities. The class stays the same.
- One of the standard scores of strangeness (`SCORES`), larger for what is less like the training classes.
- The quantiles of that score over clips, and over segments, of the inner split. They turn a score into the share of
  known sounds that are less strange, from 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acrnn.errors import OptionError

SCORES = ("probability", "logit", "energy", "mahalanobis", "neighbours", "vim")
STORED_SCORES = ("probability", "logit", "energy", "mahalanobis", "vim")
"""Those that a checkpoint can keep in half a megabyte; the nearest neighbours are as many as the training clips."""
TOO_QUIET_DB = 20.0
"""A recording so far below the quietest known clips is not told apart by any score, and is called unknown."""
NEIGHBOUR = 10
"""The distance that counts is the one to the tenth nearest training segment."""


@dataclass(frozen=True)
class Scale:
    """Of clips, or of segments: the temperature, and what the score of strangeness is of known ones.

    Attributes
    ----------
    temperature : float
        Above 0. Above 1, probabilities come down.
    quantiles : tuple of float
        The score at evenly spaced shares of known sounds from 0 to 1, in ascending order.
    """

    temperature: float
    quantiles: tuple[float, ...]

    def calibrate(self, probabilities: np.ndarray) -> np.ndarray:
        """(…, class) probabilities → calibrated ones, of the same order; each row sums to one."""
        logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30)) / self.temperature
        raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)

    def strangeness(self, score: np.ndarray | float) -> np.ndarray:
        """Share of known sounds whose score is lower, in [0, 1]."""
        return np.interp(score, self.quantiles, np.linspace(0, 1, len(self.quantiles)))


@dataclass(frozen=True)
class OpenSet:
    """What is fitted for one checkpoint.

    Attributes
    ----------
    score : str
        One of `STORED_SCORES`.
    clips, segments : Scale
    accepts : float
        Share of known clips that are called known: a clip is known if its strangeness is at most this.
    right_when_unknown : tuple of int, or None
        Of the clips of the held-out fold that are called unknown: how many have the nearest class right, and how many
        there are. None if that was not measured.
    statistics_sha256 : str
        Of the file with what the score needs of the training segments; empty for a score that needs nothing.
    fitted_on : str
        One sentence: which network and which clips.
    levels_db : tuple of float
        Between these lies the loudest point of the spectrogram of 98% of the clips it was fitted on, in decibels.
    """

    score: str
    clips: Scale
    segments: Scale
    accepts: float
    fitted_on: str
    levels_db: tuple[float, float]
    right_when_unknown: tuple[int, int] | None = None
    statistics_sha256: str = ""

    def __post_init__(self) -> None:
        if self.score not in STORED_SCORES:
            raise OptionError(f"score of strangeness {self.score!r} is not one of {', '.join(STORED_SCORES)}")
        for scale in (self.clips, self.segments):
            if scale.temperature <= 0 or len(scale.quantiles) < 2 or np.any(np.diff(scale.quantiles) < 0):
                raise OptionError("a temperature is above 0, and quantiles are two or more in ascending order")
        if not 0 < self.accepts < 1:
            raise OptionError(f"accepts is {self.accepts}; a share between 0 and 1 is accepted")

    def is_known(self, score: np.ndarray | float, level_db: np.ndarray | float) -> np.ndarray:
        """Whether clips of these scores and levels are like those of the training classes."""
        quiet = np.asarray(level_db) < self.levels_db[0] - TOO_QUIET_DB
        return (self.clips.strangeness(score) <= self.accepts) & ~quiet

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "OpenSet":
        """Rebuild it from its `as_dict`."""
        scales = {
            key: Scale(values[key]["temperature"], tuple(values[key]["quantiles"])) for key in ("clips", "segments")
        }
        right = values.get("right_when_unknown")
        pairs = {"levels_db": tuple(values["levels_db"]), "right_when_unknown": None if right is None else tuple(right)}
        return cls(**dict(values) | scales | pairs)


def scores_of(score: str, logits: Tensor, features: Tensor | None, statistics: Mapping[str, Tensor]) -> Tensor:
    """Score segments by how little they are like the training classes.

    Parameters
    ----------
    score : str
        `probability`: the largest, negative (Hendrycks and Gimpel, 2017). `logit`: the largest, negative (Hendrycks et
        al., 2022). `energy`: −log Σ exp (Liu et al., 2020). `mahalanobis`: the squared distance to the nearest class
        mean under the covariance that the classes share (Lee et al., 2018), by Ledoit and Wolf's shrinkage.
        `neighbours`: the distance to the `NEIGHBOUR`-th nearest training segment, all of length one (Sun et al., 2022).
        `vim`: the energy and the length of what the principal space of the training features leaves over, as one more
        logit (Wang et al., 2022).
    logits : Tensor (segment, class)
    features : Tensor (segment, feature) or None
        What the output layer is given.
    statistics : mapping of str to Tensor
        `statistics_of` gives them; the first three scores need none.

    Returns
    -------
    Tensor (segment,)
    """
    if score == "probability":
        return -logits.softmax(dim=1).amax(dim=1)
    if score == "logit":
        return -logits.amax(dim=1)
    energy = -logits.logsumexp(dim=1)
    if score == "energy":
        return energy
    if score == "mahalanobis":
        whitened = features @ statistics["whitening"]
        return torch.cdist(whitened, statistics["means"] @ statistics["whitening"]).amin(dim=1) ** 2
    if score == "neighbours":
        unit = torch.nn.functional.normalize(features)
        return torch.cdist(unit, statistics["neighbours"]).kthvalue(NEIGHBOUR, dim=1).values
    residual = (features - statistics["origin"]) @ statistics["residual"]
    return statistics["scale"] * residual.norm(dim=1) + energy


def statistics_of(
    score: str, features: Tensor, targets: Tensor, logits: Tensor, weight: Tensor, bias: Tensor
) -> dict[str, Tensor]:
    """Fit what a score needs of the training segments.

    Parameters
    ----------
    score : str
    features : Tensor (segment, feature)
    targets : Tensor (segment,)
    logits : Tensor (segment, class)
    weight, bias : Tensor (class, feature), (class,)
        Of the output layer.

    Returns
    -------
    dict of str to Tensor
        Empty for the scores of the logits alone.
    """
    if score == "mahalanobis":
        classes = targets.unique()
        means = torch.stack([features[targets == c].mean(dim=0) for c in classes])
        centred = features - means[torch.searchsorted(classes, targets)]
        from sklearn.covariance import LedoitWolf  # slow to load, and only fitting needs it

        covariance = LedoitWolf(assume_centered=True).fit(centred.numpy()).covariance_
        values, vectors = torch.linalg.eigh(torch.from_numpy(covariance).double())
        return {"means": means, "whitening": (vectors * values.clamp(min=1e-12).rsqrt()).float()}
    if score == "neighbours":
        return {"neighbours": torch.nn.functional.normalize(features)}
    if score == "vim":
        origin = -(torch.linalg.pinv(weight) @ bias)
        _, vectors = torch.linalg.eigh(((features - origin).T @ (features - origin)).double())
        residual = vectors[:, : features.shape[1] // 2].float()
        length = ((features - origin) @ residual).norm(dim=1).mean()
        return {"origin": origin, "residual": residual, "scale": logits.amax(dim=1).mean() / length}
    return {}


def statistics_shapes(score: str, n_features: int, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what `statistics_of` gives for a score that a checkpoint can keep."""
    if score == "mahalanobis":
        return {"means": (n_classes, n_features), "whitening": (n_features, n_features)}
    if score == "vim":
        return {"origin": (n_features,), "residual": (n_features, n_features // 2), "scale": ()}
    return {}
