"""A clip through a lossy codec at a low rate and back, on the very samples where it was.

Encoders delay what they are given, by an amount that only some containers announce. It is measured once for each codec
and rate by a burst at a known time and taken back, or attention would seem to move by it.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from acrnn.audio.decode import decode, from_array
from acrnn.errors import OptionError


@dataclass(frozen=True)
class Codec:
    """A lossy codec: FFmpeg's name of it, the container it is put in, and what it takes.

    Attributes
    ----------
    encoder, container, sample_format : str
    rates_hz : tuple of int
        Sampling rates that it accepts, ascending.
    kbit_per_s : tuple of int
        Lowest and highest bit rate of a mono stream.
    """

    encoder: str
    container: str
    sample_format: str
    rates_hz: tuple[int, ...]
    kbit_per_s: tuple[int, int]


CODECS = {
    "mp3": Codec("libmp3lame", "mp3", "fltp", (16_000, 22_050, 24_000, 32_000, 44_100, 48_000), (8, 320)),
    "opus": Codec("libopus", "ogg", "flt", (8_000, 12_000, 16_000, 24_000, 48_000), (6, 256)),
}
MP3_NARROW_KBIT = 32
"""MP3 has no lower bit rate at 32 kHz and above: below it, sound is coded at 16 kHz, as encoders choose themselves."""


def roundtrip(samples: np.ndarray, rate_hz: int, codec: str, kbit_per_s: int) -> np.ndarray:
    """Encode a clip in memory, decode it, and put every sound back at the time where it was.

    Parameters
    ----------
    samples : (n_samples,)
        In [-1, 1]; what is beyond is clipped.
    rate_hz : int
    codec : {"mp3", "opus"}
    kbit_per_s : int
        Of the mono stream: constant for MP3, the mean for Opus.

    Returns
    -------
    float32 (n_samples,)

    Raises
    ------
    OptionError
        If the codec is unknown or has no such bit rate.
    """
    if codec not in CODECS:
        raise OptionError(f"Codec {codec!r} is not known; {', '.join(CODECS)} are accepted.")
    low, high = CODECS[codec].kbit_per_s
    if not low <= kbit_per_s <= high:
        raise OptionError(f"{codec} at {kbit_per_s} kbit/s is asked for; {low} to {high} is accepted.")
    coded = _coded(samples, rate_hz, codec, int(kbit_per_s))
    return _moved(coded, -delay_samples(rate_hz, codec, int(kbit_per_s)), len(samples))


@lru_cache(maxsize=32)
def delay_samples(rate_hz: int, codec: str, kbit_per_s: int) -> int:
    """Measure by how many samples at `rate_hz` a codec's output comes late, by a burst of noise in silence."""
    from scipy.signal import butter, correlate, sosfilt  # not where this package is imported for training

    rng = np.random.default_rng(0)
    burst = np.zeros(round(1.5 * rate_hz), np.float32)
    n = round(0.25 * rate_hz)
    band = butter(4, (300, 1500), "bandpass", fs=rate_hz, output="sos")  # what every codec keeps
    noise = sosfilt(band, rng.standard_normal(n)) * np.hanning(n)
    burst[round(0.6 * rate_hz) :][:n] = 0.5 * noise / np.abs(noise).max()
    heard = _moved(_coded(burst, rate_hz, codec, kbit_per_s), 0, len(burst))
    return int(np.argmax(correlate(heard, burst, mode="full", method="fft"))) - (len(burst) - 1)


def _coded(samples: np.ndarray, rate_hz: int, name: str, kbit_per_s: int) -> np.ndarray:
    """Encode and decode: float32 (about n_samples,) at `rate_hz`, late by the codec's delay."""
    import av

    codec = CODECS[name]
    coded_hz = _coded_rate_hz(codec, rate_hz, kbit_per_s)
    sound = from_array(np.clip(samples, -1, 1).astype(np.float32), rate_hz, coded_hz).samples.clip(-1, 1)
    out = io.BytesIO()
    with av.open(out, "w", format=codec.container) as file:
        track = file.add_stream(codec.encoder, rate=coded_hz, layout="mono")
        track.bit_rate = 1000 * kbit_per_s
        frame = av.AudioFrame.from_ndarray(sound[None], format=codec.sample_format, layout="mono")
        frame.sample_rate, frame.pts = coded_hz, 0
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return decode(out.getvalue(), rate_hz, name=f"{name} at {kbit_per_s} kbit/s").samples


def _coded_rate_hz(codec: Codec, rate_hz: int, kbit_per_s: int) -> int:
    """Lowest rate of the codec that keeps the clip's bandwidth, or 16 kHz where the bit rate allows no more."""
    if codec.encoder == "libmp3lame" and kbit_per_s < MP3_NARROW_KBIT:
        return 16_000
    return next((rate for rate in codec.rates_hz if rate >= rate_hz), codec.rates_hz[-1])


def _moved(samples: np.ndarray, by: int, n_samples: int) -> np.ndarray:
    """Move a sound later by `by` samples (earlier if negative) in a clip of `n_samples`, silence where nothing is."""
    moved = np.zeros(n_samples, np.float32)
    there = samples[max(-by, 0) : max(n_samples - by, 0)]
    moved[max(by, 0) :][: len(there)] = there
    return moved
