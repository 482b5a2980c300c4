"""Make the pictures of the app: `python -m docs.screenshots`, with $ACRNN_DATA naming a folder that has a dataset.

Every page in a real Chromium, light and dark, the Listen page on a phone, and listen.gif: the playhead running over a
clip. Clips and figures are real ones. Names as arguments (`python -m docs.screenshots listen.gif train-dark`) make
those pictures alone.
"""

import io
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from acrnn import data
from tests.browser.conftest import CHROMIUM, READY_MS, App, clip_drawn, settle

HERE = Path(__file__).parent
CHARTS = {"compare": ".st-key-compare_chart .nsewdrag", "confusions": ".nsewdrag", "results": ".nsewdrag"}
PATIENCE_MS = 5 * READY_MS  # beside trainings the first page takes minutes
AUDIO = "document.querySelector('.st-key-listen_audio audio')"
MOVING = "listen.gif"
CLEAR = 255
"""Index of the palette that means: as in the frame before."""
FRAME_S = 0.1
SLOWED = 0.0625
"""The clip is played at this speed, the slowest that Chromium has, so that a busy machine can take every frame."""


@dataclass(frozen=True)
class Shot:
    """One still picture: where it is taken, and how large the window is, in pixels."""

    name: str
    scheme: str
    size: tuple[int, int]
    query: str


def shots(clip: str) -> list[Shot]:
    """List the still pictures; `clip` is the query that chooses the clip."""
    wide, tall, phone = (1400, 1180), (1400, 1500), (400, 1700)
    return [
        Shot("listen-light", "light", wide, f"?{clip}&attention=l10"),
        Shot("listen-dark", "dark", wide, f"?{clip}&attention=l2-sigmoid"),
        Shot("listen-phone", "light", phone, f"?{clip}&attention=l10"),
        *(
            Shot(f"{page}-{scheme}", scheme, tall, f"{page}?{clip}" if page == "compare" else page)
            for page in ("collection", "compare", "confusions", "train", "results")
            for scheme in ("light", "dark")
        ),
    ]


def main(wanted: list[str]) -> None:
    """Write the wanted pictures, or all of them, beside this file."""
    clip = f"model=esc10&source=dataset&data={data.discover()[0].name}&label=crying_baby"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        try:
            app.wait()
            arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            for shot in shots(clip):
                if not wanted or shot.name in wanted:
                    page = opened(browser, app, shot)
                    page.screenshot(path=HERE / f"{shot.name}.png")
                    page.context.close()
                    print(HERE / f"{shot.name}.png")
            if not wanted or MOVING in wanted:
                _film(opened(browser, app, shots(clip)[0]), HERE / MOVING)
                print(HERE / MOVING)
            browser.close()
        finally:
            app.stop()


def opened(browser: Browser, app: App, shot: Shot) -> Page:
    """Open a page in a window of its own, and wait until all of it is drawn; `app` need only have an `url`."""
    width, height = shot.size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
    page = context.new_page()
    page.goto(app.url(shot.query))
    page.wait_for_selector("[data-test-script-state='notRunning']", timeout=PATIENCE_MS)
    settle(page)
    _drawn(page, shot.name.split("-")[0])
    page.wait_for_timeout(1500)
    return page


def _drawn(page: Page, name: str) -> None:
    """Wait for the page's picture; on Listen, move the playhead to where it can be seen."""
    if name == "listen":
        clip_drawn(page)
        page.evaluate(f"{AUDIO}.currentTime = 1.5")
    elif name in CHARTS:
        page.locator(CHARTS[name]).first.wait_for(timeout=READY_MS)


def _film(page: Page, path: Path) -> None:
    """Play the clip once and write what is seen as an animated GIF that runs in the clip's own time."""
    page.evaluate(f"{AUDIO}.currentTime = 0")
    page.evaluate(f"{AUDIO}.playbackRate = {SLOWED}, {AUDIO}.play()")
    view = _view(page)
    frames: list[Image.Image] = []
    times_s: list[float] = []
    while not page.evaluate(f"{AUDIO}.ended"):
        now_s = page.evaluate(f"{AUDIO}.currentTime")
        if not times_s or now_s - times_s[-1] >= FRAME_S:
            picture = Image.open(io.BytesIO(page.screenshot(clip=view))).convert("RGB")
            frames.append(picture.resize((picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS))
            times_s.append(now_s)
        page.wait_for_timeout(50)
    end_s = page.evaluate(f"{AUDIO}.duration")
    lasts_ms = [round(1000 * (after - now)) for now, after in zip(times_s, [*times_s[1:], end_s + 1], strict=True)]
    first, *others = _changes(frames)
    first.save(
        path, save_all=True, append_images=others, duration=lasts_ms, loop=0, transparency=CLEAR, disposal=1,
        optimize=False,
    )  # fmt: skip


def _view(page: Page) -> dict[str, float]:
    """From the page's title to the end of the chart, without the sidebar."""
    top = page.locator("h1").first.bounding_box()
    chart = page.locator(".st-key-listen_chart").bounding_box()
    left, above = chart["x"] - 16, top["y"] - 8
    return {"x": left, "y": above, "width": chart["width"] + 32, "height": chart["y"] + chart["height"] + 12 - above}


def _changes(frames: list[Image.Image]) -> list[Image.Image]:
    """Give the frames in one palette without dither, each showing only what is not as in the one before."""
    palette = frames[0].quantize(250, dither=Image.Dither.NONE)
    pictures = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    changes = pictures[:1]
    for before, now in pairwise(map(np.asarray, pictures)):
        change = Image.fromarray(np.where(before == now, CLEAR, now).astype(np.uint8), "P")
        change.putpalette(pictures[0].getpalette())
        changes.append(change)
    return changes


if __name__ == "__main__":
    main(sys.argv[1:])
