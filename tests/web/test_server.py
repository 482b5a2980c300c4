"""What the server does before its first visitor."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import ModuleType

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from acrnn.web.shell import server
from acrnn.web.shell.server import FIRST, ROOT, FirstPaint

PAGE = f"<html><body>{'x' * 2000}{ROOT.decode()}</body></html>"


def run(coroutine) -> None:
    """Run to the end in a thread of its own, as this one's loop may be that of the browser tests."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def got(path: str, **headers: str) -> tuple[Headers, bytes]:
    """Headers and body of what an app with the middleware answers."""
    routes = [Route("/", lambda _: HTMLResponse(PAGE)), Route("/text", lambda _: PlainTextResponse(PAGE))]
    app = Starlette(routes=routes, middleware=[Middleware(FirstPaint), Middleware(GZipMiddleware)])
    sent = []

    async def receive() -> dict:
        return {"type": "http.request"}

    async def send(message: dict) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw}
    run(app(scope, receive, send))
    return Headers(raw=sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_a_page_is_filled_and_its_length_is_right():
    headers, body = got("/", accept="text/html,*/*", accept_encoding="gzip")
    assert body == PAGE.encode().replace(ROOT, FIRST)
    assert int(headers["content-length"]) == len(body)


@pytest.mark.parametrize(("path", "accept"), [("/text", "text/html"), ("/", "application/json")])
def test_all_else_passes_as_it_is(path, accept):
    assert got(path, accept=accept)[1] == PAGE.encode()


def test_what_is_heavy_is_loaded_before_a_page_runs(monkeypatch):
    name = "loaded_by_a_test"
    waited = []

    def load(module: str) -> None:
        started.wait(10)
        sys.modules[module] = ModuleType(module)

    started = Event()
    monkeypatch.setattr(server, "import_module", load)
    monkeypatch.setattr(server, "HEAVY", (name,))
    monkeypatch.setattr(server, "_begun", Event())
    monkeypatch.setattr(server, "_loaded", Event())
    server.wait_until_warm(lambda: waited.append("not begun"))

    async def visit() -> None:
        async with server.warm_up(None):
            server.wait_until_warm(lambda: (waited.append("begun"), started.set()))

    run(visit())
    assert sys.modules.pop(name)
    assert waited == ["begun"]


def test_streamlits_page_has_the_place_that_is_filled():
    page = Path(streamlit.__path__[0]) / "static" / "index.html"
    assert page.read_bytes().count(ROOT) == 1


def test_who_leaves_in_the_middle_of_an_upload_is_no_error():
    async def upload(request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    app = Starlette(routes=[Route("/", upload, methods=["PUT"])], middleware=[Middleware(FirstPaint)])
    sent = []

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)

    run(app({"type": "http", "method": "PUT", "path": "/", "query_string": b"", "headers": []}, receive, send))
    assert sent == []
