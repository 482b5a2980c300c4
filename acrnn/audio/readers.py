"""The two libraries that decode: libsndfile first, FFmpeg's for what it cannot read. Both give blocks of channels."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from acrnn.audio.containers import ACCEPTED
from acrnn.errors import AudioTooLargeError, BadSamplesError, NotAudioError, TruncatedAudioError

_BLOCK_SAMPLES = 2**17  # over all channels: half a megabyte of float32
_UNKNOWN_FRAMES = 2**62  # libsndfile's count when a FLAC header leaves it blank
# libsndfile's codes for headers that no decoder should be asked about.
_BAD_SF_INFO, _NO_CHANNELS, _TOO_MANY_CHANNELS = 24, 32, 33

_FFMPEG_FORMATS = (
    "mov,mp4,m4a,matroska,webm,aac,mp3,wav,w64,aiff,au,caf,flac,ogg,avi,asf,flv,mpegts,mpeg,amr,amrnb,amrwb,ac3,eac3,"
    "wv,tta,ape"
)
"""Containers that carry sound in themselves: a playlist must not make a server open other files or addresses."""
_ALSO_RAISED = (ValueError, OverflowError, UnicodeError, MemoryError)  # by PyAV, of headers that lie


@dataclass(frozen=True)
class Track:
    """An opened recording.

    Attributes
    ----------
    rate_hz, n_channels : int
    n_frames : int or None
        Samples a channel that the header announces; None if it does not.
    format : str
        Container and coding, such as "WAV PCM_24" or "mp4 aac".
    blocks : iterator of float32 (n_samples, n_channels)
        In about [-1, 1]; to be read once.
    flaws : list of str
        Sentences on what was found wrong while reading; complete when the blocks are read.
    """

    rate_hz: int
    n_channels: int
    n_frames: int | None
    format: str
    blocks: Iterator[np.ndarray]
    flaws: list[str] = field(default_factory=list)


class _Seekable:
    """A file for libsndfile, which a damaged header may send before its beginning: it stays where it is then."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read, self.readinto, self.tell = handle.read, handle.readinto, handle.tell
        self._seek = handle.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        with suppress(ValueError, OSError, OverflowError):
            self._seek(offset, whence)
        return self.tell()


def open_track(
    handle: BinaryIO, name: str, stack: ExitStack, *, is_open: bool = False, is_chained: bool = False
) -> Track:
    """Open a recording with the first library that can read it.

    Parameters
    ----------
    handle : binary file, seekable
        Without a name that soundfile could take for a file type.
    name : str
        The input, for messages.
    stack : ExitStack
        Closes what is opened here.
    is_open : bool
        The header leaves the size blank: libsndfile would read nothing of a WAV, and of an MP3 its own guess.
    is_chained : bool
        Several recordings follow each other in the file: libsndfile may stop after the first.

    Raises
    ------
    NotAudioError, AudioTooLargeError, TruncatedAudioError
    """
    import soundfile as sf

    if is_chained:
        return _ffmpeg_track(handle, name, stack, is_chained=True)
    try:
        file = stack.enter_context(sf.SoundFile(_Seekable(handle)))
    except sf.LibsndfileError as error:
        if error.code in (_BAD_SF_INFO, _TOO_MANY_CHANNELS):
            raise AudioTooLargeError(
                f"{name} announces an impossible sample rate or channel count; "
                "4 kHz to 384 kHz and up to 1024 channels are accepted."
            ) from error
        if error.code == _NO_CHANNELS:
            raise NotAudioError(f"{name} announces no channels; at least one is needed.") from error
    else:
        is_guess = file.frames == 0 or file.format == "MP3"
        if file.frames < _UNKNOWN_FRAMES and not (is_open and is_guess):
            return _soundfile_track(file, handle, name)
    handle.seek(0)
    return _ffmpeg_track(handle, name, stack)


def _soundfile_track(file, handle: BinaryIO, name: str) -> Track:
    import soundfile as sf

    flaws: list[str] = []

    def blocks() -> Iterator[np.ndarray]:
        n_block, done = max(1, _BLOCK_SAMPLES // file.channels), 0
        while True:
            try:
                block = file.read(n_block, dtype="float32", always_2d=True)
            except (sf.LibsndfileError, RuntimeError):  # RuntimeError: it cannot seek on
                yield from _read_on(handle, name, done, file, flaws)
                return
            done += len(block)
            if len(block):
                yield block
            if len(block) < n_block:
                return

    container = "WAV" if file.format == "WAVEX" else file.format
    return Track(file.samplerate, file.channels, file.frames, f"{container} {file.subtype}", blocks(), flaws)


def _read_on(handle: BinaryIO, name: str, done: int, file, flaws: list[str]) -> Iterator[np.ndarray]:
    """Go on by FFmpeg where libsndfile gave up after `done` samples; what both give up is an error."""
    at_s = done / file.samplerate
    handle.seek(0)
    with ExitStack() as stack:
        try:
            track = _ffmpeg_track(handle, name, stack)
        except NotAudioError as error:
            raise _damaged(name, file.format, at_s) from error
        if (track.rate_hz, track.n_channels) != (file.samplerate, file.channels):
            raise _damaged(name, file.format, at_s)
        flaws.append(f"It has a flaw near {at_s:.2f} s that libsndfile does not read on from; FFmpeg read the rest.")
        n_skipped = 0
        for block in track.blocks:
            skip = min(done - n_skipped, len(block))
            n_skipped += skip
            if skip < len(block):
                yield block[skip:]


def _damaged(name: str, kind: str, at_s: float) -> TruncatedAudioError:
    return TruncatedAudioError(
        f"{name} is cut short or damaged: its {kind} data cannot be decoded after {at_s:.2f} s; "
        "a complete file is needed."
    )


def _ffmpeg_track(handle: BinaryIO, name: str, stack: ExitStack, *, is_chained: bool = False) -> Track:
    import av

    options = {"format_whitelist": _FFMPEG_FORMATS, "protocol_whitelist": "none"}
    try:
        # Tags of old files are seldom UTF-8, and are not needed.
        opened = av.open(handle, mode="r", container_options=options, metadata_errors="replace")
        container = stack.enter_context(opened)
        if not container.streams.audio:
            raise NotAudioError(f"{name} has no audio track; {ACCEPTED}.")
        stream = container.streams.audio[0]
        frames = _frames_of_all(container, stream) if is_chained else container.decode(stream)
        # The decoder knows the rate (HE-AAC doubles the header's), so the first frame is asked.
        first = next(frames, None)
    except (av.error.FFmpegError, *_ALSO_RAISED) as error:
        raise NotAudioError(f"{name} is not audio that can be read; {ACCEPTED}.") from error
    if first is None:
        raise NotAudioError(f"{name} has an audio track without any sound in it; {ACCEPTED}.")
    seconds = _announced_s(container, stream)
    rate_hz = first.sample_rate
    return Track(
        rate_hz,
        first.layout.nb_channels,
        None if seconds is None else round(seconds * rate_hz),
        f"{_container_name(container.format.name)} {stream.codec_context.name}",
        _ffmpeg_blocks(first, frames, name),
    )


def _frames_of_all(container, stream) -> Iterator:
    """Decode recordings that follow each other; the tags between them are no frames, and are passed over."""
    import av

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


def _ffmpeg_blocks(first, frames, name: str) -> Iterator[np.ndarray]:
    import av

    frame, done, rate_hz = first, 0, first.sample_rate
    while frame is not None:
        if frame.sample_rate != rate_hz:
            raise NotAudioError(
                f"{name} changes its sample rate from {rate_hz} to {frame.sample_rate} Hz; one rate is accepted."
            )
        done += frame.samples
        if frame.samples:
            # Planar frames are (n_channels, n_samples), packed ones (1, n_samples · n_channels).
            yield full_scale(frame.to_ndarray().T.reshape(-1, frame.layout.nb_channels))
        try:
            frame = next(frames, None)
        except (av.error.FFmpegError, *_ALSO_RAISED) as error:
            raise _damaged(name, "audio", done / rate_hz) from error


def _announced_s(container, stream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None  # FFmpeg counts it in microseconds


def _container_name(names: str) -> str:
    """One word for FFmpeg's list of aliases ("mov,mp4,m4a,3gp,3g2,mj2")."""
    parts = names.split(",")
    return next((p for p in ("mp4", "webm") if p in parts), parts[0])


def full_scale(samples: np.ndarray) -> np.ndarray:
    """Scale samples of any type to float32 in [-1, 1]: integers by their type's full scale, unsigned ones centred.

    Raises
    ------
    BadSamplesError
        If the type is neither integer nor real.
    """
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as such
            return samples.astype(np.float32)
    if samples.dtype.kind not in "iu":
        raise BadSamplesError(f"Samples are of type {samples.dtype}; integers and real numbers are accepted.")
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    if samples.dtype.kind == "u":
        return ((samples.astype(np.float64) - half) / half).astype(np.float32)
    return samples.astype(np.float32) / np.float32(half)
