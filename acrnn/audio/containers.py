"""What a file's own header says about where its audio ends: the only way to tell a cut file from a short one.

libsndfile shortens a cut WAV without a word, so the promise is read here, from the chunk sizes alone, undecoded.

A cut is detectable to the byte in wav, rf64, w64, aiff, caf, au and avi (size of the audio chunk), mp4 and m4a (boxes),
webm and mkv (segment), ogg and opus (a whole last page with the end-of-stream flag) and mp3 with a Xing or Info tag;
flac by its sample count, while decoding. It is not in mp3 without a tag, webm of a live recorder, WAV of a pipe, ac3:
these promise nothing, and what is there is read. Raw aac, ts and wma show a cut only if it falls inside a packet.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_STREAMED_FROM = 0x7F000000
"""A 32-bit size from here on is what recorders write before they know the length (sox, ffmpeg, arecord)."""
_MAX_CHUNKS = 10_000
_OGG_PAGE_BYTES = 65_307
_MP3_TAIL_BYTES = 2**17
_EBML_HEADER, _EBML_SEGMENT = 0x1A45DFA3, 0x18538067


@dataclass(frozen=True)
class Promise:
    """What a container announces.

    Attributes
    ----------
    kind : str
        Container, as a person calls it; empty when the bytes begin like none that is known here.
    end_bytes : int or None
        Where the audio should end, counted from the start of the file; None if that is not said.
    is_open : bool
        The writer left the audio's size blank (a pipe or a recorder that was stopped).
    is_cut : bool
        The container marks its last piece, and the mark is missing.
    """

    kind: str
    end_bytes: int | None = None
    is_open: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start_bytes: int  # of the payload
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        return self.start_bytes + self.size_bytes


def read_promise(handle: BinaryIO, n_bytes: int) -> Promise:
    """Read what the container announces; the handle is left at its start.

    Parameters
    ----------
    handle : binary file, seekable
    n_bytes : int
        Its size.
    """
    handle.seek(0)
    head = handle.read(16)
    try:
        return _read(handle, n_bytes, head)
    except (struct.error, IndexError):  # the file ends inside a header
        return Promise(_kind(head), is_cut=True)
    finally:
        handle.seek(0)


def _kind(head: bytes) -> str:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return {b"WAVE": "WAV", b"AVI ": "AVI"}.get(head[8:12], "")
    if head[:4] == b"FORM":
        return "AIFF" if head[8:12] in (b"AIFF", b"AIFC") else ""
    if head[4:8] == b"ftyp":
        return "MP4"
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] > b"\xe0" and head[1] & 6):  # layer 0 is AAC
        return "MP3"
    magics = {b"fLaC": "FLAC", b"OggS": "Ogg", b"caff": "CAF", b".snd": "AU", b"riff": "W64"}
    magics[_EBML_HEADER.to_bytes(4, "big")] = "WebM"
    return magics.get(head[:4], "")


def _read(handle: BinaryIO, n_bytes: int, head: bytes) -> Promise:
    kind = _kind(head)
    if kind in ("WAV", "AVI"):
        return _riff(handle, n_bytes, head, kind)
    if kind == "AIFF":
        return _first(kind, _chunks(handle, n_bytes, 12, ">4sI", pad=2), b"SSND")
    if kind == "CAF":
        return _first(kind, _chunks(handle, n_bytes, 8, ">4sq"), b"data")
    if kind == "W64":
        return _w64(handle, n_bytes)
    if kind == "AU":
        start, size = struct.unpack(">II", head[4:12])
        return Promise(kind, is_open=True) if size >= _STREAMED_FROM else Promise(kind, start + size)
    if kind == "MP4":
        return _mp4(handle, n_bytes)
    if kind == "WebM":
        return _webm(handle)
    if kind == "Ogg":
        return _ogg(handle, n_bytes)
    if kind == "MP3":
        return _mp3(handle, n_bytes)
    return Promise(kind)


def _chunks(
    handle: BinaryIO, n_bytes: int, start_bytes: int, header: str, *, pad: int = 1, own: int = 0
) -> Iterator[_Chunk]:
    """Walk sibling chunks; `own` is how much of its header a size counts. A header past the end raises struct.error."""
    at, n_header = start_bytes, struct.calcsize(header)
    for _ in range(_MAX_CHUNKS):
        if at >= n_bytes:
            return
        handle.seek(at)
        name, size = struct.unpack(header, handle.read(n_header))
        chunk = _Chunk(name, at + n_header, size - own)
        yield chunk
        if chunk.size_bytes < 0:
            return
        at = chunk.end_bytes + (-chunk.size_bytes) % pad


def _first(kind: str, chunks: Iterator[_Chunk], name: bytes) -> Promise:
    """Promise of the chunk that holds the audio; a file without one ends too early."""
    for chunk in chunks:
        if chunk.name == name:
            is_open = chunk.size_bytes < 0 or _STREAMED_FROM <= chunk.size_bytes < 2**32
            return Promise(kind, is_open=True) if is_open else Promise(kind, chunk.end_bytes)
    return Promise(kind, is_cut=True)


def _riff(handle: BinaryIO, n_bytes: int, head: bytes, kind: str) -> Promise:
    header = ">4sI" if head[:4] == b"RIFX" else "<4sI"
    data_64 = None
    for chunk in _chunks(handle, n_bytes, 12, header, pad=2):
        if chunk.name == b"ds64":
            handle.seek(chunk.start_bytes + 8)
            data_64 = struct.unpack("<Q", handle.read(8))[0]
        if kind == "AVI" and chunk.end_bytes > n_bytes:
            return Promise(kind, chunk.end_bytes)
        if chunk.name != b"data" or kind != "WAV":
            continue
        if chunk.size_bytes == 0xFFFFFFFF and data_64:
            return Promise(kind, chunk.start_bytes + data_64)
        if chunk.size_bytes == 0 and not _tiles(handle, n_bytes, chunk.start_bytes, header):
            return Promise(kind, is_open=True)
        if chunk.size_bytes >= _STREAMED_FROM:
            return Promise(kind, is_open=True)
        return Promise(kind, chunk.end_bytes)
    return Promise(kind, is_cut=kind == "WAV")


def _tiles(handle: BinaryIO, n_bytes: int, start_bytes: int, header: str) -> bool:
    """Whether the rest of the file is whole chunks: if so, an empty data chunk is empty, not blank."""
    try:
        return all(c.end_bytes <= n_bytes for c in _chunks(handle, n_bytes, start_bytes, header, pad=2))
    except struct.error:
        return False


def _w64(handle: BinaryIO, n_bytes: int) -> Promise:
    for chunk in _chunks(handle, n_bytes, 40, "<16sq", pad=8, own=24):
        if chunk.name[:4] == b"data":
            return Promise("W64", chunk.end_bytes)
    return Promise("W64", is_cut=True)


def _mp4(handle: BinaryIO, n_bytes: int) -> Promise:
    """Walk the boxes: the furthest end that any of them states."""
    at, end = 0, 0
    for _ in range(_MAX_CHUNKS):
        if at >= n_bytes:
            break
        handle.seek(at)
        size, _name = struct.unpack(">I4s", handle.read(8))
        if size == 1:
            size = struct.unpack(">Q", handle.read(8))[0]
        if size < 8:  # 0: the box runs to the end of the file; 2 to 7: no box
            return Promise("MP4", is_open=True)
        at += size
        end = at
    return Promise("MP4", end)


def _webm(handle: BinaryIO) -> Promise:
    """EBML: a header element, then one segment, whose size a live recorder leaves blank (all ones)."""
    at = 0
    for _ in range(8):
        handle.seek(at)
        head = io.BytesIO(handle.read(16))
        name, n_name = _vint(head, keep_marker=True)
        size, n_size = _vint(head, keep_marker=False)
        if name == _EBML_SEGMENT:
            is_open = size == 2 ** (7 * n_size) - 1
            return Promise("WebM", is_open=True) if is_open else Promise("WebM", at + n_name + n_size + size)
        at += n_name + n_size + size
    return Promise("WebM")


def _vint(head: BinaryIO, *, keep_marker: bool) -> tuple[int, int]:
    """EBML's variable-length integer: its value and its length in bytes."""
    first = head.read(1)[0]
    n_bytes = 9 - first.bit_length()
    rest = head.read(n_bytes - 1)
    if n_bytes > 8 or len(rest) != n_bytes - 1:
        raise struct.error("no EBML integer")
    value = first if keep_marker else first & (0xFF >> n_bytes)
    return int.from_bytes(bytes([value]) + rest, "big"), n_bytes


def _ogg(handle: BinaryIO, n_bytes: int) -> Promise:
    """Find the last page: it has to be whole and to carry the end-of-stream flag (RFC 3533)."""
    start = max(0, n_bytes - 2 * _OGG_PAGE_BYTES)
    handle.seek(start)
    tail = handle.read()
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        page = tail[at : at + 27 + 255]
        if len(page) < 27 or len(page) < 27 + page[26]:
            return Promise("Ogg", is_cut=True)
        if page[4] == 0 and page[5] < 8:
            end = start + at + 27 + page[26] + sum(page[27 : 27 + page[26]])
            return Promise("Ogg", end, is_cut=not page[5] & 4)
    return Promise("Ogg")


def _mp3(handle: BinaryIO, n_bytes: int) -> Promise:
    """Read the Xing or Info tag of the first frame. Without one, or with a stale one, a frame count is a guess."""
    handle.seek(0)
    head = handle.read(10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    handle.seek(start)
    frame = handle.read(2048)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return Promise("MP3", is_open=True)
    flags = struct.unpack(">I", frame[at + 4 : at + 8])[0]
    if flags & 3 != 3:  # both counts, of frames and of bytes, or neither is used
        return Promise("MP3", is_open=True)
    end = start + frame.find(b"\xff") + struct.unpack(">I", frame[at + 12 : at + 16])[0]
    is_stale = n_bytes - end > max(_MP3_TAIL_BYTES, (end - start) // 10)  # more was appended than tags
    return Promise("MP3", None if is_stale else end, is_open=is_stale)
