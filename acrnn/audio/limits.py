"""How much sound is accepted: settings, each with a name in the environment and on the command line."""

import math
import os
from dataclasses import dataclass

from acrnn.errors import OptionError

SECONDS, GIB, MEMORY_GIB = "ACRNN_MAX_SECONDS", "ACRNN_MAX_GIB", "ACRNN_MAX_MEMORY_GIB"
_GIB = 1024**3


@dataclass(frozen=True)
class Limits:
    """What is accepted. A file is streamed, so its length costs time and hardly any memory.

    Attributes
    ----------
    max_duration_s : float
        Of the recording: a day, which only a damaged header or a decompression bomb exceeds.
    max_bytes : int
        Of the file, or of the size that its header announces.
    max_memory_bytes : int
        Of the waveform where it is kept whole (`decode`, `from_array`): 4 GiB are 6.8 hours at 44.1 kHz.
    max_values : float
        Of the samples over all channels, which is what decoding costs: a small file may hold many channels at a high
        rate.
    raised_by : str
        What raises the duration and the samples, as messages name it.
    """

    max_duration_s: float = 86_400.0
    max_bytes: int = 64 * _GIB
    max_memory_bytes: int = 4 * _GIB
    max_values: float = math.inf
    raised_by: str = f"--max-seconds, {SECONDS} or Limits(max_duration_s=…)"

    @classmethod
    def of_environment(cls) -> "Limits":
        """Read the defaults, or what ACRNN_MAX_SECONDS, ACRNN_MAX_GIB and ACRNN_MAX_MEMORY_GIB set instead.

        Raises
        ------
        OptionError
            If one of them is no positive number.
        """
        return cls(
            positive(SECONDS, cls.max_duration_s),
            int(positive(GIB, cls.max_bytes / _GIB) * _GIB),
            int(positive(MEMORY_GIB, cls.max_memory_bytes / _GIB) * _GIB),
        )


def positive(variable: str, default: float) -> float:
    """Read a positive number from the environment; raises OptionError if something else stands there."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e12:
        raise OptionError(f"{variable} is {text!r}; a positive number is accepted.")
    return value
