"""The settings of a spectrogram, and the filters that they name: the gammatones of §3.1, or the mel bands of §4.2."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from acrnn.audio.librosa_modules import librosa_module
from acrnn.errors import OptionError
from acrnn.features.gammatone_modules import gammatone_module

SEGMENT_FRAMES = 128  # §3.1, with 50% overlap
SEGMENT_HOP = 64

Filters = Literal["gammatone", "mel"]
WINDOW_RATE_HZ: dict[Filters, int] = {"gammatone": 44_100, "mel": 22_050}
"""Rate at which each filter bank's window is 1024 samples; at any other rate it lasts as long."""
_ADDED = ("filters", "segment_frames", "segment_hop")  # to the settings of the first version


@dataclass(frozen=True)
class FrontEnd:
    """The settings of the spectrogram and of its segments. They travel in the checkpoint; audio is resampled to them.

    The defaults are the paper's (§3.1). Its window of 1024 samples at 44.1 kHz is kept as a duration (23.22 ms) at any
    other rate, and so is PiczakCNN's of 1024 at 22.05 kHz (46.44 ms).

    Parameters
    ----------
    rate_hz : int
        Sampling rate of the waveform, at least 4000.
    n_bands : int
        Filters, from `min_hz` to the Nyquist frequency (§3.1: 128).
    min_hz : float
        Centre of the lowest gammatone filter, or lower edge of the lowest mel filter.
    floor_db : float
        Every band below this level reads exactly this level, so that digital silence is a constant.
    filters : {"gammatone", "mel"}
        Gammatone filters equally spaced on the ERB scale after a Hamming window, or triangular ones equally spaced on
        the mel scale after a Hann window, as librosa has them.
    segment_frames, segment_hop : int
        Frames of a segment, and from one segment to the next.

    Raises
    ------
    OptionError
        If a setting is out of range.
    """

    rate_hz: int = 44_100
    n_bands: int = 128
    min_hz: float = 50.0
    floor_db: float = -80.0
    filters: Filters = "gammatone"
    segment_frames: int = SEGMENT_FRAMES
    segment_hop: int = SEGMENT_HOP

    def __post_init__(self) -> None:
        if self.filters not in WINDOW_RATE_HZ:
            raise OptionError(f"filters {self.filters!r} are not one of {', '.join(WINDOW_RATE_HZ)}")
        lowest_hz = 0 if self.filters == "mel" else 1e-9  # the ERB scale begins above 0
        spectrum = self.rate_hz >= 4000 and self.n_bands >= 1 and lowest_hz <= self.min_hz < self.rate_hz / 2
        if not (spectrum and self.floor_db < 0 and 1 <= self.segment_hop <= self.segment_frames):
            raise OptionError(
                f"{self} is no front end: rate_hz is at least 4000, min_hz between 0 and half of it, n_bands at least "
                "1, floor_db below 0 and segment_hop from 1 to segment_frames"
            )

    @property
    def hop_samples(self) -> int:
        """Samples from frame to frame: half a window (§3.1: 50% overlap)."""
        return round(self.rate_hz * 512 / WINDOW_RATE_HZ[self.filters])

    @property
    def window_samples(self) -> int:
        """Samples of the window, and of the Fourier transform: 1024 gammatone at 44.1 kHz, mel at 22.05 kHz."""
        return 2 * self.hop_samples

    @property
    def hop_s(self) -> float:
        """Seconds from frame to frame: 0.01161 gammatone at 44.1 kHz, 0.02322 mel at 22.05 kHz."""
        return self.hop_samples / self.rate_hz

    @property
    def centres_hz(self) -> np.ndarray:
        """(band,) centre frequencies of the filters in hertz, ascending."""
        if self.filters == "mel":
            librosa = librosa_module("librosa")  # slow to load, and only these filters need it
            return librosa.mel_frequencies(self.n_bands + 2, fmin=self.min_hz, fmax=self.rate_hz / 2)[1:-1]
        erb_space = gammatone_module("gammatone.filters").erb_space
        return np.ascontiguousarray(erb_space(self.min_hz, self.rate_hz / 2, self.n_bands)[::-1])

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip of `n_samples`: one for every hop begun."""
        return 1 + n_samples // self.hop_samples

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file.

        What the first version did not have is left out where it is at its default, so that the files and caches
        written then keep their meaning.
        """
        values = asdict(self)
        at_default = [name for name in _ADDED if values[name] == getattr(type(self), name)]
        return {name: value for name, value in values.items() if name not in at_default}


def mel_front_end(rate_hz: int) -> FrontEnd:
    """Give PiczakCNN's front end for a dataset at `rate_hz` (§4.2): 60 mel bands, 41 frames a segment, half overlapped.

    It has sound at 22.05 kHz, to which a dataset at more is resampled; one at less is taken at its own rate, its
    windows as long in seconds. Half of 41 frames is no whole number: segments begin every 20, as in Piczak's code.
    """
    rate_hz = min(rate_hz, WINDOW_RATE_HZ["mel"])
    return FrontEnd(rate_hz, n_bands=60, min_hz=0.0, filters="mel", segment_frames=41, segment_hop=20)


def filter_weights(front_end: FrontEnd) -> np.ndarray:
    """(band, bin) weights of the power spectrum's bins, float64; band 0 is the lowest.

    Mel filters are librosa's default, each of unit area, here scaled together so that the highest peak is 1: all
    below 1 kHz have about that, those above less in proportion to their width.
    """
    n = front_end.window_samples
    if front_end.filters == "mel":
        bank = librosa_module("librosa.filters").mel(
            sr=front_end.rate_hz, n_fft=n, n_mels=front_end.n_bands, fmin=front_end.min_hz, dtype=np.float64
        )
        return bank / bank.max()
    nyquist_hz = front_end.rate_hz / 2
    bank, _ = gammatone_module("gammatone.fftweight").fft_weights(
        n, front_end.rate_hz, front_end.n_bands, 1, front_end.min_hz, nyquist_hz, n
    )
    return bank[:, : n // 2 + 1]
