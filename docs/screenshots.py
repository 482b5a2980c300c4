"""Make the pictures of the app: `python -m docs.screenshots`, with $ACRNN_DATA naming a folder that has a dataset.

Every page in a real Chromium, light and dark, and the Listen page on a phone. Clips and figures are real ones.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from acrnn import data
from tests.browser.conftest import CHROMIUM, READY_MS, App, clip_drawn, settle

HERE = Path(__file__).parent
CHARTS = {"compare": ".st-key-compare_chart .nsewdrag", "confusions": ".nsewdrag", "results": ".nsewdrag"}


def main() -> None:
    """Write every picture beside this file."""
    clip = f"source=Dataset&data={data.discover()[0].name}&label=crying+baby"
    wide, tall, phone = (1400, 1180), (1400, 1500), (400, 1700)
    shots = (
        ("listen-light", "light", wide, f"?{clip}&attention=l10"),
        ("listen-dark", "dark", wide, f"?{clip}&attention=l2-sigmoid"),
        ("listen-phone", "light", phone, f"?{clip}&attention=l10"),
        *((f"{page}-{scheme}", scheme, tall, f"{page}?{clip}" if page == "compare" else page)
          for page in ("compare", "confusions", "train", "results") for scheme in ("light", "dark")),
    )  # fmt: skip
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        app.wait()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, scheme, (width, height), query in shots:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.goto(app.url(query))
            settle(page)
            _drawn(page, name.split("-")[0])
            page.wait_for_timeout(1500)
            page.screenshot(path=HERE / f"{name}.png")
            print(HERE / f"{name}.png")
            context.close()
        browser.close()
        app.stop()


def _drawn(page: Page, name: str) -> None:
    """Wait for the page's picture; on Listen, move the playhead to where it can be seen."""
    if name == "listen":
        clip_drawn(page)
        page.evaluate("document.querySelector('.st-key-listen_audio audio').currentTime = 1.5")
    elif name in CHARTS:
        page.locator(CHARTS[name]).first.wait_for(timeout=READY_MS)


if __name__ == "__main__":
    main()
