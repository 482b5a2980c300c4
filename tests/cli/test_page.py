"""`predict --html`: what is predicted, as a page."""

import json
from functools import partial

import numpy as np
import pytest

from tests.command_line import run_command

NAME = "esc10-l10-paper-fold1"


@pytest.fixture
def predict(monkeypatch, capsys, tiny_checkpoints, nothing_shipped):
    """predict(argument, …) → exit code, stdout and stderr."""
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    return partial(run_command, monkeypatch, capsys, "predict", "--checkpoint", NAME, "--device", "cpu")


@pytest.fixture(scope="module")
def clips(tmp_path_factory, write_wav):
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    return [write_wav(folder / f"{s} s.wav", rng.uniform(-0.3, 0.3, int(s * 22_050)), 22_050) for s in (1, 2.5)]


def test_each_file_is_a_section_and_the_answer_is_the_same(predict, clips, tmp_path):
    out = tmp_path / "new" / "page.html"
    code, told, err = predict(*clips, "--json", "--html", out)
    assert code == 0
    assert json.loads(told) == json.loads(predict(*clips, "--json")[1])
    assert f"{out}: 2 findings" in err.splitlines()
    written = out.read_text()
    assert [f"<h2>{clip.name}</h2>" in written for clip in clips] == [True, True]
    assert written.count("<audio") == 2
    assert "<h1>Findings</h1>" in written


def test_a_recording_is_never_overwritten_and_another_file_not_unasked(predict, clips, tmp_path):
    content = clips[0].read_bytes()
    code, _, err = predict(clips[0], "--html", clips[0], "--force")
    assert (code, clips[0].read_bytes()) == (2, content)
    assert f"error: {clips[0]} is one of the recordings" in err
    page = tmp_path / "page.html"
    page.write_text("precious")
    code, _, err = predict(clips[0], "--html", page)
    assert (code, page.read_text()) == (2, "precious")
    assert "--force replaces it" in err
    assert predict(clips[0], "--html", page, "--force")[0] == 0
    assert "<h2>" in page.read_text()


def test_what_cannot_be_used_is_named_and_the_others_are_on_the_page(predict, clips, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    code, _, err = predict(bad, clips[0], "--html", tmp_path / "page.html")
    assert code == 2
    assert f"error: {bad}" in err
    assert "page.html: 1 finding" in err
    code, _, err = predict(bad, "--html", tmp_path / "none.html")
    assert code == 2
    assert "none.html" not in err
    assert not (tmp_path / "none.html").exists()


def test_a_recording_that_is_too_long_for_a_page_is_refused_in_a_sentence(predict, clips, tmp_path, monkeypatch):

    monkeypatch.setattr("acrnn.figures.finding.LONGEST_S", 2.0)
    code, _, err = predict(*clips, "--html", tmp_path / "page.html")
    assert code == 2
    assert "up to 2 s are accepted; predict without --html" in err
    assert "page.html: 1 finding" in err


def test_a_folder_is_no_page(predict, clips, tmp_path):
    code, out, err = predict(clips[0], "--html", tmp_path)
    assert (code, out) == (2, "")
    assert "a folder; the name of a file such as finding.html is accepted." in err
