"""The real app on a free port, and a real Chromium looking at it."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Error, Page, expect, sync_playwright

from acrnn.web.compare.families import WITH_ATTENTION
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
# The first is the same browser without its window, and takes a fifth less of the processor.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
READY_MS = 120_000  # the first page of a server imports torch
SHOWN_MS = 30_000  # what follows a click; the machine may be busy
expect.set_options(timeout=SHOWN_MS)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))  # a click on a table that is being drawn is lost; told as "R"
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine (Debian: apt install chromium)"))


class App:
    """A running server."""

    def __init__(self, log: Path, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        self._environment = os.environ | environment
        self._base = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
        self.start()

    def start(self) -> None:
        """Start the server, or start it again on the same port."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}"]
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                [*command, "--server.fileWatcherType=none"],
                cwd=ROOT, env=self._environment, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def url(self, query: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{self._base}{'/' if self._base else ''}{query}"

    def wait(self) -> None:
        def is_healthy() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return requests.get(self.url("_stcore/health"), timeout=2).ok
            except requests.RequestException:
                return False

        wait_until(is_healthy, 120, self.log.read_text)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def assert_no_crash(self) -> None:
        """No traceback in the log goes through the app's own files; a browser that leaves may upset the server's."""
        log = self.log.read_text()
        assert not re.search(rf'File "{re.escape(str(ROOT))}/(acrnn|pages|app\.py)', log), log


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    server = App(tmp_path_factory.mktemp("app") / "log.txt")
    server.wait()
    yield server
    server.stop()
    server.assert_no_crash()


@pytest.fixture(scope="session")
def app_without_data(tmp_path_factory, save_checkpoint):
    """The app without a dataset, with checkpoints of random weights: fold 1 at all placements, fold 2 at l10 alone."""
    shipped = tmp_path_factory.mktemp("random")
    root = shipped / "checkpoints"
    (shipped / "results").symlink_to(ROOT / "results")
    for placement in WITH_ATTENTION:
        save_checkpoint(root, placement)
    save_checkpoint(root, "l10", fold=2, name="esc10-l10-paper-fold2")
    empty = tmp_path_factory.mktemp("nothing")
    server = App(
        tmp_path_factory.mktemp("bare") / "log.txt",
        ACRNN_SHIPPED=str(shipped), ACRNN_DATA=str(empty), ACRNN_DATASETS=str(tmp_path_factory.mktemp("unknown")),
    )  # fmt: skip
    server.wait()
    yield server
    server.stop()
    server.assert_no_crash()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
                "--process-per-site",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profile(chromium):
    """A profile with a page that stays open: its process keeps the app's scripts compiled, 2/5 of a page's work."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1200})
    kept = context.new_page()
    kept.route("**", lambda route: route.fulfill(body=""))
    kept.goto("http://127.0.0.1/")
    yield context
    context.close()


@pytest.fixture
def page(profile):
    """A page in a profile where nothing is stored; what the test opens is closed after it."""
    others = profile.pages
    page = profile.new_page()
    page.evaluate = when_drawn(page.evaluate)
    page.crashes = []
    page.on("pageerror", lambda error: page.crashes.append(str(error)))
    yield page
    for opened in profile.pages:
        if opened not in others:
            opened.evaluate("location.protocol.startsWith('http') && localStorage.clear()")
            opened.close()
    profile.clear_cookies()
    assert page.crashes == []


def when_drawn(evaluate):
    """The same evaluate, asked again while what it looks at (a chart, a player) is not there yet."""

    def evaluated(expression: str, arg=None):
        found = []

        def is_there() -> bool:
            try:
                found.append(evaluate(expression, arg))
            except Error as error:
                if "of null" not in str(error) and "of undefined" not in str(error):
                    raise
            return bool(found)

        wait_until(is_there, SHOWN_MS / 1000, lambda: expression)
        return found[0]

    return evaluated


@pytest.fixture
def phone(page):
    """A page as narrow as a phone's."""
    page.set_viewport_size({"width": 400, "height": 900})
    return page


def settle(page: Page) -> None:
    """Wait until the app has run to its end and drawn what it has."""
    page.wait_for_selector("[data-test-connection-state='CONNECTED']", timeout=READY_MS)
    page.wait_for_selector("[data-test-script-state='notRunning']", timeout=READY_MS)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=READY_MS)


def open_clip(page: Page, url: str) -> None:
    """Open a page that shows a clip, and wait for its picture and its sound."""
    page.goto(url)
    settle(page)
    clip_drawn(page)


def clip_drawn(page: Page) -> None:
    page.wait_for_selector(".st-key-listen_chart .nsewdrag", timeout=READY_MS)
    page.wait_for_function(
        "document.querySelector('.st-key-listen_audio audio')?.readyState >= 1 && "
        "document.querySelector('.acrnn-playhead')?.isConnected",
        timeout=READY_MS,
    )


def choose(page: Page, key: str, option: str) -> None:
    """Pick an option of the select box with this key."""
    page.locator(f".st-key-{key}").get_by_role("combobox").click()
    page.get_by_role("option").first.wait_for()
    if not page.get_by_role("option", name=option, exact=True).count():  # of a long list only the beginning is drawn
        page.keyboard.type(option)
    page.get_by_role("option", name=option, exact=True).click()
