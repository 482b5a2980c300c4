"""What the server does before its first visitor: load what pages need, and have something to show at once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from threading import Event, Thread
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acrnn.web.shell.memory import bound_allocator

HEAVY = (
    "acrnn.web.shared.clips",
    "acrnn.web.shared.events",
    "acrnn.web.shared.exports",
    "acrnn.web.shared.faithfulness",
)
"""What the Listen page imports: with torch, scipy, pandas and Plotly it takes seconds to load."""
ROOT = b'<div id="root"></div>'
"""Where Streamlit's script draws the page in place of what stands there."""
INTRODUCTION = "Hear a sound, see what a neural network takes it for, and which moments it attends to."
FIRST = f"""<style>
  #acrnn-first {{ font: 1rem "Source Sans", sans-serif; padding: 6rem 2rem; text-align: center; opacity: .8 }}
  @media (prefers-color-scheme: dark) {{ body:has(#acrnn-first) {{ background: #171614; color: white }} }}
</style>
<div id="root"><div id="acrnn-first"><h1>ACRNN</h1><p>{INTRODUCTION}</p></div></div>""".encode()


_begun, _loaded = Event(), Event()


@asynccontextmanager
async def warm_up(app: Any) -> AsyncIterator[None]:
    """While the server starts, load in another thread what its first visitor would wait for."""
    del app
    bound_allocator()
    _begun.set()
    Thread(target=_load, name="warm up", daemon=True).start()
    yield


def _load() -> None:
    try:
        for module in HEAVY:
            import_module(module)
    finally:
        _loaded.set()


def is_warm() -> bool:
    """Whether there is nothing to wait for: `warm_up` is done, or was never begun."""
    return _loaded.is_set() or not _begun.is_set()


def wait_until_warm(on_wait: Callable[[], object]) -> None:
    """Wait for `warm_up`, if it was begun: two threads that import the same may see a module that is half there.

    Parameters
    ----------
    on_wait : callable
        Called before there is anything to wait for.
    """
    if not is_warm():
        on_wait()
        _loaded.wait()


class FirstPaint:
    """Fills Streamlit's empty page until its script has drawn the real one; an ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and write `FIRST` into a page."""
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        if not is_get or "text/html" not in Headers(scope=scope).get("accept", ""):
            with suppress(ClientDisconnect):  # who leaves in the middle of an upload is no error
                await self._app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app(scope | {"headers": plain}, receive, _Filled(send))


class _Filled:
    """Sends an answer on; that of a page as a whole, filled."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and "text/html" in Headers(raw=message["headers"]).get(
            "content-type", ""
        ):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page()

    async def _send_page(self) -> None:
        body = self._body.replace(ROOT, FIRST)
        headers = MutableHeaders(raw=list(self._start["headers"]))
        headers["content-length"] = str(len(body))
        await self._send(self._start | {"headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})
        self._start = None
