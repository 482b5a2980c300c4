"""Ways in which a recording gets worse, each with an amount: the conditions that robustness is measured under.

Deterministic: what is random in a condition (noise, a room) is drawn from the clip's name and the kind, so that it is
the same in any order and any process, and the same noise comes at every level.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from acrnn.audio import noises
from acrnn.audio.activity import sounding_power
from acrnn.audio.codecs import roundtrip
from acrnn.audio.effects import add_noise, gain_db
from acrnn.errors import OptionError

SNRS_DB = (20, 10, 5, 0, -5)
NOISES = {
    "white": "white noise",
    "pink": "pink noise",
    "babble": "babble of eight synthetic voices",
    "background": "a clip of another class of the same fold",
}
"""Kind → what is added."""


@dataclass(frozen=True)
class Kind:
    """What is told of a kind of degradation: its title, the unit of its amounts and the amounts that are measured."""

    title: str
    unit: str
    amounts: tuple[float, ...]


KINDS: dict[str, Kind] = {name: Kind(title, "dB", SNRS_DB) for name, title in NOISES.items()} | {
    "mp3": Kind("MP3", "kbit/s", (64, 32, 16)),
    "opus": Kind("Opus", "kbit/s", (32, 16, 8)),
    "low-pass": Kind("low-pass filter", "Hz", (4000, 2000, 1000)),
    "clipping": Kind("peaks clipped", "dB", (6, 12, 24)),
    "gain": Kind("gain", "dB", (20, -20, -40)),
    "reverberation": Kind("reverberation, RT60", "s", (0.3, 0.8, 1.6)),
}


@dataclass(frozen=True)
class Degradation:
    """A kind of degradation and its amount.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    amount : float
        Noise: signal-to-noise ratio in dB, the clip's power over the blocks that sound (`activity.sounding_power`), the
        noise's over its whole length. MP3, Opus: kbit/s. Low-pass: cut-off in Hz. Clipping: dB from the clip's peak
        down to where samples are cut off. Gain: dB. Reverberation: RT60 in seconds.
    """

    kind: str
    amount: float

    @property
    def key(self) -> str:
        """As files and options name it: `white=10`."""
        return f"{self.kind}={self.amount:g}"

    @property
    def title(self) -> str:
        """For people: `white noise, 10 dB`."""
        kind = KINDS[self.kind]
        return f"{kind.title}, {self.amount:g} {kind.unit}".replace("-", "−" if self.amount < 0 else "-")

    def apply(self, samples: np.ndarray, rate_hz: int, name: str, background: np.ndarray | None = None) -> np.ndarray:
        """Degrade a clip.

        Parameters
        ----------
        samples : (n_samples,)
        rate_hz : int
        name : str
            The clip's name without extension: what is random is drawn from it.
        background : (n_noise,), optional
            What is added under the kind `background`; needed there alone.

        Returns
        -------
        float32 (n_samples,)
            Not clipped to [-1, 1], which only a file would do.

        Raises
        ------
        BadSamplesError
            If the clip is silent and a noise is asked for.
        OptionError
            If the kind is unknown or needs a background.
        """
        if self.kind in NOISES:
            noise = background if self.kind == "background" else _noise(self.kind, name, len(samples), rate_hz)
            if noise is None:
                raise OptionError("The degradation 'background' needs a clip to add; none was given.")
            return add_noise(samples, noise, self.amount, power=sounding_power(samples, rate_hz))
        if self.kind in ("mp3", "opus"):
            return roundtrip(samples, rate_hz, self.kind, int(self.amount))
        if self.kind == "low-pass":
            return low_pass(samples, rate_hz, self.amount)
        if self.kind == "clipping":
            return clip_peaks(samples, self.amount)
        if self.kind == "gain":
            return gain_db(samples, self.amount)
        if self.kind == "reverberation":
            return reverberate(samples, impulse_response(rng_of(self.kind, name), rate_hz, self.amount))
        raise OptionError(f"Degradation {self.kind!r} is not known; {', '.join(KINDS)} are accepted.")


CONDITIONS: tuple[Degradation, ...] = tuple(Degradation(name, a) for name, kind in KINDS.items() for a in kind.amounts)
"""Everything that is measured, in the order of tables."""


def parse_conditions(text: str) -> tuple[Degradation, ...]:
    """`white,mp3=32` → conditions: a kind alone stands for all its amounts; empty for all there are.

    Raises
    ------
    OptionError
        If a kind is unknown or an amount is no number.
    """
    found = []
    for item in (part.strip() for part in text.split(",") if part.strip()):
        kind, _, amount = item.partition("=")
        if kind not in KINDS:
            raise OptionError(f"Degradation {kind!r} is not known; {', '.join(KINDS)} are accepted.")
        try:
            found += [Degradation(kind, float(amount))] if amount else [c for c in CONDITIONS if c.kind == kind]
        except ValueError:
            raise OptionError(f"{item!r} has no number after '='; such as {CONDITIONS[0].key} is accepted.") from None
    return tuple(dict.fromkeys(found)) or CONDITIONS


def rng_of(*names: str) -> np.random.Generator:
    """Make a generator that depends on names alone: the same on every machine, in every order."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:16], "big"))


def low_pass(samples: np.ndarray, rate_hz: int, cutoff_hz: float) -> np.ndarray:
    """Take away what is above `cutoff_hz`, 6 dB down there: float32 (n_samples,), nothing delayed.

    A Butterworth filter of order 8 run forwards and backwards: 96 dB an octave.

    Raises
    ------
    OptionError
        If `cutoff_hz` is not between 0 and the Nyquist frequency.
    """
    from scipy.signal import butter, sosfiltfilt  # not where this package is imported for training

    if not 0 < cutoff_hz < rate_hz / 2:
        raise OptionError(f"A cut-off of {cutoff_hz:g} Hz is asked for; below {rate_hz / 2:g} Hz is accepted.")
    return sosfiltfilt(butter(8, cutoff_hz, fs=rate_hz, output="sos"), samples).astype(np.float32)


def clip_peaks(samples: np.ndarray, below_peak_db: float) -> np.ndarray:
    """Cut samples off at a level `below_peak_db` under the clip's peak, as an overdriven input does: float32."""
    limit = np.abs(samples).max() * 10.0 ** (-below_peak_db / 20.0)
    return np.clip(samples, -limit, limit).astype(np.float32)


def impulse_response(rng: np.random.Generator, rate_hz: int, rt60_s: float) -> np.ndarray:
    """Synthetic room: a direct path of 1, then Gaussian noise that decays by 60 dB in `rt60_s`, of energy 1 together.

    float64 (n,), up to where the tail is 60 dB down.
    """
    t_s = np.arange(1, round(rt60_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(len(t_s)) * 10.0 ** (-3.0 * t_s / rt60_s)
    return np.concatenate([[1.0], tail / np.sqrt(np.sum(tail**2))])


def reverberate(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Put a clip into a room, what rings on after its end cut off and its power kept: float32 (n_samples,)."""
    from scipy.signal import oaconvolve  # not where this package is imported for training

    wet = oaconvolve(np.asarray(samples, np.float64), response)[: len(samples)]
    power, wet_power = np.mean(np.square(samples, dtype=np.float64)), np.mean(wet**2)
    return (wet * np.sqrt(power / wet_power) if wet_power > 0 else wet).astype(np.float32)


@lru_cache(maxsize=len(NOISES))  # a clip's noise serves all its levels
def _noise(kind: str, name: str, n_samples: int, rate_hz: int) -> np.ndarray:
    rng = rng_of(kind, name)
    if kind == "white":
        return noises.white(rng, n_samples)
    return {"pink": noises.pink, "babble": noises.babble}[kind](rng, n_samples, rate_hz)
