"""One large file over HTTP, resumed where it was cut, now or in an earlier process."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
from requests import exceptions
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from acrnn.data.cache import atomic_write_bytes
from acrnn.errors import DownloadError

Progress = Callable[[int, int | None], None]
"""Called with the bytes there are and the bytes there will be (None if the server does not say)."""

TRIES = 5
"""Attempts in a row that bring nothing new before giving up."""
BACKOFF_S = 1.0
"""Pause after the first fruitless attempt; it doubles with each further one, and halves after a fruitful one."""
TIMEOUT_S = (15, 60)
"""Longest wait for a connection, and for the next bytes of one."""
CHUNK_BYTES = 1 << 16
MAX_BYTES = 4 << 30

SLOW_S, MIN_BYTES_PER_S = 60.0, 1000
"""A server that sends less for so long is given up for this time."""


class _TooSlow(exceptions.RequestException):
    """A server that keeps the connection and sends next to nothing."""


_FATAL = (
    exceptions.SSLError,
    exceptions.InvalidURL,
    exceptions.MissingSchema,
    exceptions.InvalidSchema,
    exceptions.TooManyRedirects,
)


@dataclass(frozen=True)
class _Origin:
    """What a part was fetched from; a part of anything else must not be continued."""

    url: str
    validator: str | None
    """Strong ETag, else Last-Modified: what If-Range accepts."""

    @classmethod
    def of(cls, url: str, response: requests.Response) -> "_Origin":
        etag = response.headers.get("ETag", "")
        strong = etag if etag.startswith('"') else None
        return cls(url, strong or response.headers.get("Last-Modified"))


class _Part:
    """`<name>.zip.part` and the note beside it that says where its bytes are from."""

    def __init__(self, path: Path):
        self.path = path
        self.note = path.with_name(path.name + ".json")

    @property
    def n_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self) -> _Origin | None:
        try:
            return _Origin(**json.loads(self.note.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def begin(self, origin: _Origin) -> None:
        # in this order: a note must never vouch for bytes of another origin
        self.discard()
        atomic_write_bytes(self.note, json.dumps(asdict(origin)).encode())

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def discard(target: Path) -> None:
    """Throw away what `fetch` has of `target`, so that the next one starts anew."""
    target.unlink(missing_ok=True)
    _part_of(target).discard()


def fetch(url: str, target: Path, on_progress: Progress | None = None) -> None:
    """Fetch `url` into the file `target`, which appears when it is whole as far as the server tells.

    Until then the bytes are in `<target>.part`; an interrupted fetch of the same, unchanged file goes
    on from there, and a `target` fetched from `url` before is kept: `discard` it if it is no good. A
    response without a length that is cut looks whole: test what arrived.

    Raises
    ------
    DownloadError
        If the server refuses, or `TRIES` attempts in a row bring nothing new.
    OSError
        If the disk refuses.
    """
    part = _part_of(target)
    if (origin := part.origin()) is None or origin.url != url:
        discard(target)
    elif target.exists():
        return
    fruitless, most = 0, part.n_bytes
    while True:
        was_slow = False
        try:
            complete, cause = _attempt(url, part, on_progress or (lambda done, total: None)), "it kept changing"
        except _FATAL as error:
            raise DownloadError(f"{url} cannot be fetched ({error}); check the address.") from error
        except _TooSlow as error:
            complete, cause, was_slow = False, str(error), True
        except requests.RequestException as error:
            complete, cause = False, _reason(error)
        if complete:
            part.path.replace(target)
            return
        # counted against the most there ever was: a server that cannot resume may cut every attempt
        fruitless = 0 if part.n_bytes > most and not was_slow else fruitless + 1
        most = max(most, part.n_bytes)
        if fruitless >= TRIES:
            raise DownloadError(
                f"{url} could not be fetched in {TRIES} tries ({cause}); check the network and start again."
            )
        time.sleep(BACKOFF_S * 2 ** (fruitless - 1))


def _part_of(target: Path) -> _Part:
    return _Part(target.with_name(target.name + ".part"))


def _attempt(url: str, part: _Part, on_progress: Progress) -> bool:
    """Ask once for what is missing; whether the file is whole now."""
    # identity: a compressed response would shift the byte positions that Range counts
    headers = {"Accept-Encoding": "identity"}
    origin, have = part.origin(), part.n_bytes
    if have and origin and origin.validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": origin.validator}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code == 416 and "Range" in headers:
            complete = _total_of(response) == have
            if not complete:
                part.discard()
            return complete
        _require_success(url, response)
        if response.status_code == 206:
            if "Range" not in headers or not _continues(response, origin, have):
                part.discard()
                return False
            total = _total_of(response)
        else:
            part.begin(_Origin.of(url, response))
            have, total = 0, _length_of(response)
        return _append(response, part, have, total, on_progress)


def _continues(response: requests.Response, origin: _Origin, have: int) -> bool:
    """Whether a 206 starts where the part ends and is of the same file: some servers ignore If-Range."""
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    validators = {response.headers.get("ETag"), response.headers.get("Last-Modified")} - {None}
    return start is not None and int(start[1]) == have and (not validators or origin.validator in validators)


def _append(response: requests.Response, part: _Part, done: int, total: int | None, on_progress: Progress) -> bool:
    on_progress(done, total)
    with part.path.open("ab") as file:
        for chunk in _chunks(response):
            done += len(chunk)
            if done > MAX_BYTES:
                raise DownloadError(
                    f"{response.url} is over {MAX_BYTES >> 30} GB, as no ESC-50 archive is; check the address."
                )
            file.write(chunk)
            on_progress(done, total)
    return total is None or done == total


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Give what has arrived as it arrives; raises `_TooSlow` if that is next to nothing for `SLOW_S`."""
    began, arrived = time.monotonic(), 0
    while chunk := _read(response):
        yield chunk
        arrived += len(chunk)
        if (took := time.monotonic() - began) > SLOW_S:
            if arrived < MIN_BYTES_PER_S * took:
                raise _TooSlow(f"it sent {arrived} bytes in {took:.0f} s")
            began, arrived = time.monotonic(), 0


def _read(response: requests.Response) -> bytes:
    """Give what has arrived, which is waited for only if it is nothing; none at the end."""
    try:
        return response.raw.read1(CHUNK_BYTES)
    except ReadTimeoutError as error:
        raise exceptions.Timeout(error) from error
    except (ProtocolError, OSError) as error:
        raise exceptions.ChunkedEncodingError(error) from error


def _require_success(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        response.raise_for_status()  # passing trouble: the caller tries again
    if status not in (200, 206):
        raise DownloadError(f"{url} answered {status} {response.reason}; check the address or give another one.")


def _length_of(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _total_of(response: requests.Response) -> int | None:
    total = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(total[1]) if total else None


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, exceptions.Timeout):
        return "it did not answer in time"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "the connection was cut"
    return "no connection"
