"""The whole path for one clip: sound → spectrogram → segments → network → prediction and attention on one time axis."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acrnn.audio import Limits, from_array, open_audio
from acrnn.checkpoints import Checkpoint, find
from acrnn.errors import OptionError, SilentAudioError
from acrnn.features import (
    FrontEnd,
    Segments,
    fill_missing_bands,
    gather_frames,
    n_known_bands,
    stream_log_spectrogram,
)
from acrnn.model import Network

BATCH_SEGMENTS = 16
DEVICES = ("auto", "cpu", "cuda", "mps")


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
    """

    placement: str
    times_s: np.ndarray
    weights: np.ndarray
    segment_weights: np.ndarray
    step_s: float

    @property
    def relative(self) -> np.ndarray:
        """(frame,) weights divided by their largest, in [0, 1]: the gain of "play only what it attends to"."""
        return self.weights / self.weights.max()


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
        The log-gammatone (or, for PiczakCNN, log-mel) spectrogram in decibels that the network saw.
    times_s : ndarray (frame,)
        Centre of each frame in seconds.
    centres_hz : ndarray (band,)
        Centre of each band in hertz.
    n_known_bands : int
        Bands, from the lowest up, that the recording's sampling rate leaves room for. Those above are estimated from
        them (`acrnn.features.bandwidth`); usually there are none.
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
        }
        return {
            "path": self.name,
            "duration_s": self.duration_s,
            "checkpoint": self.checkpoint,
            "top": [{"label": label, "probability": probability} for label, probability in self.top(top)],
            "segments": [vars(segment) for segment in self.segments],
            "attention": attention,
        }


class Predictor:
    """A loaded checkpoint: call it with a sound.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : str
        One of `DEVICES`; `auto` is CUDA where there is one, else MPS, else the CPU.

    Raises
    ------
    CheckpointError
        If the weights are damaged or do not fit.
    OptionError
        If the device is not to be had.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.device = pick_device(device)
        self.model: Network = checkpoint.load_model(self.device)
        self.bands = checkpoint.load_bands()

    def __call__(
        self,
        source: str | os.PathLike | bytes | np.ndarray,
        rate_hz: int | None = None,
        *,
        name: str | None = None,
        limits: Limits | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> Prediction:
        """Predict one clip of 20 ms to an hour.

        Parameters
        ----------
        source : path, bytes or ndarray
            A file, its bytes, or samples (samples,) or (samples, channels). A file is streamed: an hour of it needs
            the memory of its spectrogram, not of its waveform.
        rate_hz : int, optional
            Sampling rate of an array; a file knows its own.
        name : str, optional
            What the clip is called in messages and in the result.
        limits : Limits, optional
            Longest duration and largest file accepted.
        on_progress : callable, optional
            Told the share done, 0 to 1, after each batch of segments.

        Raises
        ------
        AudioError
            If the sound cannot be used; the message says why.
        OptionError
            If an array comes without its rate.
        """
        front_end = self.checkpoint.config.front_end
        if isinstance(source, np.ndarray):
            if rate_hz is None:
                raise OptionError("an array of samples has no rate of its own: rate_hz is needed, such as 44100")
            name = name or "the array"
            samples = from_array(source, rate_hz, front_end.rate_hz, name=name).samples
            spectrogram, n_samples = self._analyse([samples], front_end)
            source_rate_hz = rate_hz
        else:
            name = name or ("the audio" if isinstance(source, bytes) else str(Path(source)))
            with open_audio(source, limits=limits, name=name) as audio:
                spectrogram, n_samples = self._analyse(audio.blocks(front_end.rate_hz), front_end)
                source_rate_hz = audio.rate_hz
        if spectrogram.max() <= front_end.floor_db + 1e-3:
            raise SilentAudioError(
                f"{name} is silent: nothing in it is above {front_end.floor_db:g} dB; a clip with sound is needed."
            )
        n_known = front_end.n_bands if self.bands is None else n_known_bands(front_end, source_rate_hz)
        if n_known < front_end.n_bands:
            spectrogram = fill_missing_bands(spectrogram, n_known, self.bands, front_end.floor_db)
        return self._classify(spectrogram, n_known, n_samples, name, on_progress or (lambda share: None))

    def _analyse(self, blocks, front_end: FrontEnd) -> tuple[Tensor, int]:
        """Blocks of samples → the clip's whole spectrogram (band, frame), and how many samples it is of."""
        n_samples = 0

        def counted():
            nonlocal n_samples
            for block in blocks:
                n_samples += len(block)
                yield block

        # Analysed on the CPU in every case: a thousand times real time there, and the same decibels on every device.
        spectrogram = gather_frames(stream_log_spectrogram(counted(), front_end), front_end.n_bands)
        return spectrogram, n_samples

    def _votes(self, padded: Tensor, segments: Segments) -> np.ndarray:
        """(segment,) what each counts for, by the checkpoint's way of voting."""
        config = self.checkpoint.config
        if config.vote == "mean":
            return np.full(len(segments), 1 / len(segments), np.float32)
        sounds = (padded > config.front_end.floor_db).any(dim=0).float()  # (padded frame,)
        shares = sounds.unfold(0, segments.length, segments.hop).mean(dim=1).numpy()
        return shares / shares.sum()

    @torch.inference_mode()
    def _classify(self, spectrogram: Tensor, n_known: int, n_samples: int, name: str, on_progress) -> Prediction:
        config = self.checkpoint.config
        front_end = config.front_end
        segments = Segments.of(spectrogram.shape[1], front_end)
        probabilities, weights, done = [], [], 0
        padded = segments.pad(spectrogram, front_end.floor_db)
        for batch in segments.batches(padded, BATCH_SEGMENTS):
            output = self.model(batch.to(self.device).contiguous(memory_format=torch.channels_last))
            probabilities.append(output.logits.softmax(dim=1).cpu())
            if output.attention is not None:
                weights.append(output.attention.cpu())
            done += len(batch)
            on_progress(done / len(segments))
        by_segment = torch.cat(probabilities).numpy()
        votes = self._votes(padded[0], segments)
        times_s = segments.times_s(front_end)
        duration_s = n_samples / front_end.rate_hz
        attention = None
        if weights:
            by_step = torch.cat(weights).numpy()
            frames_per_weight = config.network.frames_per_weight
            attention = Attention(
                placement=config.placement,
                times_s=times_s,
                weights=segments.to_clip(by_step, frames_per_weight),
                segment_weights=by_step,
                step_s=frames_per_weight * front_end.hop_s,
            )
        return Prediction(
            name=name,
            duration_s=duration_s,
            checkpoint=config.name,
            labels=config.labels,
            probabilities=np.average(by_segment, axis=0, weights=votes),
            segment_probabilities=by_segment,
            segment_votes=votes,
            segment_starts_s=segments.starts * front_end.hop_s,
            segment_ends_s=np.minimum((segments.starts + segments.length) * front_end.hop_s, duration_s),
            attention=attention,
            spectrogram=spectrogram.contiguous().numpy(),
            times_s=times_s,
            centres_hz=front_end.centres_hz,
            n_known_bands=n_known,
        )


def load(name: str, device: str = "auto") -> Predictor:
    """Load a checkpoint by name (or by its folder's path) as a predictor; see `acrnn.checkpoints.names`.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, or it is damaged.
    OptionError
        If the device is not to be had.
    """
    return Predictor(find(name), device)


def pick_device(device: str = "auto") -> torch.device:
    """`auto` → CUDA where there is one, else MPS, else the CPU; any other name is taken at its word.

    Raises
    ------
    OptionError
        If the device is unknown or this machine has none.
    """
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, there in have.items() if there)
    if not have.get(device, False):
        raise OptionError(f"device {device!r} is not to be had here; there is: {', '.join(n for n in have if have[n])}")
    return torch.device(device)


def describe_device(device: torch.device) -> str:
    """Name a device for people: `CUDA (NVIDIA H200)`, `MPS` or `CPU (2 threads)`."""
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    return "MPS" if device.type == "mps" else f"CPU ({torch.get_num_threads()} threads)"
