"""Drawn parameters: which layers they reach at each stage, and what becomes of the attention."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from acrnn.errors import OptionError
from acrnn.inference import load
from acrnn.measures.randomisation import SEED, cascade, frame_attention, randomise, untrained


@pytest.fixture(scope="module", params=["l10", "l2-softmax"])
def predicted(request, tiny_checkpoints):
    """Predictor, and what it says of two clips of 1.2 s."""
    predictor = load(str(tiny_checkpoints / f"esc10-{request.param}-paper-fold1"), "cpu")
    rng = np.random.default_rng(0)
    return predictor, [predictor(rng.uniform(-0.3, 0.3, 20_000), 16_000) for _ in range(2)]


def test_each_stage_draws_one_layer_more_from_the_output_down(make_model):
    network = make_model("l10")
    before = copy.deepcopy(network.state_dict())
    drawn = untrained(network, 7).state_dict()
    names = [name for name, _ in network.layers()]
    stages = []
    for stage, changed in cascade(network, 7):
        stages.append(stage)
        reached = set(names) if stage == "untrained" else set(stages[1:])
        for name, _ in changed.layers():
            source = drawn if name in reached else before
            wanted = dict(_tensors(network, name, source))
            for key, value in _tensors(changed, name, changed.state_dict()):
                assert torch.equal(value, wanted[key]), (stage, key)
    assert stages == ["untrained", *reversed(names)]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def _tensors(network, layer, state):
    of_layer = dict(network.layers())[layer]
    prefixes = [name for name, module in network.named_modules() if any(module is m for m in of_layer)]
    return [(key, value) for key, value in state.items() if any(key.startswith(f"{p}.") for p in prefixes)]


def test_an_untrained_network_is_drawn_as_before_training_by_its_seed(make_model):
    network = make_model("l10")
    a, b, c = (untrained(network, seed) for seed in (1, 1, 2))
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert not torch.equal(a.output.weight, c.output.weight)
    assert a.output.weight.std().item() == pytest.approx(0.05, rel=0.3)  # §4.1
    assert (a.output.bias == 0).all()
    assert torch.equal(a.mean, network.mean)


def test_attention_is_that_of_a_prediction(predicted):
    predictor, predictions = predicted
    front_end = predictor.checkpoint.config.front_end
    for prediction in predictions:
        found = frame_attention(predictor.model, front_end, prediction.spectrogram)
        assert found == pytest.approx(prediction.attention.weights, abs=1e-7)


def test_layers_behind_the_attention_cannot_move_it_and_those_before_it_do(predicted):
    predictor, predictions = predicted
    told = []
    found = randomise(predictor, predictions, lambda done, total: told.append((done, total)), n_draws=2)
    assert found.correlations.shape == (len(found.stages), 2, len(predictions))
    assert not np.allclose(found.correlations[-1, 0], found.correlations[-1, 1])  # another draw
    by_stage = dict(zip(found.stages, found.correlations[:, 0], strict=True))
    behind = found.stages[1 : found.stages.index("attention")]
    assert behind[0] == "output"
    for stage in behind:
        assert by_stage[stage] == pytest.approx([1, 1])
    moved_by = found.stages[found.stages.index("attention") :]
    front_end = predictor.checkpoint.config.front_end
    trained = [p.attention.weights for p in predictions]
    for stage, network in cascade(predictor.model, predictor.checkpoint.config.seed + SEED):
        if stage in moved_by:
            drawn = [frame_attention(network, front_end, p.spectrogram) for p in predictions]
            assert not any(np.allclose(a, b, rtol=0.01) for a, b in zip(drawn, trained, strict=True)), stage
            expected = [spearmanr(a, b).statistic for a, b in zip(drawn, trained, strict=True)]
            assert by_stage[stage] == pytest.approx(expected), stage
    assert by_stage["l1"] == pytest.approx(by_stage["untrained"])  # the last stage has nothing left that was learned
    assert told[-1] == (2 * len(found.stages), 2 * len(found.stages))


def test_a_network_without_attention_is_refused(tiny_checkpoints):
    predictor = load(str(tiny_checkpoints / "esc10-none-paper-fold1"), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 8000), 16_000)
    with pytest.raises(OptionError, match="esc10-none-paper-fold1 has no attention to compare"):
        randomise(predictor, [prediction])
