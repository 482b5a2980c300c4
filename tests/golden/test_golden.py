"""What the published checkpoints say of three synthetic clips stays what it was: `python -m tests.golden.make`."""

import json

import pytest

from acrnn.checkpoints import names
from acrnn.inference import load
from tests.golden.make import CHECKPOINTS, FOLDER, predictions, summary

NAMES = names(CHECKPOINTS)
TOLERANCE = 1e-3


def test_every_checkpoint_has_golden_predictions_and_nothing_else_has():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_says_what_it_said(name):
    expected = json.loads((FOLDER / f"{name}.json").read_text())
    found = predictions(load(str(CHECKPOINTS / name), "cpu"))
    assert found.keys() == expected.keys()
    for clip, before in expected.items():
        now = summary(found[clip])
        assert now["label"] == before["label"], clip
        assert now["probability"] == pytest.approx(before["probability"], abs=TOLERANCE), clip
        assert ("attention" in now) == ("attention" in before)
        if "attention" in before:
            before, now = before["attention"], now["attention"]
            # weights of a softmax over 128 steps are near 0.008 each: an absolute tolerance would not see them move
            assert now["mean"] == pytest.approx(before["mean"], rel=TOLERANCE), clip
            assert now["at"] == pytest.approx(before["at"], rel=0.01, abs=1e-4), clip
            weights = found[clip].attention.weights
            assert weights[before["argmax"]] > 0.99 * weights.max(), clip  # two peaks may be as high as each other
