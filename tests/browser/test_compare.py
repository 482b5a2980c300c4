"""The Compare page as a person uses it, with networks of random weights at all placements."""

import io
import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from acrnn.audio import encode_wav
from acrnn.audio.scenes import render
from acrnn.web.compare.families import WITH_ATTENTION
from tests.browser.conftest import READY_MS, choose, settle

CHART = "document.querySelector('.st-key-compare_chart .js-plotly-plot')"
AUDIO = "document.querySelector('.st-key-compare_audio audio')"
LINE = "document.querySelector('.st-key-compare_chart .acrnn-playhead')"
SHOWN_S = f"""(() => {{
  const axis = {CHART}._fullLayout.xaxis, box = {LINE}.getBoundingClientRect()
  const chart = {LINE}.parentElement.getBoundingClientRect()
  return axis.p2l(box.left + box.width / 2 - chart.left - axis._offset)
}})()"""
STRIPS = [name.replace("-", " ") for name in WITH_ATTENTION[:-1]] + ["l10 softmax"]


def open_strips(page, app, query: str = "") -> None:
    page.goto(app.url(f"compare{query}"))
    drawn(page)


def drawn(page) -> None:
    settle(page)
    page.wait_for_selector(".st-key-compare_chart .nsewdrag", timeout=READY_MS)
    page.wait_for_function(f"{AUDIO}?.readyState >= 1 && {LINE}?.isConnected", timeout=READY_MS)


def names_of_strips(page) -> list[str]:
    return page.evaluate(f"{CHART}.data.filter(t => t.type === 'scatter' && t.hoverinfo !== 'skip').map(t => t.name)")


def notes(page) -> list[str]:
    return page.evaluate(f"{CHART}.layout.annotations.map(a => a.text)")


def saved(page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).first.click()
    return download.value.path().read_bytes()


def table(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content))


def test_all_placements_are_strips_on_one_time_axis_under_one_spectrogram(app_without_data, page):
    open_strips(page, app_without_data)
    assert names_of_strips(page)[:9] == STRIPS
    assert page.evaluate(f"{CHART}.data.filter(t => t.type === 'heatmap').length") == 1
    assert page.evaluate(f"Object.keys({CHART}._fullLayout).filter(k => /^xaxis/.test(k))") == ["xaxis"]
    assert not any("not trained" in note for note in notes(page))
    expect(page.get_by_text("dog.wav, 5.00 s. 9 networks:")).to_be_visible()


def test_the_playhead_runs_over_all_strips_and_a_click_on_one_seeks(app_without_data, page):
    open_strips(page, app_without_data)
    page.evaluate(f"{AUDIO}.currentTime = 3.25")
    page.wait_for_function(f"Math.abs({SHOWN_S} - 3.25) < 0.02")
    line = page.locator(".st-key-compare_chart .acrnn-playhead").bounding_box()
    holder = page.locator(".st-key-compare_chart .svg-container").bounding_box()
    top, bottom = page.evaluate(
        f"(({{yaxis, yaxis11}}) => [yaxis._offset, yaxis11._offset + yaxis11._length])({CHART}._fullLayout)"
    )  # of the spectrogram and of the difference
    assert line["y"] - holder["y"] == pytest.approx(top, abs=1)
    assert line["y"] + line["height"] - holder["y"] == pytest.approx(bottom, abs=1)

    axis = f"{CHART}._fullLayout.yaxis9"
    strip_y = page.evaluate(f"{axis}._offset + {axis}._length / 2")
    wanted = page.evaluate(f"{CHART}._fullLayout.xaxis.p2l(400 - {CHART}._fullLayout.xaxis._offset)")
    page.locator(".st-key-compare_chart").scroll_into_view_if_needed()
    holder = page.locator(".st-key-compare_chart .svg-container").bounding_box()
    page.mouse.click(holder["x"] + 400, holder["y"] + strip_y)
    assert page.evaluate(f"{AUDIO}.currentTime") == pytest.approx(wanted, abs=0.01)


def test_the_difference_is_of_the_two_that_are_chosen(app_without_data, page):
    open_strips(page, app_without_data)
    assert names_of_strips(page)[9:] == ["more in l2 sigmoid", "more in l2 softmax"]
    choose(page, "a", "l8-softmax")
    expect(page.get_by_text("l8 softmax minus l2 softmax")).to_be_visible()
    settle(page)
    choose(page, "b", "l10")
    distance = page.get_by_text("l8 softmax minus l10 softmax, each divided by its mean")
    expect(distance).to_be_visible()
    settle(page)
    assert {"a=l8-softmax", "b=l10"} <= set(page.url.split("?")[1].split("&"))
    assert 0 < float(re.search(r"distance is ([\d.]+)", distance.inner_text())[1]) < 1


def test_what_is_not_trained_is_shown_as_such_with_the_commands_that_train_it(app_without_data, page):
    open_strips(page, app_without_data, "?family=2-paper")
    assert [note for note in notes(page) if "not trained" in note] == [
        f"not trained: train --placement {placement}" for placement in WITH_ATTENTION[:-1]
    ]
    page.get_by_text("8 of 9 not trained: the commands that train them").click()
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text("--fold 2 --placement l4-softmax --recipe paper --epochs 300")
    expect(code).to_contain_text("publish runs/esc10-l8-sigmoid-paper-fold2-seed0")


def test_any_checkpoints_can_be_chosen_and_a_deep_link_restores_all(app_without_data, page):
    chosen = "&".join(f"checkpoints=esc10-{name}-fold{fold}" for name, fold in (("l10-paper", 1), ("l10-paper", 2)))
    query = f"?which=chosen&{chosen}&checkpoints=esc10-l4-sigmoid-paper-fold1&height=mean&sample=rain"
    open_strips(page, app_without_data, query)
    assert names_of_strips(page)[:3] == ["l4 sigmoid", "l10 softmax", "l10 softmax"]
    shown = " ".join(notes(page))
    assert all(note in shown for note in ("ESC-10, fold 1", "ESC-10, fold 2"))
    expect(page.get_by_text("rain.wav, 5.00 s. 3 networks:")).to_be_visible()
    expect(page.get_by_text("Sigmoid strips have one scale and softmax strips another")).to_be_visible()
    heights = page.evaluate(f"{CHART}._fullData.filter(t => t.type === 'scatter').slice(0, 3).map(t => "
                            "Array.from(t.y).reduce((sum, y) => sum + y) / t.y.length)")  # fmt: skip
    assert heights == pytest.approx([1, 1, 1], rel=1e-4)


def test_what_is_there_of_a_cut_upload_is_compared_on_request(app_without_data, page, tmp_path):
    scene = render("rooster")
    (tmp_path / "cut.wav").write_bytes(encode_wav(scene.samples, scene.rate_hz)[:200_000])
    page.goto(app_without_data.url("compare?source=upload"))
    settle(page)
    page.locator("input[type=file]").set_input_files(tmp_path / "cut.wav")
    page.get_by_role("button", name="Use what is there").click(timeout=READY_MS)
    page.wait_for_selector(".st-key-compare_chart .nsewdrag", timeout=READY_MS)
    expect(page.get_by_text("It is cut short: ")).to_be_visible()


def test_sigmoid_against_softmax_takes_one_click_and_its_link_restores_the_layer(app_without_data, page):
    open_strips(page, app_without_data)
    page.get_by_role("radio", name="sigmoid against softmax").click()
    expect(page.get_by_text("The whole held-out fold")).to_be_visible(timeout=READY_MS)
    drawn(page)
    page.locator(".st-key-layer").get_by_role("radio", name="l8").click()
    expect(page.get_by_text(re.compile("l8 sigmoid minus l8 softmax"))).to_be_visible(timeout=READY_MS)
    for attempt in ("after the click", "from the link"):
        drawn(page)
        assert {"compare=pair", "layer=l8"} <= set(page.url.split("?")[1].split("&")), attempt
        assert names_of_strips(page) == ["l8 sigmoid", "l8 softmax", "more in l8 sigmoid", "more in l8 softmax"]
        assert page.evaluate(f"{CHART}.data.filter(t => t.type === 'heatmap').length") == 1
        expect(page.get_by_text(re.compile(r"^The rank correlation of their weights is "))).to_be_visible()
        fold = page.locator(".st-key-cells_held-out_fold")
        expect(fold.get_by_role("row", name=re.compile("accuracy"))).to_contain_text("10.0%")
        expect(fold.get_by_role("row", name=re.compile("AUC"))).to_contain_text("not")
        page.reload()
    page.locator(".stMain").get_by_text("Held-out fold (CSV)").scroll_into_view_if_needed()
    assert table(saved(page, "Held-out fold (CSV)"))["sigmoid"].tolist()[0] == 0.1


def test_sigmoid_against_softmax_can_be_read_on_a_phone(app_without_data, phone):
    open_strips(phone, app_without_data, "?compare=pair")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400


def test_figure_5_takes_one_click_and_stands_in_the_url(app_without_data, page):
    open_strips(page, app_without_data)
    page.get_by_role("radio", name="the paper's Figure 5").click()
    expect(page.get_by_text("In the paper's Figure 5, attention weights")).to_be_visible(timeout=READY_MS)
    settle(page)
    assert "compare=" in page.url
    for attempt in ("after the click", "from the link"):
        for name, title in (("dog", "dog bark"), ("cryingbaby", "crying baby"), ("clocktick", "clock tick"),
                            ("rain", "rain")):  # fmt: skip
            panel = page.locator(f".st-key-panel{name}_box")
            expect(panel.get_by_text(title, exact=True), attempt).to_be_visible()
            expect(panel.locator(".nsewdrag")).to_have_count(2, timeout=READY_MS)  # spectrogram and attention
            expect(panel.locator("audio")).to_have_count(1)
        expect(page.get_by_text("bundled synthetic scenes, which no network was trained on")).to_be_visible()
        page.reload()
        settle(page)
    strips = table(saved(page, "Strips (CSV)"))
    assert strips["class"].unique().tolist() == ["dog", "crying_baby", "clock_tick", "rain"]
    assert strips["weight"].between(0, 1).all()
    assert len(table(saved(page, "Measures (CSV)"))) == 4
    assert b"clock tick" in saved(page, "Figure (HTML)")


def test_figure_5_says_what_trains_its_network_where_there_is_none(app_without_data, page):
    page.goto(app_without_data.url("compare?compare=figure5&family=2-paper"))
    settle(page)
    expect(page.get_by_test_id("stCode")).to_contain_text("--fold 2 --placement l2-sigmoid")


def test_figure_5_of_real_clips_names_the_fold_that_the_network_never_saw(app, page, real_roots):
    page.goto(app.url("compare?compare=figure5&model=esc10"))
    settle(page)
    expect(page.get_by_text(re.compile(r"the first clip of each class in fold \d of esc10-44k"))).to_be_visible(
        timeout=READY_MS
    )
    expect(page.get_by_text("which it never saw in training")).to_be_visible()


def test_three_sentences_and_the_equation_explain_the_scaling(app_without_data, page):
    open_strips(page, app_without_data)
    note = page.get_by_text(re.compile("^Softmax divides by the sum"))
    assert len(re.findall(r"\.(?=\s|$)", note.inner_text())) == 3
    expect(page.locator(".katex-display")).to_have_count(2)


def test_the_page_can_be_read_on_a_phone(app_without_data, phone):
    open_strips(phone, app_without_data)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
