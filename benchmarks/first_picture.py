"""Time from starting the app to the first analysed clip on the screen, in a real Chromium.

    python -m benchmarks.first_picture [REPEATS]

Each repeat starts a new server process and a new browser profile; the clip is the bundled sample of the landing view.
Needs the test requirements and a Chromium. The second figure is a new session on a server that is warm.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from playwright.sync_api import sync_playwright

from benchmarks.machine import describe_machine, spread
from tests.browser.conftest import CHROMIUM, App, open_clip


def main() -> None:
    """Print medians with min and max."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cold, warm = [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(repeats):
            began = perf_counter()
            app = App(Path(folder) / "log.txt")
            app.wait()
            for times in (cold, warm):
                context = browser.new_context(viewport={"width": 1400, "height": 1200})
                open_clip(context.new_page(), app.url())
                times.append(perf_counter() - began)
                context.close()
                began = perf_counter()
            app.stop()
        browser.close()
    print(describe_machine())
    print(f"app start to first picture      {spread(cold, 's')}")
    print(f"a new session on a warm server  {spread(warm, 's')}")


if __name__ == "__main__":
    main()
