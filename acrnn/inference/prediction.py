"""What a checkpoint says of one clip: `Prediction`, with its segments and its attention on the clip's time axis."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from acrnn.checkpoints import OpenSet
from acrnn.features import Segments

KEPT_SPECTROGRAM_S = 7200.0
SNIPPET_S = 0.2
"""Two hours in 128 bands are 320 MB."""


@dataclass(frozen=True)
class SegmentPrediction:
    """The top class of one segment, and where in the clip the segment lies.

    `calibrated`, `strangeness` and `known` are None for a checkpoint without an `OpenSet`. A silent segment has nothing
    above the front end's floor.
    """

    start_s: float
    end_s: float
    label: str
    probability: float
    calibrated: float | None = None
    strangeness: float | None = None
    known: bool | None = None
    silent: bool = False


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
    segment_logits : ndarray (segment, class), float32, or None
    segment_features : ndarray (segment, feature), float32, or None
        What the output layer was given; None for PiczakCNN.
    segment_is_silent : bool ndarray (segment,), or None
        Nothing in it is above the front end's floor.
    segment_scores : ndarray (segment,), or None
        By the checkpoint's score of strangeness, if it has one.
    open_set : OpenSet or None
        The checkpoint's calibration and score of strangeness; without it, what follows from it is None.
    source_rate_hz : int or None
        Sampling rate of the recording.
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
    segment_logits: np.ndarray | None = None
    segment_features: np.ndarray | None = None
    segment_is_silent: np.ndarray | None = None
    segment_scores: np.ndarray | None = None
    open_set: OpenSet | None = None
    source_rate_hz: int | None = None

    @property
    def known_up_to_hz(self) -> float | None:
        """Where the estimated bands begin; None if there are none."""
        return None if self.n_known_bands == len(self.centres_hz) else float(self.centres_hz[self.n_known_bands - 1])

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> np.ndarray:
        """(class,) calibrated probabilities where the checkpoint has such, else those of the network."""
        return self.probabilities if self.calibrated is None else self.calibrated

    @property
    def level_db(self) -> float:
        """The loudest point of the spectrogram that is kept, in decibels."""
        return float(self.spectrogram.max())

    @property
    def known(self) -> bool | None:
        """Whether the clip is like those of the training classes, as far as its strangeness tells; a snippet is not."""
        if self.open_set is None:
            return None
        return not self.is_snippet and bool(self.open_set.is_known(self._score, self.level_db))

    @property
    def is_snippet(self) -> bool:
        """Whether it lasts less than `SNIPPET_S`: next to nothing that a network of whole sounds could go by."""
        return self.duration_s < SNIPPET_S

    @cached_property
    def strangeness(self) -> float | None:
        """Share of known clips that are less strange, 0 to 1."""
        if self.open_set is None:
            return None
        return float(self.open_set.clips.strangeness(self._score))

    @property
    def _score(self) -> float:
        return float(np.average(self.segment_scores, weights=self.segment_votes))

    @cached_property
    def calibrated(self) -> np.ndarray | None:
        """(class,) calibrated probabilities, in the order of the others."""
        return None if self.open_set is None else self.open_set.clips.calibrate(self.probabilities)

    @property
    def unsure(self) -> bool | None:
        """Whether another class than the one named is more likely right, by the calibrated probabilities."""
        return None if self.calibrated is None else bool(self.calibrated.max() < 0.5)

    @cached_property
    def segment_calibrated(self) -> np.ndarray | None:
        """(segment, class) calibrated probabilities."""
        return None if self.open_set is None else self.open_set.segments.calibrate(self.segment_probabilities)

    @cached_property
    def segment_strangeness(self) -> np.ndarray | None:
        """(segment,) share of known segments that are less strange, 0 to 1."""
        return None if self.open_set is None else self.open_set.segments.strangeness(self.segment_scores)

    @property
    def segment_known(self) -> np.ndarray | None:
        """(segment,) whether it is like those of the training classes; a silent one is not."""
        if self.open_set is None:
            return None
        return (self.segment_strangeness <= self.open_set.accepts) & ~self.segment_is_silent

    @cached_property
    def features(self) -> np.ndarray | None:
        """(feature,) mean over segments, each counting by its vote: what clips are compared by."""
        if self.segment_features is None:
            return None
        return np.average(self.segment_features, axis=0, weights=self.segment_votes).astype(np.float32)

    @cached_property
    def frame_known(self) -> np.ndarray | None:
        """(frame,) whether it lies in a segment that is known; None without an `OpenSet`."""
        if self.open_set is None:
            return None
        known = np.zeros(len(self.times_s), bool)
        starts, stops = (np.searchsorted(self.times_s, at) for at in (self.segment_starts_s, self.segment_ends_s))
        for start, stop in zip(starts[self.segment_known], stops[self.segment_known], strict=True):
            known[start:stop] = True
        return known

    def top(self, k: int = 5, *, calibrated: bool = False) -> list[tuple[str, float]]:
        """Give the `k` most probable classes, the most probable first.

        Parameters
        ----------
        calibrated : bool
            With their `confidence` in place of the network's own probabilities; the order is the same.
        """
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        values = self.confidence if calibrated else self.probabilities
        return [(self.labels[i], float(values[i])) for i in order]

    @property
    def segments(self) -> tuple[SegmentPrediction, ...]:
        """One row a segment, in order of time."""
        best = self.segment_probabilities.argmax(axis=1)
        n = len(best)
        rows = np.arange(n)
        silent = np.zeros(n, bool) if self.segment_is_silent is None else self.segment_is_silent
        unknown = [None] * n
        told = self.open_set is not None
        columns = (
            self.segment_starts_s.tolist(),
            self.segment_ends_s.tolist(),
            [self.labels[i] for i in best],
            self.segment_probabilities[rows, best].tolist(),
            self.segment_calibrated[rows, best].tolist() if told else unknown,
            self.segment_strangeness.tolist() if told else unknown,
            self.segment_known.tolist() if told else unknown,
            silent.tolist(),
        )
        return tuple(SegmentPrediction(*row) for row in zip(*columns, strict=True))

    def _top_as_dicts(self, k: int) -> list[dict[str, Any]]:
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [
            {
                "label": self.labels[i],
                "probability": float(self.probabilities[i]),
                "calibrated": None if self.calibrated is None else float(self.calibrated[i]),
            }
            for i in order
        ]

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
            "known": self.known,
            "strangeness": self.strangeness,
            "top": self._top_as_dicts(top),
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
