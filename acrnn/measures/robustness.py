"""What noise and other damage cost a checkpoint on its held-out fold, and whether its attention moves onto the noise.

The paper leaves this to future work (§5). Nothing is tuned or chosen here: conditions are fixed, and everything random
in them is drawn from the clip's name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from acrnn.audio import decode
from acrnn.audio.activity import find_events, frames_inside
from acrnn.audio.degradations import CONDITIONS, Degradation
from acrnn.data import Clip, Dataset
from acrnn.errors import OptionError, SilentAudioError
from acrnn.inference import Prediction, Predictor
from acrnn.measures.attention import rank_correlation, shares
from acrnn.measures.backgrounds import Backgrounds
from acrnn.measures.crossval import wilson_interval
from acrnn.measures.intervals import mean_with_interval
from acrnn.measures.parts import Save, open_parts

SCHEMA = 1
CLEAN = "clean"
COVER = (0.05, 0.8)
"""Shares of its length that a clip may sound to be asked where its attention lies; beyond, every map is alike."""
PROTOCOL = (
    "Clips of the held-out fold only, analysed just as a user's clip is; nothing is tuned on them. The SNR compares "
    "the clip's power, in its 10 ms blocks within 30 dB of the loudest, with the noise's power over its whole length. "
    "Noise and room are seeded by the clip's name, so they are the same at every level. A background is a clip of "
    "another class of the same fold that sounds for at least 90% of its length. Attention is compared with that to "
    "the clean clip by rank correlation, and by the share of it that falls on the frames where the clean clip sounds, "
    "over clips that sound for 5 to 80% of their length."
)


def measure_robustness(
    predictor: Predictor,
    dataset: Dataset,
    conditions: Sequence[Degradation] = CONDITIONS,
    n_clips: int | None = None,
    on_clip: Callable[[int, int], None] | None = None,
    save: Save | None = None,
) -> dict[str, Any]:
    """Score a checkpoint on its held-out fold under every condition.

    It can be killed at any moment: the same call goes on after the last clip that was finished.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    conditions : sequence of Degradation
    n_clips : int, optional
        Fewer than the fold has, taken at equal distances.
    on_clip : callable, optional
        Told (clips done, clips in all).
    save : callable, optional
        Given the values while the finished clips are still kept, so that what cannot be written is not lost.

    Returns
    -------
    dict
        What `results/robustness/NAME.json` holds: the protocol, the summary of each condition, and each clip's outcome.

    Raises
    ------
    OptionError
        If there is no such fold, or `n_clips` is below 1.
    """
    config = predictor.checkpoint.config
    clips = thinned(dataset.fold(config.fold), n_clips)
    targets = dict(zip((c.path.stem for c in clips), dataset.targets(clips).tolist(), strict=True))
    by_name = {clip.path.stem: clip for clip in clips}
    backgrounds = None
    if any(condition.kind == "background" for condition in conditions):
        backgrounds = Backgrounds(dataset.fold(config.fold), config.front_end.rate_hz)
    settings = {
        "schema": SCHEMA,
        "weights": config.weights_sha256,
        "data": dataset.fingerprint(),
        "device": predictor.device.type,
        "n_clips": len(clips),
        "conditions": [condition.key for condition in conditions],
    }
    with open_parts("robustness", settings) as parts:
        rows = parts.complete(
            by_name,
            lambda name: (
                {"filename": by_name[name].filename, "target": targets[name]}
                | _measure_clip(predictor, by_name[name], conditions, backgrounds)
            ),
            on_clip,
        )
        values = {
            "protocol": PROTOCOL,
            "conditions": [summarise(rows, key) for key in (CLEAN, *(c.key for c in conditions))],
            "clips": rows,
        }
        if save is not None:
            save(values)
    return values


def thinned(clips: Sequence[Clip], n_clips: int | None) -> list[Clip]:
    """Take `n_clips` at equal distances, all if None; raises OptionError for fewer than 1."""
    if n_clips is None or n_clips >= len(clips):
        return list(clips)
    if n_clips < 1:
        raise OptionError(f"{n_clips} clips are asked for; at least 1 is accepted.")
    return [clips[i * len(clips) // n_clips] for i in range(n_clips)]


def _measure_clip(
    predictor: Predictor, clip: Clip, conditions: Sequence[Degradation], backgrounds: Backgrounds | None
) -> dict[str, Any]:
    """One clip under every condition: the class it is given, and where the attention went."""
    rate_hz = predictor.checkpoint.config.front_end.rate_hz
    samples = decode(clip.path, rate_hz).samples
    clean = predictor(samples, rate_hz, name=clip.filename)
    sounds = frames_inside(clean.times_s, find_events(samples, rate_hz))
    background = None if backgrounds is None else backgrounds.samples(clip)
    outcomes = {CLEAN: _outcome(clean, clean, sounds)}
    for condition in conditions:
        if condition.kind == "background" and background is None:
            continue
        degraded = condition.apply(samples, rate_hz, clip.path.stem, background)
        try:
            prediction = predictor(degraded, rate_hz, name=f"{clip.filename}, {condition.title}")
        except SilentAudioError:
            prediction = None
        outcomes[condition.key] = _outcome(prediction, clean, sounds)
    return {"sounds": round(float(sounds.mean()), 5), "outcomes": outcomes}


def _outcome(prediction: Prediction | None, clean: Prediction, sounds: np.ndarray) -> dict[str, Any]:
    """Outcome of one condition; a clip that was refused as silent has no class, and counts as wrong."""
    if prediction is None:
        return {"predicted": None}
    outcome: dict[str, Any] = {"predicted": int(prediction.probabilities.argmax())}
    if prediction.attention is not None:
        weights, before = prediction.attention.weights, clean.attention.weights
        correlation = rank_correlation(weights, before)
        outcome["correlation"] = None if np.isnan(correlation) else round(correlation, 4)
        outcome["mass"] = round(float(shares(weights)[sounds].sum()), 5)
    return outcome


def summarise(rows: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """Sum one condition up over clips, of one fold or of several.

    Returns
    -------
    dict
        `key`; `n_correct`, `n`, `accuracy`, `interval` (95%, Wilson); `n_refused` (silent after the condition);
        `correlation` (of attention before and after), `mass` (share of attention where the clean clip sounds) and
        `mass_change` (against the clean clip's) as `mean_with_interval` gives them, and `sounds`, the mean share of
        the time that those clips sound: what even attention would give. None for a network without attention.
    """
    there = [row for row in rows if key in row["outcomes"]]
    outcomes = [row["outcomes"][key] for row in there]
    n_correct = sum(o["predicted"] == row["target"] for o, row in zip(outcomes, there, strict=True))
    asked = [row for row in there if COVER[0] <= row["sounds"] <= COVER[1] and "mass" in row["outcomes"][key]]
    mass = [row["outcomes"][key]["mass"] for row in asked]
    before = [row["outcomes"][CLEAN]["mass"] for row in asked]
    return {
        "key": key,
        "n_correct": n_correct,
        "n": len(there),
        "accuracy": n_correct / len(there) if there else None,
        "interval": list(wilson_interval(n_correct, len(there))) if there else None,
        "n_refused": sum(o["predicted"] is None for o in outcomes),
        "correlation": mean_with_interval(o.get("correlation") for o in outcomes),
        "mass": mean_with_interval(mass),
        "mass_change": mean_with_interval(after - b for after, b in zip(mass, before, strict=True)),
        "sounds": float(np.mean([row["sounds"] for row in asked])) if asked else None,
    }
