"""Time to work with a collection of 2000 clips on the Collection page, in a real Chromium on a warm server.

    python -m benchmarks.collection DATASET [REPEATS]

DATASET is a folder in ESC-50's layout within `ACRNN_DATA`. First every clip is listened to, which is timed too. Then
each time is from what the user does until the page has run and drawn: opening it in the browser anew, another order, a
filter, the next clip. Needs the test requirements and a Chromium.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.machine import describe_machine, spread, timed
from tests.browser.conftest import CHROMIUM, App, settle

LISTENING_MS = 1_800_000


def main() -> None:
    """Print the seconds of listening, and the median of each other step with its min and max."""
    name, repeats = Path(sys.argv[1]).name, int(sys.argv[2]) if len(sys.argv) > 2 else 5
    query = f"collection?model=esc50&of=dataset&data={name}&" + "&".join(f"folds={fold}" for fold in range(1, 6))
    print(describe_machine())
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        app = App(Path(folder) / "log.txt", ACRNN_LABELS=folder)
        app.wait()
        page = browser.new_context(viewport={"width": 1400, "height": 1200}).new_page()
        begun = time.perf_counter()
        page.goto(app.url(query))
        page.get_by_role("button", name="What is shown (CSV)").wait_for(timeout=LISTENING_MS)
        settle(page)
        print(f"listening to all: {time.perf_counter() - begun:.1f} s")
        steps = {
            "open": lambda i: _open(page, app.url(query)),
            "order": lambda i: _open(page, app.url(f"{query}&orderby={('unsure', 'sure')[i % 2]}")),
            "filter": lambda i: _open(page, app.url(f"{query}&show={('wrong', 'unknown')[i % 2]}")),
            "next clip": lambda i: _next(page),
        }
        for step, do in steps.items():
            print(f"{step}: {spread([timed(lambda do=do, i=i: do(i)) for i in range(repeats)])}")
        app.stop()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)


def _next(page: Page) -> None:
    page.keyboard.press("j")
    page.wait_for_timeout(50)
    settle(page)


if __name__ == "__main__":
    main()
