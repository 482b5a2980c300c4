"""What a listener says that recordings are: kept by content, so that a label outlives any renaming or moving.

A line of JSON a label is appended to one file; the last line of a recording counts.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from filelock import FileLock

from acrnn.collection.entries import Entry
from acrnn.data.esc50 import COLUMNS, N_FOLDS
from acrnn.errors import FolderError
from acrnn.labels import ESC10, ESC50
from acrnn.paths import make_writable
from acrnn.untrusted import parse_json, require_fields

FILE = "labels.jsonl"
MAX_BYTES = 256 * 2**20
"""Of a file of labels: about a million of them."""


@dataclass(frozen=True)
class Label:
    """A listener's word on a recording.

    Attributes
    ----------
    sha256 : str
        Of the file.
    name : str
        What the file was called.
    label : str or None
        The class; None takes an earlier label back.
    predicted : str or None
        What the network had said.
    checkpoint : str
        Which network.
    at : str
        Date and time, ISO 8601, UTC.
    """

    sha256: str
    name: str
    label: str | None
    predicted: str | None
    checkpoint: str
    at: str = ""


class LabelStore:
    """The labels in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first label is added.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> dict[str, str]:
        """Give the class of each recording that has a label, by SHA-256; a damaged line is passed over.

        Raises
        ------
        FolderError
            If the file cannot be read.
        """
        try:
            if not self._path.exists():
                return {}
            if self._path.stat().st_size > MAX_BYTES:
                raise FolderError(f"{self._path} has more than {MAX_BYTES / 2**20:.0f} MB; labels take less.")
            lines = self._path.read_bytes().split(b"\n")
        except OSError as error:
            raise FolderError(f"{self._path} cannot be read ({error.strerror or error}).") from error
        labels: dict[str, str] = {}
        for label in filter(None, map(_parsed, lines)):
            if label.label is None:
                labels.pop(label.sha256, None)
            else:
                labels[label.sha256] = label.label
        return labels

    def add(self, labels: Iterable[Label]) -> None:
        """Append labels, dated now.

        Raises
        ------
        FolderError
            If they cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        content = "".join(json.dumps(asdict(label) | {"at": at}) + "\n" for label in labels).encode()
        make_writable(self._path.parent, "ACRNN_LABELS")
        try:
            with FileLock(f"{self._path}.lock", timeout=10), self._path.open("ab+") as file:
                if file.tell() and not _ends_with_newline(file):
                    content = b"\n" + content  # an append that was cut short spoils no other
                file.write(content)
        except OSError as error:
            raise FolderError(f"{self._path} cannot be written ({error.strerror or error}).") from error


def _ends_with_newline(file) -> bool:
    file.seek(-1, 2)
    return file.read(1) == b"\n"


def _parsed(line: bytes) -> Label | None:
    try:
        values = parse_json(line)
        require_fields(Label, values)
    except ValueError:
        return None
    return Label(**values)


def esc50_table(entries: Iterable[Entry], labels: dict[str, str]) -> pd.DataFrame:
    """Lay out the recordings whose class is known as `meta/esc50.csv` does, ready to train on.

    A listener's label stands before the dataset's own. A recording without a fold gets one by its content, so that it
    stays there when others are added.

    Parameters
    ----------
    entries : iterable of Entry
    labels : dict
        Key → class.
    """
    known = [(entry, labels.get(entry.key) or entry.sound.truth) for entry in entries if entry.error is None]
    known = [(entry, label) for entry, label in known if label is not None]
    targets = {label: i for i, label in enumerate((*ESC50, *sorted({label for _, label in known} - set(ESC50))))}
    rows = [
        (
            entry.sound.name,
            entry.sound.fold or 1 + int(hashlib.sha256(entry.key.encode()).hexdigest(), 16) % N_FOLDS,
            targets[label],
            label,
            label in ESC10,
            entry.sound.source or entry.key[:12],
            "A",
        )
        for entry, label in known
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
