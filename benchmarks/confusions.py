"""Time to open the Confusions page on 2000 clips and 50 classes, in a real Chromium on a warm server.

    python -m benchmarks.confusions [REPEATS]

The predictions are drawn at random, as only their number matters here: they are written to a temporary folder and
nowhere else. A time ends when the matrix and the list of mistakes beside it are drawn. The first figure is a click on
the page's name in the landing view, the second a new session of a browser that has nothing cached, so it loads
Streamlit too. Needs the test requirements and a Chromium.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from acrnn.labels import ESC50
from acrnn.measures.crossval import wilson_interval
from acrnn.results.summary import write_report
from benchmarks.machine import describe_machine, spread, timed
from tests.browser.conftest import CHROMIUM, READY_MS, App, open_clip, settle

CLIPS_PER_CLASS = 40
NAME = "esc50-l10-paper-300"


def simulated(seed: int = 0) -> dict:
    """Give a setting of five folds in which about three clips in four are right."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(50), CLIPS_PER_CLASS)
    scores = 2 * rng.standard_normal((len(targets), 50))
    scores[np.arange(len(targets)), targets] += 7
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    right = probabilities.argmax(axis=1) == targets
    return {
        "schema": 1,
        "name": NAME,
        "dataset": "esc50",
        "data_title": "simulated",
        "data_fingerprint": "0" * 64,
        "placement": "l10",
        "recipe": {"name": "paper", "epochs": 300},
        "labels": ESC50,
        "folds": [1, 2, 3, 4, 5],
        "seeds": [0],
        "accuracy": float(right.mean()),
        "interval": wilson_interval(int(right.sum()), len(right)),
        "n_clips": len(right),
        "n_correct_of_mean": int(right.sum()),
        "runs": [],
        "clips": [
            {
                "filename": f"{i % 5 + 1}-{10_000 + i}-A-{target}.wav",
                "fold": i % 5 + 1,
                "label": ESC50[target],
                "probabilities": row.round(6).tolist(),
            }
            for i, (target, row) in enumerate(zip(targets.tolist(), probabilities, strict=True))
        ],
    }


def drawn(page: Page) -> None:
    """Wait for the matrix and the list beside it."""
    page.wait_for_selector(".st-key-matrix .nsewdrag", timeout=READY_MS)
    page.wait_for_selector(".st-key-cellpage_rows button", timeout=READY_MS)


def in_a_new_session(browser: Browser, app: App) -> float:
    """Seconds from the first request of a browser that has nothing cached."""
    context = browser.new_context(viewport={"width": 1400, "height": 1200})
    page = context.new_page()
    seconds = timed(lambda: (page.goto(app.url("confusions")), drawn(page)))
    context.close()
    return seconds


def from_listen(page: Page, app: App) -> float:
    """Seconds from the click on the page's name in the landing view."""
    open_clip(page, app.url())
    settle(page)
    return timed(lambda: (page.get_by_role("link", name="Confusions").click(), drawn(page)))


def main() -> None:
    """Print the median with min and max."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        write_report([simulated()], Path(folder) / "results")
        n_bytes = (Path(folder) / "results" / f"{NAME}.json").stat().st_size
        app = App(Path(folder) / "log.txt", ACRNN_RESULTS=str(Path(folder) / "results"))
        try:
            app.wait()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 1200})
            clicked = [from_listen(page, app) for _ in range(repeats + 1)][1:]
            new = [in_a_new_session(browser, app) for _ in range(repeats)]
            browser.close()
        finally:
            app.stop()
    print(describe_machine())
    print(f"2000 clips, {n_bytes / 1e6:.1f} MB of results")
    print(f"opened from Listen   {spread(clicked, 's')}")
    print(f"in a new session     {spread(new, 's')}")


if __name__ == "__main__":
    main()
