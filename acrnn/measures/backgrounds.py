"""Held-out clips that can serve as a background to others: they sound nearly all the time."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from acrnn.audio import decode
from acrnn.audio.activity import find_events
from acrnn.audio.degradations import rng_of
from acrnn.data import Clip

LEAST_COVER = 0.9
"""Share of its length that a clip must sound to be a background."""


class Backgrounds:
    """Picks for each clip another of the same fold and of another class, by the clip's name alone.

    Parameters
    ----------
    clips : sequence of Clip
        One held-out fold.
    rate_hz : int
    on_clip : callable, optional
        Told (done, total) while the clips are listened through.
    """

    def __init__(self, clips: Sequence[Clip], rate_hz: int, on_clip: Callable[[int, int], None] | None = None) -> None:
        self.rate_hz = rate_hz
        self.steady = []
        for done, clip in enumerate(clips, start=1):
            samples = decode(clip.path, rate_hz).samples
            if samples.any():
                events_s = find_events(samples, rate_hz)
                if sum(off - on for on, off in events_s) >= LEAST_COVER * len(samples) / rate_hz:
                    self.steady.append(clip)
            if on_clip is not None:
                on_clip(done, len(clips))

    def pick(self, clip: Clip) -> Clip | None:
        """Give the background of a clip; None if no clip of another class sounds all the time."""
        others = [other for other in self.steady if other.label != clip.label]
        return others[int(rng_of("background", clip.path.stem).integers(len(others)))] if others else None

    def samples(self, clip: Clip) -> np.ndarray | None:
        """Waveform of a clip's background: float32 (n_noise,)."""
        picked = self.pick(clip)
        return None if picked is None else _samples(picked.path, self.rate_hz)


@lru_cache(maxsize=16)
def _samples(path, rate_hz: int) -> np.ndarray:
    return decode(path, rate_hz).samples
