"""A finding opened as a file: no server, no request, and a playhead that follows the sound."""

import numpy as np
import pytest
from playwright.sync_api import expect

from acrnn.figures.finding import Finding, write_findings
from acrnn.inference import Predictor
from tests.browser.test_accessibility import findings as found_by_axe
from tests.waiting import wait_until

FRACTION = """(i) => { const seek = document.querySelectorAll(".seek")[i].getBoundingClientRect()
  return (document.querySelectorAll(".playhead")[i].getBoundingClientRect().left + 1 - seek.left) / seek.width }"""
TIMES = "() => [...document.querySelectorAll('audio')].map((audio) => audio.currentTime)"
LOADED = "[...document.querySelectorAll('audio')].every((audio) => audio.readyState >= 1)"
PLAYING = "() => [...document.querySelectorAll('audio')].map((audio) => !audio.paused)"


@pytest.fixture(scope="module")
def file(save_checkpoint, tmp_path_factory):
    """A page of two clips, one of 2 and one of 4 s, with names that are too long for any line."""
    folder = tmp_path_factory.mktemp("finding")
    predictor = Predictor(save_checkpoint(folder, "l10"), "cpu")
    rng = np.random.default_rng(0)
    with write_findings(folder / "page.html", several=True) as page:
        for seconds in (2, 4):
            samples = rng.uniform(-0.2, 0.2, seconds * 16_000).astype(np.float32)
            prediction = predictor(samples, 16_000, name=f"{'long' * 30}-{seconds}.wav")
            page.add(Finding(prediction, samples, predictor.checkpoint, "dog", "Fold 1: never seen in training."))
    return folder / "page.html"


@pytest.fixture
def opened(chromium, file):
    """The page in a window, and what it asked for; nothing in it may fail, and no text of its policy be broken."""
    page, asked, told = chromium.new_page(viewport={"width": 1200, "height": 900}), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(file.as_uri())
    wait_until(lambda: page.evaluate(LOADED), 30)
    yield page
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert told == []
    page.close()


def test_the_playhead_follows_the_sound_and_a_click_seeks(opened):
    second = opened.locator(".seek").nth(1)
    box = second.bounding_box()
    second.click(position={"x": 0.5 * box["width"], "y": 20})
    assert opened.evaluate(TIMES) == [0, pytest.approx(2, abs=0.05)]
    assert opened.evaluate(FRACTION, 1) == pytest.approx(0.5, abs=0.02)
    second.press("ArrowLeft")
    assert opened.evaluate(TIMES)[1] == pytest.approx(1.9, abs=0.05)
    second.press("Space")
    wait_until(lambda: opened.evaluate(TIMES)[1] > 2.1, 30)
    assert opened.evaluate(FRACTION, 1) > 0.5
    opened.locator(".seek").first.press("Space")  # one sound at a time
    wait_until(lambda: opened.evaluate(TIMES)[0] > 0.1, 30)
    assert opened.evaluate(PLAYING) == [True, False]


def test_the_veil_is_drawn_on_request(opened):
    veil = opened.locator(".veil").first
    expect(veil).to_be_hidden()
    opened.get_by_label("veil what is attended to less").first.check()
    expect(veil).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_a_phone_shows_all_of_it(opened, theme):
    opened.emulate_media(color_scheme=theme)
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if theme == "light" else "rgb(14, 17, 23)")
    opened.get_by_text("Segments in numbers").first.click()
    assert found_by_axe(opened) == []
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    assert found_by_axe(opened) == []
