"""How well a network finds events, on soundscapes whose events are known: event-based and segment-based F1."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from acrnn.data import Dataset
from acrnn.data.esc50 import N_FOLDS
from acrnn.events import Event, EventSettings, find_events
from acrnn.events.score import COLLAR_S, SEGMENT_S, Counts, Score, score_events, total
from acrnn.inference import Prediction, Predictor
from acrnn.measures.intervals import resamples
from acrnn.measures.soundscapes import CLIPS_IN_SCENE, JOINED_S, SNR_DB, Soundscape, groups_of, soundscape

ONSETS, OFFSETS, SMOOTHINGS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (0.1, 0.2, 0.3), (1, 3)
"""What is tried on the training fold."""
PROTOCOL = (
    f"All clips of a fold, {CLIPS_IN_SCENE} to a soundscape, follow each other with pauses of 1 to 3 s over pink noise "
    f"that is {SNR_DB:.0f} dB below the quietest of them. A clip's true events are where it sounds; pauses in it "
    f"shorter than {JOINED_S:g} s are closed. A network hears in windows as long as the segments that it was trained "
    "on. An event counts as found if its class is right, its onset is within "
    f"{COLLAR_S * 1000:.0f} ms, and its offset within that or a fifth of its length (event-based F1 of sed_eval, micro "
    f"average). Segment-based F1 asks for the classes in each {SEGMENT_S:g} s. The settings “chosen” have the highest "
    "event-based F1 on soundscapes of one training fold. Both they and the defaults are scored once on soundscapes of "
    "the held-out fold. Intervals are over soundscapes (bootstrap)."
)


def candidates() -> list[EventSettings]:
    """List the settings that are tried on the training fold."""
    return [
        EventSettings(onset=onset, offset=offset, smoothing=smoothing)
        for onset, offset, smoothing in product(ONSETS, OFFSETS, SMOOTHINGS)
        if offset <= onset
    ]


def measure_events(
    predictor: Predictor, dataset: Dataset, on_scene: Callable[[int, int], object] = lambda done, total: None
) -> dict[str, Any]:
    """Choose settings on a training fold, and score them and the defaults on the held-out fold.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
        With the fold that the network never saw.
    on_scene : callable
        Told how many soundscapes are done, and of how many.

    Returns
    -------
    dict
        What `results/events/NAME.json` holds: `training_fold`, `candidates` (settings and their F1 there), `chosen`
        (settings), `scenes` of the held-out fold (per soundscape right, found and true events and segments under
        `default` and `chosen`) and `classes` (the same per class, under the defaults).

    Raises
    ------
    OptionError
        If sed_eval is not installed.
    """
    fold = predictor.checkpoint.config.fold
    training_fold = fold % N_FOLDS + 1
    n_scenes = [len(groups_of(dataset.fold(k))) for k in (training_fold, fold)]
    tried = candidates()
    totals = [Score()] * len(tried)
    for done, (scene, prediction) in enumerate(_heard(predictor, dataset, training_fold), 1):
        totals = [old + total(_score(prediction, scene, settings)) for old, settings in zip(totals, tried, strict=True)]
        on_scene(done, sum(n_scenes))
    best = max(range(len(tried)), key=lambda i: totals[i].events.f1 or 0.0)
    rows, classes = [], {}
    for done, (scene, prediction) in enumerate(_heard(predictor, dataset, fold), 1):
        scores = {
            "default": _score(prediction, scene, EventSettings()),
            "chosen": _score(prediction, scene, tried[best]),
        }
        rows.append({"name": scene.name, **{name: _counts(total(by_class)) for name, by_class in scores.items()}})
        for label, score in scores["default"].items():
            classes[label] = classes.get(label, Score()) + score
        on_scene(n_scenes[0] + done, sum(n_scenes))
    return {
        "training_fold": training_fold,
        "candidates": [
            _told(settings) | {"event_f1": score.events.f1 or 0.0, "segment_f1": score.segments.f1 or 0.0}
            for settings, score in zip(tried, totals, strict=True)
        ],
        "default": _told(EventSettings()),
        "chosen": _told(tried[best]),
        "scenes": rows,
        "classes": [{"label": label} | _counts(score) for label, score in sorted(classes.items())],
    }


def f1_with_interval(counts: Sequence[Sequence[int]]) -> tuple[float | None, tuple[float, float] | None]:
    """F1 of all soundscapes together, and its 95% interval by the bootstrap over soundscapes.

    Parameters
    ----------
    counts : sequence of (right, found, true)
        A soundscape each.
    """
    table = np.asarray(counts, float).reshape(-1, 3)
    f1 = Counts(*table.sum(axis=0).astype(int).tolist()).f1
    if f1 is None or len(table) < 2:
        return f1, None
    right, found, true = (resamples(len(table)) @ table).T
    low, high = np.percentile(2 * right / np.maximum(found + true, 1e-12), (2.5, 97.5))
    return f1, (float(low), float(high))


def _heard(predictor: Predictor, dataset: Dataset, fold: int) -> Iterator[tuple[Soundscape, Prediction]]:
    """Make the soundscapes of a fold, and listen to each."""
    rate_hz = predictor.checkpoint.config.front_end.rate_hz
    predictor = predictor.for_events()
    for i, clips in enumerate(groups_of(dataset.fold(fold))):
        scene = soundscape(f"{dataset.name}, fold {fold}, {i}", clips, rate_hz)
        yield scene, predictor(scene.samples, scene.rate_hz, name=scene.name)


def _score(prediction: Prediction, scene: Soundscape, settings: EventSettings) -> dict[str, Score]:
    return score_events(find_events(prediction, settings), [Event(*event) for event in scene.events])


def _told(settings: EventSettings) -> dict[str, float]:
    return {name: getattr(settings, name) for name in ("onset", "offset", "smoothing")}


def _counts(score: Score) -> dict[str, list[int]]:
    return {
        name: [counts.right, counts.found, counts.true]
        for name, counts in (("events", score.events), ("segments", score.segments))
    }
