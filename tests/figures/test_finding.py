"""A finding as a file: what it holds, and that nothing of a stranger's is obeyed in it."""

import base64
import hashlib
import io
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from acrnn.checkpoints import keep_open_set
from acrnn.figures import ClipView
from acrnn.figures.finding import Finding, findings_html, write_findings
from acrnn.figures.reduction import MAX_COLUMNS
from acrnn.inference import Predictor
from acrnn.labels import pretty
from tests.test_open_set import OPEN_SET

EVIL = "<img src=http://evil.invalid/x.png onerror=alert(1)>\"'><script>alert(2)</script>{{ 7 * 7 }}"
WHY = "Attention is where it looked, not why."


@pytest.fixture(scope="module")
def checkpoint(save_checkpoint, tmp_path_factory):
    return keep_open_set(save_checkpoint(tmp_path_factory.mktemp("c"), "l10"), OPEN_SET)


@pytest.fixture(scope="module")
def finding(checkpoint):
    t_s = np.arange(40_000) / 16_000
    samples = (0.4 * np.sin(2 * np.pi * (300 + 800 * t_s) * t_s)).astype(np.float32)
    return Finding(Predictor(checkpoint, "cpu")(samples, 16_000, name="a/sweep.wav"), samples, checkpoint, "dog")


def within(page: str, media_type: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(rf"data:{media_type};base64,([\w+/=]+)", page)]


def test_it_says_what_the_prediction_says(finding, checkpoint):
    page = unescape(findings_html([finding]))
    prediction = finding.prediction
    assert "<h2>sweep.wav</h2>" in page
    for (label, p), (_, q) in zip(prediction.top(5), prediction.top(5, calibrated=True), strict=True):
        assert f"{pretty(label)}</th>" in page
        assert f"<td>{100 * q:.1f} %</td>" in page
        assert f"<td>{100 * p:.1f} %</td>" in page
    assert WHY in page
    assert f"around {prediction.attention.most_at_s:.2f} s" in page
    assert checkpoint.name in page
    assert "10.0% correct on held-out fold 1 (10 clips, 95% interval 2% to 40%)" in page
    assert ("Right: it is dog." if prediction.label == "dog" else "Wrong: it is dog.") in page


def test_the_sound_is_inside_as_the_network_heard_it(finding):
    (sound,) = within(findings_html([finding]), "audio/flac")
    samples, rate_hz = sf.read(io.BytesIO(sound), dtype="float32")
    assert rate_hz == 16_000
    np.testing.assert_allclose(samples, finding.samples, atol=1 / 32_768)


def test_the_picture_is_the_spectrogram_and_the_veil_is_dense_where_little_is_attended_to(finding):
    prediction = finding.prediction
    spectrogram, veil = (Image.open(io.BytesIO(png)) for png in within(findings_html([finding]), "image/png"))
    n_bands, n_frames = prediction.spectrogram.shape
    assert spectrogram.size == (n_frames, n_bands)
    assert veil.size == (n_frames, 1)
    bands = np.asarray(spectrogram)[::-1]  # by brightness; the highest band is at the top
    middle = n_frames // 2
    assert bands[:, middle].argmax() == pytest.approx(prediction.spectrogram[:, middle].argmax(), abs=1)
    opacity = np.asarray(veil)[0, :, 1]
    assert opacity.argmin() in np.flatnonzero(prediction.attention.weights == prediction.attention.weights.max())


def test_the_colours_span_what_the_page_showed(finding):
    dark = findings_html([replace(finding, view=ClipView(low_db=200, high_db=210))])
    image = Image.open(io.BytesIO(within(dark, "image/png")[0]))
    assert np.asarray(image).max() == 0
    assert "200 dB (dark) to 210 dB (bright)" in dark


def test_what_strangers_wrote_is_text_and_nothing_is_fetched(finding, checkpoint):
    config = replace(checkpoint.config, labels=tuple(f"{EVIL} {i}" for i in range(10)), data_title=EVIL, name=EVIL)
    prediction = replace(
        finding.prediction, name=f"{EVIL}\udcff.wav", labels=config.labels, notes=(EVIL,), checkpoint=EVIL
    )
    evil = replace(
        finding, prediction=prediction, checkpoint=replace(checkpoint, config=config), truth=EVIL, title=EVIL, seen=EVIL
    )
    page = findings_html([evil])
    page.encode()  # what is no text has been taken out
    assert "<img" not in page
    assert page.count("<script>") == 1
    assert "{{ 7 * 7 }}" in page
    fetched = re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:)[^"'\s>]+""", re.sub(r"&lt;.*?&gt;", "", page))
    assert fetched == []


def test_the_policy_knows_the_style_and_the_script_and_lets_nothing_else_in(finding):
    page = findings_html([finding])
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")
    for kind in ("style", "script"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)[1]
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert " style=" not in page  # which the policy would not let through


def test_a_clip_of_five_seconds_is_small(checkpoint):
    noise = np.random.default_rng(0).uniform(-1, 1, 80_000).astype(np.float32)  # which nothing compresses
    page = findings_html([Finding(Predictor(checkpoint, "cpu")(noise, 16_000), noise, checkpoint)])
    assert len(page) < 0.5e6


@pytest.mark.parametrize("seconds", [0.02, 30])
def test_the_shortest_clip_and_one_of_more_frames_than_a_screen_can_show_are_drawn(checkpoint, seconds):
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, int(seconds * 16_000)).astype(np.float32)
    page = findings_html([Finding(Predictor(checkpoint, "cpu")(samples, 16_000), samples, checkpoint)])
    spectrogram = Image.open(io.BytesIO(within(page, "image/png")[0]))
    assert 1 <= spectrogram.size[0] <= MAX_COLUMNS
    ticks = re.findall(r'<svg class="axis".*?</svg>', page, re.DOTALL)[0].count("<text")
    assert 1 <= ticks <= 8
    assert not re.search(r"=\"nan|nan%|\bnan\b", re.sub(r"data:[\w/;,+=-]+", "", page))


def test_a_network_without_attention_or_calibration_claims_neither(save_checkpoint, tmp_path):
    none = save_checkpoint(tmp_path, "none")
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, 20_000).astype(np.float32)
    page = findings_html([Finding(Predictor(none, "cpu")(samples, 16_000), samples, none)])
    assert "This network has no attention." in page
    assert WHY not in page
    assert "not calibrated" in page
    assert "Stranger" not in page
    assert len(within(page, "image/png")) == 1


def test_a_page_is_written_a_section_at_a_time_and_not_at_all_if_there_is_none(finding, tmp_path):
    with write_findings(tmp_path / "two.html", several=True) as page:
        page.add(finding)
        page.add(replace(finding, title="Beside it"))
    assert (tmp_path / "two.html").read_text() == findings_html([finding, replace(finding, title="Beside it")])
    with write_findings(tmp_path / "none.html", several=False):
        pass
    with pytest.raises(KeyboardInterrupt):
        interrupted(finding, tmp_path / "half.html")
    assert [path.name for path in tmp_path.iterdir()] == ["two.html"]


def interrupted(finding, path):
    with write_findings(path, several=False) as page:
        page.add(finding)
        raise KeyboardInterrupt
