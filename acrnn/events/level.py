"""The level of a recording by frame: it tells pauses from sound, and borders more exactly than windows do."""

from dataclasses import dataclass

import numpy as np

from acrnn.audio.activity import GAP_S, GATE_DB
from acrnn.inference import Prediction

STANDS_OUT_DB = 6.0
"""What is less than this above the noise around it does not stand out."""
FLOOR_PERCENTILE = 10.0
"""The level that a tenth of the frames do not reach is that of the noise."""
CONTEXT_HOPS = 8
"""Hops of the windows on either side of a stretch in which its noise is measured."""


@dataclass(frozen=True)
class Level:
    """Level of a recording, as far as its spectrogram is kept.

    Attributes
    ----------
    level_db : ndarray (frame,)
        Of the mean power over bands.
    frame_s, hop_s : float
        Seconds from frame to frame, and from window to window; 0 if there is one alone.
    """

    level_db: np.ndarray
    frame_s: float
    hop_s: float

    @classmethod
    def of(cls, prediction: Prediction) -> "Level":
        """Take the level from the prediction's spectrogram."""
        level_db = 10 * np.log10(np.mean(10 ** (prediction.spectrogram / 10), axis=0))
        return cls(level_db, _step(prediction.times_s), _step(prediction.segment_starts_s))

    def is_pause(self, starts_s: np.ndarray, ends_s: np.ndarray) -> np.ndarray:
        """Tell which windows hold steady noise alone, far below the recording's loudest: bool (window,).

        No frame of such a window is within `GATE_DB` of the recording's loudest, nor `STANDS_OUT_DB` above the
        window's own noise. Beyond what is kept of the spectrogram no window is known to be one.
        """
        pauses = np.zeros(len(starts_s), bool)
        if not self.frame_s:
            return pauses
        gate_db = self.level_db.max() - GATE_DB
        for window, (start_s, end_s) in enumerate(zip(starts_s, ends_s, strict=True)):
            inside = self.level_db[self._frame(start_s) : self._frame(end_s)]
            if len(inside) and self._frame(end_s) <= len(self.level_db):
                noise_db = np.percentile(inside, FLOOR_PERCENTILE)
                pauses[window] = inside.max() < min(gate_db, noise_db + STANDS_OUT_DB)
        return pauses

    def sharpen(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Move the borders of a stretch to where its sound begins and ends, each by a hop at most.

        Loud is what is within `GATE_DB` of the stretch's loudest frame and stands out of the noise around it. A border
        that lies in a pause moves inwards to the first loud frame; one in the midst of a sound moves outwards to that
        sound's end, over pauses of at most `GAP_S`. Beyond what is kept of the spectrogram it stays.
        """
        reach = round(self.hop_s / self.frame_s) if self.frame_s else 0
        start, end = self._frame(start_s), self._frame(end_s)
        if not reach or start >= end or end > len(self.level_db) + 1:
            return start_s, end_s
        around = self.level_db[max(0, start - CONTEXT_HOPS * reach) : end + CONTEXT_HOPS * reach]
        noise_db = np.percentile(around, FLOOR_PERCENTILE)
        loud = self.level_db > max(noise_db + STANDS_OUT_DB, self.level_db[start:end].max() - GATE_DB)
        if not loud[start:end].any():
            return start_s, end_s
        longest = round(GAP_S / self.frame_s)
        new_start = start - _border(loud[max(0, start - reach) : start][::-1], loud[start:end][: 2 * reach], longest)
        inner, outer = loud[max(start, end - 2 * reach) : end][::-1], loud[end : end + reach]
        new_end = end + _border(outer, inner, longest)
        return self._seconds(new_start, start, start_s), self._seconds(new_end, end, end_s)

    def _frame(self, time_s: float) -> int:
        return round(time_s / self.frame_s)

    def _seconds(self, frame: int, before: int, time_s: float) -> float:
        return time_s if frame == before else frame * self.frame_s


def _step(times_s: np.ndarray) -> float:
    return float(times_s[1] - times_s[0]) if len(times_s) > 1 else 0.0


def _border(outside: np.ndarray, inside: np.ndarray, longest: int) -> int:
    """Count the frames by which a border moves outwards, or, as a negative number, inwards.

    Parameters
    ----------
    outside, inside : bool ndarray (frame,)
        Which frames are loud on either side, from the border away.
    longest : int
        Frames of the longest pause within a sound.
    """
    if not inside[0]:
        return -int(inside.argmax())
    loud = np.flatnonzero(np.append(True, outside))  # 0 is the border itself
    pauses = np.flatnonzero(np.diff(loud) > longest + 1)
    return int(loud[pauses[0]] if len(pauses) else loud[-1])
