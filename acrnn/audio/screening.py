"""What goes into the network is checked and put right: scale, offset and channels, window by window.

A recording of any length is screened in windows of 10 s, so that its blocks and its array give the same bits. What a
window finds holds from there on; most clips are one window. A recording that nothing is wrong with is left as it is.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from acrnn.audio.drift import BLOCK_S, CUT_OFF_HZ, Drift
from acrnn.errors import BadSamplesError, NotAudioError, OptionError

_WINDOW_S = 10.0
_WINDOW_VALUES = 2**22  # over all channels: 16 MB

_FULL_SCALES = {16: 2.0**15, 24: 2.0**23, 32: 2.0**31}
_LOUD = 2.0
"""Beyond this a float is no sample that was merely mixed too loud: its scale is asked for."""
_ABSURD = 100.0
"""40 dB over full scale: no gain explains it."""
_EIGHT_BITS = 255
"""Whole numbers up to this may be quiet ones of 16 bits or loud ones of 8."""
_MIN_DISTINCT = 16
_SPIKES_SHARE = 1e-3

_MIN_OFFSET = 1e-3
"""−60 dB: less is what the mean of any sound comes to, and too little to change an answer."""
_MIN_CONSTANT = 1e-4
"""−80 dB, the floor: a constant can be told much better than a mean."""
_ERRORS_OFF = 4.0
"""An offset lies this many standard errors from zero, by the scatter of the blocks' means."""
_MIN_BLOCKS = 5
_MIN_BLOCKS_LATER = 100  # the last window may be too short to contradict the others
_CONSTANT_SHARE = 0.05

_EMPTY_DB = 40.0
"""A channel this far below the loudest is left out: it would only make the others quieter."""
_SILENT_POWER = 1e-9  # −90 dB
_CANCELLED = 0.25
"""Power of the channels' sum over the sum of their powers; 1 where they have nothing in common, 0 if they cancel."""


class Screening:
    """Frames of a recording → mono samples, and notes on what was put right.

    Parameters
    ----------
    name : str
        The recording, for messages.
    rate_hz, n_channels : int
    channel : int, optional
        The one to use, counted from 1; by default the mean of those with sound.

    Raises
    ------
    OptionError
        If there is no such channel.
    """

    def __init__(self, name: str, rate_hz: int, n_channels: int, channel: int | None = None) -> None:
        if channel is not None and (channel != int(channel) or not 1 <= channel <= n_channels):
            raise OptionError(f"{name} has no channel {channel}; 1 to {n_channels} are accepted.")
        self._name, self._rate_hz, self._n_channels = name, rate_hz, n_channels
        self._window = max(1, min(round(_WINDOW_S * rate_hz), _WINDOW_VALUES // n_channels))
        self._chosen = None if channel is None else int(channel) - 1
        self._n_done = 0
        self._bits: int | None = None  # of whole numbers held as floats; 0 once the samples are found to be none
        self._peak = 0.0
        self._offsets = np.zeros(n_channels, np.float32)
        self._largest_offsets = np.zeros(n_channels, np.float32)
        self._drifts = [Drift(rate_hz) for _ in range(n_channels)]
        self._live = np.zeros(n_channels, bool)
        self._alone: int | None = None  # the channel used where the mix cancels
        self._alone_from_s = 0.0

    def mono(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Screen blocks of float32 (n_samples, n_channels) of any length; yields float32 (n_samples,).

        Raises
        ------
        BadSamplesError
            If samples are not finite, or far beyond full scale on no scale that can be told.
        NotAudioError
            If the number of channels changes.
        """
        for frames in self._windows(blocks):
            yield self._screened(frames)
            self._n_done += len(frames)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each thing that was put right in what has been read so far."""
        notes = []
        if self._bits:
            few = " If they are of 8 bits, divide them by 128 first." if self._peak <= _EIGHT_BITS else ""
            notes.append(
                f"Its samples are whole numbers up to {self._peak:.0f}, not real ones up to 1; they were taken as "
                f"{self._bits}-bit values and divided by {_FULL_SCALES[self._bits]:.0f}.{few}"
            )
        elif self._peak > _LOUD:
            notes.append(f"Its samples reach {self._peak:.1f} times full scale; they were taken as they are.")
        used = self._used()
        drift = max(self._drifts[i].largest for i in used)
        if drift:
            notes.append(
                f"Its zero line drifts, by up to {drift:.2f} of full scale; what is below {CUT_OFF_HZ:.0f} Hz was "
                "filtered out."
            )
        largest = self._largest_offsets[used][np.argmax(np.abs(self._largest_offsets[used]))]
        if largest and not drift:
            notes.append(f"It had an offset (DC) of {largest:+.4f} of full scale, which was taken off.")
        notes.extend(self._notes_on_channels(used))
        return tuple(notes)

    def _notes_on_channels(self, used: list[int]) -> Iterator[str]:
        if self._chosen is not None or self._n_channels == 1:
            return
        empty = [i for i in range(self._n_channels) if not self._live[i]]
        if empty and len(empty) < self._n_channels:
            left_out = "is" if len(empty) == 1 else "are"
            yield (
                f"{_channels(empty)} of {self._n_channels} {left_out} empty, or {_EMPTY_DB:.0f} dB below the loudest, "
                "and left out of the mix."
            )
        if self._alone is not None:
            since = f" from {self._alone_from_s:.0f} s on" if self._alone_from_s else ""
            yield (
                f"Its channels cancel each other in the mix{since}; channel {used[0] + 1}, the loudest, was used alone."
            )

    def _windows(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Cut blocks anew, always at the same samples."""
        held: list[np.ndarray] = []
        n_held = 0
        for block in blocks:
            if block.shape[1] != self._n_channels:
                raise NotAudioError(
                    f"{self._name} changes from {self._n_channels} to {block.shape[1]} channels; "
                    "one number is accepted."
                )
            held.append(block)
            n_held += len(block)
            while n_held >= self._window:
                joined = held[0] if len(held) == 1 else np.concatenate(held)
                yield joined[: self._window]
                held, n_held = [joined[self._window :]], n_held - self._window
        if n_held:
            yield held[0] if len(held) == 1 else np.concatenate(held)

    def _screened(self, frames: np.ndarray) -> np.ndarray:
        low, high = float(frames.min()), float(frames.max())  # either is NaN if a sample is
        if not (np.isfinite(low) and np.isfinite(high)):
            raise BadSamplesError(f"{self._name} has samples that are NaN or infinite; finite ones are accepted.")
        frames = self._scaled(frames, max(-low, high))
        frames = self._without_offset(self._without_drift(frames))
        used = self._choose(frames)
        if len(used) == 1:
            return np.ascontiguousarray(frames[:, used[0]])
        part = frames if len(used) == self._n_channels else frames[:, used]
        return np.ascontiguousarray(part).mean(axis=1)

    def _scaled(self, frames: np.ndarray, peak: float) -> np.ndarray:
        """Bring whole numbers held as floats to full scale, if they are certain to be that."""
        if peak > _LOUD and self._bits is None:
            self._bits = _bits_of(frames, peak)
        elif peak > 0 and self._bits is None:
            self._bits = 0
        self._peak = max(self._peak, peak)
        if self._bits:
            if peak > _FULL_SCALES[self._bits]:
                raise self._beyond(frames, f"though those before are {self._bits}-bit values")
            return frames / np.float32(_FULL_SCALES[self._bits])
        if peak > _ABSURD:
            raise self._beyond(
                frames,
                "as integers held as floats do, but its samples are no whole numbers that would tell their scale; if "
                "they are 16-bit values, divide them by 32768",
            )
        return frames

    def _beyond(self, frames: np.ndarray, why: str) -> BadSamplesError:
        beyond = np.abs(frames).max(axis=1) > _ABSURD
        peak = np.abs(frames).max()
        where = f"has samples up to {peak:.6g}, far beyond full scale (1.0), {why}"
        if beyond.mean() <= _SPIKES_SHARE:
            at_s = (self._n_done + int(beyond.argmax())) / self._rate_hz
            where = f"has a sample far beyond full scale (1.0) at {at_s:.3f} s: {peak:.6g}"
        return BadSamplesError(f"{self._name} {where}; samples in [-1, 1] are accepted.")

    def _without_offset(self, frames: np.ndarray) -> np.ndarray:
        """Take a constant off each channel that has one. Digital silence in between has none, and stays as it is."""
        n = round(BLOCK_S * self._rate_hz)
        corrected = frames
        for i in self._wanted:
            column = frames[:, i]
            if self._n_done and len(column) < n * _MIN_BLOCKS_LATER:
                found = None
            else:
                found = _offset(column, n, self._offsets[i])
            if found is not None:
                self._offsets[i] = found
            if not self._offsets[i]:
                continue
            if corrected is frames:
                corrected = frames.copy()
            corrected[:, i] -= self._offsets[i]
            silent = _digital_silence(column, n)
            corrected[silent, i] = 0.0
            if not silent.all() and abs(self._offsets[i]) > abs(self._largest_offsets[i]):
                self._largest_offsets[i] = self._offsets[i]
        return corrected

    def _without_drift(self, frames: np.ndarray) -> np.ndarray:
        corrected = frames
        for i in self._wanted:
            column = self._drifts[i].without(frames[:, i])
            if column is not None:
                corrected = frames.copy() if corrected is frames else corrected
                corrected[:, i] = column
                self._offsets[i] = 0.0  # which the filter takes off too
        return corrected

    def _choose(self, frames: np.ndarray) -> list[int]:
        """Channels of the mix, with what this window adds to what is known of them."""
        if self._chosen is None and self._n_channels > 1:
            power = np.einsum("tc,tc->c", frames, frames, dtype=np.float64) / len(frames)
            self._live |= power > max(power.max() * 10 ** (-_EMPTY_DB / 10), _SILENT_POWER)
            live = np.flatnonzero(self._live)
            if self._alone is None and len(live) > 1:
                together = frames[:, live].sum(axis=1, dtype=np.float64)
                if power[live].max() > _SILENT_POWER and np.mean(together**2) < _CANCELLED * power[live].sum():
                    self._alone = int(live[power[live].argmax()])
                    self._alone_from_s = self._n_done / self._rate_hz
        return self._used()

    @property
    def _wanted(self) -> Sequence[int]:
        """The channels that are looked at."""
        return range(self._n_channels) if self._chosen is None else [self._chosen]

    def _used(self) -> list[int]:
        one = self._chosen if self._chosen is not None else self._alone
        if one is not None:
            return [one]
        return np.flatnonzero(self._live).tolist() or list(range(self._n_channels))


def _bits_of(frames: np.ndarray, peak: float) -> int:
    """Tell the bits of integers that are held as floats; 0 if they are not certain to be integers."""
    some = frames[frames != 0]
    if peak > _FULL_SCALES[32] or (some != np.rint(some)).any():
        return 0
    if len(np.unique(some[:100_000])) < _MIN_DISTINCT:
        return 0
    return next(bits for bits, full in _FULL_SCALES.items() if peak <= full)


def _digital_silence(column: np.ndarray, n: int) -> np.ndarray:
    """Tell which samples lie in a run of zeros that fills a block of `n` or more: bool (n_samples,)."""
    blocks = ~np.logical_or.reduceat(column != 0, np.arange(0, len(column), n))
    silent = np.repeat(blocks, n)[: len(column)]
    for edge in np.flatnonzero(np.diff(blocks)) + 1:  # a run begins and ends inside the blocks beside it
        if blocks[edge]:
            before = column[(edge - 1) * n : edge * n][::-1]
            silent[edge * n - _leading_zeros(before) : edge * n] = True
        else:
            after = column[edge * n : (edge + 1) * n]
            silent[edge * n : edge * n + _leading_zeros(after)] = True
    return silent


def _leading_zeros(samples: np.ndarray) -> int:
    return int((samples != 0).argmax())


def _offset(column: np.ndarray, n: int, known: float) -> float | None:
    """Estimate the constant that a channel's samples are shifted by; None if what is known of it still holds.

    The mean of the blocks that are not digital silence, where it stands out of the scatter of their means. If many
    blocks are one and the same constant (silence with an offset), that constant, which is exact.
    """
    whole = len(column) // n
    if not column.any():
        return None
    if whole < _MIN_BLOCKS:
        mean, spread = float(column.mean(dtype=np.float64)), float(column.std(dtype=np.float64))
        is_offset = abs(mean - known) > max(spread, _MIN_OFFSET)
        return (float(column[0]) if spread == 0 or np.ptp(column) == 0 else mean) if is_offset else None
    blocks = column[: whole * n].reshape(whole, n)
    blocks = blocks[np.count_nonzero(blocks, axis=1) > 0.9 * n]  # nor those that are silent in part
    if len(blocks) < _MIN_BLOCKS:
        return None
    first = blocks[:, 0]
    constants = first[(blocks == first[:, None]).all(axis=1) & (np.abs(first) < 0.99)]
    if len(constants) >= max(_MIN_BLOCKS, _CONSTANT_SHARE * whole):
        values, counts = np.unique(constants, return_counts=True)
        if counts.max() > len(constants) / 2 and abs(values[counts.argmax()]) >= _MIN_CONSTANT:
            return float(values[counts.argmax()])
    means = blocks.mean(axis=1, dtype=np.float64)
    mean = float(means.mean())
    error = float(means.std() / np.sqrt(len(means)))
    return mean if abs(mean - known) > max(_MIN_OFFSET, _ERRORS_OFF * error) else None


def _channels(numbers: list[int]) -> str:
    """Name channels, counted from 1: "Channel 3", "Channels 2 to 8", "Channels 1, 4"."""
    told = [i + 1 for i in numbers]
    if len(told) == 1:
        return f"Channel {told[0]}"
    if len(told) > 2 and told == list(range(told[0], told[-1] + 1)):
        return f"Channels {told[0]} to {told[-1]}"
    return f"Channels {', '.join(map(str, told))}"
