"""Temperature, score of strangeness and quantiles, fitted on clips that a network never saw."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from acrnn.checkpoints import OpenSet, Scale
from acrnn.checkpoints.open_set import statistics_of
from acrnn.measures.open_set.collect import Heard
from acrnn.model import Network

ACCEPTS = 0.95
N_QUANTILES = 101
N_BINS = 10
LEVELS = (0.01, 0.99)
_LOG_TEMPERATURES = (-3.0, 3.0)


def statistics(score: str, network: Network, labels: Sequence[str], training: Sequence[Heard]) -> dict[str, Tensor]:
    """Fit what a score needs, on the segments with sound of the network's own training clips."""
    kinds = {label: index for index, label in enumerate(labels)}
    sounding = [~heard.is_silent for heard in training]
    features, logits = (
        torch.from_numpy(np.concatenate([getattr(h, name)[keep] for h, keep in zip(training, sounding, strict=True)]))
        for name in ("features", "logits")
    )
    targets = [np.full(keep.sum(), kinds[h.sound.kind]) for h, keep in zip(training, sounding, strict=True)]
    weight, bias = network.output.weight.detach().cpu(), network.output.bias.detach().cpu()
    return statistics_of(score, features, torch.from_numpy(np.concatenate(targets)), logits, weight, bias)


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Probability that an unknown sound is the stranger of two: 0.5 by chance, ties half."""
    from sklearn.metrics import roc_auc_score  # slow to load, and pages only read results

    is_unknown = np.repeat([0, 1], [len(known), len(unknown)])
    return float(roc_auc_score(is_unknown, np.concatenate([known, unknown])))


def false_known(known: np.ndarray, unknown: np.ndarray) -> float:
    """Share of unknown sounds that are let in where 95% of the known ones are."""
    return float((unknown <= np.quantile(known, ACCEPTS)).mean())


def temperature(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Find the temperature under which the targets are most likely.

    Parameters
    ----------
    probabilities : ndarray (sound, class)
    targets : ndarray (sound,)
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        calibrated = Scale(float(np.exp(log_temperature)), (0.0, 1.0)).calibrate(probabilities)
        return -float(np.log(np.maximum(calibrated[rows, targets], 1e-30)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def fit(
    heard: Sequence[Heard],
    labels: Sequence[str],
    score: str,
    fitted: Mapping[str, Tensor],
    fitted_on: str,
) -> OpenSet:
    """Fit an `OpenSet` on held-out clips of known classes; segments count where they have sound.

    Parameters
    ----------
    heard : sequence of Heard
        Clips of the inner split, each of one of `labels`.
    labels : sequence of str
        Class names by index.
    score : str
        One of `STORED_SCORES`.
    fitted : mapping of str to Tensor
        `statistics` of the network that heard them.
    fitted_on : str
        One sentence.
    """
    index = {label: i for i, label in enumerate(labels)}
    targets = np.array([index[h.sound.kind] for h in heard])
    sounding = [~h.is_silent for h in heard]
    by_segment = np.concatenate([h.segment_probabilities[keep] for h, keep in zip(heard, sounding, strict=True)])
    segment_targets = np.repeat(targets, [keep.sum() for keep in sounding])
    scores = np.concatenate([h.segment_scores(score, fitted)[keep] for h, keep in zip(heard, sounding, strict=True)])
    clips = np.stack([h.probabilities for h in heard])
    clip_scores = np.array([h.clip_score(score, fitted) for h in heard])
    return OpenSet(
        score=score,
        clips=Scale(temperature(clips, targets), _quantiles(clip_scores)),
        segments=Scale(temperature(by_segment, segment_targets), _quantiles(scores)),
        accepts=ACCEPTS,
        fitted_on=fitted_on,
        levels_db=tuple(round(float(q), 1) for q in np.quantile([h.level_db for h in heard], LEVELS)),
    )


def _quantiles(scores: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(q), 5) for q in np.quantile(scores, np.linspace(0, 1, N_QUANTILES)))


def choose(scores: Mapping[str, Callable[[Heard], float]], known: Sequence[Heard], unknown: Sequence[Heard]) -> dict:
    """Compare scores by how well they tell known from unknown clips of the inner split.

    Returns
    -------
    dict
        Score → `auroc` and `false_known`, the best AUROC first.
    """
    told = {}
    for name, of in scores.items():
        both = np.array([of(h) for h in known]), np.array([of(h) for h in unknown])
        told[name] = {"auroc": auroc(*both), "false_known": false_known(*both)}
    return dict(sorted(told.items(), key=lambda item: -item[1]["auroc"]))


def reliability(probabilities: np.ndarray, targets: np.ndarray) -> dict:
    """Compare how sure a network is with how often it is right.

    Returns
    -------
    dict
        `ece`: expected calibration error over `N_BINS` bins of equal width (Naeini et al., 2015); `bins`: of each that
        is not empty, `n`, `confidence` (mean) and `accuracy`.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    bin_of = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    bins = []
    for b in np.unique(bin_of):
        inside = bin_of == b
        bins.append(
            {
                "n": int(inside.sum()),
                "confidence": float(confidence[inside].mean()),
                "accuracy": float(right[inside].mean()),
            }
        )
    ece = sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins) / len(right)
    return {"ece": float(ece), "bins": bins}
