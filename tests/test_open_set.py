"""What a checkpoint knows of strange sounds: scores by hand, quantiles, calibration, and where they are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.checkpoints import OpenSet, Scale, find, keep_open_set
from acrnn.checkpoints.open_set import SCORES, scores_of, statistics_of
from acrnn.errors import CheckpointError, OptionError


@pytest.fixture
def checkpoint(tmp_path, save_checkpoint):
    return save_checkpoint(tmp_path)


SCALE = Scale(2.0, (0.0, 1.0, 4.0))
OPEN_SET = OpenSet("energy", SCALE, replace(SCALE, temperature=1.0), 0.95, "a test", (-60.0, -3.0), (1, 3))


def test_a_temperature_keeps_the_order_and_lowers_what_was_sure():
    probabilities = np.array([[0.9, 0.08, 0.02], [0.2, 0.5, 0.3]], np.float32)
    calibrated = SCALE.calibrate(probabilities)
    assert calibrated.sum(axis=1) == pytest.approx(1)
    assert (calibrated.argsort(axis=1) == probabilities.argsort(axis=1)).all()
    assert calibrated[0] == pytest.approx(np.sqrt(probabilities[0]) / np.sqrt(probabilities[0]).sum())
    assert replace(SCALE, temperature=1.0).calibrate(probabilities) == pytest.approx(probabilities)


def test_strangeness_is_the_share_of_known_ones_below():
    assert SCALE.strangeness(np.array([-1, 0, 0.5, 1, 2.5, 9])) == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1])


def test_scores_of_logits_are_those_of_their_papers():
    logits = torch.tensor([[2.0, 0.0], [0.5, 0.5]])
    soft = logits.softmax(dim=1)
    assert scores_of("probability", logits, None, {}) == pytest.approx(-soft.amax(dim=1))
    assert scores_of("logit", logits, None, {}).tolist() == [-2.0, -0.5]
    assert scores_of("energy", logits, None, {})[1] == pytest.approx(-(0.5 + np.log(2)))


@pytest.mark.parametrize("score", SCORES)
def test_every_score_is_higher_far_from_the_training_classes(score):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(3, 16, generator=generator), torch.zeros(3)
    targets = torch.arange(3).repeat(40)
    features = 4 * torch.nn.functional.normalize(weight)[targets] + 0.1 * torch.randn(120, 16, generator=generator)
    statistics = statistics_of(score, features, targets, features @ weight.T, weight, bias)
    far = torch.randn(50, 16, generator=generator)
    far -= far @ torch.linalg.pinv(weight) @ weight  # what no class looks at
    known = scores_of(score, features @ weight.T, features, statistics)
    unknown = scores_of(score, far @ weight.T, far, statistics)
    assert known.shape == (120,)
    assert unknown.mean() > known.mean()


def test_it_is_kept_with_a_checkpoint_and_read_back(checkpoint):
    before = checkpoint.config.weights_sha256
    kept = keep_open_set(checkpoint, OPEN_SET)
    assert (kept.config.open_set, kept.config.weights_sha256) == (OPEN_SET, before)
    assert keep_open_set(kept, None).config.open_set is None
    assert "open_set" not in json.loads((kept.path / "config.json").read_text())


@pytest.mark.parametrize(
    ("field", "value"),
    [("score", "luck"), ("accepts", 1.5), ("clips", {"temperature": 0, "quantiles": [0, 1]}), ("segments", None)],
)
def test_a_garbled_one_is_refused(checkpoint, field, value):
    keep_open_set(checkpoint, OPEN_SET)
    path = checkpoint.path / "config.json"
    values = json.loads(path.read_text())
    values["open_set"][field] = value
    path.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match="open_set"):
        find(str(checkpoint.path))


def test_quantiles_that_fall_are_no_quantiles():
    with pytest.raises(OptionError, match="ascending"):
        replace(OPEN_SET, clips=Scale(1.0, (1.0, 0.0)))
