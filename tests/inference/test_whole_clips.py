"""A checkpoint whose segments hold a whole clip: short and long sounds, and the time axis of both."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from acrnn.checkpoints import find
from acrnn.inference import Predictor
from acrnn.runs.run import Run
from acrnn.runs.work import work
from acrnn.training import recipe_for


@pytest.fixture(scope="module")
def predictor(tmp_path_factory, tiny_dataset, tiny_run_config):
    """A tiny network with softmax attention at l4, trained for an epoch by recipe `whole`, as its run saved it."""
    recipe = replace(recipe_for("whole", "esc10", epochs=1), n_copies=0)
    network = replace(tiny_run_config.network, placement="l4-softmax", n_frames=432, mean_one=recipe.mean_one)
    front_end = replace(tiny_run_config.front_end, segment_frames=432, segment_hop=216)
    config = replace(tiny_run_config, recipe=recipe, network=network, front_end=front_end)
    run = Run.create(tmp_path_factory.mktemp("whole"), config)
    assert work(run, tiny_dataset)["n_clips"] > 0
    return Predictor(find(str(run.path / run.config.name)), "cpu")


def noise(duration_s):
    return 0.1 * np.random.default_rng(0).standard_normal(round(16_000 * duration_s)).astype(np.float32)


@pytest.mark.parametrize(("duration_s", "n_segments"), [(0.3, 1), (5.0, 1), (6.0, 2), (12.0, 4)])
def test_windows_half_overlap_and_attention_lies_on_the_clips_axis(predictor, duration_s, n_segments):
    prediction = predictor(noise(duration_s), 16_000)
    assert len(prediction.segments) == n_segments
    assert prediction.segments[-1].end_s == pytest.approx(duration_s, abs=0.02)
    assert prediction.attention.times_s.shape == prediction.attention.weights.shape
    assert prediction.attention.times_s[-1] == pytest.approx(duration_s, abs=0.02)
    assert prediction.attention.segment_weights.shape == (n_segments, 144)  # 432 frames, pooled by three before l3
    assert prediction.attention.segment_weights.sum(axis=1) == pytest.approx(np.ones(n_segments), abs=1e-4)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_card_says_how_much_the_optimiser_did(predictor):
    card = (predictor.checkpoint.path / "README.md").read_text(encoding="utf-8")
    assert "| Optimisation | " in card
    assert "9,000 steps and 33 or 99,000 steps and 366" in card
    assert "| Kernels moved | l1 " in card


def test_events_are_heard_in_windows_as_long_as_the_segments_that_were_trained_on(predictor):
    assert predictor.for_events() is predictor  # trained on whole clips
    config = predictor.checkpoint.config
    cut = replace(config, recipe=config.recipe | {"training_frames": 128})
    whole = copy(predictor)
    whole.checkpoint = replace(predictor.checkpoint, config=cut)
    sound = noise(12.0)
    prediction = whole.for_events()(sound, 16_000)
    assert len(whole(sound[: int(9.9 * 16_000)], 16_000).segments) == 3
    np.testing.assert_array_equal(whole(sound, 16_000).segment_probabilities, prediction.segment_probabilities)
    assert len(prediction.segments) == 16
    assert prediction.segments[1].start_s - prediction.segments[0].start_s == pytest.approx(64 * 0.01161, rel=0.01)
    assert prediction.segments[-1].end_s == pytest.approx(12.0, abs=0.02)
    assert whole.for_events().model is predictor.model


@pytest.mark.parametrize("said", [0, 432, 1, "128", None, 1e9])
def test_a_recipe_that_says_nothing_usable_leaves_the_windows_as_they_are(predictor, said):
    config = predictor.checkpoint.config
    assert replace(config, recipe=config.recipe | {"training_frames": said}).trained_frames == 432
