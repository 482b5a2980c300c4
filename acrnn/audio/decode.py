"""Bytes, a path or an array → mono float32 at the rate asked for, in blocks or whole.

Every way in goes through the same mixing and the same streaming resampler, so a file, its blocks and its array give
the same bits.
"""

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from acrnn.audio.containers import Promise, read_promise
from acrnn.audio.readers import ACCEPTED, Track, full_scale, open_track
from acrnn.errors import (
    AudioTooLargeError,
    BadSamplesError,
    EmptyAudioError,
    NotAudioError,
    OptionError,
    TruncatedAudioError,
)

Source = str | os.PathLike | bytes

MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 384_000
_BLOCK_SAMPLES = 2**16
_EXACT = ("FLAC PCM", "WAV PCM", "AIFF PCM", "MP3")  # formats whose announced length libsndfile delivers to the sample
_MP3_SLACK_SAMPLES = 2 * 1152  # an encoder's delay and padding may be counted or not


@dataclass(frozen=True)
class Limits:
    """How much audio is accepted: an hour, and the bytes of an hour of 24-bit stereo at 96 kHz."""

    max_duration_s: float = 3600.0
    max_bytes: int = 2 * 1024**3


@dataclass(frozen=True)
class Audio:
    """A mono recording.

    Attributes
    ----------
    samples : float32 (n_samples,)
        In about [-1, 1].
    rate_hz : int
        Of `samples`.
    source_rate_hz, n_channels : int
        As they were in the source.
    format : str
        Container and coding of the source, such as "WAV PCM_24" or "mp4 aac".
    """

    samples: np.ndarray
    rate_hz: int
    source_rate_hz: int
    n_channels: int
    format: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz


class AudioFile:
    """An opened recording: what its header says, and its samples once, block by block. A context manager.

    Attributes
    ----------
    name : str
        The input, as messages call it.
    rate_hz, n_channels : int
    format : str
    announced_s : float or None
        Length by the header; None if it does not say.
    """

    def __init__(self, name: str, track: Track, promise: Promise, limits: Limits, stack: ExitStack):
        self.name = name
        self.rate_hz = track.rate_hz
        self.n_channels = track.n_channels
        self.format = track.format
        self.announced_s = None if track.n_frames is None else track.n_frames / track.rate_hz
        self._track, self._promise, self._limits, self._stack = track, promise, limits, stack

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def blocks(self, rate_hz: int) -> Iterator[np.ndarray]:
        """Read the recording, once, as mono blocks of float32 (n_samples,) at `rate_hz`; block lengths vary.

        Raises
        ------
        EmptyAudioError, TruncatedAudioError, BadSamplesError, AudioTooLargeError
            While reading, as soon as it is seen.
        """
        return _resampled(self._mono(), self.rate_hz, _checked_rate(rate_hz), self.name)

    def _mono(self) -> Iterator[np.ndarray]:
        max_frames = int(self._limits.max_duration_s * self.rate_hz)
        n_frames = 0
        for block in self._track.blocks:
            n_frames += len(block)
            if n_frames > max_frames:  # before more of a decompression bomb is decoded
                raise _too_long(self.name, None, self._limits)
            yield _mixed(block, self.name)
        self._check_delivered(n_frames)

    def _check_delivered(self, n_frames: int) -> None:
        """Compare what came with what was announced, where the announcement is exact."""
        announced = self._track.n_frames
        is_exact = self.format.startswith(_EXACT) and not self._promise.is_open
        slack = _MP3_SLACK_SAMPLES if self.format.startswith("MP3") else 0
        if is_exact and announced is not None and n_frames + slack < announced:
            raise TruncatedAudioError(
                f"{self.name} is cut short: it announces {announced / self.rate_hz:.2f} s and holds "
                f"{n_frames / self.rate_hz:.2f} s; a complete file is needed."
            )
        if n_frames == 0:
            raise _empty(self.name)


def open_audio(source: Source, *, limits: Limits | None = None, name: str | None = None) -> AudioFile:
    """Open a recording and check its header; nothing is decoded yet.

    Parameters
    ----------
    source : str, path or bytes
        wav, aiff, flac, ogg, opus, mp3, m4a, webm, mp4, …; of a video, its first audio track.
    limits : Limits, optional
    name : str, optional
        What messages call the input, such as an upload's file name; the path or "the audio" by default.

    Raises
    ------
    NotAudioError, EmptyAudioError, TruncatedAudioError, AudioTooLargeError
    """
    limits = limits or Limits()
    with ExitStack() as stack:
        if isinstance(source, bytes | bytearray | memoryview):
            name = name or "the audio"
            handle: BinaryIO = stack.enter_context(io.BytesIO(source))
        else:
            name = name or os.fspath(source)
            handle = stack.enter_context(_open_path(Path(source), name))
        n_bytes = handle.seek(0, io.SEEK_END)
        if n_bytes == 0:
            raise EmptyAudioError(f"{name} is an empty file; {ACCEPTED}.")
        promise = read_promise(handle, n_bytes)
        _check_size(promise, n_bytes, limits, name)
        track = _opened_track(handle, name, stack, promise)
        _check_header(track, limits, name)
        return AudioFile(name, track, promise, limits, stack.pop_all())


def stream(
    source: Source, rate_hz: int, *, limits: Limits | None = None, name: str | None = None
) -> Iterator[np.ndarray]:
    """Decode block by block: mono float32 (n_samples,) at `rate_hz`, of varying length, in memory that does not grow.

    Takes and raises what `decode` does, when the first block is asked for or later.
    """
    with open_audio(source, limits=limits, name=name) as file:
        yield from file.blocks(rate_hz)


def decode(source: Source, rate_hz: int, *, limits: Limits | None = None, name: str | None = None) -> Audio:
    """Decode a whole recording to mono; bit-equal to the blocks of `stream` joined.

    Parameters
    ----------
    source, limits, name
        See `open_audio`.
    rate_hz : int
        Rate of the result, 4000 to 384000.

    Returns
    -------
    Audio
        With round(n · rate_hz / source rate) samples; channels are mixed by their mean.

    Raises
    ------
    NotAudioError, EmptyAudioError, TruncatedAudioError, BadSamplesError, AudioTooLargeError
        Each names the input and says what is accepted.
    OptionError
        If `rate_hz` is out of range.
    """
    with open_audio(source, limits=limits, name=name) as file:
        samples = _joined(file.blocks(rate_hz), file.announced_s, rate_hz)
        return Audio(samples, int(rate_hz), file.rate_hz, file.n_channels, file.format)


def from_array(samples: np.ndarray, rate_hz: int, target_rate_hz: int, *, name: str = "the array") -> Audio:
    """Bring an array to mono float32 at `target_rate_hz`; bit-equal to decoding a file that holds it.

    Parameters
    ----------
    samples : (n_samples,) or (n_samples, n_channels)
        Real numbers in about [-1, 1], or integers, which are divided by their type's full scale.
    rate_hz, target_rate_hz : int
        4000 to 384000.

    Raises
    ------
    BadSamplesError
        NaN, infinity, another shape or type, more channels than samples (a transposed array), a rate out of range.
    EmptyAudioError, OptionError
    """
    samples = np.asarray(samples)
    if samples.dtype.kind not in "iuf":
        raise BadSamplesError(f"{name} is of type {samples.dtype}; integers and real numbers are accepted.")
    is_sideways = samples.ndim == 2 and samples.shape[1] > max(len(samples), 32) and len(samples) > 0
    if samples.ndim not in (1, 2) or is_sideways:
        raise BadSamplesError(
            f"{name} has the shape {samples.shape}; (n_samples,) or (n_samples, n_channels) is accepted."
        )
    if samples.size == 0:
        raise _empty(name)
    if not _is_rate(rate_hz):
        raise BadSamplesError(f"{name} has a rate of {rate_hz} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted.")
    frames = samples.reshape(len(samples), -1)  # (n_samples, n_channels)
    starts = range(0, len(frames), _BLOCK_SAMPLES)
    mono = (_mixed(full_scale(frames[i : i + _BLOCK_SAMPLES]), name) for i in starts)
    blocks = _resampled(mono, int(rate_hz), _checked_rate(target_rate_hz), name)
    joined = _joined(blocks, len(frames) / rate_hz, target_rate_hz)
    return Audio(joined, int(target_rate_hz), int(rate_hz), frames.shape[1], f"array {samples.dtype}")


def encode_wav(samples: np.ndarray, rate_hz: int) -> bytes:
    """16-bit PCM WAV of (n_samples,) or (n_samples, n_channels) in [-1, 1]; what is beyond is clipped, never wrapped.

    Raises
    ------
    BadSamplesError
        If a sample is NaN or infinite, or the type is not real.
    OptionError
        If the rate is out of range.
    """
    import soundfile as sf

    samples, rate_hz = np.asarray(samples), _checked_rate(rate_hz)
    if samples.dtype.kind != "f" or not np.isfinite(samples).all():
        raise BadSamplesError("The audio to write is not of finite real numbers; those in [-1, 1] are accepted.")
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    out = io.BytesIO()
    sf.write(out, pcm, rate_hz, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _open_path(path: Path, name: str) -> BinaryIO:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise NotAudioError(f"{name} {what}; a sound file is needed.")
    try:
        # By descriptor, so that the handle has no name: soundfile would take "x.raw" for headerless audio.
        return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")
    except OSError as error:
        raise NotAudioError(f"{name} cannot be opened ({error.strerror}); a readable sound file is needed.") from error


def _check_size(promise: Promise, n_bytes: int, limits: Limits, name: str) -> None:
    largest = max(n_bytes, promise.end_bytes or 0)
    if largest > limits.max_bytes:
        raise AudioTooLargeError(
            f"{name} announces {largest / 1024**2:.0f} MiB; up to {limits.max_bytes / 1024**2:.0f} MiB are accepted."
        )
    if promise.is_cut or (promise.end_bytes or 0) > n_bytes:
        raise TruncatedAudioError(
            f"{name} is cut short: its {promise.kind} data should go on after its {n_bytes} bytes; "
            "a complete file is needed."
        )


def _opened_track(handle: BinaryIO, name: str, stack: ExitStack, promise: Promise) -> Track:
    try:
        return open_track(handle, name, stack, is_open=promise.is_open)
    except NotAudioError as error:
        if promise.kind in ("FLAC", "MP4", "WebM") and error.__cause__ is not None:
            raise TruncatedAudioError(
                f"{name} begins as a {promise.kind} file and cannot be read on: it is cut short or damaged; "
                "a complete file is needed."
            ) from error
        raise


def _check_header(track: Track, limits: Limits, name: str) -> None:
    if not _is_rate(track.rate_hz):
        raise AudioTooLargeError(
            f"{name} has a sample rate of {track.rate_hz} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted."
        )
    if track.n_frames is not None and track.n_frames > limits.max_duration_s * track.rate_hz:
        raise _too_long(name, track.n_frames / track.rate_hz, limits)


def _is_rate(rate_hz: float) -> bool:
    return MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ and int(rate_hz) == rate_hz


def _checked_rate(rate_hz: int) -> int:
    if not _is_rate(rate_hz):
        raise OptionError(f"A rate of {rate_hz} Hz is asked for; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted.")
    return int(rate_hz)


def _mixed(frames: np.ndarray, name: str) -> np.ndarray:
    """Mix (n_samples, n_channels) to (n_samples,) by the mean, refusing what is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        mono = frames[:, 0] if frames.shape[1] == 1 else np.ascontiguousarray(frames).mean(axis=1)
    if not np.isfinite(mono).all():
        raise _not_finite(name)
    return mono


def _resampled(mono: Iterable[np.ndarray], rate_hz: int, target_rate_hz: int, name: str) -> Iterator[np.ndarray]:
    """Resample mono blocks; soxr's output does not depend on where the blocks are cut."""
    if rate_hz == target_rate_hz:
        yield from mono
        return
    import soxr

    resampler = soxr.ResampleStream(rate_hz, target_rate_hz, 1, dtype="float32", quality="HQ")
    n_samples = 0
    for block in mono:
        out = resampler.resample_chunk(block)
        n_samples += len(out)
        if len(out):
            yield out
    out = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    if n_samples + len(out) == 0:
        raise _empty(name)
    yield out


def _joined(blocks: Iterable[np.ndarray], announced_s: float | None, rate_hz: int) -> np.ndarray:
    """Join blocks in one growing buffer. A header only sizes its first minute: it is not to be believed for more."""
    samples = np.empty(int(min(announced_s or 60.0, 60.0) * rate_hz) + 1, np.float32)
    n_samples = 0
    for block in blocks:
        end = n_samples + len(block)
        if end > len(samples):
            samples.resize(max(end, len(samples) * 3 // 2), refcheck=False)
        samples[n_samples:end] = block
        n_samples = end
    samples.resize(n_samples, refcheck=False)
    return samples


def _empty(name: str) -> EmptyAudioError:
    return EmptyAudioError(f"{name} has no samples at the rate asked for; at least one is needed.")


def _not_finite(name: str) -> BadSamplesError:
    return BadSamplesError(f"{name} has samples that are NaN or infinite; finite ones are accepted.")


def _too_long(name: str, duration_s: float | None, limits: Limits) -> AudioTooLargeError:
    lasts = "goes on" if duration_s is None else f"announces {duration_s:.0f} s, which is"
    return AudioTooLargeError(f"{name} {lasts} beyond the limit; up to {limits.max_duration_s:g} s are accepted.")
