"""What a file's own header says about where its audio ends: the only way to tell a cut file from a short one.

libsndfile shortens a cut WAV without a word, so the promise is read here, from the chunk sizes alone, undecoded.

A cut is detectable to the byte in wav, rf64, w64, aiff, caf, au and avi (size of the audio chunk), mp4 and m4a (boxes),
webm and mkv (segment), ogg and opus (a whole last page with the end-of-stream flag) and mp3 with a Xing or Info tag;
flac by its sample count, while decoding. It is not in mp3 without a tag, webm of a live recorder, WAV of a pipe, ac3:
these promise nothing, and what is there is read. Raw aac, ts and wma show a cut only if it falls inside a packet. A
missing end-of-stream flag alone is no cut: many writers forget it.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from acrnn.audio.search import find_bytes

SUFFIXES = (
    *(
        "wav",
        "flac",
        "ogg",
        "opus",
        "mp3",
        "m4a",
        "aac",
        "webm",
        "mp4",
        "mov",
        "3gp",
        "aiff",
        "caf",
        "wma",
        "amr",
        "mkv",
    ),
    *("aif", "aifc", "wave", "w64", "rf64", "au", "snd", "oga", "weba", "mka", "m4b", "m4v", "3g2", "mp2"),
    *("mpga", "ac3", "eac3", "asf", "wmv", "avi", "flv", "ts", "mts", "mpg", "mpeg", "wv", "tta", "ape"),
)
"""The containers that are read, by their usual suffix, the commonest first; of a video, its sound.

The upload, the command line and the messages have this one list. A file's content says what it is, not its suffix.
"""
ACCEPTED = f"{', '.join(SUFFIXES[:15])}, {SUFFIXES[15]} and other sound and video files are accepted"

_STREAMED_FROM = 0x7F000000
"""A 32-bit size from here on is what recorders write before they know the length (sox, ffmpeg, arecord)."""
_MAX_CHUNKS = 10_000
_FEW_BYTES = 64
_OGG_PAGE_BYTES = 65_307
_MP3_TAIL_BYTES = 2**17
_ABSURD_BYTES = 2**50
_MP4_BOXES = {
    b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"moof", b"mfra", b"meta", b"sidx", b"ssix", b"styp",
    b"emsg", b"prft", b"pdin", b"udta", b"pnot", b"idat",
}  # fmt: skip
"""Boxes of the top level of ISO/IEC 14496-12 and of QuickTime, but for the first."""
_SMALLEST_MP3 = 1024  # bytes: less than ten frames of speech
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
        The file ends inside a piece that the container is made of.
    is_unmarked : bool
        All pieces are whole, and none is marked as the last, as the container has it.
    start_bytes : int
        Where the audio begins; 0 if that is not said.
    goes_on : bool
        What follows the audio is no piece of the container: the size that is said is too small.
    is_chained : bool
        Several recordings, one after the other, are in the file (Ogg, MP3).
    """

    kind: str
    end_bytes: int | None = None
    is_open: bool = False
    is_cut: bool = False
    is_unmarked: bool = False
    start_bytes: int = 0
    goes_on: bool = False
    is_chained: bool = False

    def missing_share(self, n_bytes: int) -> float:
        """Share of the announced audio that a file of `n_bytes` lacks, 0 to 1; 0 where that is not said."""
        if self.end_bytes is None or self.end_bytes <= n_bytes:
            return 0.0
        return min(1.0, (self.end_bytes - n_bytes) / max(self.end_bytes - self.start_bytes, 1))

    def counts_its_header(self, n_bytes: int) -> bool:
        """Whether the audio ends too early by the header's own length, which some writers count in.

        A few bytes are no loss in any case: 64 are less than a millisecond of most recordings.
        """
        if self.kind not in ("WAV", "AIFF", "CAF", "AU", "W64") or self.end_bytes is None:
            return False
        missing = self.end_bytes - n_bytes
        return 0 < missing <= _FEW_BYTES or missing == self.start_bytes > 0


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start_bytes: int  # of the payload
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        return self.start_bytes + self.size_bytes


class _ShortError(Exception):
    """The file ends before what was to be read."""


def _bytes_at(handle: BinaryIO, at: int, n_bytes: int) -> bytes:
    """Read exactly `n_bytes` from `at` on; every read here goes this way."""
    if not 0 <= at < 2**62:  # further than any file system seeks
        raise _ShortError
    handle.seek(at)
    found = handle.read(n_bytes)
    if len(found) < n_bytes:
        raise _ShortError
    return found


def _numbers(layout: str, found: bytes) -> tuple:
    """Unpack what must be as long as the layout says."""
    if len(found) != struct.calcsize(layout):
        raise _ShortError
    return struct.unpack(layout, found)


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
    except _ShortError:  # the file ends inside a header
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
    if kind in ("AIFF", "CAF", "W64", "AU"):
        promise = _plain(handle, n_bytes, head, kind)
        return replace(promise, goes_on=_begins_again(handle, promise.end_bytes, n_bytes, head[:4]))
    if kind == "FLAC":
        again = find_bytes(handle, 4, rb"fLaC[\x00\x80]\x00\x00\x22")
        return Promise(kind) if again is None else Promise(kind, again, goes_on=True)
    if kind == "MP4":
        return _mp4(handle, n_bytes)
    if kind == "WebM":
        return _webm(handle, n_bytes)
    if kind == "Ogg":
        return _ogg(handle, n_bytes)
    if kind == "MP3":
        return _mp3(handle, n_bytes)
    return Promise(kind)


def _plain(handle: BinaryIO, n_bytes: int, head: bytes, kind: str) -> Promise:
    if kind == "AIFF":
        return _first(kind, _chunks(handle, n_bytes, 12, ">4sI", pad=2), b"SSND")
    if kind == "CAF":
        return _first(kind, _chunks(handle, n_bytes, 8, ">4sq"), b"data")
    if kind == "W64":
        return _w64(handle, n_bytes)
    start, size = _numbers(">II", head[4:12])
    return Promise(kind, is_open=True) if size >= _STREAMED_FROM else Promise(kind, start + size, start_bytes=start)


def _begins_again(handle: BinaryIO, end_bytes: int | None, n_bytes: int, magic: bytes) -> bool:
    """Whether another file of the kind follows where the sound ends, or a few bytes further."""
    if end_bytes is None or end_bytes >= n_bytes:
        return False
    return magic in _bytes_at(handle, end_bytes, min(16, n_bytes - end_bytes))


def _chunks(
    handle: BinaryIO, n_bytes: int, start_bytes: int, header: str, *, pad: int = 1, own: int = 0
) -> Iterator[_Chunk]:
    """Walk sibling chunks; `own` is how much of its header a size counts. A header past the end raises _ShortError."""
    at, n_header = start_bytes, struct.calcsize(header)
    for _ in range(_MAX_CHUNKS):
        if at >= n_bytes:
            return
        name, size = _numbers(header, _bytes_at(handle, at, n_header))
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
            return Promise(kind, is_open=True) if is_open else _whole(kind, chunk)
    return Promise(kind, is_cut=True)


def _whole(kind: str, chunk: _Chunk) -> Promise:
    return Promise(kind, chunk.end_bytes, start_bytes=chunk.start_bytes)


def _riff(handle: BinaryIO, n_bytes: int, head: bytes, kind: str) -> Promise:
    header = ">4sI" if head[:4] == b"RIFX" else "<4sI"
    data_64 = None
    for chunk in _chunks(handle, n_bytes, 12, header, pad=2):
        if chunk.name == b"ds64":
            data_64 = _numbers("<Q", _bytes_at(handle, chunk.start_bytes + 8, 8))[0]
        if kind == "AVI" and chunk.end_bytes > n_bytes:
            return Promise(kind, chunk.end_bytes)
        if chunk.name != b"data" or kind != "WAV":
            continue
        if chunk.size_bytes == 0xFFFFFFFF and data_64:
            return Promise(kind, chunk.start_bytes + data_64, start_bytes=chunk.start_bytes)
        if chunk.size_bytes == 0 and not _tiles(handle, n_bytes, chunk.start_bytes, header):
            return Promise(kind, is_open=True)
        if chunk.size_bytes >= _STREAMED_FROM:
            return Promise(kind, is_open=True)
        after = chunk.end_bytes + chunk.size_bytes % 2
        goes_on = after + _FEW_BYTES < n_bytes and not _tiles(handle, n_bytes, after, header)
        goes_on |= _begins_again(handle, chunk.end_bytes, n_bytes, head[:4])
        return replace(_whole(kind, chunk), goes_on=goes_on)
    return Promise(kind, is_cut=kind == "WAV")


def _tiles(handle: BinaryIO, n_bytes: int, start_bytes: int, header: str) -> bool:
    """Whether the rest of the file is whole chunks with names: if so, an empty data chunk is empty, not blank."""
    try:
        return all(
            chunk.end_bytes <= n_bytes and all(32 <= byte < 127 for byte in chunk.name)
            for chunk in _chunks(handle, n_bytes, start_bytes, header, pad=2)
        )
    except _ShortError:
        return False


def _w64(handle: BinaryIO, n_bytes: int) -> Promise:
    for chunk in _chunks(handle, n_bytes, 40, "<16sq", pad=8, own=24):
        if chunk.name[:4] == b"data":
            return Promise("W64", is_open=True) if chunk.size_bytes >= _ABSURD_BYTES else _whole("W64", chunk)
    return Promise("W64", is_cut=True)


def _mp4(handle: BinaryIO, n_bytes: int) -> Promise:
    """Walk the boxes: the furthest end that any of them states. What follows a whole film and is no box is no loss."""
    at, end, names = 0, 0, set()
    for _ in range(_MAX_CHUNKS):
        if at >= n_bytes:
            break
        is_whole = {b"moov", b"mdat"} <= names
        if is_whole and n_bytes - at < 8:
            break
        size, name = _numbers(">I4s", _bytes_at(handle, at, 8))
        if is_whole and name not in _MP4_BOXES:
            return Promise("MP4", end, goes_on=name == b"ftyp")
        names.add(name)
        if size == 1:
            size = _numbers(">Q", _bytes_at(handle, at + 8, 8))[0]
        if size < 8:  # 0: the box runs to the end of the file; 2 to 7: no box
            return Promise("MP4", is_open=True)
        at += size
        end = at
    return Promise("MP4", end)


def _webm(handle: BinaryIO, n_bytes: int) -> Promise:
    """EBML: a header element, then one segment, whose size a live recorder leaves blank (all ones)."""
    at = 0
    for _ in range(8):
        head = io.BytesIO(_bytes_at(handle, at, min(16, n_bytes - at) if at < n_bytes else 1))
        name, n_name = _vint(head, keep_marker=True)
        size, n_size = _vint(head, keep_marker=False)
        if name == _EBML_SEGMENT:
            is_open = size == 2 ** (7 * n_size) - 1
            start = at + n_name + n_size
            return Promise("WebM", is_open=True) if is_open else Promise("WebM", start + size, start_bytes=start)
        at += n_name + n_size + size
    return Promise("WebM")


def _vint(head: BinaryIO, *, keep_marker: bool) -> tuple[int, int]:
    """EBML's variable-length integer: its value and its length in bytes."""
    first = int.from_bytes(head.read(1), "big")  # 0 at the end, and 0 begins no integer
    n_bytes = 9 - first.bit_length()
    rest = head.read(n_bytes - 1)
    if n_bytes > 8 or len(rest) != n_bytes - 1:
        raise _ShortError
    value = first if keep_marker else first & (0xFF >> n_bytes)
    return int.from_bytes(bytes([value]) + rest, "big"), n_bytes


def _ogg(handle: BinaryIO, n_bytes: int) -> Promise:
    """Find the last page: it has to be whole, and should carry the end-of-stream flag (RFC 3533)."""
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
            is_chained = find_bytes(handle, _ogg_streams_end(handle), rb"OggS\x00[\x02\x03\x06\x07]") is not None
            return Promise("Ogg", end, is_unmarked=not page[5] & 4, is_chained=is_chained)
    return Promise("Ogg")


def _ogg_streams_end(handle: BinaryIO) -> int:
    """Give where the first pages end of the streams that begin at the start of the file, before any goes on."""
    handle.seek(0)
    head, at = handle.read(_OGG_PAGE_BYTES), 0
    while head[at : at + 4] == b"OggS" and len(head) >= at + 27 + head[at + 26] and head[at + 5] & 2:
        at += 27 + head[at + 26] + sum(head[at + 27 : at + 27 + head[at + 26]])
    return at


def _is_mpeg_frame(handle: BinaryIO, at: int, n_bytes: int) -> bool:
    """Whether a frame of MPEG audio begins there, or an ID3 tag that one follows."""
    if n_bytes - at < _SMALLEST_MP3:
        return False
    if _bytes_at(handle, at, 3) == b"ID3":
        at += _id3_bytes(handle, at)
    if n_bytes - at < _SMALLEST_MP3:
        return False
    sync, coding, rates = _bytes_at(handle, at, 3)
    is_layer_3 = coding & 0xE0 == 0xE0 and coding & 0x06 == 0x02 and coding & 0x18 != 0x08
    return sync == 0xFF and is_layer_3 and rates & 0xF0 not in (0, 0xF0) and rates & 0x0C != 0x0C


def _id3_bytes(handle: BinaryIO, at: int) -> int:
    size = _bytes_at(handle, at + 6, 4)
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=True))


def _mp3(handle: BinaryIO, n_bytes: int) -> Promise:
    """Read the Xing or Info tag of the first frame. Without one, or with a stale one, a frame count is a guess."""
    start = 0
    if _bytes_at(handle, 0, 3) == b"ID3":
        start = _id3_bytes(handle, 0)
    frame = _bytes_at(handle, start, min(2048, max(n_bytes - start, 4)))
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return Promise("MP3", is_open=True)
    flags = _numbers(">I", frame[at + 4 : at + 8])[0]
    if flags & 3 != 3:  # both counts, of frames and of bytes, or neither is used
        return Promise("MP3", is_open=True)
    start += max(frame.find(b"\xff"), 0)
    end = start + _numbers(">I", frame[at + 12 : at + 16])[0]
    if _is_mpeg_frame(handle, end, n_bytes):
        return Promise("MP3", is_open=True, start_bytes=start, is_chained=True)
    is_stale = n_bytes - end > max(_MP3_TAIL_BYTES, (end - start) // 10)  # more was appended than tags
    return Promise("MP3", None if is_stale else end, is_open=is_stale, start_bytes=start)
