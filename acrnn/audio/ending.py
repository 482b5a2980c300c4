"""Where a recording ends: what its header announces against what comes. What is missing is told or refused."""

from collections.abc import Iterator

import numpy as np

from acrnn.audio.containers import Promise
from acrnn.audio.limits import Limits
from acrnn.audio.readers import Track
from acrnn.errors import AudioTooLargeError, EmptyAudioError, TruncatedAudioError

_EXACT = ("FLAC PCM", "WAV PCM", "AIFF PCM", "mp3")  # formats whose announced length is delivered to the sample
_MP3_SLACK_SAMPLES = 2 * 1152  # an encoder's delay and padding may be counted or not
_TAG_BYTES, _TAIL_SHARE = 256, 0.01  # what may follow an MP3 without making its length doubtful
_FLAW_SLACK_S = 0.05  # page times that are a little off
_TIMED = ("OGG", "ogg", "webm", "asf")  # formats whose last page or header tells a length, if not to the sample
_TIMED_SLACK = 0.1  # s, and share of it


class Ending:
    """Where a recording ends, by what its header announces and by what comes; what is missing is told or refused.

    Parameters
    ----------
    name : str
    promise : Promise
    n_bytes : int
        Of the file.
    limits : Limits
    partial : bool
        Use what is there of a recording that is cut short.
    """

    def __init__(self, name: str, promise: Promise, n_bytes: int, limits: Limits, *, partial: bool) -> None:
        self.notes: list[str] = []
        self._name, self._promise, self._n_bytes, self._limits = name, promise, n_bytes, limits
        self._partial = partial
        counts_its_header = promise.counts_its_header(n_bytes)
        self._is_cut = promise.is_cut or (promise.missing_share(n_bytes) > 0 and not counts_its_header)
        if self._is_cut and not partial:
            raise TruncatedAudioError(
                f"{name} is cut short: its {promise.kind} data should go on after its {n_bytes} bytes; "
                "a complete file is needed."
            )
        if counts_its_header:
            self.notes.append(
                f"Its header announces {promise.end_bytes - n_bytes} bytes more than there are, as writers do that "
                "count the header in; all that is there was used."
            )
        elif promise.goes_on:
            self.notes.append(
                f"{n_bytes - promise.end_bytes} bytes follow what its header announces as sound; they were not read."
            )
        elif promise.is_unmarked and not self._is_cut:
            self.notes.append("Its last page is not marked as the last; if something is missing, it cannot be told.")

    def checked(self, track: Track) -> Iterator[np.ndarray]:
        """Pass the track's blocks on, and compare their length with the limit and with what was announced."""
        max_frames = int(self._limits.max_duration_s * track.rate_hz)
        max_values = self._limits.max_values
        n_frames = 0
        try:
            for block in track.blocks:
                n_frames += len(block)
                if n_frames > max_frames:  # before more of a decompression bomb is decoded
                    raise too_long(self._name, None, self._limits)
                if n_frames * track.n_channels > max_values:
                    raise too_many(self._name, track, self._limits)
                yield block
        except TruncatedAudioError:
            if not self._partial:
                raise
            self._is_cut = True
        if n_frames == 0:
            raise empty(self._name)
        self._compare(track, n_frames)

    @property
    def _is_as_long_as_promised(self) -> bool:
        end = self._promise.end_bytes
        return end is not None and self._n_bytes - end <= max(_TAG_BYTES, _TAIL_SHARE * end)

    def _compare(self, track: Track, n_frames: int) -> None:
        announced, there_s, was_cut = track.n_frames, n_frames / track.rate_hz, self._is_cut
        if track.format.startswith("mp3") and not self._is_as_long_as_promised:
            announced = None  # FFmpeg's guess, by the bit rate
        if self._promise.is_chained and not was_cut:
            self.notes.append("It holds several recordings, one after the other; they were used as one.")
        is_exact = (track.format.startswith(_EXACT) and not self._promise.is_open) or bool(track.flaws)
        slack = _MP3_SLACK_SAMPLES if track.format.startswith("mp3") else 0
        slack += round(_FLAW_SLACK_S * track.rate_hz) if track.flaws else 0
        is_short = announced is not None and n_frames + slack < announced
        if track.format.startswith(_TIMED) and announced is not None:
            is_exact = is_short = n_frames < announced - _TIMED_SLACK * max(track.rate_hz, announced)
        if is_exact and is_short and not self._is_cut:
            if not self._partial:
                raise TruncatedAudioError(
                    f"{self._name} is cut short: it announces {announced / track.rate_hz:.2f} s and holds "
                    f"{there_s:.2f} s; a complete file is needed."
                )
            self._is_cut = True
        if self._is_cut:
            share = self._promise.missing_share(self._n_bytes)
            # libsndfile shortens what it announces to what it finds, so the container's own promise counts too
            told = [announced / track.rate_hz] if is_short and not (was_cut and track.format.startswith(_TIMED)) else []
            told += [there_s / (1 - share)] if 0 < share < 1 and self._promise.kind != "Ogg" else []
            announced_s = max(told, default=None)
            self.notes.append(_what_is_missing(there_s, announced_s))


def empty(name: str) -> EmptyAudioError:
    """Make the error of a recording without samples."""
    return EmptyAudioError(f"{name} has no samples at the rate asked for; at least one is needed.")


def too_long(name: str, duration_s: float | None, limits: Limits) -> AudioTooLargeError:
    """Make the error of a recording that is too long; its duration is None where it is not announced."""
    lasts = "goes on" if duration_s is None else f"announces {duration_s:.1f} s, which is"
    return AudioTooLargeError(
        f"{name} {lasts} beyond the limit; up to {limits.max_duration_s:g} s are accepted; "
        f"{limits.raised_by} raises that."
    )


def too_many(name: str, track: Track, limits: Limits) -> AudioTooLargeError:
    """Make the error of a recording whose channels together have too many samples."""
    seconds = limits.max_values / (track.n_channels * track.rate_hz)
    return AudioTooLargeError(
        f"{name} has {track.n_channels} channels at {track.rate_hz} Hz, and of that up to {seconds:.0f} s are accepted "
        f"({limits.max_values / 1e6:.0f} million samples over all channels); {limits.raised_by} raises that."
    )


def _what_is_missing(there_s: float, announced_s: float | None) -> str:
    if announced_s is None or announced_s <= there_s:
        return f"It is cut short; how much is missing, it does not say. The {there_s:.2f} s that are there were used."
    missing_s = announced_s - there_s
    return (
        f"It is cut short: {missing_s:.2f} s of the {announced_s:.2f} s that it announces are missing "
        f"({missing_s / announced_s:.0%}). The {there_s:.2f} s that are there were used."
    )
