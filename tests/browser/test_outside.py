"""What strangers wrote is shown as they wrote it: no page asks another host for anything, and none of it is a link."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from acrnn.audio import encode_wav
from acrnn.audio.scenes import render
from acrnn.paths import shipped_results
from tests.browser.conftest import READY_MS, App, settle

EVIL = "![i](http://evil.invalid/i.png) <img src=http://evil.invalid/h.png> http://evil.invalid"
OUTSIDE = """() => [...document.querySelectorAll("a[href], img[src]")]
  .filter(e => new URL(e.href || e.src, location).host.includes("evil")).map(e => e.outerHTML)"""
NAME = "![i](evil.png)`<b>www.evil.invalid"  # what a folder can be called


def edit(path: Path, **changes) -> None:
    values = json.loads(path.read_text())
    for name, value in changes.items():
        part, _, field = name.rpartition("__")
        (values[part] if part else values)[field] = value
    path.write_text(json.dumps(values))


@pytest.fixture(scope="module")
def beset(tmp_path_factory, save_checkpoint, finished):
    """The app with a hostile checkpoint, result and run in place, and nothing else."""
    root = tmp_path_factory.mktemp("hostile")
    for placement in ("l10", "l4-sigmoid"):
        found = save_checkpoint(root / "checkpoints", placement, name=f"{NAME}-{placement}")
        labels = [f"{EVIL} {i}" for i in range(10)]
        edit(found.path / "config.json", labels=labels, data_title=EVIL, protocol=EVIL, recipe__name=EVIL[:90])
    (root / "results").mkdir()
    shutil.copy(shipped_results() / "esc10-l10-paper-60.json", root / "results" / "evil.json")
    edit(root / "results" / "evil.json", name=f"{EVIL} `x`", data_title=EVIL, recipe__name=EVIL[:90])
    shutil.copytree(finished.path, root / "runs" / NAME)
    edit(root / "runs" / NAME / "config.json", data_title=EVIL)
    (root / "runs" / "damaged" / "config.json").mkdir(parents=True)
    server = App(
        root / "log.txt", ACRNN_SHIPPED=str(root / "nothing"), ACRNN_CHECKPOINTS=str(root / "checkpoints"),
        ACRNN_RESULTS=str(root / "results"), ACRNN_RUNS=str(root / "runs"), ACRNN_DATA=str(root / "no data"),
    )  # fmt: skip
    server.wait()
    yield server
    server.stop()
    server.assert_no_crash()


@pytest.mark.slow
def test_no_page_asks_another_host_for_anything(beset, page, tmp_path):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    upload = tmp_path / "![i](evil.png) www.evil.invalid.wav"
    scene = render("rooster")
    upload.write_bytes(encode_wav(scene.samples, scene.rate_hz))
    page.goto(beset.url("?source=upload"))
    settle(page)
    page.locator("input[type=file]").set_input_files(upload)
    page.wait_for_selector(".st-key-listen_chart .nsewdrag", timeout=READY_MS)
    settle(page)
    assert "![i](http:" in page.locator("h1").inner_text()
    for query in (
        "collection",
        "compare",
        "confusions",
        "confusions?view=clips",
        "confusions?view=labels",
        "train",
        "results",
    ):
        page.goto(beset.url(query))
        settle(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        outside = page.evaluate(OUTSIDE)
        assert outside == [], query
    hosts = {urlsplit(url).hostname for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {"127.0.0.1"}
