"""The Confusions page as a person uses it, on the results and the recordings that are there."""

import csv
import io
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from acrnn import data
from acrnn.checkpoints import listed
from acrnn.errors import CheckpointError, DatasetError
from acrnn.labels import pretty
from acrnn.results.confusion import (
    by_recording,
    cell,
    clip_table,
    compare,
    confidently_wrong,
    confusion_of,
    right_example,
)
from acrnn.results.label_errors import label_errors
from acrnn.results.published import checkpoint_of_fold, checkpoints_of
from acrnn.results.settings import load_settings
from acrnn.web.confusions.clip_list import tell_clips
from tests.browser.conftest import READY_MS, App, choose, open_clip, settle

PLACE_OF = """([x, y]) => {
  const gd = document.querySelector('.st-key-matrix .js-plotly-plot'), layout = gd._fullLayout
  const box = gd.querySelector('.svg-container').getBoundingClientRect()
  return [
    box.left + layout.xaxis._offset + layout.xaxis.l2p(x), box.top + layout.yaxis._offset + layout.yaxis.l2p(y),
  ]
}"""


def published_mistake():
    """A setting, a mistaken clip and the checkpoint that made the mistake, of what is in the repository."""
    for setting in sorted(load_settings(), key=lambda setting: len(checkpoints_of(setting, listed()[0])), reverse=True):
        clips = clip_table(setting)
        for _, row in confidently_wrong(clips).iterrows():
            try:
                checkpoint = checkpoint_of_fold(setting, row["fold"])
            except CheckpointError:
                continue
            if all(right_example(clips, row, row[side]) is not None for side in ("predicted", "true")):
                return setting, row, checkpoint
    pytest.skip("no published checkpoint made a mistake in results/")


@pytest.fixture(scope="module")
def mistake():
    return published_mistake()


@pytest.fixture(scope="module")
def recordings(mistake, real_roots):
    """Stem → path of the recordings that the mistake's setting was scored on."""
    for root in real_roots:
        try:
            dataset = data.load(root, mistake[0].dataset)
        except DatasetError:
            continue
        if dataset.fingerprint() == mistake[0].data_fingerprint:
            return {clip.path.stem: clip.path for clip in dataset.clips}
    pytest.skip(f"ACRNN_DATA does not hold the files of {mistake[0].data_title}")


warm = set()


def open_page(page, server, **query: str) -> None:
    if server not in warm:  # Streamlit knows the navigation once the landing view has run
        page.goto(server.url())
        settle(page)
        warm.add(server)
    page.goto(server.url("confusions?" + "&".join(f"{k}={v.replace(' ', '+')}" for k, v in query.items())))
    settle(page)
    expect(page.get_by_role("heading", name="Confusions")).to_be_visible(timeout=READY_MS)


def matrix_drawn(page) -> None:
    page.wait_for_selector(".st-key-matrix .nsewdrag", timeout=READY_MS)


def saved_rows(page, button: str) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text())))


def test_a_cell_is_clicked_and_its_clips_are_heard(app, page, mistake, recordings):
    setting, row, _ = mistake
    open_page(page, app, setting=setting.name)
    matrix_drawn(page)
    order = confusion_of(clip_table(setting), setting.labels).order("class")
    place = [order.index(setting.labels.index(row[side])) for side in ("predicted", "true")]
    x, y = page.evaluate(PLACE_OF, place)
    page.mouse.move(x - 2, y - 2)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    page.wait_for_url(lambda url: f"true={row['true']}" in url, timeout=READY_MS)
    settle(page)
    assert f"predicted={row['predicted']}" in page.url

    clips = by_recording(cell(clip_table(setting), row["true"], row["predicted"]))
    expect(page.get_by_text(f"predicted as {pretty(row['predicted'])}: {tell_clips(clips)}, the most")).to_be_visible(
        timeout=READY_MS
    )
    expect(page.locator("audio")).to_have_count(0)  # one player, of the clip that is chosen
    click_row(page, "cellclips", 0)
    page.wait_for_url(lambda url: f"look={clips['filename'].iloc[0]}" in url, timeout=READY_MS)
    plays(page, "chosen")
    if len(clips) > 1:
        page.get_by_role("button", name="Next").click()
        page.wait_for_url(lambda url: f"look={clips['filename'].iloc[1]}" in url, timeout=READY_MS)
        plays(page, "chosen")


def click_row(page, key: str, row: int) -> None:
    """Click the row of a table of clips, counted from 0, somewhere in its second column."""
    table = page.locator(f".st-key-{key} .stDataFrameGlideDataEditor").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 120, "y": 38 + 35 * row + 17})


def plays(page, key: str) -> None:
    """Wait for the player of a view, and that it plays."""
    settle(page)
    page.wait_for_function(
        """(key) => {
          const audio = document.querySelector(`.st-key-${key}_audio audio`)
          if (audio?.paused) audio.play().catch(() => {}) // its sound is replaced: at the next look
          return audio?.currentTime > 0.1
        }""",
        arg=key,
        timeout=READY_MS,
    )


@pytest.mark.slow
def test_every_player_plays_behind_a_path_prefix(page, mistake, recordings, tmp_path):
    setting, row, _ = mistake
    server = App(tmp_path / "log.txt", STREAMLIT_SERVER_BASE_URL_PATH="sounds/acrnn")
    try:
        server.wait()
        open_page(page, server, setting=setting.name, look=row["filename"])
        for key in ("chosen", "peer"):
            plays(page, key)
        open_clip(page, server.url())
        assert "/sounds/acrnn/media/" in page.locator(".st-key-listen_audio audio").evaluate("audio => audio.src")
    finally:
        server.stop()
    server.assert_no_crash()


def test_a_mistake_is_shown_by_the_model_that_made_it_beside_right_ones_of_both_classes(app, page, mistake, recordings):
    setting, row, checkpoint = mistake
    open_page(page, app, setting=setting.name, true=row["true"], predicted=row["predicted"])
    clips = clip_table(setting)
    of_cell = by_recording(cell(clips, row["true"], row["predicted"]))["filename"].tolist()
    click_row(page, "cellclips", of_cell.index(row["filename"]))
    for key, shown in {
        "chosen": row,
        "peer": right_example(clips, row, row["predicted"]),
        "truepeer": right_example(clips, row, row["true"]),
    }.items():
        view_shows(page, key, shown["confidence"])
    assert f"look={row['filename']}" in page.url
    expect(page.get_by_text(f"By {checkpoint.name}, which never saw fold {row['fold']}")).to_be_visible()


def view_shows(page, key: str, confidence: float) -> None:
    """Wait for a view's picture and sound, and check that its most probable class has this probability."""
    page.wait_for_selector(f".st-key-{key}_chart .nsewdrag", timeout=READY_MS)
    page.wait_for_function(f"document.querySelector('.st-key-{key}_audio audio')?.readyState >= 1")
    chart = f"document.querySelector('.st-key-{key}_chart .js-plotly-plot')"
    assert page.evaluate(f"{chart}.data.filter(t => t.type === 'heatmap').length") >= 1
    bars = page.evaluate(f"document.querySelector('.st-key-{key}_top .js-plotly-plot').data[0].x")
    assert max(np.asarray(list(bars.values()) if isinstance(bars, dict) else bars, float)) == pytest.approx(
        confidence, abs=0.01
    )


def test_both_networks_of_two_settings_are_shown_on_the_chosen_clip(app, page, recordings):
    by_name = {setting.name: setting for setting in load_settings()}
    a, b = by_name["esc10-l10-best-60"], by_name["esc10-l4-sigmoid-paper-60"]
    found = compare(a, b)
    only = found.only_a if len(found.only_a) else found.only_b
    open_page(
        page, app, setting=a.name, view="compare", against=b.name, side="first" if len(found.only_a) else "second"
    )
    click_row(page, "sideclips", 0)
    view_shows(page, "first", only["confidence_a"].iloc[0])
    view_shows(page, "second", only["confidence_b"].iloc[0])
    expect(page.get_by_text(f"The second: {b.name}")).to_be_visible()


def test_one_click_puts_the_nearest_right_clip_beside_a_mistake(app, page, mistake, recordings):
    setting, row, _ = mistake
    open_page(page, app, setting=setting.name, look=row["filename"])
    page.get_by_role("button", name=f"Nearest right {pretty(row['true'])}").click()
    page.wait_for_url(re.compile("beside="), timeout=READY_MS)
    settle(page)
    clips = clip_table(setting).set_index("filename")
    nearest = clips.loc[re.search("beside=([^&]+)", page.url)[1]]
    assert (nearest["true"], nearest["fold"], bool(nearest["right"])) == (row["true"], row["fold"], True)
    view_shows(page, "chosen", row["confidence"])
    view_shows(page, "beside", nearest["confidence"])
    expect(page.locator(".st-key-peer_view")).to_have_count(0)
    shown = "(key) => document.querySelector(`.st-key-${key}_chart .js-plotly-plot`)._fullLayout"
    spans = [page.evaluate(f"(key) => ({shown})(key).xaxis.range", key) for key in ("chosen", "beside")]
    assert spans[0] == spans[1]
    with page.expect_download() as download:
        page.get_by_role("button", name="Finding (HTML)").click()
    saved = download.value.path().read_text()
    assert saved.count("<audio") == 2
    assert f"This clip: {row['filename']}" in saved
    page.get_by_role("button", name="Next").click()  # another clip begins with its own
    page.wait_for_url(lambda url: "beside=" not in url, timeout=READY_MS)


def test_a_label_in_question_is_heard_beside_right_clips(app, page, mistake, recordings):
    setting = mistake[0]
    open_page(page, app, setting=setting.name, view="labels")
    ranked = label_errors(setting)
    expect(page.get_by_text("Ranked by self-confidence").first).to_be_visible()
    click_row(page, "labelclips", 0)
    page.wait_for_url(lambda url: f"look={ranked['filename'][0]}" in url, timeout=READY_MS)
    plays(page, "chosen")
    assert saved_rows(page, "These clips (CSV)")[0]["filename"] == ranked["filename"][0]


def test_a_deep_link_restores_the_view(app, page, mistake):
    setting, row, _ = mistake
    view = {"cells": "recall", "order": "clustering", "outcome": "wrong"}
    open_page(page, app, setting=setting.name, true=row["true"], **view)
    matrix_drawn(page)
    wrong = cell(confidently_wrong(clip_table(setting)), row["true"])
    expect(page.get_by_text(f"The filters keep {(~clip_table(setting)['right']).sum()} of")).to_be_visible()
    expect(page.get_by_text(f"Of {pretty(row['true'])}: {tell_clips(wrong)}, the most confident first")).to_be_visible()
    shown = page.evaluate("document.querySelector('.st-key-matrix .js-plotly-plot')._fullLayout.yaxis.ticktext")
    confusion = confusion_of(confidently_wrong(clip_table(setting)), setting.labels)
    assert list(shown) == [
        pretty(setting.labels[i]) for i in confusion.order("clustering") if confusion.counts[i].any()
    ]


def test_a_pair_button_opens_its_cell_and_a_cross_closes_it(app, page, mistake):
    setting = mistake[0]
    pair = confusion_of(clip_table(setting), setting.labels).pairs().iloc[0]
    open_page(page, app, setting=setting.name)
    page.locator(".st-key-pairs").get_by_role("button").first.click()
    expect(
        page.get_by_text(f"Of {pretty(pair['true'])}, predicted as {pretty(pair['predicted'])}: {pair['clips']} clips")
    ).to_be_visible(timeout=READY_MS)
    settle(page)
    for key in ("true", "predicted"):
        page.locator(f".st-key-{key}").get_by_role("button", name="Clear").click()
        settle(page)
    expect(page.get_by_text("No cell chosen")).to_be_visible(timeout=READY_MS)


def test_two_settings_are_compared_on_their_common_clips(app, page):
    by_labels = {}
    for setting in load_settings():
        by_labels.setdefault((setting.labels, setting.folds), []).append(setting)
    pairs = [same[:2] for same in by_labels.values() if len(same) > 1]
    if not pairs:
        pytest.skip("results/ has no two settings of the same folds")
    a, b = pairs[0]
    found = compare(a, b)
    open_page(page, app, setting=a.name, view="compare", against=b.name)
    expect(page.get_by_text(f"McNemar's exact test, p = {found.p_value:.3g}")).to_be_visible(timeout=READY_MS)
    settle(page)
    rows = saved_rows(page, "These clips (CSV)") if len(found.only_a) else []
    assert [row["filename"] for row in rows] == found.only_a["filename"].tolist()
    assert len(saved_rows(page, "All common clips (CSV)")) == len(found.clips)


def test_without_recordings_it_works_on_predictions_and_says_what_is_missing(app_without_data, page, mistake):
    setting, row, _ = mistake
    open_page(page, app_without_data, setting=setting.name, true=row["true"], look=row["filename"])
    alert = page.get_by_test_id("stAlert").first
    expect(alert).to_contain_text("The recordings are not on this machine")
    expect(alert).to_contain_text(f"python -m acrnn download {setting.dataset}")
    matrix_drawn(page)
    assert page.locator("audio").count() == 0
    expect(page.get_by_text(f"mistaken for {pretty(row['predicted'])}").first).to_be_visible()
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()  # the stored probabilities


def test_the_clip_is_taken_along_to_listen(app, page, mistake, recordings):
    setting, row, checkpoint = mistake
    open_page(page, app, setting=setting.name, look=row["filename"])
    page.get_by_role("link", name="Open in Listen").first.click()
    expect(page.locator("h1")).to_have_text(f"{pretty(row['predicted'])}, {row['confidence']:.0%}", timeout=READY_MS)
    expect(page.get_by_text(f"{checkpoint.name} on")).to_be_visible()


def test_back_restores_the_cell_and_the_clip_one_step_at_a_time(app, page, mistake, recordings):
    open_page(page, app, setting=mistake[0].name)
    page.locator(".st-key-pairs").get_by_role("button").first.click()
    page.wait_for_url(re.compile("true=.*predicted="), timeout=READY_MS)
    settle(page)
    cell_chosen = page.url
    click_row(page, "cellclips", 0)
    page.get_by_role("link", name="Open in Listen").first.wait_for(timeout=READY_MS)
    settle(page)
    clip_chosen = page.url
    looked_into = page.locator(".st-key-closer h2").inner_text()
    page.get_by_role("link", name="Open in Listen").first.click()
    page.wait_for_selector(".st-key-listen_chart .nsewdrag", timeout=READY_MS)
    settle(page)
    page.go_back()
    expect(page.locator(".st-key-closer h2")).to_have_text(looked_into, timeout=READY_MS)
    settle(page)
    assert page.url == clip_chosen
    page.go_back()
    expect(page.locator(".st-key-closer h2")).to_have_count(0, timeout=READY_MS)
    settle(page)
    assert page.url == cell_chosen
    page.go_back()
    expect(page.get_by_text("No cell chosen")).to_be_visible(timeout=READY_MS)


def test_another_setting_keeps_the_page_in_order(app, page):
    settings = load_settings()
    if len(settings) < 2:
        pytest.skip("results/ has one setting")
    first, second = settings[:2]
    open_page(page, app, setting=first.name)
    choose(page, "setting", second.name)
    expect(page.get_by_text(f"{second.accuracy:.1%} correct").first).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_page_can_be_read_on_a_phone(app, phone, mistake):
    open_page(phone, app, setting=mistake[0].name)
    matrix_drawn(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
