"""A zip archive of ESC-50 from a stranger: tested as a whole, then unpacked without leaving its folder."""

import csv
import errno
import io
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from acrnn.data.esc50 import CSV
from acrnn.errors import DownloadError

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 64 << 20
MAX_TOTAL_BYTES = 4 << 30

_TABLE = CSV.as_posix()
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression or a version that zipfile does not know
    RuntimeError,  # encrypted
    ValueError,  # impossible offsets, names in no encoding
    csv.Error,
)


def unpack(archive: Path, name: str, folder: Path) -> None:
    """Unpack the dataset `name` ("esc50", or "esc10" as its subset) from `archive` into `folder`.

    Taken are `*/meta/esc50.csv`, `*/audio/*`, `*/LICENSE` and `*/README.md`, without the leading folder.
    For `esc10` the csv is cut down to that subset, as is the audio.

    Raises
    ------
    DownloadError
        If the archive is cut or damaged, names a path outside its folder or a link, is larger than any
        ESC-50, or holds no such csv.
    OSError
        If the disk refuses.
    """
    with _readable(archive), zipfile.ZipFile(archive) as zipped:
        members = _members(zipped)
        if (damaged := zipped.testzip()) is not None:
            raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        if _TABLE not in members:
            raise DownloadError(f"{archive.name} holds no {_TABLE}, so it is not ESC-50; check the address.")
        if name == "esc10":
            table, stems = _subset(zipped.read(members[_TABLE]))
            members = {path: info for path, info in members.items() if _belongs(path, stems)}
        for path, info in members.items():
            _copy(zipped, info, folder / path)
        if name == "esc10":
            (folder / CSV).write_bytes(table)


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGED, OSError) as error:
        # EINVAL: an offset before the start of the file, or a name that the platform has no files of
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise DownloadError(
            f"{archive.name} arrived damaged or cut short ({error}); start the download again."
        ) from error


def _members(zipped: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Path inside the dataset's folder → the wanted member that goes there, after every member was found safe."""
    infos = zipped.infolist()
    if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise DownloadError(f"The archive is larger than any ESC-50 ({len(infos)} members); check the address.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _require_safe(info)
        inner = PurePosixPath(*PurePosixPath(info.filename).parts[1:]).as_posix()
        if info.is_dir() or not _is_wanted(inner):
            continue
        if inner in members:
            raise DownloadError(f"The archive holds {inner} twice, so it is not the ESC-50 release; check the address.")
        members[inner] = info
    return members


def _require_safe(info: zipfile.ZipInfo) -> None:
    path, mode = info.filename, info.external_attr >> 16
    # a backslash or a colon is a separator or a drive on Windows, and in no name of the release
    if path.startswith("/") or ".." in PurePosixPath(path).parts or set(path) & set("\\:"):
        raise DownloadError(f"The archive holds {path!r}, a path out of its folder; nothing was unpacked.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DownloadError(f"The archive holds {path!r}, a link or a special file; nothing was unpacked.")
    if info.file_size > MAX_MEMBER_BYTES:
        raise DownloadError(f"The archive holds {path!r} of {info.file_size >> 20} MB; no clip of ESC-50 is so large.")


def _is_wanted(inner: str) -> bool:
    return inner in (_TABLE, "LICENSE", "README.md") or PurePosixPath(inner).parent == PurePosixPath("audio")


def _subset(table: bytes) -> tuple[bytes, set[str]]:
    """Give the rows of `table` with esc10 true, as csv, and the stems they name."""
    reader = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    rows = [row for row in reader if str(row.get("esc10")).lower() == "true"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, reader.fieldnames or (), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(), {PurePosixPath(str(row.get("filename"))).stem for row in rows}


def _belongs(path: str, stems: set[str]) -> bool:
    return not path.startswith("audio/") or PurePosixPath(path).stem in stems


def _copy(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipped.open(info) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
        n_bytes = file.tell()
    if n_bytes != info.file_size:
        raise zipfile.BadZipFile(f"{info.filename} has {n_bytes} bytes, {info.file_size} are declared")
