"""Sentences that pages say of a prediction."""

import os
import re
from pathlib import Path

from acrnn.checkpoints import Checkpoint
from acrnn.checkpoints.open_set import TOO_QUIET_DB
from acrnn.data import share_folds
from acrnn.inference import Prediction
from acrnn.model import PICZAK
from acrnn.paths import runs_root, shipped_checkpoints, user_checkpoints, user_results
from acrnn.report.sentences import tell_seen, tell_verdict
from acrnn.report.words import code, named, plain
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shell.public import is_public

LEAST_STEP_DB = 1.0
"""Of what is told of a level."""

__all__ = [
    "code",
    "describe_agreement",
    "describe_attention",
    "describe_bandwidth",
    "describe_figure",
    "describe_level",
    "describe_probability",
    "describe_strangeness",
    "describe_vote",
    "headline",
    "named",
    "plain",
    "sentence_of",
]


def sentence_of(error: Exception) -> str:
    """Give an error's sentence, escaped; on a public server without the folders of paths."""
    text = str(error)
    if is_public():
        for root in (shipped_checkpoints(), user_checkpoints(), user_results(), runs_root(), Path.cwd(), Path.home()):
            text = text.replace(f"{root}{os.sep}", "")
        text = re.sub(r"(?:[/\\][^/\\\s'\"]+)+[/\\]", "", text)
    return plain(text)


def headline(prediction: Prediction) -> str:
    """Say in a few words what was heard: `tell_verdict`, escaped."""
    return tell_verdict(prediction, named)


def describe_strangeness(prediction: Prediction) -> str | None:
    """Say how strange the clip is to the network, and how good its answers are on such clips; None if not known."""
    open_set = prediction.open_set
    if open_set is None:
        return None
    told = f"More unusual to this network than {prediction.strangeness:.0%} of clips of its classes"
    if prediction.is_snippet:
        told = "too short for this network to tell whether it is of a known class"
        return f"It lasts {prediction.duration_s:.2f} s, {told}."
    if prediction.level_db < open_set.levels_db[0] - TOO_QUIET_DB:
        return "It is too quiet for this network to tell whether it is of a known class."
    if prediction.known:
        return f"{told}; up to {open_set.accepts:.0%} it is taken for one of them."
    right = open_set.right_when_unknown
    if right is None or right[1] == 0:
        return f"{told}; above {open_set.accepts:.0%} it is taken for none of them."
    return (
        f"{told}; above {open_set.accepts:.0%} it is taken for none of them. On its held-out fold the nearest class "
        f"was still right for {right[0]} of {right[1]} such clips."
    )


def describe_level(prediction: Prediction) -> str | None:
    """Say that a recording is far quieter or louder than the clips that the network knows; None if it is not."""
    if prediction.open_set is None:
        return None
    low_db, high_db = prediction.open_set.levels_db
    level_db = prediction.level_db
    how, by_db = ("quieter", low_db - level_db) if level_db < low_db else ("louder", level_db - high_db)
    if by_db < LEAST_STEP_DB:
        return None
    return (
        f"It is {by_db:.0f} dB {how} than 99% of the training clips that were sampled. Accuracy drops at unusual "
        "levels: see gain on the Results page."
    )


def describe_agreement(clip: ChosenClip, checkpoint: Checkpoint, label: str) -> str:
    """Say whether the prediction is right, and whether the model was trained on this very clip."""
    config = checkpoint.config
    if clip.truth is None:
        return "True class unknown."
    if clip.truth not in config.labels:
        return f":orange[:material/help: It is {named(clip.truth)}, which this model does not know.]"
    right = f":green[:material/check: Right: it is {named(clip.truth)}.]"
    said = right if label == clip.truth else f":red[:material/close: Wrong: it is {named(clip.truth)}.]"
    seen = tell_seen(clip.fold, clip.fingerprint, checkpoint, clip.dataset)
    if clip.fold in (None, config.fold) or not share_folds(clip.dataset or config.dataset, config.dataset):
        return f"{said} {seen}".strip()
    return f"{said} :orange[{seen}]"


def describe_probability(prediction: Prediction, checkpoint: Checkpoint) -> str:
    """Say what the probability is."""
    mean = f"the mean over segments{describe_vote(checkpoint)}"
    if prediction.open_set is None:
        return (
            f"It must choose one of its {len(prediction.labels)} classes, whatever it hears; the probability is {mean}."
        )
    if prediction.known is False:
        return f"The probability is {mean}, among its classes."
    _, calibrated = prediction.top(1, calibrated=True)[0]
    told = f"The probability is {mean}; calibrated, it is {calibrated:.0%}"
    return f"{told}: the class is more likely wrong than right." if prediction.unsure else f"{told}."


def describe_vote(checkpoint: Checkpoint) -> str:
    """Say how segments are averaged: the end of a sentence."""
    return " (§4.1)" if checkpoint.config.vote == "mean" else ", each weighted by its share of frames with sound"


def describe_bandwidth(prediction: Prediction) -> str | None:
    """Say which bands were estimated, if any were."""
    if prediction.known_up_to_hz is None:
        return None
    n_estimated = len(prediction.centres_hz) - prediction.n_known_bands
    return (
        f"This recording's sampling rate leaves nothing above {prediction.known_up_to_hz / 1000:.1f} kHz. The "
        f"{n_estimated} bands above the dotted line are estimated from those below it, by how the bands go together in "
        "the training clips."
    )


def describe_figure(name: str, checkpoint: Checkpoint) -> str:
    """Say what `clip_figure` shows of a clip, for those who cannot see it."""
    config = checkpoint.config
    spectrogram = f"log-{config.front_end.filters} spectrogram"
    if not config.has_attention:
        return f"Segment predictions, waveform and {spectrogram} of {name} over time"
    return f"Segment predictions, waveform, {spectrogram} and attention of {name} over time"


def describe_attention(prediction: Prediction, checkpoint: Checkpoint) -> str:
    """Say what a step of the attention is, and how to read the curve."""
    attention = prediction.attention
    if checkpoint.config.placement == PICZAK:
        front_end = checkpoint.config.front_end
        return (
            f"PiczakCNN, the baseline of §4.2, has no attention. It sees this spectrogram of {front_end.n_bands} mel "
            f"bands in segments of {front_end.segment_frames * front_end.hop_s:.2f} s."
        )
    if attention is None:
        return "This network has no attention: the last Bi-GRU's final outputs go straight to the classifier."
    network = checkpoint.config.network
    step_ms, hop_ms = 1000 * attention.step_s, 1000 * checkpoint.config.front_end.hop_s
    frames = network.frames_per_weight
    n_steps = attention.segment_weights.shape[1]
    step = (
        f"A step at {network.layer} is {step_ms:.1f} ms"
        if frames == 1
        else f"A step at {network.layer} is {frames} frames of {hop_ms:.1f} ms, {step_ms:.0f} ms"
    )
    if network.scaling == "softmax":
        reading = (
            f"softmax distributes a total weight of one over the {n_steps} steps of each segment of "
            f"{n_steps * step_ms / 1000:.2f} s, silent or not, so heights in different "
            "segments cannot be compared (eq. 3)"
            if network.layer == "l10"
            else f"softmax distributes a total weight of one over the {n_steps} steps of each segment (eq. 1)"
        )
    else:
        reading = "sigmoid weights each step on its own, between 0 and 1 (eq. 1)"
    is_greyed = prediction.frame_known is not None and not prediction.frame_known.all()
    greyed = " It is greyed where no known class was heard." * is_greyed
    return (
        f"{step}; {reading}. Where segments overlap, the mean is shown.{greyed} Attention shows where the network "
        "looked, not why."
    )
