"""Sounds that no class is: noise, tones, near-silence, and speech where espeak-ng is installed."""

import shutil
import subprocess
from collections.abc import Iterator

import numpy as np

from acrnn.audio.noises import pink, white
from acrnn.measures.open_set.collect import Sound

DURATION_S = 5.0
SPEAKER = "espeak-ng"
VOICES = ("en-us", "en-gb+f3", "de", "fr+f2")
SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It is easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
)
"""The first of the Harvard sentences (IEEE, 1969), but for two."""
NOISE_DB = (-12, -20, -30, -40)
TONES_HZ = (110, 220, 440, 880, 1760, 3520)
FAINT_DB = (-60, -66, -72)


def unknown_sounds(rate_hz: int) -> Iterator[Sound]:
    """Make them at a sampling rate: 5 s each, seeded; `kind` is `noise`, `tones`, `near-silence` or `speech`."""
    yield from _noises(rate_hz)
    yield from _tones(rate_hz)
    yield from _faint(rate_hz)
    if shutil.which(SPEAKER):
        yield from _speech()


def _noises(rate_hz: int) -> Iterator[Sound]:
    n = round(DURATION_S * rate_hz)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for name, noise in {"white": white(rng, n), "pink": pink(rng, n, rate_hz)}.items():
            for level_db in NOISE_DB:
                samples = _at_level(noise, level_db)
                yield Sound(f"{name} noise {seed} at {level_db} dB", "noise", samples, rate_hz, f"{name} {seed}")


def _tones(rate_hz: int) -> Iterator[Sound]:
    times_s = np.arange(round(DURATION_S * rate_hz)) / rate_hz
    for tone_hz in TONES_HZ:
        sine = np.sin(2 * np.pi * tone_hz * times_s)
        chord = sum(np.sin(2 * np.pi * tone_hz * ratio * times_s) for ratio in (1, 5 / 4, 3 / 2))
        sweep = np.sin(2 * np.pi * tone_hz * DURATION_S / np.log(2) * (2 ** (times_s / DURATION_S) - 1))
        for name, samples in {"sine": sine, "chord": chord, "octave up": sweep}.items():
            yield Sound(f"{name} of {tone_hz} Hz", "tones", _at_level(samples, -20), rate_hz, f"{name} {tone_hz}")


def _faint(rate_hz: int) -> Iterator[Sound]:
    n = round(DURATION_S * rate_hz)
    for seed in range(5):
        rng = np.random.default_rng(100 + seed)
        for name, noise in {"white": white(rng, n), "pink": pink(rng, n, rate_hz)}.items():
            for level_db in FAINT_DB:
                samples = _at_level(noise, level_db)
                yield Sound(f"{name} noise {seed} at {level_db} dB", "near-silence", samples, rate_hz, f"{name} {seed}")


def _speech() -> Iterator[Sound]:
    for voice in VOICES:
        for number, sentence in enumerate(SENTENCES):
            said = subprocess.run([SPEAKER, "-v", voice, "--stdout", sentence], capture_output=True, check=True)
            yield Sound(f"{voice}: {sentence}", "speech", said.stdout, None, f"{voice} {number}")


def _at_level(samples: np.ndarray, level_db: float) -> np.ndarray:
    """Scale to a level: rms in decibels of full scale."""
    return (samples / np.sqrt(np.mean(samples**2)) * 10 ** (level_db / 20)).astype(np.float32)
