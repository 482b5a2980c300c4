"""The few sounds that the synthetic scenes are put together from: shaped noise, a voice, damped resonances, envelopes.

Spectra are given in dB at the twelve frequencies of `BANDS_HZ`, read off long-term averages of real recordings.
"""

from collections.abc import Callable

import numpy as np

BANDS_HZ = (64, 107, 178, 295, 490, 814, 1353, 2248, 3734, 6202, 10301, 17110)
"""Centres of twelve bands, equal in log frequency, from 50 Hz to 22.05 kHz."""
Spectrum = tuple[float, ...]


def shaped_noise(rng: np.random.Generator, n_samples: int, rate_hz: int, spectrum_db: Spectrum) -> np.ndarray:
    """Gaussian noise of a given power spectrum, rms 1: float64 (n_samples,)."""
    transform = np.fft.rfft(rng.standard_normal(n_samples))
    freqs_hz = np.fft.rfftfreq(n_samples, 1 / rate_hz)
    gain = amplitude_at(freqs_hz, spectrum_db) * np.minimum(1.0, freqs_hz / 40.0)  # no drift below hearing
    noise = np.fft.irfft(transform * gain, n_samples)
    return noise / np.sqrt(np.mean(noise**2))


def amplitude_at(freqs_hz: np.ndarray, spectrum_db: Spectrum) -> np.ndarray:
    """Amplitude (linear) at each frequency, interpolated in dB over log frequency."""
    return 10.0 ** (np.interp(np.log(np.maximum(freqs_hz, 1.0)), np.log(BANDS_HZ), spectrum_db) / 20.0)


def voice(f0_hz: np.ndarray, rate_hz: int, spectrum_db: Spectrum, *, max_hz: float = 15_000.0) -> np.ndarray:
    """Harmonics of a gliding pitch under a fixed spectral envelope, rms 1: (n_samples,) for f0 of (n_samples,)."""
    turn = np.exp(2j * np.pi * np.cumsum(f0_hz) / rate_hz)
    knots = slice(None, None, 256)  # amplitudes glide slowly: interpolate them instead of computing each
    at = np.arange(len(f0_hz))
    sound, power = np.zeros(len(f0_hz)), np.ones(len(f0_hz), complex)
    for k in range(1, int(max_hz / f0_hz.min()) + 1):
        power *= turn  # turn to the power k: many times faster than a sine for each harmonic
        harmonic_hz = k * f0_hz[knots]
        amplitude = amplitude_at(harmonic_hz, spectrum_db) * np.clip(3 * (1 - harmonic_hz / max_hz), 0, 1)
        # Schroeder's phases keep the crest factor low, as a mouth and a room do.
        sound += np.interp(at, at[knots], amplitude) * (power * np.exp(1j * np.pi * k * k / 24)).imag
    return sound / np.sqrt(np.mean(sound**2))


def glide(n_samples: int, *points: tuple[float, float]) -> np.ndarray:
    """Curve through (position in [0, 1], value) points, linear between them: (n_samples,)."""
    position, value = zip(*points, strict=True)
    return np.interp(np.linspace(0.0, 1.0, n_samples), position, value)


def wobble(rng: np.random.Generator, n_samples: int, rate_hz: int, cutoff_hz: float) -> np.ndarray:
    """Slow random curve, mean 0, standard deviation 1: (n_samples,)."""
    n_knots = max(4, int(n_samples / rate_hz * cutoff_hz * 2) + 3)
    curve = np.interp(np.linspace(0, n_knots - 1, n_samples), np.arange(n_knots), rng.standard_normal(n_knots))
    return (curve - curve.mean()) / max(float(curve.std()), 1e-9)


def ring(
    rng: np.random.Generator, n_samples: int, rate_hz: int, resonances: tuple[tuple[float, float, float], ...]
) -> np.ndarray:
    """Struck resonances (frequency in Hz, decay time in s, amplitude), with random phases: (n_samples,)."""
    t_s = np.arange(n_samples) / rate_hz
    phases = rng.uniform(0, 2 * np.pi, len(resonances))
    parts = zip(resonances, phases, strict=True)
    return sum(a * np.exp(-t_s / decay_s) * np.sin(2 * np.pi * f * t_s + p) for (f, decay_s, a), p in parts)


def swell(n_samples: int, rate_hz: int, attack_s: float, release_s: float) -> np.ndarray:
    """Envelope of 1 with raised-cosine ends: (n_samples,)."""
    t = np.arange(n_samples) / rate_hz
    rise = np.clip(t / attack_s, 0, 1)
    fall = np.clip((n_samples / rate_hz - t) / release_s, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))


def place(scene: np.ndarray, sound: np.ndarray, at_s: float, rate_hz: int) -> None:
    """Add a sound to a scene, in place; what would run over the end is left out."""
    start = round(at_s * rate_hz)
    stop = min(start + len(sound), len(scene))
    scene[start:stop] += sound[: stop - start]


def room(rng: np.random.Generator, rate_hz: int, decay_s: float, level: float) -> Callable[[np.ndarray], np.ndarray]:
    """Reverberation by a decaying noise tail of the given level; the sound gets longer by its length, 4 · decay_s."""
    t_s = np.arange(int(4 * decay_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(len(t_s)) * np.exp(-t_s / decay_s)
    tail *= level / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0

    def apply(sound: np.ndarray) -> np.ndarray:
        n = len(sound) + len(tail) - 1
        n_fft = 1 << (n - 1).bit_length()
        return np.fft.irfft(np.fft.rfft(sound, n_fft) * np.fft.rfft(tail, n_fft), n_fft)[:n]

    return apply
