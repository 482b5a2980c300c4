"""One recording of a collection: where it is, and what a network says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from acrnn.audio import Limits
from acrnn.data import sha256_of
from acrnn.errors import AcrnnError
from acrnn.figures.thumbnail import thumbnail
from acrnn.inference import Prediction, Predictor

N_LIKELY = 5
"""Of an entry's most probable classes."""


@dataclass(frozen=True)
class Sound:
    """A recording that has not been listened to.

    Attributes
    ----------
    name : str
        What it is called; of a file in a folder, its path from there.
    path : Path or None
        Where it is, or `content` has it.
    content : bytes or None
    truth : str or None
        Its class, where a dataset says so.
    fold : int or None
        Its fold in that dataset.
    source : str or None
        The recording it was cut from, as the dataset has it.
    dataset : str or None
        The dataset's name.
    """

    name: str
    path: Path | None = None
    content: bytes | None = None
    truth: str | None = None
    fold: int | None = None
    source: str | None = None
    dataset: str | None = None

    def read(self) -> bytes:
        """Give the file's bytes; raises OSError if it cannot be read."""
        return self.content if self.path is None else self.path.read_bytes()

    @property
    def identity(self) -> tuple:
        """Tell one state of the recording from another without reading it."""
        if self.path is None:
            return self.name, sha256_of(self.content)
        try:
            status = self.path.stat()
        except OSError:
            return str(self.path), None
        return str(self.path), status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class Entry:
    """What a network says of a recording.

    Attributes
    ----------
    sound : Sound
    key : str
        SHA-256 (hex) of the file; of one that cannot be read, of its name.
    likely : tuple of (str, float)
        The most probable classes and their probabilities, calibrated where the checkpoint can; empty with an error.
    strangeness : float or None
        Share of known clips that are less strange, 0 to 1; None for a checkpoint that cannot tell.
    known : bool or None
    unsure : bool or None
        Whether it is taken for a class that is more likely wrong than right; None for a checkpoint that cannot tell.
    duration_s : float or None
    level_db : float or None
        The loudest point of its spectrogram.
    features : ndarray (feature,), float32, or None
        What the output layer was given, the mean over segments.
    thumbnail : bytes
        A WebP picture; empty with an error.
    error : str or None
        Why there is nothing to say.
    """

    sound: Sound
    key: str
    likely: tuple[tuple[str, float], ...] = ()
    strangeness: float | None = None
    known: bool | None = None
    unsure: bool | None = None
    duration_s: float | None = None
    level_db: float | None = None
    features: np.ndarray | None = None
    thumbnail: bytes = b""
    error: str | None = None


class Listener:
    """A loaded network that turns recordings into entries, and never raises for what is wrong with one.

    Parameters
    ----------
    predictor : Predictor
    limits : Limits
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self._predictor, self._limits = predictor, limits

    def __call__(self, sound: Sound) -> Entry:
        """Listen to one recording; an error becomes its entry."""
        key = sha256_of(sound.name.encode(errors="surrogateescape"))
        try:
            content = sound.read()
            key = sha256_of(content)
            return _entry(sound, key, self._predictor(content, name=sound.name, limits=self._limits))
        except AcrnnError as error:
            return Entry(sound, key, error=str(error))
        except OSError as error:
            return Entry(sound, key, error=f"{sound.name} cannot be read ({error.strerror or error}).")


def _entry(sound: Sound, key: str, prediction: Prediction) -> Entry:
    return Entry(
        sound=sound,
        key=key,
        likely=tuple(prediction.top(N_LIKELY, calibrated=True)),
        strangeness=prediction.strangeness,
        known=prediction.known,
        unsure=prediction.unsure and prediction.known,
        duration_s=prediction.duration_s,
        level_db=prediction.level_db,
        features=prediction.features,
        thumbnail=thumbnail(prediction),
    )


def table_of(entries: Sequence[Entry], labels: dict[str, str], classes: Sequence[str]) -> pd.DataFrame:
    """Lay entries out as a table, a row each, in their order.

    Parameters
    ----------
    labels : dict
        Key → the class that a listener gave it.
    classes : sequence of str
        The network's.

    Returns
    -------
    DataFrame
        Columns key, file, predicted, confidence (0 to 1), second, known, unsure, strangeness (0 to 1), label, true
        class, right, fold, seconds, level (dB), error. `right` compares with the listener's label, else with the true
        class; it is missing where that is not known, or no class of the network's.
    """
    rows = [_row(entry, labels.get(entry.key), classes) for entry in entries]
    table = pd.DataFrame(rows, columns=list(_TYPES))
    return table.astype({name: kind for name, kind in _TYPES.items() if kind is not None})


_TYPES = {
    "key": None, "file": None, "predicted": None, "confidence": float, "second": None, "known": "boolean",
    "unsure": "boolean", "strangeness": float, "label": None, "true class": None, "right": "boolean", "fold": "Int64",
    "seconds": float, "level (dB)": float, "error": None,
}  # fmt: skip


def _row(entry: Entry, label: str | None, classes: Sequence[str]) -> tuple:
    sound, likely = entry.sound, entry.likely
    predicted = likely[0][0] if likely else None
    truth = label or sound.truth
    right = None if truth not in classes or predicted is None else predicted == truth
    return (
        entry.key,
        sound.name,
        predicted,
        likely[0][1] if likely else None,
        likely[1][0] if likely else None,
        entry.known,
        entry.unsure,
        entry.strangeness,
        label,
        sound.truth,
        right,
        sound.fold,
        entry.duration_s,
        entry.level_db,
        entry.error,
    )
