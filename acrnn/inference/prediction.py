"""What a checkpoint says of one clip: `Prediction`, with its segments and its attention on the clip's time axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from acrnn.features import Segments

KEPT_SPECTROGRAM_S = 7200.0
"""Two hours in 128 bands are 320 MB."""


@dataclass(frozen=True)
class SegmentPrediction:
    """The top class of one segment, and where in the clip the segment lies."""

    start_s: float
    end_s: float
    label: str
    probability: float


@dataclass(frozen=True)
class Attention:
    """Learned frame attention of one clip.

    Attributes
    ----------
    placement : str
        Such as `l10` or `l2-softmax`.
    times_s : ndarray (frame,)
        Centre of each frame in seconds.
    weights : ndarray (frame,), float64
        Weight of the step that each frame lies in, averaged over the segments that overlap there. In [0, 1].
    segment_weights : ndarray (segment, step), float32
        What the network gave for each segment (A of eq. 1 or β of eq. 3), padding included. Softmax rows sum to one
        even over silence, so rows of different segments cannot be compared.
    step_s : float
        Seconds that one weight stands for: 0.0116 at l2, 0.209 at l10.
    most_at_s : float or None
        The moment attended to most, always one with sound; None if that is not known.

        Weights of different segments cannot be compared (softmax gives each segment a weight of one, silent or not),
        so the segment is chosen first: of those with sound, the one whose vote times probability of the clip's class
        is largest. Inside it, of the steps with sound, the one of the largest weight, and of that the frame with sound
        nearest to its middle. A frame has sound if it is above the front end's floor and less than
        `acrnn.audio.activity.GATE_DB` (30 dB) below the clip's loudest.
    """

    placement: str
    times_s: np.ndarray
    weights: np.ndarray
    segment_weights: np.ndarray
    step_s: float
    most_at_s: float | None = None

    @property
    def relative(self) -> np.ndarray:
        """(frame,) weights divided by their largest, in [0, 1]: the gain of "play only what it attends to"."""
        return self.weights / max(self.weights.max(), np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Prediction:
    """What a checkpoint says of one clip.

    Attributes
    ----------
    name : str
        Path or name of the clip.
    duration_s : float
    checkpoint : str
    labels : tuple of str
    probabilities : ndarray (class,), float32
        Mean over segments, each counting by its vote; sums to one.
    segment_probabilities : ndarray (segment, class), float32
    segment_votes : ndarray (segment,), float32
        Sum to one: all equal (§4.1), or, of a recipe whose `vote` is `sounding`, as their shares of frames with sound.
    segment_starts_s, segment_ends_s : ndarray (segment,)
        Where each segment lies; the last one ends with the clip.
    attention : Attention or None
        None for a checkpoint without attention: placement `none`, and PiczakCNN.
    spectrogram : ndarray (band, frame), float32
        The log-gammatone (or, for PiczakCNN, log-mel) spectrogram in decibels that the network saw. Of a recording
        longer than `KEPT_SPECTROGRAM_S` its beginning alone, so that memory is bounded.
    times_s : ndarray (frame,)
        Centre of each frame in seconds.
    centres_hz : ndarray (band,)
        Centre of each band in hertz.
    n_known_bands : int
        Bands, from the lowest up, that the recording's sampling rate leaves room for. Those above are estimated from
        them (`acrnn.features.bandwidth`); usually there are none.
    notes : tuple of str
        What a reader should know of the recording, one sentence each: see `acrnn.audio.Audio.notes`.
    """

    name: str
    duration_s: float
    checkpoint: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    segment_probabilities: np.ndarray
    segment_votes: np.ndarray
    segment_starts_s: np.ndarray
    segment_ends_s: np.ndarray
    attention: Attention | None
    spectrogram: np.ndarray
    times_s: np.ndarray
    centres_hz: np.ndarray
    n_known_bands: int
    notes: tuple[str, ...] = ()

    @property
    def known_up_to_hz(self) -> float | None:
        """Where the estimated bands begin; None if there are none."""
        return None if self.n_known_bands == len(self.centres_hz) else float(self.centres_hz[self.n_known_bands - 1])

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[int(self.probabilities.argmax())]

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Give the `k` most probable classes with their probabilities, the most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    @property
    def segments(self) -> tuple[SegmentPrediction, ...]:
        """One row a segment, in order of time."""
        best = self.segment_probabilities.argmax(axis=1)
        return tuple(
            SegmentPrediction(float(start), float(end), self.labels[i], float(row[i]))
            for start, end, i, row in zip(
                self.segment_starts_s, self.segment_ends_s, best, self.segment_probabilities, strict=True
            )
        )

    def as_dict(self, top: int = 5) -> dict[str, Any]:
        """Plain values, as `python -m acrnn predict --json` prints them."""
        attention = self.attention and {
            "placement": self.attention.placement,
            "times_s": self.attention.times_s.tolist(),
            "weights": self.attention.weights.tolist(),
            "most_at_s": self.attention.most_at_s,
        }
        return {
            "path": self.name,
            "duration_s": self.duration_s,
            "notes": list(self.notes),
            "checkpoint": self.checkpoint,
            "top": [{"label": label, "probability": probability} for label, probability in self.top(top)],
            "segments": [vars(segment) for segment in self.segments],
            "attention": attention,
        }


def most_attended_s(
    segment_weights: np.ndarray,
    segment_scores: np.ndarray,
    has_sound: np.ndarray,
    segments: Segments,
    frames_per_weight: int,
    hop_s: float,
) -> float:
    """Find the moment attended to most: see `Attention.most_at_s`.

    Parameters
    ----------
    segment_weights : ndarray (segment, step)
    segment_scores : ndarray (segment,)
        Vote times probability of the clip's class.
    has_sound : bool ndarray (frame,)
        Some frame has.
    segments : Segments
    frames_per_weight : int
    hop_s : float
        Seconds from frame to frame.
    """
    counts = np.concatenate([[0], np.cumsum(has_sound)])
    sounds = counts[segments.stops] > counts[segments.starts]  # (segment,)
    chosen = int(np.where(sounds, segment_scores, -1.0).argmax())
    start, stop = int(segments.starts[chosen]), int(segments.stops[chosen])
    frames = start + np.flatnonzero(has_sound[start:stop])
    steps = np.minimum((frames - start) // frames_per_weight, segment_weights.shape[1] - 1)
    step = steps[segment_weights[chosen][steps].argmax()]
    inside = frames[steps == step]
    middle = start + (step + 0.5) * frames_per_weight - 0.5
    return float(inside[np.abs(inside - middle).argmin()] * hop_s)
