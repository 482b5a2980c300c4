"""What the server does before its first visitor."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from acrnn.web.shell.server import FIRST, ROOT, FirstPaint

PAGE = f"<html><body>{'x' * 2000}{ROOT.decode()}</body></html>"


@pytest.fixture(scope="module")
def client():
    routes = [Route("/", lambda _: HTMLResponse(PAGE)), Route("/text", lambda _: PlainTextResponse(PAGE))]
    middleware = [Middleware(FirstPaint), Middleware(GZipMiddleware)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


def test_a_page_is_filled_and_its_length_is_right(client):
    answer = client.get("/", headers={"Accept": "text/html,*/*", "Accept-Encoding": "gzip"})
    assert answer.content == PAGE.encode().replace(ROOT, FIRST)
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(("path", "accept"), [("/text", "text/html"), ("/", "application/json")])
def test_all_else_passes_as_it_is(client, path, accept):
    assert client.get(path, headers={"Accept": accept}).text == PAGE


def test_streamlits_page_has_the_place_that_is_filled():
    import streamlit

    page = (streamlit.__path__[0] + "/static/index.html").replace("\\", "/")
    with open(page, "rb") as file:
        assert file.read().count(ROOT) == 1
