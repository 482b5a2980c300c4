"""The Collection page: several uploads from an empty start, labelled with keys, opened in Listen."""

import json

import pytest
from playwright.sync_api import expect

from acrnn.audio import encode_wav
from acrnn.audio.scenes import render
from tests.browser.conftest import READY_MS, App, settle

SCENES = ("clock_tick", "crying_baby", "dog", "helicopter", "rain", "rooster")


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return tmp_path_factory.mktemp("labels")


@pytest.fixture(scope="module")
def collecting(tmp_path_factory, save_checkpoint, labels):
    shipped, empty = tmp_path_factory.mktemp("shipped"), tmp_path_factory.mktemp("nothing")
    save_checkpoint(shipped / "checkpoints", "l10")
    (shipped / "results").mkdir()
    server = App(
        tmp_path_factory.mktemp("app") / "log.txt",
        ACRNN_SHIPPED=str(shipped), ACRNN_DATA=str(empty), ACRNN_LABELS=str(labels),
    )  # fmt: skip
    server.wait()
    yield server
    server.stop()
    server.assert_no_crash()


def upload(page, server: App) -> None:
    files = [
        {"name": f"{label}.wav", "mimeType": "audio/wav", "buffer": encode_wav(render(label).samples, 44_100)}
        for label in SCENES
    ]
    page.goto(server.url("collection?of=uploads"))
    settle(page)
    page.locator("input[type=file]").set_input_files(
        [*files, {"name": "bad.wav", "mimeType": "audio/wav", "buffer": b"x"}]
    )
    expect(page.get_by_text("7 recordings")).to_be_visible(timeout=READY_MS)
    settle(page)


def test_uploads_are_listed_labelled_with_keys_and_opened_in_listen(page, collecting, labels):
    upload(page, collecting)
    expect(page.get_by_text("1 could not be used")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("What is it?")).to_be_visible(timeout=READY_MS)
    settle(page)
    page.keyboard.press("1")
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("crying_baby.wav", timeout=READY_MS)
    settle(page)
    page.keyboard.press("2")
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("dog.wav", timeout=READY_MS)
    settle(page)
    expect(page.get_by_role("button", name="Labels in ESC-50's layout (2 rows)")).to_be_visible(timeout=READY_MS)
    lines = [json.loads(line) for line in (labels / "labels.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines] == ["clock_tick.wav", "crying_baby.wav"]
    assert lines[0]["label"] == lines[0]["predicted"]
    assert lines[1]["label"] != lines[1]["predicted"]
    page.get_by_role("button", name="Open in Listen").click()
    page.wait_for_selector(".st-key-listen_chart .nsewdrag", timeout=READY_MS)
    expect(page.get_by_text("Still using dog.wav")).to_be_visible()


def test_a_click_on_a_picture_plays_its_row(page, collecting):
    upload(page, collecting)
    page.evaluate("window.played = 0; document.addEventListener('play', () => window.played++, true)")
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 110, "y": 40 + 50 + 25})  # the picture in the second row
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("crying_baby.wav", timeout=READY_MS)
    page.wait_for_function("window.played === 1", timeout=READY_MS)
    settle(page)
    page.keyboard.press("j")
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("dog.wav", timeout=READY_MS)
    settle(page)
    assert page.evaluate("window.played") == 1  # looked into, not played
    table.click(position={"x": 500, "y": 40 + 25})
    expect(page.get_by_role("combobox", name="Clip")).to_have_value("clock_tick.wav", timeout=READY_MS)
    settle(page)
    assert page.evaluate("window.played") == 1


def test_a_lasso_on_the_map_filters_the_table(page, collecting):
    upload(page, collecting)
    page.get_by_role("tab", name="Map").click()
    settle(page)
    expect(page.get_by_text("6 recordings by the")).to_be_visible(timeout=READY_MS)
    assert "as=map" in page.url
    box = page.locator(".st-key-map .nsewdrag").bounding_box()
    corners = ((0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02))
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
    page.mouse.up()
    page.get_by_role("tab", name="Table").click()
    expect(page.get_by_role("button", name="The map keeps 6 of them")).to_be_visible(timeout=READY_MS)


def test_two_selected_rows_are_shown_side_by_side(page, collecting):
    upload(page, collecting)
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 20, "y": 40 + 25})
    expect(page.get_by_text("Class of the 1 selected")).to_be_visible(timeout=READY_MS)
    settle(page)
    table.click(position={"x": 20, "y": 40 + 50 + 25}, modifiers=["Control"])
    for key in ("one", "other"):
        page.wait_for_selector(f".st-key-{key}_chart .nsewdrag", timeout=READY_MS)
    expect(page.get_by_text("Their waveforms do not hold the same sound")).to_be_visible(timeout=READY_MS)
    settle(page)
    assert page.evaluate("document.querySelectorAll('audio').length") == 2


def test_pairs_are_listed_and_heard(page, collecting):
    upload(page, collecting)
    page.get_by_role("tab", name="Near-duplicates").click()
    expect(page.get_by_text("pairs of different recordings")).to_be_visible(timeout=READY_MS)
    settle(page)
    page.locator(".st-key-pairlist .stDataFrameGlideDataEditor").first.click(position={"x": 120, "y": 38 + 17})
    for key in ("one", "other"):
        page.wait_for_selector(f".st-key-{key}_chart .nsewdrag", timeout=READY_MS)
    settle(page)
    assert "pair=" in page.url
