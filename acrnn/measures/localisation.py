"""Does attention point at the event? Frame by frame, on scenes whose event times are known, beside what costs nothing.

A map that does not beat loudness explains nothing, so each measure is taken of the frames' level too: as it is, and at
the resolution that the attention has (a step of 18 frames at l10 cannot be sharper than 0.2 s, whatever it means).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from acrnn.audio.activity import Events, frames_inside
from acrnn.audio.degradations import rng_of
from acrnn.data import Clip, Dataset
from acrnn.errors import OptionError
from acrnn.features import FrontEnd, Segments
from acrnn.inference import Prediction, Predictor
from acrnn.measures.attention import frame_level_db
from acrnn.measures.backgrounds import Backgrounds
from acrnn.measures.crossval import wilson_interval
from acrnn.measures.intervals import mean_with_interval
from acrnn.measures.parts import Save, open_parts
from acrnn.measures.robustness import thinned
from acrnn.measures.scenes import (
    N_SYNTHETIC,
    SCENE_KINDS,
    SYNTHETIC_LABELS,
    KnownScene,
    LeftOut,
    scenes_of_clip,
    synthetic_scene,
)

SCHEMA = 1
TOLERANCE_S = 0.1
"""How far beside the event the pointing game lets a map's highest frame lie: half a step of l10, for every map."""
SCORES = ("auc", "ap", "pointing")
LOCALISED_MAPS = ("attention", "level", "level at its steps", "random")
PROTOCOL = (
    "Clips of the held-out fold only. An energy gate finds the stretches where a clip sounds (10 ms blocks within "
    "30 dB of the loudest, pauses under 0.15 s closed); the one with the most energy is the clip's event. Clips whose "
    "event is shorter than 0.1 s or longer than 2.5 s are left out, since any map would be right or wrong about nearly "
    "all of their frames. The event is placed at a random time in 5 s of silence, of pink noise, and of a clip of "
    "another class of the same fold that sounds for at least 90% of its length, at an SNR of 20, 10 and 0 dB (the "
    "event's power where it sounds against the background's over all 5 s). The synthetic scenes are eight for each "
    "class of ESC-10 that does not sound continuously. A frame belongs to the event if its centre does. Pointing is "
    "the share of a map's highest frames that lie within 0.1 s of the event."
)


def score_map(weights: np.ndarray, times_s: np.ndarray, events_s: Events) -> dict[str, float]:
    """Measure how well a map of frames points at the events.

    Parameters
    ----------
    weights : ndarray (frame,)
        Any scale: only their order counts.
    times_s : ndarray (frame,)
        Centres of the frames.
    events_s : tuple of (on, off)

    Returns
    -------
    dict
        `auc`: area under the ROC curve of "this frame is in the event", 0.5 by chance. `ap`: average precision, by
        chance the share of frames in the event. `pointing`: share of the frames with the highest weight that lie in the
        event or at most `TOLERANCE_S` from it (1 or 0 where one frame is highest).

    Raises
    ------
    OptionError
        If the events cover no frame, or every one.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # slow to load, and pages only read results

    inside = frames_inside(times_s, events_s)
    if inside.all() or not inside.any():
        raise OptionError("The events cover no frame or all of them; both kinds of frames are needed.")
    near = frames_inside(times_s, events_s, TOLERANCE_S)
    return {
        "auc": float(roc_auc_score(inside, weights)),
        "ap": float(average_precision_score(inside, weights)),
        "pointing": float(near[weights == weights.max()].mean()),
    }


def maps_of(prediction: Prediction, front_end: FrontEnd, frames_per_weight: int, name: str) -> dict[str, np.ndarray]:
    """Give the attention of a clip and its controls, (frame,) each, by the names in `LOCALISED_MAPS`."""
    level_db = frame_level_db(prediction.spectrogram)
    return {
        "attention": prediction.attention.weights,
        "level": level_db,
        "level at its steps": level_in_steps(level_db, front_end, frames_per_weight),
        "random": rng_of("random map", name).random(len(level_db)),
    }


def level_in_steps(level_db: np.ndarray, front_end: FrontEnd, frames_per_weight: int) -> np.ndarray:
    """Hold the level over the steps that the attention has, segment by segment, as its weights are held.

    Parameters
    ----------
    level_db : ndarray (frame,)
    front_end : FrontEnd
    frames_per_weight : int
        Frames of a step.

    Returns
    -------
    ndarray (frame,)
        Decibels of each step's mean power, averaged over the segments that hold the frame.
    """
    segments = Segments.of(len(level_db), front_end)
    padded = np.full(segments.n_padded_frames, front_end.floor_db)
    padded[: len(level_db)] = level_db
    rows = np.stack([padded[start : start + segments.length] for start in segments.starts])  # (segment, frame)
    n_steps = segments.length // frames_per_weight
    steps = rows[:, : n_steps * frames_per_weight].reshape(len(rows), n_steps, frames_per_weight)
    return segments.to_clip(10 * np.log10(np.mean(10 ** (steps / 10), axis=2)), frames_per_weight)


def measure_localisation(
    predictor: Predictor,
    dataset: Dataset,
    n_clips: int | None = None,
    on_clip: Callable[[int, int], None] | None = None,
    save: Save | None = None,
) -> dict[str, Any]:
    """Measure a checkpoint's attention on the scenes of its held-out fold; it can be killed and goes on.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    n_clips : int, optional
        Fewer than the fold has, taken at equal distances.
    on_clip : callable, optional
        Told (clips done, clips in all); the synthetic scenes of a class count as a clip.
    save : callable, optional
        Given the values while the finished clips are still kept, so that what cannot be written is not lost.

    Returns
    -------
    dict
        What `results/localisation/NAME.json` holds.

    Raises
    ------
    OptionError
        If the checkpoint has no attention, or there is no such fold.
    """
    config = predictor.checkpoint.config
    if not config.has_attention:
        raise OptionError(f"{config.name} has no attention to be located; a checkpoint with attention is accepted.")
    clips = thinned(dataset.fold(config.fold), n_clips)
    by_name = {clip.path.stem: clip for clip in clips}
    synthetic = {f"synthetic {label}": label for label in SYNTHETIC_LABELS}
    backgrounds = Backgrounds(dataset.fold(config.fold), config.front_end.rate_hz)
    settings = {
        "schema": SCHEMA,
        "weights": config.weights_sha256,
        "data": dataset.fingerprint(),
        "device": predictor.device.type,
        "n_clips": len(clips),
    }
    with open_parts("localisation", settings) as parts:
        measured = parts.complete(
            [*synthetic, *by_name],
            lambda name: (
                _measure_synthetic(predictor, synthetic[name])
                if name in synthetic
                else _measure_clip(predictor, by_name[name], backgrounds)
            ),
            on_clip,
        )
        rows = [row for part in measured for row in part.get("scenes", ())]
        values = {
            "protocol": PROTOCOL,
            "placements": [summarise(rows, placement.key) for placement in SCENE_KINDS],
            "left_out": [part["left_out"] for part in measured if "left_out" in part],
            "scenes": rows,
        }
        if save is not None:
            save(values)
    return values


def _measure_synthetic(predictor: Predictor, label: str) -> dict[str, Any]:
    rate_hz = predictor.checkpoint.config.front_end.rate_hz
    scenes = (synthetic_scene(label, seed, rate_hz) for seed in range(N_SYNTHETIC))
    return {"scenes": [_measure_scene(predictor, scene) for scene in scenes]}


def _measure_clip(predictor: Predictor, clip: Clip, backgrounds: Backgrounds) -> dict[str, Any]:
    scenes = scenes_of_clip(clip, predictor.checkpoint.config.front_end.rate_hz, backgrounds)
    if isinstance(scenes, LeftOut):
        return {"left_out": vars(scenes)}
    return {"scenes": [_measure_scene(predictor, scene) for scene in scenes]}


def _measure_scene(predictor: Predictor, scene: KnownScene) -> dict[str, Any]:
    config = predictor.checkpoint.config
    prediction = predictor(scene.samples, scene.rate_hz, name=scene.name)
    maps = maps_of(prediction, config.front_end, config.network.frames_per_weight, scene.name)
    return {
        "source": scene.source,
        "label": scene.label,
        "placement": scene.placement.key,
        "cover": round(scene.cover, 4),
        "correct": prediction.label == scene.label,
        "maps": {
            name: [round(value, 4) for value in score_map(weights, prediction.times_s, scene.events_s).values()]
            for name, weights in maps.items()
        },
    }


def summarise(rows: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """Sum one placement up over scenes, of one fold or of several: a scene a clip.

    Returns
    -------
    dict
        `placement`, `n`; `n_correct`, `accuracy`, `interval` of the class that the scenes were given; `cover`, the mean
        share of the frames in the event; `maps`: per map and measure a mean with its interval; `gain`: attention less
        level, clip by clip; `gain_at_steps`: attention less level at its steps; `auc_when_right`: of attention, over
        the scenes that were given the right class.
    """
    there = [row for row in rows if row["placement"] == key]
    n_correct = sum(row["correct"] for row in there)

    def column(name: str, place: int) -> np.ndarray:
        return np.array([row["maps"][name][place] for row in there])

    def gain(over: str) -> dict[str, Any]:
        return {m: mean_with_interval(column("attention", i) - column(over, i)) for i, m in enumerate(SCORES)}

    return {
        "placement": key,
        "n": len(there),
        "n_correct": n_correct,
        "accuracy": n_correct / len(there) if there else None,
        "interval": list(wilson_interval(n_correct, len(there))) if there else None,
        "cover": float(np.mean([row["cover"] for row in there])) if there else None,
        "maps": {n: {m: mean_with_interval(column(n, i)) for i, m in enumerate(SCORES)} for n in LOCALISED_MAPS},
        "gain": gain("level"),
        "gain_at_steps": gain("level at its steps"),
        "auc_when_right": mean_with_interval(row["maps"]["attention"][0] for row in there if row["correct"]),
    }
