"""Every file of a dataset, read to its end once: what it is, how loud, and why it cannot be used if so."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from acrnn.audio import open_audio
from acrnn.data.cache import atomic_write_bytes, sha256_of
from acrnn.errors import AudioError, FolderError
from acrnn.paths import cache_dir
from acrnn.untrusted import read_json, require_fields, require_regular

FORMAT = 1
"""Raise it when what is noted of a file changes."""
MAX_RATE_HZ = 44_100
"""Highest rate that a network takes: what is above 22 kHz is not heard."""
MARGIN_DB = 3.0
"""A clip that is louder than a front end's floor by less may be silent to another front end, and does not count."""
MAX_BYTES = 2**28
_KEEP_EVERY = 200


@dataclass(frozen=True)
class Facts:
    """What one file is.

    Attributes
    ----------
    n_bytes, mtime_ns : int
        By which it is known again without being read.
    sha256 : str
        Of its content; "" if it cannot be read at all.
    problem : str
        Why it cannot be used, as a sentence; "" if it can.
    rate_hz, n_channels : int
    format : str
        Container and coding.
    duration_s : float
    rms_db, peak_db : float
        Of the mixed channels, relative to full scale; −200 for digital silence.
    silent : bool
        Whether no band is above the front end's floor.
    """

    n_bytes: int
    mtime_ns: int
    sha256: str = ""
    problem: str = ""
    rate_hz: int = 0
    n_channels: int = 0
    format: str = ""
    duration_s: float = 0.0
    rms_db: float = -200.0
    peak_db: float = -200.0
    silent: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it can be read to its end and has sound."""
        return not self.problem and not self.silent


def survey(
    root: Path, files: Iterable[tuple[Path, str]], on_file: Callable[[int, int], None] | None = None
) -> dict[Path, Facts]:
    """Read files to their ends, but for those that were read before and have not changed since.

    Parameters
    ----------
    root : Path
        Of the dataset, by which what was found is kept in the cache.
    files : iterable of (Path, str)
        Each with its name for messages.
    on_file : callable, optional
        Told (files done, files in all).
    """
    kept_at = _place(root)
    known, found = _kept(kept_at), {}
    wanted = list(dict(files).items())
    n_new = 0
    try:
        for done, (path, name) in enumerate(wanted, start=1):
            facts = known.get(name)
            if facts is None or (facts.n_bytes, facts.mtime_ns) != _stamp(path):
                facts = _read(path, name)
                n_new += 1
            found[path] = known[name] = facts
            if n_new % _KEEP_EVERY == _KEEP_EVERY - 1:
                _keep(kept_at, known)
                n_new += 1
            if on_file is not None:
                on_file(done, len(wanted))
    finally:
        if n_new:
            _keep(kept_at, known)
    return found


def is_silent(samples: np.ndarray, rate_hz: int) -> bool:
    """Whether mono samples (n_samples,) have no band above the front end's floor, or hardly."""
    return _loudest_band_db(iter([samples]), rate_hz) <= _floor_db(rate_hz) + MARGIN_DB


def _read(path: Path, name: str) -> Facts:
    stamp = _stamp(path)
    try:
        require_regular(path)
        digest = sha256_of(path)
    except (OSError, ValueError) as error:
        return Facts(*stamp, problem=f"{name} cannot be read ({getattr(error, 'strerror', None) or error}).")
    try:
        return _heard(path, name, stamp, digest)
    except AudioError as error:
        return Facts(*stamp, digest, str(error))


def _heard(path: Path, name: str, stamp: tuple[int, int], digest: str) -> Facts:
    with open_audio(path, name=name) as file:
        rate_hz = min(file.rate_hz, MAX_RATE_HZ)
        meter = _Meter()
        loudest_db = _loudest_band_db(meter.through(file.blocks(rate_hz)), rate_hz)
        return Facts(
            *stamp, digest, "", file.rate_hz, file.n_channels, file.format, meter.n_samples / rate_hz,
            meter.rms_db, meter.peak_db, loudest_db <= _floor_db(rate_hz) + MARGIN_DB,
        )  # fmt: skip


class _Meter:
    """Level of blocks that pass through it."""

    def __init__(self) -> None:
        self.n_samples, self._power, self._peak = 0, 0.0, 0.0

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.n_samples += len(block)
            self._power += float(np.square(block, dtype=np.float64).sum())
            self._peak = max(self._peak, float(np.abs(block).max(initial=0)))
            yield block

    @property
    def rms_db(self) -> float:
        return _decibels(self._power / max(self.n_samples, 1)) / 2

    @property
    def peak_db(self) -> float:
        return _decibels(self._peak)


def _decibels(amplitude: float) -> float:
    return round(20 * float(np.log10(max(amplitude, 1e-10))), 2)


def _loudest_band_db(blocks: Iterator[np.ndarray], rate_hz: int) -> float:
    from acrnn.features import FrontEnd, stream_log_spectrogram  # they load torch, which `acrnn.data` does not

    pieces = stream_log_spectrogram(blocks, FrontEnd(rate_hz))
    return max((float(piece.max()) for piece in pieces if piece.numel()), default=-200.0)


def _floor_db(rate_hz: int) -> float:
    from acrnn.features import FrontEnd

    return FrontEnd(rate_hz).floor_db


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _place(root: Path) -> Path:
    return cache_dir() / "survey" / f"{sha256_of(bytes(root.resolve()))[:16]}.json"


def _kept(path: Path) -> dict[str, Facts]:
    """Read what was found before; nothing if it is missing or was written by another version."""
    try:
        values = read_json(path, MAX_BYTES)
        if values.get("format") != FORMAT:
            return {}
        for facts in values["files"].values():
            require_fields(Facts, facts)
        return {name: Facts(**facts) for name, facts in values["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(path: Path, known: dict[str, Facts]) -> None:
    values = {"format": FORMAT, "files": {name: asdict(facts) for name, facts in known.items()}}
    try:
        atomic_write_bytes(path, json.dumps(values).encode())
    except OSError as error:
        raise FolderError(
            f"{path} cannot be written ({error.strerror or error}); ACRNN_CACHE names another folder."
        ) from error
