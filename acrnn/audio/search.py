"""Bytes that are looked for in a file of any size."""

import re
from typing import BinaryIO

_BLOCK_BYTES = 2**20
_LONGEST_BYTES = 64


def find_bytes(handle: BinaryIO, start_bytes: int, pattern: bytes) -> int | None:
    """Find where a pattern is met first from a place on; None if nowhere.

    Parameters
    ----------
    pattern : bytes
        A regular expression for at most 64 bytes.
    """
    handle.seek(start_bytes)
    at, kept = start_bytes, b""
    while block := handle.read(_BLOCK_BYTES):
        if (found := re.search(pattern, kept + block, re.DOTALL)) is not None:
            return at - len(kept) + found.start()
        at += len(block)
        kept = (kept + block)[-_LONGEST_BYTES:]
    return None
