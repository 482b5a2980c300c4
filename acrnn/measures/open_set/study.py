"""Calibration and strangeness of one checkpoint: fitted on an inner split, measured on its held-out fold."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from acrnn.checkpoints import Checkpoint, OpenSet
from acrnn.checkpoints.open_set import SCORES
from acrnn.data import Clip, Dataset
from acrnn.errors import OptionError
from acrnn.inference import Predictor
from acrnn.measures.intervals import CONFIDENCE, resamples
from acrnn.measures.open_set.collect import Heard, Sound, hear
from acrnn.measures.open_set.fit import STORED_SCORES, auroc, choose, false_known, fit, reliability, statistics
from acrnn.measures.open_set.sounds import unknown_sounds

OTHER_CLASSES = "other classes"
PROTOCOL = (
    "Fitted on an inner split: a network of the same recipe, trained on three of the checkpoint's four training folds "
    "and scored on the fourth. The score of strangeness is chosen there, on classes of ESC-50 that the network was "
    "not trained on, against its own ten, both of the 16 kHz copy. Measured on the fold that is held out of the "
    "checkpoint, which neither network has seen. AUROC is the probability that an unknown clip is the stranger of "
    "two; 95 % intervals are by bootstrap over recordings."
)

OnClip = Callable[[int, int], None]


@dataclass(frozen=True)
class Study:
    """What is needed to fit and to measure.

    Attributes
    ----------
    predictor : Predictor
        Of the checkpoint.
    inner : Predictor
        Of the inner split.
    dataset : Dataset
        What both were trained on.
    others : Dataset or None
        A dataset with the same folds and more classes than the checkpoint has.
    """

    predictor: Predictor
    inner: Predictor
    dataset: Dataset
    others: Dataset | None = None

    def __post_init__(self) -> None:
        mine, inner = self.predictor.checkpoint.config, self.inner.checkpoint.config
        for name in ("dataset", "data_fingerprint", "labels", "placement", "recipe", "front_end"):
            if getattr(mine, name) != getattr(inner, name):
                raise OptionError(
                    f"{inner.name} cannot stand in for {mine.name}: they differ in {name}. A run of the same recipe, "
                    "placement and data is accepted, with the checkpoint's fold sealed."
                )

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes of the checkpoint, by index."""
        return self.predictor.checkpoint.config.labels

    @property
    def fold(self) -> int:
        """Held out of the checkpoint."""
        return self.predictor.checkpoint.config.fold

    def known_and_others(self, fold: int) -> tuple[list[Clip], list[Clip]]:
        """Clips of `others` in a fold: those of the checkpoint's classes, and those of none."""
        if self.others is None:
            return [], []
        clips = self.others.fold(fold)
        return [c for c in clips if c.label in self.labels], [c for c in clips if c.label not in self.labels]


def require_inner(checkpoint: Checkpoint, inner_fold: int, sealed: Sequence[int]) -> None:
    """Raise OptionError unless a run left the checkpoint's fold alone and validated on another."""
    fold = checkpoint.config.fold
    if fold not in sealed or inner_fold == fold:
        raise OptionError(
            f"The inner run holds out fold {inner_fold} and seals {', '.join(map(str, sealed)) or 'none'}; one that "
            f"seals fold {fold}, which {checkpoint.name} is scored on, is accepted (train … --sealed {fold})."
        )


def sounds_of(clips: Iterable[Clip]) -> list[Sound]:
    """Clips of a dataset, each with its class and the recording it was cut from."""
    return [Sound(clip.filename, clip.label, clip.path, None, clip.source) for clip in clips]


def fit_open_set(study: Study, score: str | None, told: OnClip) -> tuple[OpenSet, dict[str, Any]]:
    """Choose the score, unless it is given, and fit everything, on the inner split alone.

    Returns
    -------
    OpenSet, dict
        The latter says how the candidates fared: `inner`, `inner_fold`, `n_clips`, `chosen_on`, `candidates`.
    """
    inner, config = study.inner, study.inner.checkpoint.config
    own = study.dataset.fold(config.fold)
    known, others = study.known_and_others(config.fold)
    training = [c for c in study.dataset.clips if c.fold not in (config.fold, study.fold)] if others else []
    counted = _counter(told, len(own) + len(known) + len(others) + len(training))
    held_out, _ = hear(inner, sounds_of(own), counted)
    candidates: dict[str, Any] = {}
    if others:
        heard, _ = hear(inner, sounds_of(training), counted)
        both = (hear(inner, sounds_of(clips), counted)[0] for clips in (known, others))
        fitted = {name: statistics(name, inner.model, heard) for name in SCORES}
        scores = {name: partial(_clip_score, score=name, fitted=fitted[name]) for name in SCORES}
        candidates = choose(scores, *both)
    if score is None:
        if not candidates:
            raise OptionError("No class is left out of this network, so no score can be chosen; --score names one.")
        score = next(name for name in candidates if name in STORED_SCORES)
    elif score not in STORED_SCORES:
        raise OptionError(f"score {score!r} is not one of {', '.join(STORED_SCORES)}.")
    fitted_on = (
        f"{config.name}, trained without folds {study.fold} and {config.fold}: "
        f"{len(held_out)} clips of fold {config.fold} of {config.data_title}."
    )
    said = {
        "inner": config.name,
        "inner_fold": config.fold,
        "n_clips": len(held_out),
        "n_others": len(others),
        "score": score,
        "candidates": candidates,
    }
    return fit(held_out, study.labels, score, fitted_on), said


def _clip_score(heard: Heard, score: str, fitted: dict) -> float:
    return heard.clip_score(score, fitted)


def measure(study: Study, open_set: OpenSet, told: OnClip) -> tuple[OpenSet, dict[str, Any]]:
    """Measure on the held-out fold: calibration, and known against unknown sounds.

    Returns
    -------
    OpenSet, dict
        The former with `right_when_unknown` filled in.
    """
    predictor = study.predictor
    own = sounds_of(study.dataset.fold(study.fold))
    known, others = (sounds_of(clips) for clips in study.known_and_others(study.fold))
    made = list(unknown_sounds(predictor.checkpoint.config.front_end.rate_hz))
    counted = _counter(told, len(own) + len(known) + len(others) + len(made))
    heard, _ = hear(predictor, own, counted)
    right, is_known = _outcomes(heard, study.labels, open_set)
    measured = {"own": _told_known(right, is_known), "reliability": _reliability(heard, study.labels, open_set)}
    groups = []
    if others:
        heard_known, _ = hear(predictor, known, counted)
        heard_others, _ = hear(predictor, others, counted)
        measured["same_rate"] = _told_known(*_outcomes(heard_known, study.labels, open_set))
        groups.append(_group(OTHER_CLASSES, heard_known, heard_others, 0, open_set, study.labels))
        measured["classes"] = _by_class(heard_others, open_set, study.labels)
    for kind in dict.fromkeys(sound.kind for sound in made):
        unknown, refused = hear(predictor, [sound for sound in made if sound.kind == kind], counted)
        groups.append(_group(kind, heard, unknown, len(refused), open_set, study.labels))
    measured["groups"] = groups
    own_told = measured["own"]
    counts = own_told["n_right"] - own_told["n_right_known"], own_told["n"] - own_told["n_known"]
    return replace(open_set, right_when_unknown=counts), measured


def _counter(told: OnClip, total: int) -> Callable[[], None]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        told(done, total)

    return count


def _strangeness(heard: Sequence[Heard], open_set: OpenSet) -> np.ndarray:
    """(sound,) raw scores: strangeness itself is bounded, and ties would count as half."""
    return np.array([h.clip_score(open_set.score, {}) for h in heard])


def _outcomes(heard: Sequence[Heard], labels: Sequence[str], open_set: OpenSet) -> tuple[np.ndarray, np.ndarray]:
    right = np.array([labels[int(h.probabilities.argmax())] == h.sound.kind for h in heard])
    return right, open_set.clips.strangeness(_strangeness(heard, open_set)) <= open_set.accepts


def _told_known(right: np.ndarray, is_known: np.ndarray) -> dict[str, int]:
    return {
        "n": len(right),
        "n_right": int(right.sum()),
        "n_known": int(is_known.sum()),
        "n_right_known": int((right & is_known).sum()),
    }


def _reliability(heard: Sequence[Heard], labels: Sequence[str], open_set: OpenSet) -> dict[str, Any]:
    targets = np.array([list(labels).index(h.sound.kind) for h in heard])
    probabilities = np.stack([h.probabilities for h in heard])
    return {
        "before": reliability(probabilities, targets),
        "after": reliability(open_set.clips.calibrate(probabilities), targets),
    }


def _group(
    kind: str,
    known: Sequence[Heard],
    unknown: Sequence[Heard],
    n_refused: int,
    open_set: OpenSet,
    labels: Sequence[str],
) -> dict[str, Any]:
    """Known against unknown sounds of one kind; what is refused as silent is no answer at all, and not counted."""
    scores, strange = _strangeness(known, open_set), _strangeness(unknown, open_set)
    is_known = open_set.clips.strangeness(strange) <= open_set.accepts
    values = {"kind": kind, "n": len(unknown), "n_refused": n_refused, "n_known": int(is_known.sum())}
    if not len(unknown):
        return values | {"auroc": None, "interval": None, "false_known": None, "taken_for": []}
    return values | {
        "auroc": auroc(scores, strange),
        "interval": _interval(scores, [h.sound.group for h in known], strange, [h.sound.group for h in unknown]),
        "false_known": false_known(scores, strange),
        "taken_for": _taken_for(unknown, labels),
    }


def _taken_for(heard: Sequence[Heard], labels: Sequence[str], most: int = 3) -> list[list]:
    """Give the classes that sounds are given to most, with how many."""
    counts = Counter(labels[int(h.probabilities.argmax())] for h in heard)
    return [[label, n] for label, n in counts.most_common(most)]


def _by_class(heard: Sequence[Heard], open_set: OpenSet, labels: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for kind in dict.fromkeys(h.sound.kind for h in heard):
        of_kind = [h for h in heard if h.sound.kind == kind]
        is_known = open_set.clips.strangeness(_strangeness(of_kind, open_set)) <= open_set.accepts
        rows.append(
            {
                "label": kind,
                "n": len(of_kind),
                "n_known": int(is_known.sum()),
                "taken_for": _taken_for(of_kind, labels),
            }
        )
    return rows


def _interval(
    known: np.ndarray, known_groups: Sequence[str], unknown: np.ndarray, unknown_groups: Sequence[str]
) -> list[float] | None:
    """95 % interval of the AUROC: both sides are drawn anew, recording by recording."""
    pairs = (unknown[:, None] > known) + 0.5 * (unknown[:, None] == known)  # (unknown, known)
    weights = []
    for groups in (unknown_groups, known_groups):
        _, group_of = np.unique(np.asarray(groups, str), return_inverse=True)
        if group_of.max() < 1:
            return None
        drawn = resamples(group_of.max() + 1)[:, group_of]
        weights.append(drawn / drawn.sum(axis=1, keepdims=True))
    drawn_unknown, drawn_known = weights
    drawn_known = np.random.default_rng(1).permutation(drawn_known)  # the sides are drawn apart
    values = ((drawn_unknown @ pairs) * drawn_known).sum(axis=1)
    low, high = np.percentile(values, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return [float(low), float(high)]
