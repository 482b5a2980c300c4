"""Time from starting the app to the first analysed clip on the screen, in a real Chromium.

    python -m benchmarks.first_picture [REPEATS]

Each repeat starts a new server process and a new browser profile; the clip is the bundled sample of the landing view.
Needs the test requirements and a Chromium. The second figure is the same, counted from when the server answers; the
third is when something is painted, counted from the browser's request. The last is a new session on a server that is
warm.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Browser, sync_playwright

from benchmarks.machine import describe_machine, spread
from tests.browser.conftest import CHROMIUM, App, open_clip


def main() -> None:
    """Print medians with min and max."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cold, up, painted, warm = [], [], [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(repeats):
            began = perf_counter()
            app = App(Path(folder) / "log.txt")
            app.wait()
            answers = perf_counter()
            painted.append(_opened(browser, app))
            cold.append(perf_counter() - began)
            up.append(perf_counter() - answers)
            began = perf_counter()
            _opened(browser, app)
            warm.append(perf_counter() - began)
            app.stop()
        browser.close()
    print(describe_machine())
    print(f"app start to first picture      {spread(cold, 's')}")
    print(f"server up to first picture      {spread(up, 's')}")
    print(f"request to first paint          {spread(painted, 's')}")
    print(f"a new session on a warm server  {spread(warm, 's')}")


def _opened(browser: Browser, app: App) -> float:
    """Open the landing view in a new session until its picture is there, and give the seconds to the first paint."""
    context = browser.new_context(viewport={"width": 1400, "height": 1200})
    page = context.new_page()
    open_clip(page, app.url())
    paint_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint_ms / 1000


if __name__ == "__main__":
    main()
