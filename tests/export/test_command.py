"""`python -m acrnn export`: one file on real clips, and one sentence for each mistake."""

from functools import partial

import numpy as np
import pytest

import acrnn
from acrnn.audio import decode
from acrnn.data import load
from acrnn.export import write
from tests.command_line import run_command
from tests.export.conftest import SHIPPED

NAME = "esc10-l10-paper-fold1"
N_CLIPS = 12


@pytest.fixture
def run(monkeypatch, capsys):
    """run(argument, …) → exit code, stdout, stderr."""

    return partial(run_command, monkeypatch, capsys, "export")


def test_the_command_replaces_a_file_and_says_how_long_it_takes_and_how_large_it_is(exported):
    pytest.importorskip("onnxruntime", reason="the extra acrnn[onnx] is not installed")
    size = f"{exported.path.stat().st_size / 1e6:.1f} MB"
    assert (exported.code, exported.out) == (0, f"{exported.path}  {size}\n")
    assert exported.err == f"{SHIPPED}: this takes about half a minute\n"


def test_real_clips_give_the_packages_probabilities(exported, real_roots):
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra acrnn[onnx] is not installed")
    session, predictor = onnxruntime.InferenceSession(exported.path), acrnn.load(SHIPPED, "cpu")
    clips = load(real_roots[0], "esc10").clips
    for clip in clips[:: len(clips) // N_CLIPS]:
        audio = decode(clip.path, predictor.checkpoint.config.front_end.rate_hz)
        found = session.run(["probabilities", "calibrated"], {"waveform": audio.samples[None]})
        prediction = predictor(audio)
        np.testing.assert_allclose(found[0][0], prediction.probabilities, atol=1e-4)
        np.testing.assert_allclose(found[1][0], prediction.calibrated, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing",), "There is no checkpoint 'nothing'; there are: "),
        ((SHIPPED, "--format", "tflite"), "There is no format 'tflite'; onnx, pt2 are accepted."),
        ((SHIPPED, "--format", "pt2", "--int8"), "int8 is for format onnx; pt2 has float32 alone."),
    ],
)
def test_what_is_not_there_is_one_sentence(run, tmp_path, arguments, sentence):
    code, out, err = run(*arguments, "--out", tmp_path / "model.onnx")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {sentence}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(run, tmp_path):
    there = tmp_path / "there.onnx"
    there.write_bytes(b"mine")
    for out, sentence in (
        (there, f"{there} is there already; --force replaces it."),
        (tmp_path, f"{tmp_path} is a folder; a file is accepted."),
        (there / "model.onnx", f"{there} cannot be made: {there} is a file; a folder is accepted."),
    ):
        code, _, err = run(SHIPPED, "--out", out)
        assert (code, err) == (2, f"error: {sentence}\n")
    assert there.read_bytes() == b"mine"


def test_a_missing_package_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "find_spec", lambda name: None)
    code, _, err = run(SHIPPED, "--out", tmp_path / "model.onnx")
    sentence = "Format onnx needs onnx and onnxscript: pip install onnx onnxscript onnxruntime brings all of it."
    assert (code, err) == (2, f"error: {sentence}\n")
