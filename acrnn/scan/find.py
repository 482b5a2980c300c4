"""Files and folders, as they are named → the recordings to scan, in order."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from acrnn.audio.containers import SUFFIXES
from acrnn.errors import FolderError

STDIN = "-"
"""Stands for standard input."""


def find_files(paths: Iterable[Path], on_error: Callable[[FolderError], object]) -> list[Path]:
    """List the recordings, each path once.

    A folder gives the files in it and in its folders, sorted, whose suffix is one of `SUFFIXES`; hidden ones are left
    out, and so are pipes; a folder that links lead to again is entered once. All else is taken as it is, whatever its
    name.

    Parameters
    ----------
    paths : iterable of Path
        `-` stands for standard input.
    on_error : callable
        Told of each folder that cannot be read; the others are still listed.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if str(path) != STDIN and path.is_dir():
            found.update(dict.fromkeys(_in_folder(path, on_error)))
        else:
            found[path] = None
    return list(found)


def _in_folder(folder: Path, on_error: Callable[[FolderError], object]) -> Iterator[Path]:
    entered: set[tuple[int, int]] = set()

    def tell(error: OSError) -> None:
        on_error(FolderError(f"{error.filename} cannot be read ({error.strerror}); its recordings are left out."))

    for root, folders, files in os.walk(folder, onerror=tell, followlinks=True):
        status = os.stat(root)  # noqa: PTH116 - of a folder that was just listed
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(root, name) for name in sorted(files) if is_recording(name))
        yield from (path for path in paths if not _is_waited_for(path))


def is_recording(name: str) -> bool:
    """Whether a file's name is that of a recording, and not hidden."""
    return not name.startswith(".") and name.rpartition(".")[2].lower() in SUFFIXES


def _is_waited_for(path: Path) -> bool:
    """Whether reading would wait for somebody to write."""
    try:
        mode = path.stat().st_mode
    except OSError:  # which is told when it is read
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
