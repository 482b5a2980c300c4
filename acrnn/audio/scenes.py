"""Ten synthetic clips, one for each class of ESC-10, whose event times are known to the millisecond.

They need no file, so the app can be tried and the attention be tested (does it point at the event?) before any dataset
is there. Spectra and envelopes imitate those of real clips; they are no recordings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acrnn.audio.decode import from_array
from acrnn.audio.synthesis import glide, place, ring, room, shaped_noise, swell, voice, wobble
from acrnn.errors import OptionError
from acrnn.labels import ESC10

DURATION_S = 5.0
SCENES: tuple[str, ...] = ESC10
"""Labels that `render` knows."""

TITLES: dict[str, str] = {
    "dog": "Three barks in a quiet room",
    "rooster": "One crow of four syllables",
    "rain": "Steady rain with droplets close by",
    "sea_waves": "Two waves breaking on a beach",
    "crackling_fire": "A fire: low rumble and sharp crackles",
    "crying_baby": "Four cries with breaths between them",
    "sneezing": "A breath in and one sneeze, then silence",
    "clock_tick": "A clock that ticks once a second",
    "helicopter": "A helicopter hovering, fourteen blade beats a second",
    "chainsaw": "A chainsaw, idling and revved up twice",
}
"""One line for each scene, for captions."""

_RATE_HZ = 44_100
_N = int(DURATION_S * _RATE_HZ)
_WHOLE = ((0.0, DURATION_S),)
_QUIET_ROOM = (0, -4, -9, -13, -17, -20, -23, -27, -32, -38, -45, -60)

Events = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scene:
    """A synthetic clip.

    Attributes
    ----------
    label : str
        Its ESC-10 class.
    samples : float32 (n_samples,)
        5 s, peak below 0.9.
    rate_hz : int
    events_s : tuple of (on, off)
        When the class sounds, in seconds, ascending; the whole clip for continuous sounds.
    """

    label: str
    samples: np.ndarray
    rate_hz: int
    events_s: Events


def render(label: str, rate_hz: int = 44_100, seed: int = 0) -> Scene:
    """Render a scene; the same label, rate and seed give the same samples, and every rate the same events.

    Parameters
    ----------
    label : str
        One of `SCENES`.
    rate_hz : int
        4000 to 384000; made at 44100 and resampled.
    seed : int
        Varies the details: event times by a few hundredths of a second, pitches, noise.

    Raises
    ------
    OptionError
        If the label is none of the ten, or the rate is out of range.
    """
    if label not in _MAKERS:
        raise OptionError(f"There is no synthetic scene {label!r}; {', '.join(SCENES)} are accepted.")
    maker, peak = _MAKERS[label]
    samples, events_s = maker(np.random.default_rng([seed, SCENES.index(label)]))
    samples = samples * swell(_N, _RATE_HZ, 0.01, 0.01)
    samples *= peak / np.abs(samples).max()
    audio = from_array(samples.astype(np.float32), _RATE_HZ, rate_hz)
    return Scene(label, audio.samples, rate_hz, events_s)


def _samples(duration_s: float) -> int:
    return round(duration_s * _RATE_HZ)


def _floor(rng: np.random.Generator, level_db: float) -> np.ndarray:
    """Quiet room noise, `level_db` below a sound of rms 1."""
    return 10.0 ** (level_db / 20.0) * shaped_noise(rng, _N, _RATE_HZ, _QUIET_ROOM)


def _dog(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    spectrum = (-40, -38, -34, -22, -4, 0, -5, -18, -32, -40, -50, -70)
    starts_s = np.array([0.5, 1.02, 2.95]) + rng.uniform(-0.06, 0.06, 3)
    scene, tail, events = _floor(rng, -58), room(rng, _RATE_HZ, 0.05, 0.25), []
    for start_s in starts_s:
        n = _samples(rng.uniform(0.17, 0.21))
        pitch_hz = rng.uniform(0.95, 1.05) * glide(n, (0, 420), (0.18, 620), (0.45, 560), (1, 330))
        pitch_hz *= 1 + 0.025 * wobble(rng, n, _RATE_HZ, 120)
        body = voice(pitch_hz, _RATE_HZ, spectrum) + 0.45 * shaped_noise(rng, n, _RATE_HZ, spectrum)
        loud = glide(n, (0, 0.0), (0.1, 1.0), (0.5, 0.75), (0.8, 0.2), (1, 0.0))
        place(scene, tail(body * loud), start_s, _RATE_HZ)
        events.append((float(start_s), float(start_s + n / _RATE_HZ)))
    return scene, tuple(events)


def _rooster(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    spectrum = (-60, -58, -50, -40, -18, -2, 0, -3, -14, -26, -36, -55)
    # (length in s, pitch points, loudness)
    syllables = (
        (0.20, ((0, 480), (0.4, 620), (1, 560)), 0.55),
        (0.16, ((0, 640), (0.5, 780), (1, 740)), 0.8),
        (0.30, ((0, 760), (0.3, 900), (1, 860)), 0.9),
        (1.25, ((0, 820), (0.12, 960), (0.5, 930), (0.8, 800), (1, 560)), 1.0),
    )
    scene, tail = _floor(rng, -62), room(rng, _RATE_HZ, 0.09, 0.3)
    start_s = at_s = 0.55 + rng.uniform(-0.1, 0.1)
    tune = rng.uniform(0.93, 1.07)
    for length_s, points, level in syllables:
        n = _samples(length_s)
        pitch_hz = tune * glide(n, *points) * (1 + 0.006 * wobble(rng, n, _RATE_HZ, 60))
        body = voice(pitch_hz, _RATE_HZ, spectrum) + 0.12 * shaped_noise(rng, n, _RATE_HZ, spectrum)
        loud = level * swell(n, _RATE_HZ, 0.03, min(0.3, 0.45 * length_s)) * (1 + 0.1 * wobble(rng, n, _RATE_HZ, 25))
        place(scene, tail(body * loud), at_s, _RATE_HZ)
        end_s = at_s + length_s
        at_s = end_s + 0.06
    return scene, ((start_s, end_s),)


def _rain(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    spectrum = (-52, -51, -50, -49, -48, -47, -47, -48, -50, -52, -55, -70)
    scene = shaped_noise(rng, _N, _RATE_HZ, spectrum) * (1 + 0.06 * wobble(rng, _N, _RATE_HZ, 8))
    for at_s, level in zip(rng.uniform(0, 4.95, 260), rng.lognormal(-0.6, 0.6, 260), strict=True):
        drop_hz = rng.uniform(1500, 9000)
        drop = ring(rng, _samples(0.012), _RATE_HZ, ((drop_hz, 0.0015, 1.0), (0.6 * drop_hz, 0.002, 0.6)))
        place(scene, 1.6 * level * drop, at_s, _RATE_HZ)
    return scene, _WHOLE


def _sea_waves(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    deep = (-36, -34, -34, -35, -37, -40, -45, -51, -58, -65, -72, -95)
    foam = (-56, -50, -45, -40, -37, -36, -37, -40, -45, -50, -56, -80)
    t_s = np.arange(_N) / _RATE_HZ
    swash = np.zeros(_N)
    for centre_s, level in ((1.5, 0.8), (4.0, 1.0)):
        centre_s += rng.uniform(-0.15, 0.15)
        width_s = np.where(t_s < centre_s, 0.75, 1.1)  # it breaks faster than it runs out
        swash += level * np.exp(-0.5 * ((t_s - centre_s) / width_s) ** 2)
    rough = 1 + 0.12 * wobble(rng, _N, _RATE_HZ, 12)
    scene = (0.35 + 0.5 * swash) * shaped_noise(rng, _N, _RATE_HZ, deep)
    return scene + (0.12 + swash**1.5) * rough * shaped_noise(rng, _N, _RATE_HZ, foam), _WHOLE


def _crackling_fire(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    rumble = (-40, -44, -50, -58, -64, -68, -71, -71, -71, -72, -77, -88)
    flutter = 1 + 0.25 * wobble(rng, _N, _RATE_HZ, 6)
    scene = flutter * shaped_noise(rng, _N, _RATE_HZ, rumble)
    n_crackles = 110
    levels = rng.lognormal(0.3, 1.0, n_crackles)
    for at_s, level in zip(rng.uniform(0, 4.95, n_crackles), levels, strict=True):
        n = _samples(0.03)
        decay_s = rng.uniform(0.0004, 0.003)
        snap = shaped_noise(rng, n, _RATE_HZ, (-40, -38, -32, -26, -20, -14, -8, -3, 0, 0, -4, -14))
        snap *= np.exp(-np.arange(n) / _RATE_HZ / decay_s)
        place(scene, min(level, 9.0) * snap, at_s, _RATE_HZ)
    return scene, _WHOLE


def _crying_baby(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    spectrum = (-50, -45, -35, -14, -2, -4, 0, -6, -5, -14, -24, -45)
    breath = (-40, -38, -34, -30, -24, -16, -8, -3, 0, -3, -9, -25)
    scene, tail, events = _floor(rng, -48), room(rng, _RATE_HZ, 0.06, 0.25), []
    for start_s, length_s in zip((0.2, 1.45, 2.65, 3.9), (0.95, 0.9, 0.95, 0.85), strict=True):
        start_s += rng.uniform(-0.04, 0.04)
        n = _samples(length_s)
        t_s = np.arange(n) / _RATE_HZ
        pitch_hz = rng.uniform(0.95, 1.05) * glide(n, (0, 390), (0.12, 490), (0.45, 530), (0.8, 480), (1, 390))
        pitch_hz *= 1 + 0.015 * np.sin(2 * np.pi * 6.0 * t_s) + 0.006 * wobble(rng, n, _RATE_HZ, 40)
        body = voice(pitch_hz, _RATE_HZ, spectrum) + 0.1 * shaped_noise(rng, n, _RATE_HZ, spectrum)
        loud = swell(n, _RATE_HZ, 0.08, 0.25) * (1 + 0.08 * np.sin(2 * np.pi * 6.0 * t_s))
        place(scene, tail(body * loud), start_s, _RATE_HZ)
        events.append((start_s, start_s + length_s))
        n_in = _samples(0.14)
        gasp = 0.06 * shaped_noise(rng, n_in, _RATE_HZ, breath) * swell(n_in, _RATE_HZ, 0.06, 0.05)
        place(scene, gasp, start_s + length_s + 0.07, _RATE_HZ)
    return scene, tuple(events)


def _sneezing(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    vowel = (-45, -40, -28, -6, 0, -4, -6, -16, -18, -28, -38, -55)
    hiss = (-41, -37, -35, -36, -38, -40, -38, -32, -32, -36, -42, -62)
    scene, tail = _floor(rng, -80), room(rng, _RATE_HZ, 0.06, 0.25)
    start_s = 0.5 + rng.uniform(-0.1, 0.1)

    n = _samples(0.38)  # "ah…", breathed in
    pitch_hz = glide(n, (0, 290), (0.7, 340), (1, 400)) * (1 + 0.01 * wobble(rng, n, _RATE_HZ, 50))
    inhale = 0.5 * voice(pitch_hz, _RATE_HZ, vowel) + 0.7 * shaped_noise(rng, n, _RATE_HZ, vowel)
    place(scene, 0.13 * tail(inhale * glide(n, (0, 0), (0.6, 0.5), (0.92, 1), (1, 0))), start_s, _RATE_HZ)

    burst_s = start_s + 0.46
    n = _samples(0.34)  # "…tsch"
    loud = glide(n, (0, 0), (0.04, 1), (0.3, 0.75), (0.6, 0.25), (1, 0))
    place(scene, tail(shaped_noise(rng, n, _RATE_HZ, hiss) * loud), burst_s, _RATE_HZ)
    n_low = _samples(0.3)  # "…oo"
    pitch_hz = glide(n_low, (0, 420), (0.3, 340), (1, 210)) * (1 + 0.02 * wobble(rng, n_low, _RATE_HZ, 60))
    moan = voice(pitch_hz, _RATE_HZ, vowel) * glide(n_low, (0, 0), (0.15, 0.8), (0.5, 0.5), (1, 0))
    place(scene, 0.6 * tail(moan), burst_s + 0.06, _RATE_HZ)
    return scene, ((start_s, burst_s + 0.36),)


def _clock_tick(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    resonances = (
        (310, 0.018, 0.3), (920, 0.010, 0.35), (1750, 0.008, 0.4), (3150, 0.006, 0.5),
        (4600, 0.005, 0.45), (7300, 0.004, 0.4), (10_500, 0.003, 0.3),
    )  # fmt: skip
    first_s = 0.3 + rng.uniform(-0.1, 0.1)
    scene, tail, events = 0.06 * _floor(rng, -16), room(rng, _RATE_HZ, 0.025, 0.3), []
    n = _samples(0.06)
    t_s = np.arange(n) / _RATE_HZ
    click = (-20, -18, -15, -12, -9, -7, -4, -2, 0, -2, -5, -14)
    for k in range(5):
        tick = np.zeros(_samples(0.1))
        tune = 1.0 if k % 2 == 0 else 0.94
        for at_s, level in ((0.0, 0.5), (0.028, 1.0)):  # the wheel's stop, then the pallet's
            strike = ring(rng, n, _RATE_HZ, tuple((tune * f, d, a) for f, d, a in resonances))
            strike += shaped_noise(rng, n, _RATE_HZ, click) * np.exp(-t_s / 0.005)
            place(tick, level * strike, at_s, _RATE_HZ)
        place(scene, tail(tick), first_s + k, _RATE_HZ)
        events.append((first_s + k, first_s + k + 0.09))
    return scene, tuple(events)


def _helicopter(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    rotor = (-28, -27, -28, -31, -34, -38, -43, -51, -60, -70, -84, -108)
    whine = (-60, -55, -50, -45, -40, -37, -38, -44, -52, -62, -75, -105)
    rate_per_s = 14.0 * (1 + 0.004 * wobble(rng, _N, _RATE_HZ, 1))
    beat = np.cumsum(rate_per_s) / _RATE_HZ % 1.0
    chop = np.exp(-beat / 0.16) + 0.6 * np.exp(-(1.0 - beat) / 0.06)  # sharp rise, slower fall
    drift = glide(_N, (0, 0.85), (0.6, 1.0), (1, 0.9)) * (1 + 0.05 * wobble(rng, _N, _RATE_HZ, 3))
    noise = shaped_noise(rng, _N, _RATE_HZ, rotor) * (0.25 + 1.3 * chop)
    turbine = 0.25 * shaped_noise(rng, _N, _RATE_HZ, whine) * (0.8 + 0.3 * chop)
    return drift * (noise + turbine), _WHOLE


def _chainsaw(rng: np.random.Generator) -> tuple[np.ndarray, Events]:
    spectrum = (-34, -26, -24, -27, -29, -31, -34, -38, -43, -47, -53, -85)
    throttle = glide(_N, (0, 0.15), (0.1, 0.2), (0.18, 1), (0.5, 0.95), (0.6, 0.25), (0.68, 0.3), (0.75, 1), (1, 0.97))
    pitch_hz = (85 + 60 * throttle) * (1 + 0.008 * wobble(rng, _N, _RATE_HZ, 15))
    stroke = np.cumsum(pitch_hz) / _RATE_HZ
    buzz = voice(pitch_hz, _RATE_HZ, spectrum, max_hz=6500.0) * (1 + 0.3 * np.sin(np.pi * stroke))
    firing = 0.5 + np.exp(-(stroke % 1.0) / 0.25)
    chain = 0.5 * shaped_noise(rng, _N, _RATE_HZ, spectrum) * firing
    return (0.35 + 0.65 * throttle) * (buzz + chain) * (1 + 0.06 * wobble(rng, _N, _RATE_HZ, 12)), _WHOLE


_MAKERS: dict[str, tuple[Callable[[np.random.Generator], tuple[np.ndarray, Events]], float]] = {
    "dog": (_dog, 0.8),
    "rooster": (_rooster, 0.8),
    "rain": (_rain, 0.6),
    "sea_waves": (_sea_waves, 0.8),
    "crackling_fire": (_crackling_fire, 0.85),
    "crying_baby": (_crying_baby, 0.8),
    "sneezing": (_sneezing, 0.85),
    "clock_tick": (_clock_tick, 0.4),
    "helicopter": (_helicopter, 0.85),
    "chainsaw": (_chainsaw, 0.85),
}
"""Label → what makes its scene, and the peak that it is scaled to (a clock is quieter than a saw)."""
