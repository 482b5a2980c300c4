"""The whole path for one clip: sound → spectrogram → segments → network → prediction and attention on one time axis."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acrnn.audio import Audio, AudioFile, Limits, Source, from_array, open_audio
from acrnn.audio.activity import GATE_DB
from acrnn.audio.sources import as_samples, is_encoded
from acrnn.checkpoints import Checkpoint, find
from acrnn.checkpoints.open_set import scores_of
from acrnn.devices import pick_device
from acrnn.errors import BadSamplesError, OptionError, SilentAudioError
from acrnn.features import Segments, fill_missing_bands, n_known_bands, segments_at_once, stream_log_spectrogram
from acrnn.features.spectrogram import CHUNK_FRAMES
from acrnn.inference.prediction import KEPT_SPECTROGRAM_S, Attention, Prediction, most_attended_s
from acrnn.inference.stream import stream_segments
from acrnn.model import Network

WINDOWED_FROM_S = 10.0
"""Recordings as long and longer are heard in windows as long as the segments of training (`Predictor.for_events`)."""


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
        self.statistics = checkpoint.load_statistics()

    def for_events(self) -> "Predictor":
        """Give the same network with windows as long as the segments that it was trained on, which overlap by half.

        In a longer one, a sound that is over in a moment counts for little.
        """
        config = self.checkpoint.config
        n_frames = config.trained_frames
        if n_frames == config.front_end.segment_frames:
            return self
        front_end = replace(config.front_end, segment_frames=n_frames, segment_hop=n_frames // 2)
        shorter = copy(self)
        shorter.checkpoint = replace(self.checkpoint, config=replace(config, front_end=front_end))
        return shorter

    def suited_to(self, duration_s: float) -> "Predictor":
        """Give the same network as it hears a recording of so many seconds: from `WINDOWED_FROM_S` on `for_events`."""
        return self.for_events() if duration_s >= WINDOWED_FROM_S else self

    def __call__(
        self,
        source: Source | Audio | AudioFile | Any,
        rate_hz: int | None = None,
        *,
        name: str | None = None,
        limits: Limits | None = None,
        channel: int | None = None,
        partial: bool = False,
        on_progress: Callable[[float], None] | None = None,
        on_block: Callable[[np.ndarray], None] | None = None,
    ) -> Prediction:
        """Predict one clip of 20 ms to many hours; from `WINDOWED_FROM_S` on as `for_events` does.

        Parameters
        ----------
        source : path, bytes, open file, AudioFile, Audio or samples
            A file, its bytes, a file open for reading bytes, what `acrnn.audio.open_audio` gave, what
            `acrnn.audio.decode` gave at the checkpoint's rate, or samples (n_samples,) or (n_samples, n_channels) as
            array, tensor or list. A file is streamed, and memory bounded: an hour of it needs that of its spectrogram,
            ten no more than two.
        rate_hz : int, optional
            Sampling rate of samples; a file knows its own.
        name : str, optional
            What the clip is called in messages and in the result.
        limits : Limits, optional
            Longest duration and largest file accepted; by default `Limits.of_environment()`.
        channel : int, optional
            The channel to use, counted from 1; by default the mean of those with sound.
        partial : bool
            Use what is there of a file that is cut short; a note says how much is missing.
        on_progress : callable, optional
            Told the share done, 0 to 1, after each batch of segments.
        on_block : callable, optional
            Of a file: given each block of its samples, float32 (n_samples,) at the checkpoint's rate, as it is read.

        Raises
        ------
        AudioError
            If the sound cannot be used; the message says why.
        OptionError
            If samples come without their rate, or there is no such channel.
        """
        front_end = self.checkpoint.config.front_end
        told = on_progress or (lambda share: None)
        if isinstance(source, Audio):
            if source.rate_hz != front_end.rate_hz:
                raise OptionError(
                    f"sound at {source.rate_hz} Hz was given; this checkpoint takes it at {front_end.rate_hz} Hz"
                )
            return self._of_audio(source, name or "the audio", told)
        if isinstance(source, AudioFile):
            return self._of_file(source, told, on_block)
        if not is_encoded(source):
            if rate_hz is None:
                as_samples(source, name or "the array")  # what is no samples at all is told first
                raise OptionError("samples have no rate of their own: rate_hz is needed, such as 44100")
            name = name or "the array"
            audio = from_array(source, rate_hz, front_end.rate_hz, name=name, channel=channel)
            return self._of_audio(audio, name, told)
        with open_audio(source, limits=limits, name=name, channel=channel, partial=partial) as file:
            return self._of_file(file, told, on_block)

    def _of_file(
        self, file: AudioFile, told: Callable[[float], None], on_block: Callable[[np.ndarray], None] | None
    ) -> Prediction:
        rate_hz = self.checkpoint.config.front_end.rate_hz

        def blocks() -> Iterator[np.ndarray]:
            for block in file.blocks(rate_hz):
                if on_block is not None:
                    on_block(block)
                yield block

        rest = blocks()
        first, n_samples = [], 0
        for block in rest:  # what a header announces need not be so
            first.append(block)
            n_samples += len(block)
            if n_samples >= WINDOWED_FROM_S * rate_hz:
                break
        hearing = Hearing(self.suited_to(n_samples / rate_hz), file.name, file.rate_hz, file.announced_s, told)
        return replace(hearing.predict(chain(first, rest)), notes=file.notes)

    def _of_audio(self, audio: Audio, name: str, told: Callable[[float], None]) -> Prediction:
        hearing = Hearing(self.suited_to(audio.duration_s), name, audio.source_rate_hz, audio.duration_s, told)
        return replace(hearing.predict([audio.samples]), notes=audio.notes)


class Hearing:
    """One clip on its way through the network, from blocks of samples to its prediction.

    Parameters
    ----------
    predictor : Predictor
    name : str
    source_rate_hz : int
        Rate of the recording, which tells the bands that it leaves empty.
    announced_s : float or None
        Its length, as far as it is known, for the progress.
    told : callable
        Told the share done.
    """

    def __init__(
        self,
        predictor: Predictor,
        name: str,
        source_rate_hz: int,
        announced_s: float | None,
        told: Callable[[float], None],
    ) -> None:
        self._predictor, self._config, self._name = predictor, predictor.checkpoint.config, name
        self._front_end = self._config.front_end
        every = self._front_end.n_bands
        self._n_known = every if predictor.bands is None else n_known_bands(self._front_end, source_rate_hz)
        self._source_rate_hz, self._announced_s, self._told = source_rate_hz, announced_s, told
        self._n_samples = 0
        self._n_frames = 0
        self._levels_db: list[np.ndarray] = []
        self._kept: Tensor = torch.empty(every, 2 * CHUNK_FRAMES)
        self._is_silent = True

    @torch.inference_mode()
    def predict(self, blocks: Iterable[np.ndarray]) -> Prediction:
        """Analyse and classify blocks of float32 (n_samples,) at the front end's rate."""
        predictor, front_end = self._predictor, self._front_end
        logits, features, weights, done = [], [], [], 0
        for batch in stream_segments(self._frames(blocks), front_end, segments_at_once(front_end.segment_frames)):
            output = predictor.model(batch.to(predictor.device).contiguous(memory_format=torch.channels_last))
            logits.append(output.logits.cpu())
            if output.features is not None:
                features.append(output.features.float().cpu())
            if output.attention is not None:
                weights.append(output.attention.cpu())
            done += len(batch)
            self._tell(done)
        if self._is_silent:
            raise SilentAudioError(
                f"{self._name} is silent: nothing in it is above {front_end.floor_db:g} dB; "
                "a clip with sound is needed."
            )
        by_segment = torch.cat(logits)
        by_step = torch.cat(weights).numpy() if weights else None
        if not (by_segment.isfinite().all() and (by_step is None or np.isfinite(by_step).all())):
            raise BadSamplesError(
                f"{self._name} gives no finite probabilities with {predictor.checkpoint.name}: its samples are far "
                "from any sound (samples in [-1, 1] are accepted), or the checkpoint's weights are."
            )
        self._told(1.0)
        return self._prediction(by_segment, torch.cat(features).numpy() if features else None, by_step)

    def _tell(self, n_segments: int) -> None:
        """Tell the share of the segments that are announced; the end is told when it is there."""
        if self._announced_s:
            expected = max(1.0, self._announced_s / (self._front_end.segment_hop * self._front_end.hop_s) - 1)
            self._told(min(n_segments / expected, 0.999))

    def _frames(self, blocks: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """Blocks of samples → pieces of spectrogram (band, frame); what the prediction tells of them is kept."""
        front_end, kept_frames = self._front_end, round(KEPT_SPECTROGRAM_S / self._front_end.hop_s)

        def counted() -> Iterator[np.ndarray]:
            for block in blocks:
                self._n_samples += len(block)
                yield block

        # Analysed on the CPU in every case: a thousand times real time there, and the same decibels on every device.
        for piece in stream_log_spectrogram(counted(), front_end):
            self._is_silent = self._is_silent and piece.max() <= front_end.floor_db + 1e-3
            if self._n_known < front_end.n_bands:
                piece = fill_missing_bands(piece, self._n_known, self._predictor.bands, front_end.floor_db)
            self._levels_db.append(piece.amax(dim=0).numpy())
            self._keep(piece[:, : max(0, kept_frames - self._n_frames)])
            self._n_frames += piece.shape[1]
            yield piece

    def _keep(self, piece: Tensor) -> None:
        end = self._n_frames + piece.shape[1]
        if piece.shape[1] and end > self._kept.shape[1]:
            larger = torch.empty(len(piece), max(2 * self._kept.shape[1], end))
            larger[:, : self._n_frames] = self._kept[:, : self._n_frames]
            self._kept = larger
        if piece.shape[1]:
            self._kept[:, self._n_frames : end] = piece

    def _scores(self, logits: Tensor, features: np.ndarray | None) -> np.ndarray | None:
        """(segment,) how strange each is, if the checkpoint can tell."""
        if self._config.open_set is None:
            return None
        given = None if features is None else torch.from_numpy(features)
        return scores_of(self._config.open_set.score, logits, given, self._predictor.statistics).numpy()

    def _shares_of_sound(self, level_db: np.ndarray, segments: Segments) -> np.ndarray:
        """(segment,) share of its frames that are above the front end's floor."""
        sounds = torch.zeros(segments.n_padded_frames)
        sounds[: len(level_db)] = torch.from_numpy(level_db > self._front_end.floor_db)
        return sounds.unfold(0, segments.length, segments.hop).mean(dim=1).numpy()

    def _prediction(self, logits: Tensor, features: np.ndarray | None, by_step: np.ndarray | None) -> Prediction:
        config, front_end = self._config, self._front_end
        by_segment = logits.softmax(dim=1).numpy()
        level_db = np.concatenate(self._levels_db)
        segments = Segments.of(len(level_db), front_end)
        shares = self._shares_of_sound(level_db, segments)
        even = np.full(len(segments), 1 / len(segments), np.float32)
        votes = even if config.vote == "mean" else shares / shares.sum()
        probabilities = np.average(by_segment, axis=0, weights=votes)
        times_s = segments.times_s(front_end)
        duration_s = self._n_samples / front_end.rate_hz
        attention = None
        if by_step is not None:
            frames_per_weight = config.network.frames_per_weight
            has_sound = level_db > max(level_db.max() - GATE_DB, front_end.floor_db)
            scores = votes * by_segment[:, probabilities.argmax()]
            attention = Attention(
                placement=config.placement,
                times_s=times_s,
                weights=segments.to_clip(by_step, frames_per_weight),
                segment_weights=by_step,
                step_s=frames_per_weight * front_end.hop_s,
                most_at_s=most_attended_s(by_step, scores, has_sound, segments, frames_per_weight, front_end.hop_s),
            )
        return Prediction(
            name=self._name,
            duration_s=duration_s,
            checkpoint=config.name,
            labels=config.labels,
            probabilities=probabilities,
            segment_probabilities=by_segment,
            segment_votes=votes,
            segment_starts_s=segments.starts * front_end.hop_s,
            segment_ends_s=np.minimum((segments.starts + segments.length) * front_end.hop_s, duration_s),
            attention=attention,
            spectrogram=self._kept[:, : min(self._n_frames, round(KEPT_SPECTROGRAM_S / front_end.hop_s))]
            .contiguous()
            .numpy(),
            times_s=times_s,
            centres_hz=front_end.centres_hz,
            n_known_bands=self._n_known,
            segment_logits=logits.numpy(),
            segment_features=features,
            segment_is_silent=shares == 0,
            segment_scores=self._scores(logits, features),
            open_set=config.open_set,
            source_rate_hz=self._source_rate_hz,
        )


def load(name: str, device: str = "auto") -> Predictor:
    """Load a checkpoint as a predictor: by name (see `acrnn.checkpoints.names`), its folder's path, or an address.

    `hf://user/name[@revision]` is downloaded from the Hugging Face Hub, which needs the extra `acrnn[hub]`.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, or it is damaged.
    OptionError
        If the device is not to be had.
    """
    return Predictor(find(name), device)
