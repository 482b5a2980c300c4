"""Claim: twenty sessions at once each see their own clip's right answer, and the server stays under 2.5 GB.

    python -m benchmarks.sessions [SESSIONS]

Each session is a browser context that uploads a sound of its own, compares what the page says with the package's own
prediction, and visits the other four pages. All browsers run on the same machine as the server, so the times are an
upper bound.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode

import numpy as np
import psutil
from playwright.async_api import Browser, Page, async_playwright

import acrnn
from acrnn.checkpoints import find
from acrnn.labels import pretty
from acrnn.web.models import listen_query
from benchmarks.machine import describe_machine
from benchmarks.pages import recordings
from tests.browser.conftest import CHROMIUM, App

CHECKPOINT = "esc10-l10-paper-fold1"
PAGES = ("Compare", "Confusions", "Train", "Results", "Listen")
WAIT_MS = 300_000


def main() -> None:
    """Print medians and 95th percentiles of each action, and the server's largest memory."""
    n_sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        app.wait()
        paths = recordings(Path(folder), n_sessions)
        predictor = acrnn.load(CHECKPOINT)
        expected = [f"{pretty(label)}, {p:.0%}" for label, p in (predictor(path).top(1)[0] for path in paths)]
        times, wrong, peak = asyncio.run(_visit(app, paths, expected))
        app.stop()
    print(f"{describe_machine()}, {n_sessions} sessions")
    for action, seconds in times.items():
        print(f"{action:24} median {np.median(seconds):.2f} s, 95th percentile {np.percentile(seconds, 95):.2f} s")
    print(f"answers that were not the clip's own  {wrong} of {n_sessions}")
    print(f"largest memory of the server          {peak / 1e9:.2f} GB")


async def _visit(app: App, paths: list[Path], expected: list[str]) -> tuple[dict[str, list[float]], int, int]:
    times: dict[str, list[float]] = defaultdict(list)
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, psutil.Process(app.process.pid).memory_info().rss)
            await asyncio.sleep(0.2)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        watcher = asyncio.create_task(watch())
        right = await asyncio.gather(
            *(_session(browser, app, path, title, times) for path, title in zip(paths, expected, strict=True))
        )
        watcher.cancel()
        await browser.close()
    return times, right.count(False), peak


async def _session(browser: Browser, app: App, path: Path, title: str, times: dict[str, list[float]]) -> bool:
    context = await browser.new_context(viewport={"width": 1200, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    await page.goto(app.url("?" + urlencode({"source": "Upload"} | listen_query(find(CHECKPOINT)))))
    await _settled(page)
    began = perf_counter()
    await page.locator("input[type=file]").set_input_files(path)
    await page.wait_for_function(
        "name => document.querySelector('.st-key-listen_chart .js-plotly-plot')?.layout?.uirevision === name",
        arg=path.name,
    )
    times["upload"].append(perf_counter() - began)
    await _settled(page)
    answers = [await page.locator("h1").inner_text()]
    for name in PAGES:
        began = perf_counter()
        await page.get_by_role("link", name=name, exact=True).first.click()
        if name == "Listen":
            await page.locator(".st-key-listen_chart .nsewdrag").first.wait_for()
        else:
            await page.get_by_role("heading", name=name, exact=True).wait_for()
        await _settled(page)
        times[f"open {name}"].append(perf_counter() - began)
    answers.append(await page.locator("h1").inner_text())  # the upload was kept over all pages
    await context.close()
    if (told := set(answers)) != {title}:
        print(f"{path.name}: {title} expected, shown {' and '.join(told)}")
    return told == {title}


async def _settled(page: Page) -> None:
    await page.wait_for_selector("[data-test-connection-state='CONNECTED']")
    await page.wait_for_selector("[data-test-script-state='notRunning']")
    await page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


if __name__ == "__main__":
    main()
