"""Download of ESC-50 or its ESC-10 subset: fetched, tested, unpacked aside and moved into place when whole."""

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from acrnn.data._archive import unpack
from acrnn.data._fetch import Progress, discard, fetch
from acrnn.data.cache import atomic_write_bytes, sha256_of
from acrnn.data.esc50 import CSV
from acrnn.data.release import check
from acrnn.errors import DatasetError, DownloadError, OptionError
from acrnn.labels import CLASSES

ARCHIVE_URL = "https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip"
"""The official release, about 600 MB. ESC-10 is cut from it: its own old repository has another layout."""


def download(name: str, to: Path | str, *, url: str | None = None, on_progress: Progress | None = None) -> Path:
    """Have the dataset `name` complete in `to/name`; a complete one is left as it is.

    An interrupted download goes on where it stopped. Needs about 1.5 GB of disk meanwhile. What came
    from where is noted in `download.json` beside the data.

    Parameters
    ----------
    name : {"esc10", "esc50"}
    to : Path or str
        Data root, made if need be; `acrnn.data.discover(to)` finds the dataset afterwards.
    url : str, optional
        Another copy of the archive `ARCHIVE_URL`.
    on_progress : callable, optional
        Called with bytes fetched and bytes in all (None if the server does not say).

    Returns
    -------
    Path
        The dataset's root, `to/name`.

    Raises
    ------
    DownloadError
        If it cannot be fetched, is not the release, does not fit on the disk, or is being downloaded
        into the same place by another process.
    OptionError
        If `name` is no dataset's.
    """
    if name not in CLASSES:
        raise OptionError(f"Dataset {name!r} is not known; accepted are {', '.join(CLASSES)}.")
    to = Path(to).expanduser()
    root = to / name
    if _is_complete(root, name):
        return root
    with _disk_trouble(to), _alone(name, to):
        if root.exists() and not root.is_dir():
            raise DownloadError(f"{root} is a file, not the folder of {name}; move it or choose another folder.")
        if not _is_complete(root, name):  # another process may have just ended
            _obtain(name, root, url or ARCHIVE_URL, on_progress)
    return root


def _obtain(name: str, root: Path, url: str, on_progress: Progress | None) -> None:
    archive = root.with_name(f"{name}.zip")
    # hidden, so that discover() passes over it; the fixed name lets a later run clear up after a killed one
    aside = root.with_name(f".{name}.unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    fetch(url, archive, on_progress)
    try:
        unpack(archive, name, aside)
        _require_complete(aside, name, url)
    except (DownloadError, OSError) as error:
        if not _is_full(error):  # an archive that is no good must not be met again; a good one is worth keeping
            discard(archive)
        raise
    else:
        _note(aside, name, url, archive)
        _move_into_place(aside, root)
        discard(archive)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _is_complete(root: Path, name: str) -> bool:
    try:
        return check(root, name).ok
    except DatasetError:
        return False


def _require_complete(folder: Path, name: str, url: str) -> None:
    try:
        report = check(folder, name)
    except DatasetError as error:
        raise DownloadError(f"What {url} sent is not the ESC-50 release: {error}") from error
    if not report.ok:
        raise DownloadError(f"What {url} sent is not the whole ESC-50 release: {report}")


def _note(folder: Path, name: str, url: str, archive: Path) -> None:
    note = {
        "name": name,
        "url": url,
        "sha256": sha256_of(archive),
        "bytes": archive.stat().st_size,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    atomic_write_bytes(folder / "download.json", json.dumps(note, indent=2).encode() + b"\n")


def _move_into_place(aside: Path, root: Path) -> None:
    """Make `aside` the dataset `root`; of a partial one there, what `aside` does not have stays."""
    if not root.exists():
        aside.replace(root)
        return
    # the csv last: until it is there, nobody takes the folder for a dataset that has all its audio
    (root / CSV).unlink(missing_ok=True)
    files = sorted((path for path in aside.rglob("*") if path.is_file()), key=lambda path: path.name == CSV.name)
    for path in files:
        target = root / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _alone(name: str, to: Path) -> Iterator[None]:
    to.mkdir(parents=True, exist_ok=True)
    lock = FileLock(to / f".{name}.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise DownloadError(f"Another download of {name} into {to} is running; wait until it has ended.") from None


@contextmanager
def _disk_trouble(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if _is_full(error):
            message = f"The disk of {to} is full; free 1.5 GB and start again, the download goes on where it stopped."
        else:
            message = f"{error.filename or to} cannot be written ({error.strerror or error}); choose another folder."
        raise DownloadError(message) from error
