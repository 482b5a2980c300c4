"""Soundscapes whose events are known: clips of one fold one after another, pauses between them, over low noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acrnn.audio import decode, noises
from acrnn.audio.activity import Events, find_events, sounding_power
from acrnn.audio.degradations import rng_of
from acrnn.audio.effects import add_noise
from acrnn.data import Clip

CLIPS_IN_SCENE = 4
PAUSE_S = (1.0, 3.0)
"""The shortest and the longest pause before, between and after the clips."""
SNR_DB = 30.0
"""Of the quietest clip, where it sounds, against the noise."""
JOINED_S = 1.0
"""Pauses of a clip that are shorter than this belong to its event, as barks in a row are one barking."""
CLIP_RMS = 0.05
"""Each clip is brought to this, where it sounds, as far as its peak allows."""
PEAK = 0.9


@dataclass(frozen=True)
class Soundscape:
    """A recording and what sounds in it.

    Attributes
    ----------
    name : str
    samples : float32 (n_samples,)
    rate_hz : int
    events : tuple of (on, off, label)
        Seconds, ascending.
    sources : tuple of str
        Files of the clips.
    """

    name: str
    samples: np.ndarray
    rate_hz: int
    events: tuple[tuple[float, float, str], ...]
    sources: tuple[str, ...]


def joined(events_s: Events, gap_s: float = JOINED_S) -> Events:
    """Close the pauses between stretches (on, off) that are shorter than `gap_s`."""
    kept: list[tuple[float, float]] = []
    for on_s, off_s in events_s:
        if kept and on_s - kept[-1][1] < gap_s:
            kept[-1] = (kept[-1][0], off_s)
        else:
            kept.append((on_s, off_s))
    return tuple(kept)


def groups_of(clips: Sequence[Clip], size: int = CLIPS_IN_SCENE) -> list[list[Clip]]:
    """Deal all clips out to scenes in a random order that depends on their names alone; each is in one scene."""
    order = rng_of("soundscapes", *(clip.path.stem for clip in clips)).permutation(len(clips))
    shuffled = [clips[i] for i in order]
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


def soundscape(name: str, clips: Sequence[Clip], rate_hz: int) -> Soundscape:
    """Put clips one after another, at random times that depend on the scene's name alone.

    A clip that is digital silence is left out.

    Parameters
    ----------
    name : str
    clips : sequence of Clip
        In the order in which they are to be heard.
    rate_hz : int
    """
    rng = rng_of("soundscape", name)
    parts, events, sources, at = [], [], [], 0
    for clip in clips:
        samples = decode(clip.path, rate_hz).samples
        if not samples.any():
            continue
        pause = round(rng.uniform(*PAUSE_S) * rate_hz)
        start_s = (at + pause) / rate_hz
        events += [(start_s + on, start_s + off, clip.label) for on, off in joined(find_events(samples, rate_hz))]
        parts += [np.zeros(pause, np.float32), _levelled(samples, rate_hz)]
        at += pause + len(samples)
        sources.append(clip.filename)
    parts.append(np.zeros(round(rng.uniform(*PAUSE_S) * rate_hz), np.float32))
    alone = np.concatenate(parts)
    power = min((sounding_power(part, rate_hz) for part in parts[1::2]), default=CLIP_RMS**2)
    mixed = add_noise(alone, noises.pink(rng, len(alone), rate_hz), SNR_DB, power=power)
    mixed = mixed * np.float32(min(1.0, PEAK / np.abs(mixed).max()))
    return Soundscape(name, mixed, rate_hz, tuple(events), tuple(sources))


def _levelled(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    gain = min(CLIP_RMS / np.sqrt(sounding_power(samples, rate_hz)), PEAK / np.abs(samples).max())
    return samples * np.float32(gain)
