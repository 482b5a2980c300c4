"""Claim: on a warm server a change of placement shows in 400 ms, an upload of 5 s in 1.5 s; a page sends under 1.5 MB.

    python -m benchmarks.pages [REPEATS]

One real Chromium on the same machine as the server. A time runs from the click (or the file's choice) to the moment
when the new figure is drawn. Bytes are what a page's websocket brings and the sound it loads, not the app's own script
files, which a browser keeps.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import soundfile
from playwright.sync_api import Page, Response, sync_playwright

from acrnn.audio.scenes import SCENES, render
from benchmarks.machine import describe_machine, spread
from tests.browser.conftest import CHROMIUM, App, open_clip, settle

PLACEMENTS = ("l2-sigmoid", "l10")
PAGES = ("", "collection", "compare", "confusions", "train", "results")


def main() -> None:
    """Print medians with min and max, and the bytes of each page."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        app = App(Path(folder) / "log.txt")
        app.wait()
        page = browser.new_context(viewport={"width": 1400, "height": 1200}).new_page()
        open_clip(page, app.url())
        page.get_by_test_id("stSidebar").get_by_text("Model", exact=True).click()
        for placement in PLACEMENTS:
            _choose_placement(page, placement)  # both networks are loaded, the clip is analysed by both
        changes = [_choose_placement(page, PLACEMENTS[i % 2]) for i in range(repeats)]
        page.locator(".st-key-source").get_by_text("Upload").click()
        settle(page)
        uploads = [_upload(page, path) for path in recordings(Path(folder), repeats)]
        sizes = {name: _bytes_of(browser, app.url(name)) for name in PAGES}
        app.stop()
        browser.close()
    print(describe_machine())
    print(f"another placement, clip known  {spread(changes)}")
    print(f"a new upload of 5 s            {spread(uploads)}")
    for name, sizes_of_page in sizes.items():
        print(f"bytes of {name or 'listen':12} {median(sizes_of_page) / 1e6:.2f} MB")


def _choose_placement(page: Page, placement: str) -> float:
    page.locator(".st-key-attention").get_by_role("combobox").click()
    option = page.get_by_role("option", name=placement, exact=True)
    option.wait_for()
    # The page's own clock, from its click: the tool that clicks takes its time to look whether it can.
    page.evaluate("addEventListener('click', () => window.clicked = performance.now(), {capture: true, once: true})")
    option.click()
    layer = placement.split("-")[0]
    drawn = page.wait_for_function(
        "layer => document.querySelector('.st-key-listen_chart .y4title')?.textContent === `attention at ${layer}`"
        " && performance.now() - window.clicked",
        arg=layer,
    )
    settle(page)
    return drawn.json_value() / 1000


def _upload(page: Page, path: Path) -> float:
    began = perf_counter()
    page.locator("input[type=file]").set_input_files(path)
    page.wait_for_function(
        "name => document.querySelector('.st-key-listen_chart .js-plotly-plot')?.layout?.uirevision === name",
        arg=path.name,
    )
    took = perf_counter() - began
    settle(page)
    return took


def recordings(folder: Path, n: int) -> list[Path]:
    """`n` sounds that no cache has seen."""
    paths = []
    rng = np.random.default_rng()
    for i in range(n):
        scene = render(SCENES[i % len(SCENES)])
        noise = 1e-3 * rng.standard_normal(len(scene.samples))
        paths.append(folder / f"recording{i}.wav")
        soundfile.write(paths[-1], np.clip(scene.samples + noise, -1, 1), scene.rate_hz)
    return paths


def _bytes_of_sound(response: Response) -> int:
    is_media = "/media/" in response.url and "/static/" not in response.url
    return int(response.headers.get("content-length", 0)) if is_media else 0


def _bytes_of(browser, url: str, repeats: int = 3) -> list[int]:
    sizes = []
    for _ in range(repeats):
        page = browser.new_context(viewport={"width": 1400, "height": 1200}).new_page()
        received = []
        page.on("websocket", lambda socket, got=received: socket.on("framereceived", lambda f: got.append(len(f))))
        page.on("response", lambda response, got=received: got.append(_bytes_of_sound(response)))
        page.goto(url)
        settle(page)
        page.wait_for_timeout(1000)
        sizes.append(sum(received))
        page.context.close()
    return sizes


if __name__ == "__main__":
    main()
