"""The Listen page as a person uses it."""

import csv
import io
import json
import re

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from acrnn.audio.scenes import render
from tests.audio.audio_files import av_bytes
from tests.browser.conftest import READY_MS, choose, clip_drawn, open_clip, settle

AUDIO = "document.querySelector('.st-key-listen_audio audio')"
CHART = "document.querySelector('.st-key-listen_chart .js-plotly-plot')"
# What a person sees: the line's place on the screen, turned into seconds by the chart's own axis.
SHOWN_S = f"""(() => {{
  const axis = {CHART}._fullLayout.xaxis, line = document.querySelector('.acrnn-playhead')
  const box = line.getBoundingClientRect(), chart = line.parentElement.getBoundingClientRect()
  return axis.p2l(box.left + box.width / 2 - chart.left - axis._offset)
}})()"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A folder with a rooster as wav (8 kHz, stereo) and as mp3, and files that are no sound."""
    folder = tmp_path_factory.mktemp("sounds")
    scene = render("rooster")
    soundfile.write(folder / "crow.mp3", scene.samples, scene.rate_hz)
    low = render("rooster", rate_hz=8000)
    soundfile.write(folder / "crow.wav", np.stack([low.samples, low.samples], axis=1), 8000, subtype="PCM_24")
    (folder / "broken.wav").write_bytes((folder / "crow.wav").read_bytes()[:20_000])
    (folder / "text.mp3").write_text("this is no music " * 100)
    soundfile.write(folder / "silence.flac", np.zeros(44_100), 44_100)
    (folder / "phone.3gp").write_bytes(av_bytes(scene.samples, scene.rate_hz, "3gp", "aac"))
    one_of_two = np.stack([np.zeros_like(low.samples), low.samples], axis=1)
    soundfile.write(folder / "right.wav", one_of_two, 8000)
    return folder


def heading(page) -> str:
    return page.locator("h1").inner_text()


def upload(page, path) -> None:
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(path.name).first).to_be_visible()
    settle(page)


def test_a_second_upload_leaves_the_choices_as_they_were(app, page, sounds):
    open_clip(page, app.url())
    for name in ("crow.wav", "right.wav"):  # between them there is a run without a sound, which draws no choices
        upload(page, sounds / name)
        expect(page.get_by_role("radio", name="the clip", exact=True)).to_be_checked()


def open_model(page) -> None:
    """Unfold the choice of a model."""
    page.get_by_test_id("stSidebar").get_by_text("Model", exact=True).click()
    expect(page.get_by_text("Held-out fold", exact=True)).to_be_visible()
    page.wait_for_function("document.getAnimations().length === 0")  # which would close a list that is opened


def test_the_first_visit_shows_a_sample_already_analysed(app, page):
    open_clip(page, app.url())
    name, probability = re.fullmatch(r"([a-z ]+), (\d+)%", heading(page)).groups()
    assert (name, int(probability) > 85) == ("dog", True)
    assert page.evaluate(f"{CHART}.data[0].customdata.every(([name]) => name === 'dog')")
    expect(page.get_by_text("Right: it is dog.")).to_be_visible()
    expect(page.get_by_text("Synthetic: three barks")).to_be_visible()
    expect(page.get_by_text("calibrated, it is")).to_be_visible()
    expect(page.get_by_text("More unusual to this network than")).to_be_visible()


def test_a_stranger_is_told_what_this_is_and_not_asked_for_a_fold(app, page):
    open_clip(page, app.url())
    expect(page.get_by_text("Hear a sound, see what a neural network takes it for")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text("Upload your own sound")).to_be_visible()
    expect(page.get_by_text("Held-out fold", exact=True)).not_to_be_visible()
    open_model(page)
    expect(page.get_by_text("Held-out fold", exact=True)).to_be_visible()


@pytest.mark.parametrize("size", [(1400, 1000), (1920, 1080)])
def test_spectrogram_and_attention_are_in_the_first_screen(app, page, size):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    open_clip(page, app.url("?sample=rooster"))
    chart = page.locator(".st-key-listen_chart .svg-container").bounding_box()
    assert chart["y"] + chart["height"] <= height
    top = page.get_by_text("Hear a sound, see what").bounding_box()["y"]
    below = page.get_by_test_id("stHeader").bounding_box()
    assert 0 < top - below["y"] - below["height"] < 40


def test_the_player_stays_in_sight(app, page):
    page.set_viewport_size({"width": 1400, "height": 600})
    open_clip(page, app.url("?sample=rooster"))
    player = page.locator(".st-key-listen_audio audio")
    before = player.bounding_box()["y"]
    page.get_by_role("button", name="Figure (HTML)").scroll_into_view_if_needed()
    box = player.bounding_box()
    assert before > 300
    assert 50 < box["y"] < 100
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert page.evaluate("at => document.elementFromPoint(...at).tagName", middle) == "AUDIO"  # nothing lies over it


def test_veil_colours_and_version_change_before_the_server_hears_of_it(app, page):
    muted = []

    def listen_in(socket) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if muted else server.send(message))

    page.route_web_socket("**/_stcore/stream", listen_in)
    open_clip(page, app.url("?sample=rooster"))
    settle(page)
    page.evaluate(f"{AUDIO}.currentTime = 2.5")
    before = page.evaluate(f"{AUDIO}.src")
    muted.append(True)
    page.locator(".st-key-veil").get_by_text("Attention veil").click()
    page.wait_for_function(f"{CHART}.data.filter(trace => trace.opacity === 1 && trace.name === 'veil').length === 2")
    page.locator(".st-key-db input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{CHART}.data.some(trace => trace.name === 'spectrogram' && trace.zmin === -70)")
    page.get_by_text("only what it attends to", exact=True).first.click()
    page.wait_for_function(f"{AUDIO}.src !== {json.dumps(before)} && Math.abs({AUDIO}.currentTime - 2.5) < 0.01")


def test_the_figure_is_saved_as_it_is_seen(app, page):
    open_clip(page, app.url("?sample=rooster"))
    page.locator(".st-key-veil").get_by_text("Attention veil").click()
    page.wait_for_url("**veil=true**")
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Figure (HTML)").click()
    (figure,) = re.findall(r'Plotly.newPlot\(\s*"[^"]+",\s*(\[.*\]),\s*\{', download.value.path().read_text())
    traces, _ = json.JSONDecoder().raw_decode(figure)
    assert [trace["opacity"] for trace in traces if trace.get("name") == "veil"] == [1, 1]


def test_a_file_put_on_the_page_takes_the_place_of_the_sample_and_of_the_last_file(app, page, sounds):
    open_clip(page, app.url("?sample=dog"))
    upload(page, sounds / "crow.mp3")
    expect(page.get_by_text("crow.mp3, 5.0").first).to_be_visible()
    page.wait_for_url("**source=upload**")
    expect(page.get_by_role("button", name="Add files")).to_have_count(0)  # which would take the file's place
    upload(page, sounds / "phone.3gp")
    expect(page.get_by_text("phone.3gp, 5.0").first).to_be_visible()
    expect(page.get_by_test_id("stFileChip")).to_have_count(1)
    page.get_by_text("Sample", exact=True).click()
    expect(page.get_by_text("dog.wav, 5.00 s")).to_be_visible()


@pytest.mark.parametrize("name", ["broken.wav", "silence.flac"])
def test_no_progress_stays_beside_an_error(app, page, sounds, name):
    open_clip(page, app.url())
    upload(page, sounds / name)
    expect(page.get_by_test_id("stAlert")).to_contain_text(name)
    settle(page)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_text("Listening to")).to_have_count(0)


def test_a_tone_is_none_of_the_classes(app, page, tmp_path, write_wav):
    page.goto(app.url("?source=upload&model=esc10&attention=l10&fold=1-paper"))
    settle(page)
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(5 * 44_100) / 44_100)
    upload(page, write_wav(tmp_path / "tone.wav", tone, 44_100))
    expect(page.locator("h1")).to_contain_text("None of its 10 classes; nearest:", timeout=60_000)
    expect(page.get_by_text("it is taken for none of them")).to_be_visible()


def test_another_sample_is_picked_and_stands_in_the_url(app, page):
    open_clip(page, app.url())
    choose(page, "sample", "sea waves")
    expect(page.get_by_text("sea_waves.wav", exact=False).first).to_be_visible()
    settle(page)
    assert "sample=sea_waves" in page.url


def test_the_playhead_follows_the_clock_of_the_sound_within_50_ms(app, page):
    open_clip(page, app.url("?sample=rooster"))
    page.locator(".st-key-listen_audio audio").focus()
    page.keyboard.press("Space")  # the player's own key for play
    page.wait_for_function(f"{AUDIO}?.currentTime > 0.2")
    errors = page.evaluate(
        f"""() => new Promise((done) => {{
          const errors = []
          const look = () => {{
            errors.push(Math.abs({SHOWN_S} - {AUDIO}.currentTime))
            errors.length < 60 ? requestAnimationFrame(look) : done(errors)
          }}
          requestAnimationFrame(look)
        }})"""
    )
    moved = page.evaluate(f"{AUDIO}.currentTime")
    assert moved > 0.5
    assert max(errors) < 0.05


def test_a_click_on_the_picture_seeks(app, page):
    open_clip(page, app.url())
    box = page.locator(".st-key-listen_chart .svg-container").bounding_box()
    wanted = page.evaluate(f"{CHART}._fullLayout.xaxis.p2l(400 - {CHART}._fullLayout.xaxis._offset)")
    page.mouse.click(box["x"] + 400, box["y"] + 350)
    assert page.evaluate(f"{AUDIO}.currentTime") == pytest.approx(wanted, abs=0.01)
    page.wait_for_function(f"Math.abs({SHOWN_S} - {wanted}) < 0.02")


def test_only_what_it_attends_to_is_another_sound_from_the_same_place(app, page):
    open_clip(page, app.url())
    before = page.evaluate(f"{AUDIO}.src")
    page.evaluate(f"{AUDIO}.currentTime = 2.5")
    page.get_by_text("only what it attends to", exact=True).first.click()
    page.wait_for_function(
        f"{AUDIO} && {AUDIO}.src !== {json.dumps(before)} && Math.abs({AUDIO}.currentTime - 2.5) < 0.01"
    )


def test_an_upload_is_analysed(app, page, sounds):
    page.goto(app.url("?source=upload"))
    settle(page)
    for name in ("crow.mp3", "crow.wav"):
        upload(page, sounds / name)
        expect(page.get_by_text(f"{name}, 5.0").first).to_be_visible(timeout=READY_MS)
        clip_drawn(page)
        expect(page.get_by_text("True class unknown.")).to_be_visible()
        estimated = page.get_by_text("leaves nothing above 3.6 kHz")
        expect(estimated).to_have_count(1 if name == "crow.wav" else 0)  # 8 kHz; the mp3 is at 44.1


def test_a_bad_upload_gives_a_sentence_and_the_page_goes_on(app, page, sounds):
    page.goto(app.url("?source=upload"))
    settle(page)
    for name, sentence in (("broken.wav", "cut short"), ("text.mp3", "text.mp3"), ("silence.flac", "silent")):
        upload(page, sounds / name)
        alert = page.get_by_test_id("stAlert")
        expect(alert).to_contain_text(name)
        expect(alert).to_contain_text(sentence)
    upload(page, sounds / "crow.wav")
    clip_drawn(page)


def test_what_is_there_of_a_cut_upload_is_used_on_request(app, page, sounds):
    page.goto(app.url("?source=upload"))
    settle(page)
    upload(page, sounds / "broken.wav")
    page.get_by_role("button", name="Use what is there").click()
    clip_drawn(page)
    expect(page.get_by_text("It is cut short: ")).to_be_visible()


def test_a_phones_recording_is_taken(app, page, sounds):
    page.goto(app.url("?source=upload"))
    settle(page)
    upload(page, sounds / "phone.3gp")
    clip_drawn(page)
    expect(page.get_by_text("Channel", exact=True)).to_have_count(0)  # it has one


def test_an_empty_channel_is_told_and_a_channel_can_be_chosen(app, page, sounds):
    page.goto(app.url("?source=upload"))
    settle(page)
    upload(page, sounds / "right.wav")
    clip_drawn(page)
    expect(page.get_by_text("Channel 1 of 2 is empty")).to_be_visible()
    page.get_by_role("combobox", name="Channel").click()
    page.get_by_role("option", name="channel 2", exact=True).click()
    settle(page)
    expect(page.get_by_text("Channel 1 of 2 is empty")).to_have_count(0)
    page.get_by_role("combobox", name="Channel").click()
    page.get_by_role("option", name="channel 1", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("silent")


def test_another_placement_changes_attention_and_keeps_the_clip(app, page):
    open_clip(page, app.url("?sample=rooster"))
    expect(page.get_by_text("A step at l10 is 18 frames of 11.6 ms, 209 ms")).to_be_visible()
    open_model(page)
    choose(page, "attention", "l2-sigmoid")
    settle(page)
    expect(page.get_by_text("A step at l2 is 11.6 ms")).to_be_visible()
    assert "attention=l2-sigmoid" in page.url
    assert "sample=rooster" in page.url
    assert page.evaluate(f"{CHART}._fullLayout.yaxis4.title.text") == "attention at l2"


def test_a_deep_link_restores_every_choice(app, page):
    open_clip(page, app.url("?sample=rain&attention=l2-sigmoid&veil=true&db=-60&db=-10&play=attended"))
    expect(page.get_by_text("rain.wav, 5.00 s", exact=False)).to_be_visible()
    expect(page.get_by_text("A step at l2 is 11.6 ms")).to_be_visible()
    page.wait_for_function(f"{CHART}.data.some(t => t.name === 'spectrogram' && t.zmin === -60 && t.zmax === -10)")
    page.wait_for_function(f"{CHART}.data.some(t => t.name === 'veil' && t.opacity === 1)")
    played = page.evaluate(f"{AUDIO}.src")
    page.get_by_text("the clip", exact=True).first.click()
    page.wait_for_function(f"{AUDIO}.src !== {json.dumps(played)}")


def test_the_exports_hold_what_is_shown(app, page):
    open_clip(page, app.url("?sample=dog"))

    def saved(button: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=button).first.click()
        return download.value.path().read_bytes()

    rows = list(csv.DictReader(io.StringIO(saved("Attention (CSV)").decode())))
    prediction = json.loads(saved("Prediction (JSON)"))
    assert len(rows) == len(prediction["attention"]["weights"]) == 431
    assert float(rows[100]["time_s"]) == pytest.approx(prediction["attention"]["times_s"][100], abs=1e-6)
    top = prediction["top"][0]
    assert heading(page) == f"{top['label'].replace('_', ' ')}, {top['probability']:.0%}"
    assert b"plotly" in saved("Figure (HTML)")
    assert saved("PNG").startswith(b"\x89PNG")
    assert b"<svg" in saved("SVG")


@pytest.mark.slow
def test_the_attention_is_put_to_the_test_when_asked(app, page):
    open_clip(page, app.url("?sample=dog"))
    shown = float(heading(page).split()[-1].rstrip("%")) / 100
    page.get_by_text("Is this attention right?").click()
    expect(page.get_by_text("Removing frames and predicting again")).to_be_visible()
    sentence = page.get_by_text("Removing 10% of the frames costs")
    expect(sentence).to_be_visible(timeout=120_000)
    settle(page)
    whole = float(re.search(r"The probability of dog is (\d\.\d\d)\.", sentence.inner_text()).group(1))
    assert whole == pytest.approx(shown, abs=0.02)  # bf16, and two roundings to whole percent
    assert "right=true" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Curves (CSV)").click()
    rows = list(csv.DictReader(download.value.path().open()))
    assert {"attention", "loudness", "random order", "integrated gradients"} <= {row["map"] for row in rows}
    assert all(0 <= float(row["deletion"]) <= 1 for row in rows)


def test_where_in_frequency_is_shown_and_heard_when_asked(app, page):
    open_clip(page, app.url("?sample=helicopter"))
    expect(page.locator("audio")).to_have_count(1)
    page.get_by_text("Where in frequency?").click()
    expect(page.get_by_text("Making the map of")).to_be_visible()
    expect(page.get_by_text("of the tiles kept lie between")).to_be_visible(timeout=120_000)
    page.wait_for_selector(".st-key-wheremap_chart .nsewdrag")
    settle(page)
    assert "where=true" in page.url
    chart = "document.querySelector('.st-key-wheremap_chart .js-plotly-plot')"
    tiles = f"{chart}.calcdata[2][0]"
    rows, columns, end_s = page.evaluate(f"[{tiles}.z.length, {tiles}.x.length - 1, {tiles}.x[{tiles}.x.length - 1]]")
    assert (rows, columns) == (16, 27)
    assert end_s == pytest.approx(5, abs=0.02)
    audio = "document.querySelector('.st-key-wheremap_audio audio')"
    page.wait_for_function(f"{audio}?.readyState >= 1")
    first, clip = page.evaluate(f"[{audio}.src, {AUDIO}.src]")
    assert first != clip
    page.evaluate(f"{audio}.currentTime = 2.5")
    page.get_by_text("the rest", exact=True).click()
    page.wait_for_function(
        f"{audio} && {audio}.src !== {json.dumps(first)} && Math.abs({audio}.currentTime - 2.5) < 0.01"
    )
    assert page.evaluate(f"{AUDIO}.src") == clip
    with page.expect_download() as download:
        page.get_by_role("button", name="Map (CSV)").click()
    tiles = list(csv.DictReader(download.value.path().open()))
    assert len(tiles) == 16 * 27
    assert sum(tile["kept"] == "True" for tile in tiles) <= 0.2 * len(tiles) + 1


def test_a_recording_is_analysed(app, page):
    page.goto(app.url("?source=record"))
    settle(page)
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop recording").click()
    clip_drawn(page)
    expect(page.get_by_text("recording.wav").first).to_be_visible()


def test_a_dataset_clip_says_that_it_was_never_seen(app, page, real_roots):
    open_clip(page, app.url("?model=esc10&source=dataset&data=esc10-44k&label=crying_baby"))
    expect(page.get_by_text("never seen in training")).to_be_visible()
    open_clip(page, app.url("?model=esc10&source=dataset&data=esc10-44k&label=crying_baby&clipfold=2"))
    expect(page.get_by_text("was in its training set")).to_be_visible()


def test_without_data_the_page_offers_the_download(app_without_data, page):
    page.goto(app_without_data.url("?source=dataset"))
    settle(page)
    expect(page.get_by_role("button", name="Download ESC-10")).to_be_visible()


def test_the_page_can_be_read_on_a_phone(app, phone):
    open_clip(phone, app.url())
    cut = """[...document.querySelectorAll('.stMain *')].filter((one) => one.checkVisibility() &&
      !one.closest('svg, audio, input') && one.getBoundingClientRect().right > innerWidth + 1)
      .map((one) => one.outerHTML)"""
    assert phone.evaluate(cut) == []
    expect(phone.get_by_test_id("stFileUploaderDropzone")).to_be_in_viewport()
    link = phone.get_by_test_id("stMain").get_by_role("link", name="Results", exact=True)
    expect(link).to_be_in_viewport(ratio=1)
    link.click()
    phone.wait_for_url("**/results*")


def test_the_page_calls_nobody_else(app, page):
    hosts = set()
    page.on("request", lambda request: hosts.add(re.sub(r"^\w+://([^/:]+).*", r"\1", request.url)))
    open_clip(page, app.url())
    assert {host for host in hosts if not host.startswith(("data:", "blob:"))} == {"127.0.0.1"}


@pytest.mark.slow
def test_a_long_recording_has_events_that_are_played_with_keys(page, app, tmp_path):
    pause = np.zeros(3 * 44_100, np.float32)
    scenes = [render(label) for label in ("dog", "rain", "rooster")]
    soundfile.write(
        tmp_path / "yard.wav", np.concatenate([part for s in scenes for part in (pause, s.samples)]), 44_100
    )
    page.goto(app.url("?source=upload"))
    settle(page)
    page.locator("input[type=file]").set_input_files(tmp_path / "yard.wav")
    clip_drawn(page)
    settle(page)
    assert page.evaluate(f"{CHART}.layout.yaxis.title.text") == "events"
    expect(page.get_by_text("Over the whole recording")).to_be_visible()
    first = page.evaluate(f"{CHART}.data[0].base[0]")
    assert page.evaluate(f"{AUDIO}.currentTime") == 0
    page.keyboard.press("n")
    page.wait_for_function(f"{AUDIO}?.currentTime >= {first}")  # the player may just be drawn anew
    page.locator(".st-key-event_how").get_by_text("Zoom").click()
    page.wait_for_function(f"{CHART}.layout.xaxis.range[1] < 20", timeout=30_000)  # of 24 s
    settle(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Events (Audacity labels)").click()
    lines = saved.value.path().read_text().splitlines()
    start, end, _ = lines[0].split("\t")
    assert float(start) == pytest.approx(first, abs=1e-3)
    assert float(end) > float(start)
    true = tmp_path / "true.txt"
    true.write_text("\n".join([*lines[1:], "0.5\t1\tDog", "0.5\t1\tspeech"]))  # without the first, with one missed
    page.get_by_text("Compare with true events").click()
    page.locator(".st-key-truth input[type=file]").set_input_files(true)
    settle(page)
    told = f"{len(lines) - 1} of {len(lines)} true events found, 1 false alarm"
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("no such class: speech")).to_be_visible()
