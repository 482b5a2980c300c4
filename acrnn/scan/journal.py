"""What is done of a scan, a line of JSON a file, beside its output: a scan that was killed goes on from it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from acrnn.errors import FolderError, OptionError, RunError
from acrnn.scan.rows import Row
from acrnn.scan.work import Result

_SYNCED_EVERY_S = 2.0
_SCHEMA = 1

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


def stamp_of(path: Path) -> Stamp | None:
    """Tell one content of a file from another; None for what is no file, which is never taken as done."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if path.is_file() else None


@dataclass(frozen=True)
class Entry:
    """A file that is done: how it was, where its rows are in the journal, and the kind of its error."""

    stamp: Stamp | None
    start_bytes: int
    error_kind: str | None


class Journal:
    """The lines of one scan.

    Parameters
    ----------
    file : binary file
        Open for reading and appending.
    path : Path
        Its name, for messages.
    settings : dict
        All that the rows depend on beside the files, as plain values.

    Raises
    ------
    OptionError
        If the lines that are there are of other settings.
    """

    def __init__(self, file: BinaryIO, path: Path, settings: dict[str, Any]) -> None:
        self._file, self._path = file, path
        self._synced_s = time.monotonic()
        self._done: dict[str, Entry] = {}
        self._read({"schema": _SCHEMA} | settings)

    def _read(self, settings: dict[str, Any]) -> None:
        first = self._file.readline()
        if not first.endswith(b"\n"):  # none, or cut short
            self._file.truncate(0)
            self._append(settings)
            return
        self._require_same(_parsed(first), settings)
        start = self._file.tell()
        for line in iter(self._file.readline, b""):
            if not line.endswith(b"\n"):
                self._file.truncate(start)  # a kill or a full disk cut it; the file is done again
                break
            values = _parsed(line)
            if values is not None:
                stamp = values["stamp"] and tuple(values["stamp"])
                self._done[values["path"]] = Entry(stamp, start, values["error_kind"])
            start += len(line)

    def _require_same(self, there: dict[str, Any] | None, settings: dict[str, Any]) -> None:
        if there is None or "schema" not in there:
            raise OptionError(f"{self._path} is not the journal of a scan; name another file with --out.")
        other = [name for name in settings if there.get(name) != settings[name]]
        if other:
            name = other[0]
            raise OptionError(
                f"{self._path} was begun with other settings: {name} is {there.get(name)!r} there and "
                f"{settings[name]!r} now. Name another file with --out, or delete it to begin anew."
            )

    def find(self, path: str) -> Entry | None:
        """Give what is kept of a file."""
        return self._done.get(path)

    def rows(self, path: str) -> list[Row]:
        """Read the rows of a file that is done."""
        self._file.seek(self._done[path].start_bytes)
        return json.loads(self._file.readline())["rows"]

    def add(self, result: Result, stamp: Stamp | None) -> None:
        """Keep the rows of a file; a kill of this process loses none, a fall of the machine those of two seconds.

        Raises
        ------
        FolderError
            If the disk is full, say.
        """
        values = {"path": result.path, "stamp": stamp, "error_kind": result.error_kind, "rows": result.rows}
        start = self._append(values)
        self._done[result.path] = Entry(stamp, start, result.error_kind)

    def _append(self, values: dict[str, Any]) -> int:
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(values).encode() + b"\n")
            if time.monotonic() - self._synced_s > _SYNCED_EVERY_S:
                os.fsync(self._file.fileno())
                self._synced_s = time.monotonic()
        except OSError as error:
            raise FolderError(
                f"{self._path} cannot be written ({error.strerror or error}); with room, the same command goes on."
            ) from error
        return start


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Parse a line; None for one that a fall of the machine garbled."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


@contextmanager
def open_journal(path: Path, settings: dict[str, Any]) -> Iterator[Journal]:
    """Open a journal, alone; it is deleted when the block ends well, having served.

    Raises
    ------
    OptionError
        If it is of other settings.
    RunError
        If another process is at it.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"Another process is writing {path}; let it end, or stop it.") from None
    try:
        with path.open("a+b", buffering=0) as file:
            file.seek(0)
            yield Journal(file, path, settings)
        path.unlink()
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)
