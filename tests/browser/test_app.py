"""Five pages as one app: what is chosen on one is chosen on the next."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import choose, clip_drawn, open_clip, settle


def go_to(page, name) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_url(f"**/{name.lower()}*" if name != "Listen" else "**/?*")
    settle(page)


def chosen_sample(page):
    return page.locator(".st-key-sample").get_by_role("combobox")


@pytest.mark.parametrize("opened", ["", "?sample=sea+waves"])
def test_a_clip_chosen_on_one_page_is_kept_on_the_next_and_back(app, page, opened):
    open_clip(page, app.url(opened))
    if not opened:
        choose(page, "sample", "sea waves")
        settle(page)
    go_to(page, "Compare")
    expect(chosen_sample(page)).to_have_value("sea waves")
    assert "sample=sea+waves" in page.url
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
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.trim().split('\\n').pop()"))
    assert [name for name in reached if name in names] == names
