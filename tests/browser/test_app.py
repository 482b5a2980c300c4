"""Five pages as one app: what is chosen on one is chosen on the next."""

import socket

import pytest
import requests
import soundfile
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from acrnn.audio.scenes import render
from tests.browser.conftest import READY_MS, App, choose, clip_drawn, open_clip, settle


def go_to(page, name) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_url(f"**/{name.lower()}*" if name != "Listen" else "**/?*")
    settle(page)


def chosen_sample(page):
    return page.locator(".st-key-sample").get_by_role("combobox")


@pytest.mark.slow
@pytest.mark.parametrize("opened", ["", "?sample=sea_waves"])
def test_a_clip_chosen_on_one_page_is_kept_on_the_next_and_back(app, page, opened):
    open_clip(page, app.url(opened))
    if not opened:
        choose(page, "sample", "sea waves")
        settle(page)
    go_to(page, "Compare")
    expect(chosen_sample(page)).to_have_value("sea waves")
    assert "sample=sea_waves" in page.url
    choose(page, "sample", "rooster")
    settle(page)
    go_to(page, "Results")
    go_to(page, "Listen")
    clip_drawn(page)
    expect(chosen_sample(page)).to_have_value("rooster")
    assert "sample=rooster" in page.url


def test_every_page_can_be_reached_by_keyboard(app, page):
    open_clip(page, app.url())
    names = ["Listen", "Compare", "Confusions", "Train", "Results"]
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.trim().split('\\n').pop()"))
    assert [name for name in reached if name in names] == names


def test_an_upload_is_kept_on_the_other_pages_until_it_is_removed(app, page, tmp_path):
    scene = render("rooster")
    soundfile.write(tmp_path / "my crow.wav", scene.samples, scene.rate_hz)
    page.goto(app.url("?source=upload"))
    settle(page)
    page.locator("input[type=file]").set_input_files(tmp_path / "my crow.wav")
    expect(page.get_by_text("my crow.wav, 5.00 s")).to_be_visible(timeout=READY_MS)
    heading = page.locator("h1").inner_text()
    go_to(page, "Results")
    go_to(page, "Listen")
    expect(page.get_by_text("Still using my crow.wav.")).to_be_visible()
    assert page.locator("h1").inner_text() == heading


@pytest.mark.slow
def test_the_address_of_a_page_opens_it_within_the_app_on_a_fresh_server(page, tmp_path):
    server = App(tmp_path / "log.txt")
    try:
        server.wait()
        page.goto(server.url("compare?sample=rooster"))
        settle(page)
        expect(page.get_by_role("link", name="Listen", exact=True).first).to_be_visible()
        expect(chosen_sample(page)).to_have_value("rooster")
        assert "compare" in page.url
    finally:
        server.stop()


def test_something_is_to_be_seen_before_any_script_has_run(app):
    answer = requests.get(app.url("compare"), headers={"Accept": "text/html"}, timeout=20)
    assert "Hear a sound, see what a neural network takes it for" in answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_page_of_another_site_whose_name_resolves_here_gets_no_connection(app):
    path = f":{app.port}/_stcore/stream"
    with connect(f"ws://127.0.0.1{path}", subprotocols=["streamlit"]):
        pass
    for host, origin in (("evil.example", "http://evil.example"), ("127.0.0.1", "http://evil.example")):
        there = socket.create_connection(("127.0.0.1", app.port))  # what the name resolves to
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{host}{path}", sock=there, origin=origin):
            pass
