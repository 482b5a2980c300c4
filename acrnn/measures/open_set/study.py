"""Calibration and strangeness of one checkpoint: fitted on an inner split, measured on its held-out fold."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from acrnn.checkpoints import Checkpoint, OpenSet
from acrnn.checkpoints.open_set import SCORES, STORED_SCORES, statistics_shapes
from acrnn.data import Clip, Dataset
from acrnn.errors import OptionError
from acrnn.inference import Predictor
from acrnn.measures.intervals import CONFIDENCE, resamples
from acrnn.measures.open_set.collect import Heard, Sound, hear
from acrnn.measures.open_set.fit import auroc, choose, false_known, fit, reliability, statistics
from acrnn.measures.open_set.sounds import unknown_sounds
from acrnn.training import Recipe

OTHER_CLASSES = "other classes"
PROTOCOL = (
    "Fitted on an inner split: a network of the same recipe, trained on three of the checkpoint's four training folds "
    "and scored on the fourth. The score of strangeness is chosen there, on classes of ESC-50 that the network was "
    "not trained on, against its own ten, both of the 16 kHz copy. ESC-50's networks lack no class, and take the score "
    "that the network of ESC-10's recipe `best` chose. Measured on the fold that is held out of the "
    "checkpoint, which neither network has seen. AUROC is the probability that an unknown clip is the stranger of "
    "two; 95% intervals are by bootstrap over recordings. While this was built, fold 1 and the made sounds were "
    "looked at more than once: the estimate of the covariance and the rule for quiet recordings were settled after a "
    "first look. So these are figures of development, and a fresh test may come out worse."
)

_SAME = ("dataset", "data_fingerprint", "labels", "placement", "front_end")

OnClip = Callable[[int, int], None]


def _unnamed(recipe: Mapping[str, Any]) -> Recipe:
    """Give a recipe with what it was written without, and under no name: a candidate's may have changed since."""
    return Recipe(**recipe | {"name": ""})


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
    chooser : Chooser or None
        What chooses the score where the checkpoint lacks no class.
    """

    predictor: Predictor
    inner: Predictor
    dataset: Dataset
    others: Dataset | None = None
    chooser: "Chooser | None" = None

    def __post_init__(self) -> None:
        mine, inner = self.predictor.checkpoint.config, self.inner.checkpoint.config
        same = {name: getattr(mine, name) == getattr(inner, name) for name in _SAME}
        same["recipe"] = _unnamed(mine.recipe) == _unnamed(inner.recipe)
        for name, is_same in same.items():
            if not is_same:
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


@dataclass(frozen=True)
class Chooser:
    """A network of the same recipe that was trained on some of a dataset's classes, and what it was trained on.

    Attributes
    ----------
    predictor : Predictor
    some : Dataset
        The clips of its classes.
    whole : Dataset
        Those of all classes.
    sealed : tuple of int
        Folds that it was neither trained nor scored on.
    """

    predictor: Predictor
    some: Dataset
    whole: Dataset
    sealed: tuple[int, ...]

    def __post_init__(self) -> None:
        fold_of = {clip.path.resolve(): clip.fold for clip in self.whole.clips}
        for clip in self.some.clips:
            if fold_of.get(clip.path.resolve()) != clip.fold:
                raise OptionError(
                    f"{self.predictor.checkpoint.name} was trained with {clip.path} in fold {clip.fold}, which "
                    f"{self.whole.title} does not have there; a run on some classes of {self.whole.title} is accepted."
                )
        if not set(self.whole.labels) - set(self.some.labels):
            raise OptionError(f"{self.predictor.checkpoint.name} lacks no class of {self.whole.title}.")

    @property
    def fold(self) -> int:
        """Held out of it."""
        return self.predictor.checkpoint.config.fold

    def training(self) -> list[Clip]:
        """Clips that it was trained on."""
        return [clip for clip in self.some.clips if clip.fold not in (self.fold, *self.sealed)]

    def known_and_others(self) -> tuple[list[Clip], list[Clip]]:
        """Clips of the fold that is held out of it: those of its classes, and those of none."""
        clips = self.whole.fold(self.fold)
        return [c for c in clips if c.label in self.some.labels], [c for c in clips if c.label not in self.some.labels]


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
        The latter says how the candidates fared: `inner`, `inner_fold`, `n_clips`, `n_others`, `score`, and
        `candidates`, which is empty where the score was given.
    """
    inner, config = study.inner, study.inner.checkpoint.config
    own = study.dataset.fold(config.fold)
    known, others = study.known_and_others(config.fold)
    training = [c for c in study.dataset.clips if c.fold not in (config.fold, study.fold)]
    counted = _counter(told, len(own) + len(known) + len(others) + len(training))
    held_out, _ = hear(inner, sounds_of(own), counted)
    heard, _ = hear(inner, sounds_of(training), counted)
    fitted = {name: statistics(name, inner.model, study.labels, heard) for name in SCORES}
    candidates: dict[str, Any] = {}
    if others:
        candidates = _compared(inner, fitted, known, others, counted)
    elif study.chooser is not None:
        candidates = _chosen(study.chooser, told)
    if score is None:
        if not candidates:
            raise OptionError(
                "No class is left out of this network, so no score can be chosen; --score names one, and --choose-with "
                "a run on some of the classes that chooses it."
            )
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
    if study.chooser is not None and not others:
        said["chooser"] = study.chooser.predictor.checkpoint.config.name
        said["n_others"] = len(study.chooser.known_and_others()[1])
    return fit(held_out, study.labels, score, fitted[score], fitted_on), said


def _compared(
    predictor: Predictor,
    fitted: Mapping[str, Mapping[str, Tensor]],
    known: Sequence[Clip],
    others: Sequence[Clip],
    counted: Callable[[], None],
) -> dict[str, Any]:
    """Compare all scores by how well they tell clips of a network's classes from others."""
    both = (hear(predictor, sounds_of(clips), counted)[0] for clips in (known, others))
    return choose({name: partial(_clip_score, score=name, fitted=fitted[name]) for name in SCORES}, *both)


def _chosen(chooser: Chooser, told: OnClip) -> dict[str, Any]:
    known, others = chooser.known_and_others()
    training = chooser.training()
    counted = _counter(told, len(training) + len(known) + len(others))
    heard, _ = hear(chooser.predictor, sounds_of(training), counted)
    fitted = {name: statistics(name, chooser.predictor.model, chooser.some.labels, heard) for name in SCORES}
    return _compared(chooser.predictor, fitted, known, others, counted)


def _clip_score(heard: Heard, score: str, fitted: dict) -> float:
    return heard.clip_score(score, fitted)


def own_statistics(study: Study, score: str, told: OnClip) -> dict[str, Tensor]:
    """Fit what the score needs on the checkpoint's own training clips; empty if it needs nothing."""
    if not statistics_shapes(score, 2, 2):
        return {}
    training = sounds_of(study.dataset.training(study.fold))
    heard, _ = hear(study.predictor, training, _counter(told, len(training)))
    found = statistics(score, study.predictor.model, study.labels, heard)
    return {name: value.half().float() for name, value in found.items()}  # as they are stored


def measure(
    study: Study, open_set: OpenSet, fitted: Mapping[str, Tensor], told: OnClip
) -> tuple[OpenSet, dict[str, Any]]:
    """Measure on the held-out fold: calibration, and known against unknown sounds.

    Parameters
    ----------
    fitted : mapping of str to Tensor
        As `own_statistics` gives.

    Returns
    -------
    OpenSet, dict
        The former with `right_when_unknown` filled in.
    """
    judge = Judge(open_set, fitted, study.labels)
    predictor = study.predictor
    own = sounds_of(study.dataset.fold(study.fold))
    known, others = (sounds_of(clips) for clips in study.known_and_others(study.fold))
    made = list(unknown_sounds(predictor.checkpoint.config.front_end.rate_hz))
    counted = _counter(told, len(own) + len(known) + len(others) + len(made))
    heard, _ = hear(predictor, own, counted)
    measured = {"own": judge.known_counts(heard), "reliability": judge.reliability(heard)}
    groups = []
    if others:
        heard_known, _ = hear(predictor, known, counted)
        heard_others, _ = hear(predictor, others, counted)
        measured["same_rate"] = judge.known_counts(heard_known)
        groups.append(judge.group(OTHER_CLASSES, heard_known, heard_others, 0))
        measured["classes"] = judge.by_class(heard_others)
    for kind in dict.fromkeys(sound.kind for sound in made):
        unknown, refused = hear(predictor, [sound for sound in made if sound.kind == kind], counted)
        groups.append(judge.group(kind, heard, unknown, len(refused)))
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


@dataclass(frozen=True)
class Judge:
    """What is said of sounds that a network heard."""

    open_set: OpenSet
    fitted: Mapping[str, Tensor]
    labels: Sequence[str]

    def scores(self, heard: Sequence[Heard]) -> np.ndarray:
        """(sound,) raw scores: strangeness itself is bounded, and ties would count as half."""
        return np.array([h.clip_score(self.open_set.score, self.fitted) for h in heard])

    def is_known(self, heard: Sequence[Heard]) -> np.ndarray:
        """(sound,) whether each is called known."""
        return self.open_set.is_known(self.scores(heard), np.array([h.level_db for h in heard]))

    def known_counts(self, heard: Sequence[Heard]) -> dict[str, int]:
        """Count clips, those that are right, those called known, and both."""
        right = np.array([self.labels[int(h.probabilities.argmax())] == h.sound.kind for h in heard])
        is_known = self.is_known(heard)
        counts = {"n": len(right), "n_right": right.sum(), "n_known": is_known.sum()}
        return {name: int(n) for name, n in (counts | {"n_right_known": (right & is_known).sum()}).items()}

    def reliability(self, heard: Sequence[Heard]) -> dict[str, Any]:
        """Compare how sure the network is with how often it is right, before and after calibration."""
        targets = np.array([list(self.labels).index(h.sound.kind) for h in heard])
        probabilities = np.stack([h.probabilities for h in heard])
        return {
            "before": reliability(probabilities, targets),
            "after": reliability(self.open_set.clips.calibrate(probabilities), targets),
        }

    def group(self, kind: str, known: Sequence[Heard], unknown: Sequence[Heard], n_refused: int) -> dict[str, Any]:
        """Known against unknown sounds of a kind; what is refused as silent is no answer at all, and not counted."""
        values = {"kind": kind, "n": len(unknown), "n_refused": n_refused}
        if not unknown:
            nothing = {"n_known": 0, "auroc": None, "interval": None, "false_known": None, "taken_for": []}
            return values | nothing
        scores, strange = self.scores(known), self.scores(unknown)
        return values | {
            "n_known": int(self.is_known(unknown).sum()),
            "auroc": auroc(scores, strange),
            "interval": _interval(scores, [h.sound.group for h in known], strange, [h.sound.group for h in unknown]),
            "false_known": false_known(scores, strange),
            "taken_for": self.taken_for(unknown),
        }

    def taken_for(self, heard: Sequence[Heard], most: int = 3) -> list[list]:
        """Give the classes that sounds are given to most, with how many."""
        counts = Counter(self.labels[int(h.probabilities.argmax())] for h in heard)
        return [[label, n] for label, n in counts.most_common(most)]

    def by_class(self, heard: Sequence[Heard]) -> list[dict[str, Any]]:
        """Say what each class that the network does not have is taken for."""
        rows = []
        for kind in dict.fromkeys(h.sound.kind for h in heard):
            of_kind = [h for h in heard if h.sound.kind == kind]
            counts = {"n": len(of_kind), "n_known": int(self.is_known(of_kind).sum())}
            rows.append({"label": kind, **counts, "taken_for": self.taken_for(of_kind)})
        return rows


def _interval(
    known: np.ndarray, known_groups: Sequence[str], unknown: np.ndarray, unknown_groups: Sequence[str]
) -> list[float] | None:
    """95% interval of the AUROC: both sides are drawn anew, recording by recording."""
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
