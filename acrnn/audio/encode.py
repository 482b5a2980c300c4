"""Samples → the bytes of a sound file, whole or block by block."""

import io

import numpy as np

from acrnn.audio.decode import checked_rate
from acrnn.errors import BadSamplesError

_BLOCK_SAMPLES = 2**16


class Encoder:
    """A 16-bit sound file in memory that is written block by block.

    What is beyond [-1, 1] is clipped, never wrapped.

    Parameters
    ----------
    rate_hz : int
        4000 to 384000.
    form : str
        "WAV", or "FLAC", lossless and about half as large.
    n_channels : int

    Raises
    ------
    OptionError
        If the rate is out of range.
    """

    def __init__(self, rate_hz: int, form: str = "WAV", n_channels: int = 1) -> None:
        import soundfile as sf

        self._out = io.BytesIO()
        self._file = sf.SoundFile(
            self._out, "w", checked_rate(rate_hz), n_channels, format=form, subtype="PCM_16"
        )  # fmt: skip

    def write(self, samples: np.ndarray) -> None:
        """Add (n_samples,) or (n_samples, n_channels).

        Raises
        ------
        BadSamplesError
            If a sample is NaN or infinite, or the type is not real.
        """
        samples = np.asarray(samples)
        if samples.dtype.kind != "f" or not np.isfinite(samples).all():
            raise BadSamplesError("The audio to write is not of finite real numbers; those in [-1, 1] are accepted.")
        for start in range(0, len(samples), _BLOCK_SAMPLES):  # an hour gets no copies beside the result
            block = samples[start : start + _BLOCK_SAMPLES]
            self._file.write(np.clip(np.rint(block * 32768.0), -32768, 32767).astype(np.int16))

    def content(self) -> bytes:
        """Close the file and give its bytes."""
        self._file.close()
        return self._out.getvalue()


def encode_wav(samples: np.ndarray, rate_hz: int) -> bytes:
    """16-bit PCM WAV of (n_samples,) or (n_samples, n_channels) in [-1, 1]; what is beyond is clipped, never wrapped.

    Raises
    ------
    BadSamplesError
        If a sample is NaN or infinite, or the type is not real.
    OptionError
        If the rate is out of range.
    """
    return _encoded(samples, rate_hz, "WAV")


def encode_flac(samples: np.ndarray, rate_hz: int) -> bytes:
    """16-bit FLAC, lossless and about half as large; as `encode_wav`."""
    return _encoded(samples, rate_hz, "FLAC")


def _encoded(samples: np.ndarray, rate_hz: int, form: str) -> bytes:
    samples = np.asarray(samples)
    encoder = Encoder(rate_hz, form, 1 if samples.ndim == 1 else samples.shape[1])
    encoder.write(samples)
    return encoder.content()
