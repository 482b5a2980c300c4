"""A recording or an array → mono float32 at the rate asked for, in blocks or whole.

Every way in goes through the same screening (scale, offset, channels) and the same streaming resampler, so a file, its
blocks and its array give the same bits.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from numbers import Real
from typing import Any, BinaryIO

import numpy as np

from acrnn.audio.containers import ACCEPTED, Promise, read_promise
from acrnn.audio.ending import Ending, empty, too_long, too_many
from acrnn.audio.limits import GIB, MEMORY_GIB, Limits
from acrnn.audio.readers import Track, full_scale, open_track
from acrnn.audio.screening import Screening
from acrnn.audio.sources import Source, as_samples, name_of, opened
from acrnn.errors import (
    AudioTooLargeError,
    BadSamplesError,
    EmptyAudioError,
    NotAudioError,
    OptionError,
    TruncatedAudioError,
)

MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 384_000
_BLOCK_SAMPLES = 2**16


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
    notes : tuple of str
        One sentence for each thing that a listener should know of the recording: an offset taken off, channels left
        out, a part that is missing.
    """

    samples: np.ndarray
    rate_hz: int
    source_rate_hz: int
    n_channels: int
    format: str
    notes: tuple[str, ...] = ()

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

    def __init__(self, name: str, track: Track, screening: Screening, ending: Ending, stack: ExitStack):
        self.name = name
        self.rate_hz = track.rate_hz
        self.n_channels = track.n_channels
        self.format = track.format
        self.announced_s = None if track.n_frames is None else track.n_frames / track.rate_hz
        self._track, self._screening, self._ending, self._stack = track, screening, ending, stack

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Audio.notes`; complete once the blocks are read."""
        return (*self._ending.notes, *self._track.notes, *self._track.flaws, *self._screening.notes)

    def blocks(self, rate_hz: int) -> Iterator[np.ndarray]:
        """Read the recording, once, as mono blocks of float32 (n_samples,) at `rate_hz`; block lengths vary.

        Raises
        ------
        EmptyAudioError, TruncatedAudioError, BadSamplesError, AudioTooLargeError
            While reading, as soon as it is seen.
        """
        mono = self._screening.mono(self._ending.checked(self._track))
        return _resampled(mono, self.rate_hz, checked_rate(rate_hz), self.name)


def open_audio(
    source: Source,
    *,
    limits: Limits | None = None,
    name: str | None = None,
    channel: int | None = None,
    partial: bool = False,
) -> AudioFile:
    """Open a recording and check its header; nothing is decoded yet.

    Parameters
    ----------
    source : path, bytes, or a file open for reading bytes
        Of one of `acrnn.audio.containers.SUFFIXES`, whatever its name; of a video, its first audio track. A pipe, or
        a file that is open, is copied first.
    limits : Limits, optional
        By default `Limits.of_environment()`.
    name : str, optional
        What messages call the input, such as an upload's file name; by default the path, or "the audio".
    channel : int, optional
        The channel to use, counted from 1; by default the mean of those with sound.
    partial : bool
        Use what is there of a recording that is cut short; a note says how much is missing.

    Raises
    ------
    NotAudioError, EmptyAudioError, TruncatedAudioError, AudioTooLargeError
    OptionError
        If there is no such channel.
    """
    limits = limits or Limits.of_environment()
    name = name or name_of(source)
    with ExitStack() as stack:
        handle = opened(source, name, limits, stack)
        n_bytes = _size_of(handle, name)
        if n_bytes == 0:
            raise EmptyAudioError(f"{name} is an empty file; {ACCEPTED}.")
        promise = read_promise(handle, n_bytes)
        _check_size(promise, n_bytes, limits, name)
        ending = Ending(name, promise, n_bytes, limits, partial=partial)
        try:
            track = open_track(handle, name, stack, promise)
        except NotAudioError as error:
            if promise.kind not in ("FLAC", "MP4", "WebM") or error.__cause__ is None:
                raise
            raise TruncatedAudioError(
                f"{name} begins as a {promise.kind} file and cannot be read on: it is cut short or damaged; "
                "a complete file is needed."
            ) from error
        _check_header(track, limits, name)
        screening = Screening(name, track.rate_hz, track.n_channels, channel)
        return AudioFile(name, track, screening, ending, stack.pop_all())


def stream(source: Source, rate_hz: int, **how: Any) -> Iterator[np.ndarray]:
    """Decode block by block: mono float32 (n_samples,) at `rate_hz`, of varying length, in memory that does not grow.

    Takes and raises what `decode` does, when the first block is asked for or later.
    """
    with open_audio(source, **how) as file:
        yield from file.blocks(rate_hz)


def decode(source: Source, rate_hz: int, *, on_progress: Callable[[float], None] | None = None, **how: Any) -> Audio:
    """Decode a whole recording to mono; bit-equal to the blocks of `stream` joined.

    Parameters
    ----------
    source, **how
        See `open_audio`: limits, name, channel, partial.
    rate_hz : int
        Rate of the result, 4000 to 384000.
    on_progress : callable, optional
        Told the seconds that are decoded, block by block; what it raises ends the decoding.

    Returns
    -------
    Audio
        With round(n · rate_hz / source rate) samples; channels are mixed by their mean, empty ones left out.

    Raises
    ------
    NotAudioError, EmptyAudioError, TruncatedAudioError, BadSamplesError, AudioTooLargeError
        Each names the input and says what is accepted.
    OptionError
    """
    limits = how.get("limits") or Limits.of_environment()
    with open_audio(source, **how) as file:
        blocks = _told(file.blocks(rate_hz), rate_hz, on_progress)
        samples = _joined(blocks, file.announced_s, rate_hz, file.name, limits)
        return Audio(samples, int(rate_hz), file.rate_hz, file.n_channels, file.format, file.notes)


def from_array(
    samples: Any, rate_hz: int, target_rate_hz: int, *, name: str = "the array", channel: int | None = None
) -> Audio:
    """Bring an array to mono float32 at `target_rate_hz`; bit-equal to decoding a file that holds it.

    Parameters
    ----------
    samples : array, tensor or list, (n_samples,) or (n_samples, n_channels)
        Real numbers in about [-1, 1], or integers, which are divided by their type's full scale. Whole numbers that
        are held as floats or in 64 bits are taken as 16-, 24- or 32-bit values, by the largest.
    rate_hz, target_rate_hz : int
        4000 to 384000.
    channel : int, optional
        See `open_audio`.

    Raises
    ------
    BadSamplesError
        NaN, infinity, another shape or type, more channels than samples (a transposed array), a rate out of range.
    EmptyAudioError, OptionError
    """
    samples = as_samples(samples, name)
    if not _is_rate(rate_hz):
        raise BadSamplesError(f"{name} has a rate of {rate_hz} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted.")
    frames = samples.reshape(len(samples), -1)  # (n_samples, n_channels)
    is_wide = frames.dtype.kind in "iu" and frames.dtype.itemsize == 8  # a list's: no recorder has 64 bits
    starts = range(0, len(frames), _BLOCK_SAMPLES)
    parts = (frames[i : i + _BLOCK_SAMPLES] for i in starts)
    scaled = (full_scale(part.astype(np.float64) if is_wide else part) for part in parts)
    screening = Screening(name, int(rate_hz), frames.shape[1], channel)
    blocks = _resampled(screening.mono(scaled), int(rate_hz), checked_rate(target_rate_hz), name)
    joined = _joined(blocks, len(frames) / rate_hz, target_rate_hz, name, Limits.of_environment())
    coding = f"array {samples.dtype}"
    return Audio(joined, int(target_rate_hz), int(rate_hz), frames.shape[1], coding, screening.notes)


def _size_of(handle: BinaryIO, name: str) -> int:
    """Give a file's size in bytes, and make sure that it can be read at all."""
    try:
        n_bytes = handle.seek(0, os.SEEK_END)
        handle.seek(0)
        handle.read(1)
    except OSError as error:  # a disk that fails, or what only looks like a file, as in /proc
        raise NotAudioError(f"{name} cannot be read ({error.strerror or error}); a sound file is needed.") from error
    handle.seek(0)
    return n_bytes


def _check_size(promise: Promise, n_bytes: int, limits: Limits, name: str) -> None:
    largest = max(n_bytes, promise.end_bytes or 0)
    if largest > limits.max_bytes:
        raise AudioTooLargeError(
            f"{name} announces {largest / 1024**2:.0f} MiB; up to {limits.max_bytes / 1024**2:.0f} MiB are accepted; "
            f"{GIB} raises that."
        )


def _check_header(track: Track, limits: Limits, name: str) -> None:
    if not _is_rate(track.rate_hz):
        raise AudioTooLargeError(
            f"{name} has a sample rate of {track.rate_hz} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted."
        )
    if track.n_frames is not None and track.n_frames > limits.max_duration_s * track.rate_hz:
        raise too_long(name, track.n_frames / track.rate_hz, limits)
    if track.n_frames is not None and track.n_frames * track.n_channels > limits.max_values:
        raise too_many(name, track, limits)


def _is_rate(rate_hz: Any) -> bool:
    return isinstance(rate_hz, Real) and MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ and int(rate_hz) == rate_hz


def checked_rate(rate_hz: int) -> int:
    """Give a rate that is accepted, or raise OptionError."""
    if not _is_rate(rate_hz):
        raise OptionError(f"A rate of {rate_hz} Hz is asked for; {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz is accepted.")
    return int(rate_hz)


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
        raise empty(name)
    yield out


def _told(
    blocks: Iterator[np.ndarray], rate_hz: int, on_progress: Callable[[float], None] | None
) -> Iterator[np.ndarray]:
    n_samples = 0
    for block in blocks:
        yield block
        n_samples += len(block)
        if on_progress is not None:
            on_progress(n_samples / rate_hz)


def _joined(
    blocks: Iterable[np.ndarray], announced_s: float | None, rate_hz: int, name: str, limits: Limits
) -> np.ndarray:
    """Join blocks in one growing buffer. A header only sizes its first minute: it is not to be believed for more."""
    samples = np.empty(int(min(announced_s or 60.0, 60.0) * rate_hz) + 1, np.float32)
    n_samples = 0
    for block in blocks:
        end = n_samples + len(block)
        if end * 4 > limits.max_memory_bytes:
            raise AudioTooLargeError(
                f"{name} goes on beyond {n_samples / rate_hz:.0f} s, what {limits.max_memory_bytes / 1024**3:g} GiB "
                f"hold of a waveform at {rate_hz} Hz; a shorter one is needed, or more memory by {MEMORY_GIB}."
            )
        if end > len(samples):
            samples.resize(max(end, len(samples) * 3 // 2), refcheck=False)
        samples[n_samples:end] = block
        n_samples = end
    samples.resize(n_samples, refcheck=False)
    return samples
