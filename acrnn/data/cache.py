"""How a file is written so that no reader ever sees half of it, and the hash by which files are known.

Where derived files go is `acrnn.paths.cache_dir`.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it becomes `path` when the block ends well.

    Parameters
    ----------
    path : Path or str
        The file to create or replace; its folder is made if need be. The temporary path has its
        suffix, as some writers choose or append one.

    Raises
    ------
    OSError
        If the file cannot be written, or is a device or a pipe; `path` is then as it was, and nothing is left behind.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():  # root would replace /dev/null by a file
        raise OSError(errno.EINVAL, "It is a device or a pipe, and an ordinary file is needed", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` as a whole or not at all; raises OSError as `atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def sha256_of(source: Path | str | bytes) -> str:
    """SHA-256, as 64 hex digits, of bytes or of the file at a path; raises OSError for an unreadable file."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with Path(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
