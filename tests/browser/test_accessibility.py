"""Pages for those who see little contrast, hear pages read or use the keyboard: axe-core's rules, in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import open_clip, settle

ADDRESSES = {
    "Listen": "?sample=rooster",
    "Collection": "collection",
    "Compare": "compare?sample=rooster",
    "Sigmoid against softmax": "compare?compare=pair&sample=rooster",
    "Confusions": "confusions",
    "Label errors": "confusions?view=labels",
    "Near-duplicates": "collection?as=pairs",
    "Compare two": "confusions?view=compare",
    "Train": "train",
    "Results": "results",
}
GRAVE = {"serious", "critical"}
REACHED = """[...document.querySelectorAll('.st-key-matrixframe')].every((frame) =>
  frame.scrollWidth <= frame.clientWidth || frame.hasAttribute('tabindex'))"""
"""What scrolls sideways is made reachable soon after it is drawn."""
STILL = "document.getAnimations().every((animation) => animation.playState !== 'running')"

# Of the greys in charts, which axe does not judge: their text has a picture for a background.
PALE = """[...document.querySelectorAll('.js-plotly-plot text')].map((text) => getComputedStyle(text).fill)
  .filter((fill) => ['rgb(128, 132, 149)', 'rgb(138, 143, 152)'].includes(fill))"""


def findings(page) -> list[str]:
    """Give axe's grave findings, and headings that skip a level, each with its elements."""
    return [
        f"{found['id']} ({found['impact']}): {node['html']} {node['failureSummary']}"
        for found in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        if found["impact"] in GRAVE or found["id"] == "heading-order"
        for node in found["nodes"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_axe_finds_nothing_serious_in_either_theme(app, page, address):
    page.goto(app.url(address))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        settle(page)
        expect(page.locator(".stApp")).to_have_css("color-scheme", theme)
        page.wait_for_function(STILL)
        page.wait_for_function(REACHED)
        assert findings(page) == [], theme
        assert page.evaluate(PALE) == [], theme


@pytest.mark.parametrize("address", ["compare?compare=pair", "confusions?view=compare"])
def test_what_scrolls_sideways_on_a_phone_can_be_reached_by_keyboard(app, chromium, address):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(app.url(address))
    settle(page)
    scroller = page.get_by_role("region", name="scrolls sideways").first
    scroller.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert findings(page) == []
    page.close()


def test_the_links_to_the_pages_stand_at_one_place_with_a_sidebar_and_without(app, page):
    def place() -> float:
        return page.get_by_role("link", name="Results", exact=True).first.bounding_box()["x"]

    page.goto(app.url("results"))
    settle(page)
    without = place()
    page.get_by_role("link", name="Train", exact=True).first.click()
    sidebar = page.get_by_test_id("stSidebarHeader")
    expect(sidebar).to_be_visible()
    assert place() == without
    sidebar.hover()
    page.get_by_role("button", name="Collapse sidebar").click()
    expect(page.get_by_role("button", name="Expand sidebar")).to_be_visible()
    assert place() == without


def test_the_first_stop_of_the_keyboard_skips_to_the_page(app, page):
    page.goto(app.url("results"))
    settle(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_space_plays_and_pauses_where_no_control_has_the_focus(app, page):
    def is_paused() -> bool:
        return page.locator(".st-key-listen_audio audio").evaluate("audio => audio.paused")

    open_clip(page, app.url("?sample=rooster"))
    page.get_by_role("main").focus()
    for paused in (False, True):
        page.keyboard.press("Space")
        assert is_paused() is paused
    page.get_by_role("radio", name="only what it attends to").focus()
    page.keyboard.press("Space")
    settle(page)
    assert is_paused()
