"""The two libraries that decode: libsndfile first, FFmpeg's for what it cannot read. Both give blocks of channels."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from acrnn.audio.containers import ACCEPTED, Promise
from acrnn.errors import AudioTooLargeError, BadSamplesError, NotAudioError, TruncatedAudioError

_BLOCK_SAMPLES = 2**17  # over all channels: half a megabyte of float32
_GARBAGE = 4.0
"""Of an MP3 no frame that is whole gets so loud; of one that is damaged it may be anything."""
_HEARD_S, _SILENT_PEAK = 30, 1e-4  # of each of several tracks, to tell which have sound
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
    notes : tuple of str
        Sentences on what was chosen.
    """

    rate_hz: int
    n_channels: int
    n_frames: int | None
    format: str
    blocks: Iterator[np.ndarray]
    flaws: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()


class _Seekable:
    """A file for libsndfile, which a damaged header may send before its beginning: it stays where it is then."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read, self.readinto, self.tell = handle.read, handle.readinto, handle.tell
        self._seek = handle.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        with suppress(ValueError, OSError, OverflowError):
            self._seek(offset, whence)
        return self.tell()


def open_track(handle: BinaryIO, name: str, stack: ExitStack, promise: Promise) -> Track:
    """Open a recording with the first library that can read it.

    MP3 is FFmpeg's: libsndfile's decoder, read in blocks, leaves noise where one ends, and writes to the terminal. So
    are several recordings in one file, of which libsndfile may stop after the first, and a WAV whose header leaves the
    size blank: libsndfile would read nothing.

    Parameters
    ----------
    handle : binary file, seekable
        Without a name that soundfile could take for a file type.
    name : str
        The input, for messages.
    stack : ExitStack
        Closes what is opened here.
    promise : Promise
        What its container announces.

    Raises
    ------
    NotAudioError, AudioTooLargeError, TruncatedAudioError
    """
    import soundfile as sf

    if promise.is_chained or promise.kind == "MP3":
        return _ffmpeg_track(handle, name, stack, promise)
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
        if file.frames < _UNKNOWN_FRAMES and not (promise.is_open and file.frames == 0):
            return _soundfile_track(file, handle, name)
    handle.seek(0)
    return _ffmpeg_track(handle, name, stack, promise)


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
            track = _ffmpeg_track(handle, name, stack, Promise(""))
        except NotAudioError as error:
            raise _damaged(name, file.format, at_s) from error
        if (track.rate_hz, track.n_channels) != (file.samplerate, file.channels):
            raise _damaged(name, file.format, at_s)
        until_s = at_s + _BLOCK_SAMPLES / file.channels / file.samplerate
        flaws.append(
            f"It has a flaw between {at_s:.2f} and {until_s:.2f} s that libsndfile does not read on from; FFmpeg read "
            "the rest."
        )
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


def _ffmpeg_track(handle: BinaryIO, name: str, stack: ExitStack, promise: Promise) -> Track:
    import av

    flaws: list[str] = []
    try:
        container = stack.enter_context(_opened(handle))
        if not container.streams.audio:
            raise NotAudioError(f"{name} has no audio track; {ACCEPTED}.")
        stream = container.streams.best("audio") or container.streams.audio[0]
        if len(container.streams.audio) > 1:
            index = _index_with_sound(handle, stream.index)
            handle.seek(0)
            container = stack.enter_context(_opened(handle))
            stream = container.streams[index]
        reads_on = promise.is_chained or promise.kind == "MP3"
        frames = _read_over_flaws(container, stream, promise, flaws) if reads_on else container.decode(stream)
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
        _ffmpeg_blocks(first, frames, name, promise, flaws),
        flaws,
        _tell_tracks(container, stream),
    )


def _opened(handle: BinaryIO):
    import av

    options = {"format_whitelist": _FFMPEG_FORMATS, "protocol_whitelist": "none"}
    # Tags of old files are seldom UTF-8, and are not needed.
    return av.open(handle, mode="r", container_options=options, metadata_errors="replace")


def _index_with_sound(handle: BinaryIO, wanted: int) -> int:
    """Give the track that is wanted or, if its beginning is silent, the loudest of the others."""
    import av

    handle.seek(0)
    with _opened(handle) as container:
        peaks = {stream.index: 0.0 for stream in container.streams.audio}
        with suppress(av.error.FFmpegError, *_ALSO_RAISED):  # what was heard before counts
            for packet in container.demux(*container.streams.audio):
                if packet.pts is not None and packet.pts * packet.time_base > _HEARD_S:
                    break
                for frame in packet.decode():
                    peak = float(np.abs(full_scale(frame.to_ndarray())).max(initial=0.0))
                    peaks[packet.stream.index] = max(peaks[packet.stream.index], peak)
    return wanted if peaks[wanted] > _SILENT_PEAK else max(peaks, key=peaks.get)


def _tell_tracks(container, stream) -> tuple[str, ...]:
    n = len(container.streams.audio)
    number = list(container.streams.audio).index(stream) + 1
    return (f"It has {n} audio tracks; track {number} was used.",) if n > 1 else ()


def _read_over_flaws(container, stream, promise: Promise, flaws: list[str]) -> Iterator:
    """Decode packets that need none before them. One that is no sound is passed over: a tag, padding, or damage."""
    import av

    done_s, flaws_s, is_flawed = 0.0, [], False
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            is_flawed = done_s > 0
            continue
        for frame in frames:
            if is_flawed:  # and sound follows
                flaws_s.append(done_s)
                is_flawed = False
            done_s += frame.samples / frame.sample_rate
            yield frame
    if flaws_s and not promise.is_chained:
        more = f" and in {len(flaws_s) - 1} more places" if len(flaws_s) > 1 else ""
        flaws.append(f"It is damaged near {flaws_s[0]:.2f} s{more}; what could be decoded was used.")


def _ffmpeg_blocks(first, frames, name: str, promise: Promise, flaws: list[str]) -> Iterator[np.ndarray]:
    import av

    frame, done, rate_hz, muted = first, 0, first.sample_rate, 0
    while frame is not None:
        if frame.sample_rate != rate_hz:
            raise NotAudioError(
                f"{name} changes its sample rate from {rate_hz} to {frame.sample_rate} Hz; one rate is accepted."
            )
        done += frame.samples
        if frame.samples:
            # Planar frames are (n_channels, n_samples), packed ones (1, n_samples · n_channels).
            block = full_scale(frame.to_ndarray().T.reshape(-1, frame.layout.nb_channels))
            if promise.kind == "MP3" and np.abs(block).max() > _GARBAGE:
                block[:] = 0
                muted += 1
            yield block
        try:
            frame = next(frames, None)
        except (av.error.FFmpegError, *_ALSO_RAISED) as error:
            if promise.is_chained:
                raise TruncatedAudioError(
                    f"{name} holds several recordings, one after the other, and what follows {done / rate_hz:.2f} s "
                    "cannot be decoded with the first; one recording, or several of one kind, are accepted."
                ) from error
            raise _damaged(name, "audio", done / rate_hz) from error
    if muted:
        flaws.append(f"Damaged frames that would be noise far beyond full scale were muted: {muted}.")


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
