"""Recordings, as they are named → parts of a table, each of which is done by one process and written as one file."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acrnn.cluster.store import is_uri, list_store
from acrnn.data import sha256_of
from acrnn.errors import FolderError, OptionError
from acrnn.scan.find import STDIN, find_files
from acrnn.scan.journal import Stamp, stamp_of
from acrnn.scan.work import Source

FILES_A_PART = 500
BYTES_A_PART = 2 * 2**30
"""Of recordings; a part ends at the file that passes it."""


@dataclass(frozen=True)
class Item:
    """A recording: its name in the rows, how any machine opens it, and what tells its contents apart."""

    name: str
    source: Source
    stamp: Stamp | None


@dataclass(frozen=True)
class Part:
    """Recordings that stand in one file of the table; its name follows from them and from the scan's settings."""

    index: int
    items: tuple[Item, ...]
    digest: str

    @property
    def name(self) -> str:
        """In the order of the parts, such as `part-000003-0123456789abcdef.parquet`."""
        return f"part-{self.index:06d}-{self.digest}.parquet"


def list_items(paths: Iterable[str], on_error: Callable[[FolderError], object]) -> list[Item]:
    """List recordings in the order in which a scan of one machine lists them, each once.

    Parameters
    ----------
    paths : iterable of str
        Files, folders, and URIs of either.
    on_error : callable
        Told of each folder that cannot be read; the others are still listed.

    Raises
    ------
    OptionError
        If standard input is among them, or a URI's scheme is unknown.
    """
    found: dict[str, Item] = {}
    for path in paths:
        if path == STDIN:
            raise OptionError("--ray reads no standard input; files, folders and URIs are accepted.")
        try:
            for item in _in_store(path) if is_uri(path) else _on_disk(path, on_error):
                found.setdefault(item.name, item)
        except FolderError as error:
            on_error(error)
    return list(found.values())


def _in_store(uri: str) -> Iterator[Item]:
    yield from (Item(file.name, file, stamp) for file, stamp in list_store(uri))


def _on_disk(path: str, on_error: Callable[[FolderError], object]) -> Iterator[Item]:
    for file in find_files([Path(path)], on_error):
        yield Item(str(file), file.absolute(), stamp_of(file))


def cut(items: list[Item], settings: dict[str, Any], n_files: int = FILES_A_PART) -> list[Part]:
    """Cut recordings into parts of at most `n_files`, in order."""
    groups: list[list[Item]] = []
    n_bytes = 0
    for item in items:
        if not groups or len(groups[-1]) == n_files or n_bytes > BYTES_A_PART:
            groups.append([])
            n_bytes = 0
        groups[-1].append(item)
        n_bytes += 0 if item.stamp is None else item.stamp[0]
    return [Part(index, tuple(group), _digest(group, settings)) for index, group in enumerate(groups)]


def _digest(items: list[Item], settings: dict[str, Any]) -> str:
    told = json.dumps([settings, [[item.name, item.stamp] for item in items]], sort_keys=True)
    return sha256_of(told.encode())[:16]
