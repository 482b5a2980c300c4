"""Files that are written run in onnxruntime, or in torch alone, and say what they are."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from acrnn.checkpoints import find
from acrnn.export import input_of, outputs_of, write, write_model
from acrnn.export.int8 import store_in_int8
from acrnn.inference import Predictor
from acrnn.paths import shipped_checkpoints
from tests.export.conftest import SHIPPED
from tests.export.test_graph import RATE_HZ, assert_equal, sound

onnx = pytest.importorskip("onnx", reason="the extra acrnn[onnx] is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra acrnn[onnx] is not installed")

CD_HZ = 44_100  # of SHIPPED
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "onnx_example.py"


@pytest.fixture(scope="module")
def path(exported):
    return exported.path


@pytest.fixture(scope="module")
def session(path):
    return onnxruntime.InferenceSession(path)


@pytest.fixture(scope="module")
def shipped():
    return find(SHIPPED, shipped_checkpoints())


def run(session, waveforms):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"waveform": waveforms}), strict=True))


@pytest.mark.parametrize("n_samples", [880, 44_100, 127 * 512, 128 * 512, 193_000])  # 1 to 377 frames
def test_onnxruntime_gives_what_the_package_predicts(session, shipped, n_samples):
    clips = [sound(n_samples, seed, CD_HZ) for seed in (0, 3)]
    predictor = Predictor(shipped, "cpu")
    assert_equal(run(session, clips[1][None]), predictor(clips[1], CD_HZ), atol=1e-4)
    both = run(session, np.stack(clips))
    for row, clip in enumerate(clips):
        assert_equal(both, predictor(clip, CD_HZ), row, atol=1e-4)


def test_a_silent_clip_has_no_probabilities_in_onnxruntime(session):
    found = run(session, np.zeros((1, CD_HZ), np.float32))
    assert np.isnan(found["probabilities"]).all()
    assert np.isnan(found["calibrated"]).all()


def test_the_file_says_what_goes_in_and_what_comes_out(session, path, shipped):
    config = shipped.config
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == list(config.labels)
    assert (told["checkpoint"], told["rate_hz"]) == (config.name, str(CD_HZ))
    assert list(json.loads(told["outputs"])) == [output.name for output in session.get_outputs()]
    assert list(json.loads(told["inputs"])) == ["waveform"]
    for port, value in zip(
        [input_of(config), *outputs_of(config)], [*session.get_inputs(), *session.get_outputs()], strict=True
    ):
        assert value.type == "tensor(float)"
        sized = {"class": 10, "step": 7}
        assert value.shape == [sized.get(axis, axis) for axis in port.axes]
    onnx.checker.check_model(path, full_check=True)
    assert str(Path.cwd()).encode() not in path.read_bytes()


def test_weights_in_int8_are_off_by_half_a_step_at_most(path):
    model = onnx.load(path)
    before = {value.name: onnx.numpy_helper.to_array(value) for value in model.graph.initializer}
    store_in_int8(model)
    after = {value.name: onnx.numpy_helper.to_array(value) for value in model.graph.initializer}
    replaced = set(before) - set(after)
    assert {"network.output.weight", "network.blocks.0.layers.0.weight"} <= replaced
    n_left = sum(value.size for name, value in after.items() if value.dtype == np.float32 and "spectrogram" not in name)
    assert n_left < 0.2 * sum(before[name].size for name in replaced)
    assert {"spectrogram.cosines", "spectrogram.filters"} <= set(after)
    for name in replaced:
        scale, whole = after[f"{name}.scale"], after[f"{name}.int8"]
        assert whole.dtype == np.int8
        assert np.all(np.abs(before[name] - whole * scale) <= scale * 0.5001)
    onnx.checker.check_model(model, full_check=True)


def test_a_model_in_int8_is_smaller_and_close(path, session, shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "traced", lambda checkpoint: None)
    monkeypatch.setattr(write, "_as_onnx", lambda program, config: onnx.load(path))  # which takes long
    small = tmp_path / "small.onnx"
    write_model(shipped, small, int8=True)
    clip = sound(5 * CD_HZ, rate_hz=CD_HZ)[None]
    found = run(onnxruntime.InferenceSession(small), clip)
    np.testing.assert_allclose(found["probabilities"], run(session, clip)["probabilities"], atol=0.05)
    assert small.stat().st_size < path.stat().st_size


def test_pt2_runs_in_torch_alone(tmp_path, calibrated):
    path = tmp_path / "model.pt2"
    write_model(calibrated, path, "pt2")
    extra = {"acrnn.json": ""}
    module = torch.export.load(path, extra_files=extra).module()
    assert json.loads(extra["acrnn.json"])["rate_hz"] == str(RATE_HZ)
    for n_samples in (320, 16_000, 70_000):
        waveform = sound(n_samples)
        found = [value.detach().numpy() for value in module(torch.from_numpy(waveform)[None])]
        names = [port.name for port in outputs_of(calibrated.config)]
        prediction = Predictor(calibrated, "cpu")(waveform, RATE_HZ)
        assert_equal(dict(zip(names, found, strict=True)), prediction)


ALONE = """
import runpy, sys
sys.modules |= {"torch": None, "acrnn": None}
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_example_needs_neither_torch_nor_this_package(tmp_path, path, shipped, write_wav):
    clip = write_wav(tmp_path / "clip.wav", sound(3 * CD_HZ, rate_hz=CD_HZ), CD_HZ)
    command = [sys.executable, "-c", ALONE, EXAMPLE, path, clip]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prediction = Predictor(shipped, "cpu")(clip)
    expected = [f"{value:6.1%}  {label}" for label, value in prediction.top(3, calibrated=True)]
    assert done.stdout.splitlines()[:3] == expected
