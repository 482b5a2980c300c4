"""Noise to test a classifier with: white, pink, and a babble of synthetic voices. Each is drawn from a generator."""

from functools import lru_cache

import numpy as np

from acrnn.audio.synthesis import swell, wobble

BABBLE_S = 20.0
N_VOICES = 8
VOWELS_HZ = ((270, 2290, 3010), (730, 1090, 2440), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""First three formants of five vowels (averages of male speakers, Peterson and Barney 1952)."""
_BANDWIDTHS_HZ = (80, 110, 170)
_LEVELS = (1.0, 0.5, 0.25)


def white(rng: np.random.Generator, n_samples: int) -> np.ndarray:
    """Gaussian noise, the same power at every frequency, rms about 1: float32 (n_samples,)."""
    return rng.standard_normal(n_samples, dtype=np.float32)


def pink(rng: np.random.Generator, n_samples: int, rate_hz: int) -> np.ndarray:
    """Gaussian noise whose power density falls by 3.01 dB an octave above 20 Hz, rms 1: float32 (n_samples,)."""
    transform = np.fft.rfft(rng.standard_normal(n_samples))
    freqs_hz = np.fft.rfftfreq(n_samples, 1 / rate_hz)
    transform /= np.sqrt(np.maximum(freqs_hz, 20.0))
    transform[0] = 0.0
    noise = np.fft.irfft(transform, n_samples)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def babble(rng: np.random.Generator, n_samples: int, rate_hz: int) -> np.ndarray:
    """Eight synthetic voices that speak at once, rms about 1: float32 (n_samples,).

    No recording: pulse trains of 85 to 255 Hz through the formants of five vowels, in syllables of 0.12 to 0.3 s with
    pauses and hisses between them. A stretch, begun at random, of one babble of 20 s that repeats.
    """
    whole = _whole_babble(rate_hz)
    start = int(rng.integers(len(whole)))
    return np.take(whole, np.arange(start, start + n_samples), mode="wrap")


@lru_cache(maxsize=2)
def _whole_babble(rate_hz: int) -> np.ndarray:
    rng = np.random.default_rng(2020)
    n_samples = round(BABBLE_S * rate_hz)
    mixed = sum(_voice(rng, n_samples + rate_hz, rate_hz)[:n_samples] for _ in range(N_VOICES))  # all speak to its end
    mixed = (mixed / np.sqrt(np.mean(mixed**2))).astype(np.float32)
    mixed.flags.writeable = False
    return mixed


def _voice(rng: np.random.Generator, n_samples: int, rate_hz: int) -> np.ndarray:
    """One speaker, rms about 1: float64 (n_samples,)."""
    from scipy.signal import iirpeak, lfilter  # here, as training imports this package where start-up time counts

    pitch_hz = rng.uniform(100, 220) * np.exp(0.07 * wobble(rng, n_samples, rate_hz, 1.5).clip(-2, 2))
    pulses = 2.0 * (np.cumsum(pitch_hz) / rate_hz % 1.0) - 1.0  # a saw: every harmonic, falling by 6 dB an octave
    envelopes = np.zeros((len(VOWELS_HZ), n_samples))
    hiss = np.zeros(n_samples)
    at_s = rng.uniform(0, 0.3)
    while at_s < n_samples / rate_hz - 0.5:
        length_s = rng.uniform(0.12, 0.3)
        start, n = round(at_s * rate_hz), round(length_s * rate_hz)
        envelopes[rng.integers(len(VOWELS_HZ)), start : start + n] = rng.uniform(0.5, 1) * swell(n, rate_hz, 0.03, 0.06)
        at_s += length_s
        if rng.random() < 0.4:
            start, n = round(at_s * rate_hz), round(0.08 * rate_hz)
            hiss[start : start + n] = rng.standard_normal(n) * swell(n, rate_hz, 0.02, 0.02)
            at_s += 0.08
        if rng.random() < 0.2:
            at_s += rng.uniform(0.1, 0.4)
    voice = np.zeros(n_samples)
    for formants_hz, envelope in zip(VOWELS_HZ, envelopes, strict=True):
        for formant_hz, width_hz, level in zip(formants_hz, _BANDWIDTHS_HZ, _LEVELS, strict=True):
            if formant_hz < 0.45 * rate_hz:
                b, a = iirpeak(formant_hz, formant_hz / width_hz, fs=rate_hz)
                voice += level * envelope * lfilter(b, a, pulses)
    return voice / np.sqrt(np.mean(voice**2)) + 0.3 * np.diff(hiss, prepend=0.0)  # more of it the higher it is
