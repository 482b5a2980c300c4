"""One large file over HTTP, resumed where it was cut, now or in an earlier process."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
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
"""A server that sends less of the file for so long is given up for this time, its headers and all."""


class _TooSlow(exceptions.RequestException):
    """A server that keeps the connection and sends next to nothing."""


class _Watch:
    """Cuts the connections of a server that sends next to nothing for `SLOW_S`, wherever it does so.

    A timeout alone is for the next byte, and a server may send a byte of its headers every minute. A context manager.

    Attributes
    ----------
    arrived : int
        Bytes of the file so far; to be kept up to date.
    """

    def __init__(self) -> None:
        self.arrived = 0
        self._told = ""
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="download", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()
        for copy in self._sockets:
            copy.close()

    def connected(self, connection: socket.socket) -> None:
        """Watch a connection that is made, whatever is put around it later."""
        self._sockets.append(connection.dup())

    def require_speed(self) -> None:
        """Raise `_TooSlow` if the connections were cut."""
        if self._told:
            raise _TooSlow(self._told)

    def _look(self) -> None:
        seen = 0
        while not self._over.wait(SLOW_S):
            new, seen = self.arrived - seen, self.arrived
            if new < MIN_BYTES_PER_S * SLOW_S:
                self._told = f"it sent {new} bytes in {SLOW_S:.0f} s"
                for copy in self._sockets:
                    with suppress(OSError):  # it is cut already
                        copy.shutdown(socket.SHUT_RDWR)
                return


class _WatchedAdapter(HTTPAdapter):
    """Has every connection of a session watched."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if "watch" not in vars(pool.ConnectionCls):
            pool.ConnectionCls = _watched(pool.ConnectionCls, self._watch)
        return pool


def _watched(kind: type, watch: _Watch) -> type:
    """Make a kind of connections that tells its watch of each."""

    def _new_conn(self: Any) -> socket.socket:
        made = kind._new_conn(self)
        watch.connected(made)
        return made

    return type(kind.__name__, (kind,), {"watch": watch, "_new_conn": _new_conn})


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
    with _Watch() as watch, requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _WatchedAdapter(watch))
        try:
            complete = _ask(session, url, part, watch, on_progress)
        except requests.RequestException:
            watch.require_speed()
            raise
        watch.require_speed()  # a response without a length that was cut looks whole
        return complete


def _ask(session: requests.Session, url: str, part: _Part, watch: _Watch, on_progress: Progress) -> bool:
    # identity: a compressed response would shift the byte positions that Range counts
    headers = {"Accept-Encoding": "identity"}
    origin, have = part.origin(), part.n_bytes
    if have and origin and origin.validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": origin.validator}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
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
        return _append(response, part, have, total, _counted(on_progress, watch, have))


def _continues(response: requests.Response, origin: _Origin, have: int) -> bool:
    """Whether a 206 starts where the part ends and is of the same file: some servers ignore If-Range."""
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    validators = {response.headers.get("ETag"), response.headers.get("Last-Modified")} - {None}
    return start is not None and int(start[1]) == have and (not validators or origin.validator in validators)


def _counted(on_progress: Progress, watch: _Watch, have: int) -> Progress:
    """Have a watch know too how much more there is than at the beginning."""

    def told(done: int, total: int | None) -> None:
        watch.arrived = done - have
        on_progress(done, total)

    return told


def _append(response: requests.Response, part: _Part, done: int, total: int | None, on_progress: Progress) -> bool:
    on_progress(done, total)
    with part.path.open("ab") as file:
        while chunk := _read(response):
            done += len(chunk)
            if done > MAX_BYTES:
                raise DownloadError(
                    f"{response.url} is over {MAX_BYTES >> 30} GB, as no ESC-50 archive is; check the address."
                )
            file.write(chunk)
            on_progress(done, total)
    return total is None or done == total


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
