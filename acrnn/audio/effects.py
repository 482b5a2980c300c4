"""Deterministic effects on a waveform, and the random draw of one, apart from each other.

All take and give float32 (n_samples,) in about [-1, 1] and leave their input untouched. librosa is imported when a
stretch or a shift is asked for.
"""

from dataclasses import dataclass

import numpy as np

from acrnn.audio.librosa_modules import librosa_module
from acrnn.errors import BadSamplesError, OptionError

STRETCH_FACTORS = (0.8, 1.3)
"""Range of the time stretch (paper §3.4)."""
SHIFT_SEMITONES = (-3.5, 3.5)
"""Range of the pitch shift (paper §3.4)."""


@dataclass(frozen=True)
class Stretch:
    """A time stretch: `factor` above 1 is faster and shorter."""

    factor: float

    def apply(self, samples: np.ndarray, rate_hz: int) -> np.ndarray:
        """Stretch (n_samples,) to (round(n_samples / factor),)."""
        return time_stretch(samples, rate_hz, self.factor)


@dataclass(frozen=True)
class Shift:
    """A pitch shift by `semitones`, up if positive."""

    semitones: float

    def apply(self, samples: np.ndarray, rate_hz: int) -> np.ndarray:
        """Shift (n_samples,), keeping its length."""
        return pitch_shift(samples, rate_hz, self.semitones)


Augmentation = Stretch | Shift


def draw_augmentation(rng: np.random.Generator) -> Augmentation:
    """Draw a stretch or a shift, with equal chance, uniform in the ranges of paper §3.4."""
    if rng.random() < 0.5:
        return Stretch(float(rng.uniform(*STRETCH_FACTORS)))
    return Shift(float(rng.uniform(*SHIFT_SEMITONES)))


def time_stretch(samples: np.ndarray, rate_hz: int, factor: float) -> np.ndarray:
    """Change the speed and keep the pitch (phase vocoder).

    Parameters
    ----------
    samples : (n_samples,)
    rate_hz : int
        Sets the vocoder's window, 46 ms.
    factor : float
        0.25 to 4; above 1 is faster.

    Returns
    -------
    float32 (round(n_samples / factor),)

    Raises
    ------
    BadSamplesError, OptionError
    """
    samples = _waveform(samples)
    if not 0.25 <= factor <= 4.0:
        raise OptionError(f"A stretch factor of {factor} is asked for; 0.25 to 4 is accepted.")
    effects = librosa_module("librosa.effects")
    return effects.time_stretch(samples, rate=factor, **_window(rate_hz, len(samples))).astype(np.float32)


def pitch_shift(samples: np.ndarray, rate_hz: int, semitones: float) -> np.ndarray:
    """Change the pitch and keep the length.

    Parameters
    ----------
    samples : (n_samples,)
    rate_hz : int
    semitones : float
        -24 to 24.

    Returns
    -------
    float32 (n_samples,)

    Raises
    ------
    BadSamplesError, OptionError
    """
    samples = _waveform(samples)
    if not -24.0 <= semitones <= 24.0:
        raise OptionError(f"A shift by {semitones} semitones is asked for; -24 to 24 is accepted.")
    effects, window = librosa_module("librosa.effects"), _window(rate_hz, len(samples))
    return effects.pitch_shift(samples, sr=rate_hz, n_steps=semitones, res_type="soxr_hq", **window).astype(np.float32)


def add_noise(samples: np.ndarray, noise: np.ndarray, snr_db: float, power: float | None = None) -> np.ndarray:
    """Add `noise`, scaled so that the clip's power is `snr_db` above the noise's over the whole clip.

    Parameters
    ----------
    samples : (n_samples,)
    noise : (n_noise,)
        Repeated or cut to n_samples.
    snr_db : float
    power : float, optional
        The clip's power where it is not to be taken over the whole clip, such as `activity.sounding_power`.

    Returns
    -------
    float32 (n_samples,)
        Not clipped.

    Raises
    ------
    BadSamplesError
        If the clip or the noise is silent: no ratio is then defined.
    """
    samples, noise = _waveform(samples), _waveform(noise)
    noise = np.resize(noise, len(samples))
    signal_power = np.mean(np.square(samples, dtype=np.float64)) if power is None else power
    noise_power = np.mean(np.square(noise, dtype=np.float64))
    if signal_power == 0.0 or noise_power == 0.0:
        raise BadSamplesError("A clip or its noise is silent; a signal-to-noise ratio needs sound in both.")
    scale = np.sqrt(signal_power / noise_power / 10.0 ** (snr_db / 10.0))
    return (samples + scale * noise).astype(np.float32)


def gain_db(samples: np.ndarray, gain_db: float) -> np.ndarray:
    """Scale by decibels: -6.02 dB halves. float32 (n_samples,), not clipped."""
    return (_waveform(samples) * 10.0 ** (gain_db / 20.0)).astype(np.float32)


def scale_frames(samples: np.ndarray, rate_hz: int, times_s: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Multiply a waveform by attention weights, to play only what is attended to.

    Parameters
    ----------
    samples : (n_samples,)
    rate_hz : int
    times_s : (n_frames,)
        Ascending; weights between them are interpolated linearly, before and after them held.
    weights : (n_frames,)
        At least 0, in any unit: the largest is scaled to 1. All zero gives silence.

    Returns
    -------
    float32 (n_samples,)

    Raises
    ------
    OptionError
        If times and weights do not fit each other, times do not ascend, or a weight is negative or not finite.
    """
    samples = _waveform(samples)
    times_s, weights = np.asarray(times_s, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if times_s.ndim != 1 or times_s.shape != weights.shape or times_s.size == 0:
        raise OptionError(
            f"Times of shape {times_s.shape} and weights of shape {weights.shape}; one weight a time is accepted."
        )
    if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
        raise OptionError("Times of the weights do not ascend; finite, strictly ascending seconds are accepted.")
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise OptionError(f"A weight is {weights.min():g}; finite weights of at least 0 are accepted.")
    largest = weights.max()
    at_samples_s = np.arange(len(samples)) / rate_hz
    curve = np.interp(at_samples_s, times_s, weights / largest if largest > 0 else weights)
    return (samples * curve).astype(np.float32)


def _waveform(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.size == 0 or samples.dtype.kind != "f":
        raise BadSamplesError(
            f"Samples of shape {samples.shape} and type {samples.dtype}; a waveform (n_samples,) of real numbers "
            "is accepted."
        )
    if not np.isfinite(samples).all():
        raise BadSamplesError("Samples are NaN or infinite; finite ones are accepted.")
    return samples.astype(np.float32, copy=False)


def _window(rate_hz: int, n_samples: int) -> dict[str, int]:
    """Window of 46 ms, a power of two (2048 at 44.1 kHz), never longer than the clip."""
    n_fft = 2 ** round(np.log2(2048 / 44_100 * rate_hz))
    n_fft = max(4, min(n_fft, 2 ** int(np.log2(max(n_samples, 4)))))
    return {"n_fft": n_fft, "hop_length": n_fft // 4}
