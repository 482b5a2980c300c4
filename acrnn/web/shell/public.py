"""A server for strangers: what they may do, how much of it, and whose turn it is.

With `ACRNN_PUBLIC=1` visitors listen, compare and browse. Nothing starts, stops, deletes, publishes or writes on the
server, and no path of it is shown. Where sign-in is configured (Streamlit's `[auth]` in `.streamlit/secrets.toml`),
those who are signed in may train.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any
from weakref import WeakSet

import streamlit as st

from acrnn.audio.limits import positive
from acrnn.errors import LimitError

PUBLIC = "ACRNN_PUBLIC"
SESSION_SECONDS, UPLOAD_MB, TOTAL_UPLOAD_MB = "ACRNN_SESSION_SECONDS", "ACRNN_UPLOAD_MB", "ACRNN_TOTAL_UPLOAD_MB"
N_AT_ONCE = "ACRNN_ANALYSES_AT_ONCE"
HERE = ("", "localhost", "127.0.0.1", "::1")


def is_public() -> bool:
    """Whether the server is for strangers."""
    return os.environ.get(PUBLIC, "0") not in ("", "0")


def has_sign_in() -> bool:
    """Whether people can sign in."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def may_write() -> bool:
    """Whether whoever looks at the page may start, stop, delete, publish and download on the server."""
    if has_sign_in():
        return bool(st.user.is_logged_in)
    return not is_public()


@st.cache_resource(show_spinner=False)
def warn_if_open() -> None:
    """Say once, on the server's terminal, that anybody who reaches it may train and delete."""
    address = st.get_option("server.address") or "0.0.0.0"
    if address not in HERE and not is_public() and not has_sign_in():
        print(
            f"warning: this server listens at {address}, not just on this machine, and whoever reaches it may start "
            f"and delete trainings. {PUBLIC}=1 makes it one for visitors; docs/deploy.md has more.",
            file=sys.stderr, flush=True,
        )  # fmt: skip


class Upload:
    """What a session holds of one widget; it goes with the session."""

    def __init__(self, n_bytes: int, key: str) -> None:
        self.n_bytes, self.key = n_bytes, key


@st.cache_resource(show_spinner=False)
def _uploads() -> "WeakSet[Upload]":
    return WeakSet()


def upload_limit_mb() -> int:
    """Megabytes of one upload: 50 on a public server, else what `server.maxUploadSize` says."""
    usual = 50 if is_public() else st.get_option("server.maxUploadSize")
    return int(positive(UPLOAD_MB, float(usual)))


def total_upload_bytes() -> float:
    """Bytes of the uploads of all sessions together: 2 GB, or what ACRNN_TOTAL_UPLOAD_MB says."""
    return positive(TOTAL_UPLOAD_MB, 2000.0) * 1e6


def admit_upload(widget: str, key: str, n_bytes: int) -> None:
    """Count an upload, in place of the last one of this widget in this session.

    Parameters
    ----------
    widget, key : str
        The widget's key, and the upload's own.

    Raises
    ------
    LimitError
        If all sessions together would hold more than `ACRNN_TOTAL_UPLOAD_MB`, 2000 by default.
    """
    held: Upload | None = st.session_state.get(f"held_{widget}")
    if held is not None and held.key == key:
        return
    let_upload_go(widget)
    most = total_upload_bytes()
    others = sum(upload.n_bytes for upload in _uploads() if upload is not held)
    if others + n_bytes > most:
        raise LimitError(
            f"The server already holds {others / 1e6:.0f} MB of uploads, and up to {most / 1e6:.0f} MB are accepted in "
            f"all ({TOTAL_UPLOAD_MB}); please try again later."
        )
    st.session_state[f"held_{widget}"] = upload = Upload(n_bytes, key)
    _uploads().add(upload)


def let_upload_go(widget: str) -> None:
    """Count the last upload of a widget in this session no more."""
    st.session_state.pop(f"held_{widget}", None)


def spend(seconds: float) -> None:
    """Count seconds of sound that a session has analysed.

    Raises
    ------
    LimitError
        If a public server's session has had `ACRNN_SESSION_SECONDS`, an hour by default.
    """
    if not is_public():
        return
    most, spent = positive(SESSION_SECONDS, 3600.0), st.session_state.get("seconds_spent", 0.0)
    if spent + seconds > most:
        raise LimitError(
            f"This public server analyses up to {most:.0f} s of sound for each visitor, and {spent:.0f} s are used; "
            "installed on your own machine, the app has no such limit."
        )
    st.session_state["seconds_spent"] = spent + seconds


class Turns:
    """At most so many at a time; the others wait, first come, first served, and are told their place."""

    def __init__(self, n_at_once: int) -> None:
        self._free = n_at_once
        self._waiting: deque[Any] = deque()
        self._changed = Condition()

    @contextmanager
    def take(self, on_wait: Callable[[int], None] | None = None) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends.

        Parameters
        ----------
        on_wait : callable, optional
            Told how many are ahead, about twice a second; what it raises ends the waiting.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            while not self._is_next(ticket):
                if on_wait is not None:
                    on_wait(self._ahead_of(ticket))
        except BaseException:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            raise
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _is_next(self, ticket: Any) -> bool:
        """Take a place that is free, if it is this one's turn; else wait for a moment."""
        with self._changed:
            if self._free == 0 or self._waiting[0] is not ticket:
                self._changed.wait(0.5)
            if self._free == 0 or self._waiting[0] is not ticket:
                return False
            self._waiting.popleft()
            self._free -= 1
            return True

    def _ahead_of(self, ticket: Any) -> int:
        with self._changed:
            return self._waiting.index(ticket) + 1  # with the one that is at it


@st.cache_resource(show_spinner=False)
def turns() -> Turns:
    """Give the turns of this server's analyses: two at once, or `ACRNN_ANALYSES_AT_ONCE`."""
    return Turns(int(positive(N_AT_ONCE, 2.0)))


@st.cache_resource(show_spinner=False)
def long_turns() -> Turns:
    """Give the turns of analyses that take minutes: one at a time, beside the others."""
    return Turns(1)
