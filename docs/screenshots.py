"""Make the pictures of the README: `python -m docs.screenshots`, with $ACRNN_DATA naming a folder that has a dataset.

The Listen page on a real clip, light and dark, wide and narrow, in a real Chromium.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, App, open_clip

HERE = Path(__file__).parent
CLIP = "?source=Dataset&data=esc10-44k&label=crying+baby&attention={placement}"
SHOTS = (
    ("listen-light.png", "light", (1400, 1180), "l10"),
    ("listen-dark.png", "dark", (1400, 1180), "l2-sigmoid"),
    ("listen-phone.png", "light", (400, 1700), "l10"),
)


def main() -> None:
    """Write every picture beside this file."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        app.wait()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, scheme, (width, height), placement in SHOTS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            open_clip(page, app.url(CLIP.format(placement=placement)))
            page.evaluate("document.querySelector('.st-key-listen_audio audio').currentTime = 1.5")
            page.wait_for_timeout(1000)
            page.screenshot(path=HERE / name)
            print(HERE / name)
            context.close()
        browser.close()
        app.stop()


if __name__ == "__main__":
    main()
