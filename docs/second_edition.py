"""Make the pictures of second-edition.md: `python -m docs.second_edition BEFORE AFTER [NUMBER …]`.

BEFORE and AFTER are the addresses of two running apps, such as http://127.0.0.1:8622 and http://127.0.0.1:8621: the
first edition, of which `git worktree add --detach ../first 4b50c23` makes a checkout, and this one. Start each in its
checkout with `streamlit run app.py --server.port PORT`, with $ACRNN_DATA naming a folder that has ESC-10, and with an
$ACRNN_RUNS of its own: a run of recipe plain on ESC-10 is in the first, and two, of folds 1 and 2, in the second.
NUMBERs, such as 01 15, make those pairs alone.
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from acrnn.audio import encode_wav
from acrnn.audio.scenes import render
from docs.screenshots import Shot, opened
from tests.browser.conftest import CHROMIUM, clip_drawn, settle

HERE = Path(__file__).parent / "second-edition"
WIDTH_PX = 720
QUALITY = 70
GAP_PX = 24
"""White between two views in one picture."""
CUT_AT = 200_000
"""Bytes of a sound of 5 s after which a recorder has lost power."""
PATIENCE_MS = 60_000
LAST_MS = 2000
"""Patience for what moves when all is drawn: a scroll, a bar."""

Box = tuple[int, int, int, int]
"""Left, top, width and height of what is shown of a window, in pixels."""


@dataclass(frozen=True)
class Running:
    """An app that somebody else has started."""

    address: str

    def url(self, query: str = "") -> str:
        """Give the address of a page."""
        return f"{self.address.rstrip('/')}/{query}"


@dataclass(frozen=True)
class Side:
    """What one picture shows: views of the app, one under the other, after a visitor has done something in each."""

    queries: tuple[str, ...]
    act: Callable[[Page], None] | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Pair:
    """The pictures before and after: `page` says what `docs.screenshots.opened` waits for."""

    page: str
    before: Side
    after: Side
    size: tuple[int, int] = (1400, 1000)


def main(before: str, after: str, wanted: list[str]) -> None:
    """Write the wanted pairs of pictures, or all of them."""
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for number, pair in pairs().items():
            if wanted and number not in wanted:
                continue
            for word, app, side in (("before", before, pair.before), ("after", after, pair.after)):
                path = HERE / f"{number}-{word}.webp"
                _picture(browser, Running(app), pair, side).save(path, quality=QUALITY, method=6)
                print(f"{path} {path.stat().st_size / 1000:.0f} kB")
        browser.close()


def pairs() -> dict[str, Pair]:
    """Give the pairs of pictures by the number of what was wrong."""
    setting = "confusions?setting=esc10-l10-paper-60"
    cell, clip = f"{setting}&true=helicopter&predicted=rain", "look=1-172649-D-40.ogg"
    looked = f"{cell}&{clip}"
    both_runs = "train?run=esc10-l10-plain-fold1-seed0&run=esc10-l10-plain-fold2-seed0"
    return {
        "01": Pair("upload", Side(("?source=Upload",), _to_compare), Side(("?source=upload",), _to_compare)),
        "02": Pair("compare", Side(("compare",)), Side(("compare?compare=pair",)), (1400, 1100)),
        "03": Pair("looked", Side((looked,), _to_listen_and_back), Side((looked,), _to_listen_and_back), (1400, 1300)),
        "04": Pair("confusions", Side((cell,), box=(860, 430, 480, 570)), Side((cell,), box=(860, 390, 480, 570))),
        "05": Pair("clips", Side((f"{setting}&view=Clips",)), Side((f"{setting}&view=clips",))),
        "06": Pair("results", Side(("results",)), Side(("results",))),
        "07": Pair("listen", Side(("",)), Side(("",))),
        "08": Pair("listen", Side(("?sample=rooster",)), Side(("?sample=rooster",)), (1920, 1080)),
        "09": Pair(
            "listen",
            Side(("?veil=true",), box=(320, 480, 1080, 700)),
            Side(("?veil=true",), box=(320, 455, 1080, 515)),
            (1400, 1180),
        ),
        "10": Pair(
            "listen",
            Side(("?sample=dog", "?sample=rain"), box=(780, 125, 620, 205)),
            Side(("?sample=dog", "?sample=rain"), box=(780, 135, 620, 170)),
        ),
        "11": Pair("upload", Side(("?source=Upload",), _cut), Side(("?source=upload",), _cut), (1400, 600)),
        "12": Pair("train", Side(("train",)), Side((both_runs,)), (1400, 1100)),
        "13": Pair("compare", Side(("compare?which=my+choice",)), Side(("compare?which=chosen",)), (1400, 1450)),
        "14": Pair("listen", Side(("",)), Side(("",)), (390, 844)),
        "15": Pair("frame", Side(("", "results"), box=(0, 0, 1400, 330)), Side(("", "results"), box=(0, 0, 1400, 330))),
    }


def _picture(browser: Browser, app: Running, pair: Pair, side: Side) -> Image.Image:
    views = [_view(browser, app, pair, side, query) for query in side.queries]
    height = sum(view.height for view in views) + GAP_PX * (len(views) - 1)
    whole = Image.new("RGB", (views[0].width, height), "white")
    top = 0
    for view in views:
        whole.paste(view, (0, top))
        top += view.height + GAP_PX
    whole.thumbnail((WIDTH_PX, whole.height), Image.Resampling.LANCZOS)
    return whole


def _view(browser: Browser, app: Running, pair: Pair, side: Side, query: str) -> Image.Image:
    page = opened(browser, app, Shot(pair.page, "light", pair.size, query))
    if side.act is not None:
        side.act(page)
        settle(page)
        page.wait_for_timeout(LAST_MS)
    view = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.context.close()
    if side.box is None:
        return view
    left, top, width, height = side.box
    return view.crop((left, top, left + width, top + height))


def _upload(page: Page, name: str, n_bytes: int | None = None) -> None:
    scene = render("dog")
    content = encode_wav(scene.samples, scene.rate_hz)[:n_bytes]
    file = {"name": name, "mimeType": "audio/wav", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(files=[file])


def _to_compare(page: Page) -> None:
    """Upload a sound on Listen, and go to Compare."""
    _upload(page, "my bark.wav")
    page.get_by_text("my bark.wav, 5.00 s").first.wait_for(timeout=PATIENCE_MS)
    clip_drawn(page)
    settle(page)
    page.get_by_role("link", name="Compare").click()
    page.wait_for_selector(".st-key-compare_chart .nsewdrag", timeout=PATIENCE_MS)


def _cut(page: Page) -> None:
    """Upload a sound whose recorder has lost power."""
    _upload(page, "cut.wav", CUT_AT)
    page.locator("[data-testid=stAlert]").first.wait_for(timeout=PATIENCE_MS)


def _to_listen_and_back(page: Page) -> None:
    """Open in Listen the clip that is looked into, and go back."""
    link = page.get_by_role("link", name="Open in Listen").first
    link.wait_for(timeout=PATIENCE_MS)
    settle(page)
    link.click()
    page.wait_for_selector(".st-key-listen_chart .nsewdrag", timeout=PATIENCE_MS)
    settle(page)
    page.go_back()
    page.get_by_role("heading", name="Confusions").wait_for(timeout=PATIENCE_MS)
    settle(page)
    page.wait_for_timeout(LAST_MS)
    page.evaluate("document.querySelector('.stMain').scrollTo(0, 0)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
