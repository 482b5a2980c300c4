"""Where recordings are and results go: a local disk, or an object store that is named by a URI."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import fsspec
from pyarrow import ArrowInvalid, fs

from acrnn.data import atomic_path
from acrnn.errors import FolderError, OptionError, StoreError
from acrnn.scan.find import is_recording
from acrnn.scan.journal import Stamp

_NATIVE = ("file", "s3", "gs", "gcs")
"""Schemes that pyarrow reads by itself; any other is fsspec's."""


def is_uri(text: str) -> bool:
    """Whether this names a place in a store, such as `s3://bucket/folder`, and no path."""
    return "://" in text


@cache
def filesystem_of(uri: str) -> tuple[fs.FileSystem, str]:
    """Give the file system of a URI, and the path in it.

    Raises
    ------
    OptionError
        If its scheme is unknown, or a package that it needs is missing.
    """
    scheme = uri.partition("://")[0]
    try:
        if scheme in _NATIVE:
            return fs.FileSystem.from_uri(uri)
        found, path = fsspec.core.url_to_fs(uri)
    except ImportError as error:
        raise OptionError(f"{uri} cannot be opened: {error}.") from error
    except (ValueError, ArrowInvalid, OSError) as error:
        raise OptionError(f"{uri} cannot be opened ({_first_line(error)}); s3:// and gs:// are accepted.") from error
    return fs.PyFileSystem(fs.FSSpecHandler(found)), path


@dataclass(frozen=True)
class StoredFile:
    """A recording in a store; call it to open it, on any machine.

    Attributes
    ----------
    root : str
        The URI by which its store is opened.
    path : str
        In that store.
    name : str
        For messages.
    """

    root: str
    path: str
    name: str

    @contextmanager
    def __call__(self) -> Iterator[BinaryIO]:
        """Open it for reading, once and in order; StoreError if the store does not give it."""
        try:
            stream = filesystem_of(self.root)[0].open_input_stream(self.path)
        except (OSError, ArrowInvalid) as error:
            raise StoreError(f"{self.name} cannot be opened ({_first_line(error)}).") from error
        with stream:
            yield _Telling(stream, self.name)


class _Telling:
    """A stream whose failures are those of its store, not of the recording."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self.name = stream, name

    def read(self, n_bytes: int = -1) -> bytes:
        """Read as files do."""
        try:
            return self._stream.read(None if n_bytes < 0 else n_bytes)
        except (OSError, ArrowInvalid) as error:
            raise StoreError(f"{self.name} cannot be read on ({_first_line(error)}).") from error


def list_store(uri: str) -> list[tuple[StoredFile, Stamp]]:
    """List the recordings below a URI, sorted, each with its size in bytes and time of change in nanoseconds.

    As in folders, the suffix counts, and what is hidden is left out. A URI that is a file is taken whatever its name.

    Raises
    ------
    FolderError
        If there is nothing, or it cannot be listed.
    OptionError
        As `filesystem_of`.
    """
    filesystem, path = filesystem_of(uri)
    scheme = uri.partition("://")[0]
    try:
        here = filesystem.get_file_info(path)
        if here.type == fs.FileType.NotFound:
            raise FolderError(f"There is nothing at {uri}.")
        every = [here] if here.is_file else filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    except (OSError, ArrowInvalid) as error:
        raise FolderError(f"{uri} cannot be listed ({_first_line(error)}).") from error
    top = "" if here.is_file else path
    found = [info for info in every if info.is_file and (here.is_file or _is_shown(info.path.removeprefix(top)))]
    return [
        (StoredFile(uri, info.path, f"{scheme}://{info.path}"), (info.size, info.mtime_ns or 0))
        for info in sorted(found, key=lambda info: info.path)
    ]


def _is_shown(path: str) -> bool:
    *folders, name = path.strip("/").split("/")
    return is_recording(name) and not any(folder.startswith(".") for folder in folders)


@dataclass(frozen=True)
class Folder:
    """A folder for results, on a disk that all machines share or in a store: a path, or a URI."""

    where: str

    @property
    def _place(self) -> tuple[fs.FileSystem, str]:
        if is_uri(self.where):
            return filesystem_of(self.where)
        return fs.LocalFileSystem(), str(Path(self.where).absolute())

    def names(self) -> set[str]:
        """List the files in it; none if it is not there.

        Raises
        ------
        FolderError
            If it cannot be listed, or is a file.
        """
        filesystem, path = self._place
        try:
            return {info.base_name for info in filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))}
        except (OSError, ArrowInvalid) as error:
            raise FolderError(f"{self.where} is no folder that can be listed ({_first_line(error)}).") from error

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """Let `write` make a file; it is there as a whole, or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        filesystem, path = self._place
        if isinstance(filesystem, fs.LocalFileSystem):
            with atomic_path(Path(path, name)) as part:
                write(part)
            return
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, name)
            write(part)
            fs.copy_files(str(part), f"{path}/{name}", fs.LocalFileSystem(), filesystem)  # there when it is complete

    def read(self, name: str) -> bytes:
        """Read a small file in it."""
        filesystem, path = self._place
        with filesystem.open_input_stream(f"{path}/{name}") as stream:
            return stream.read()

    def open(self, name: str) -> BinaryIO:
        """Open a file in it, to seek in."""
        filesystem, path = self._place
        return filesystem.open_input_file(f"{path}/{name}")

    def remove(self, name: str) -> None:
        """Remove a file in it."""
        filesystem, path = self._place
        filesystem.delete_file(f"{path}/{name}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
