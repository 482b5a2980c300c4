import copy

import pytest
import torch
from torch import nn

from acrnn.errors import OptionError
from acrnn.model import ACRNN, PLACEMENTS, WITH_ATTENTION, NetworkConfig, n_parameters

N_PARAMETERS = {
    "none": {10: 4_201_098, 50: 4_221_618},
    "l2-sigmoid": {10: 4_201_387, 50: 4_221_907},
    "l2-softmax": {10: 4_201_387, 50: 4_221_907},
    "l4-sigmoid": {10: 4_201_675, 50: 4_222_195},
    "l4-softmax": {10: 4_201_675, 50: 4_222_195},
    "l6-sigmoid": {10: 4_202_251, 50: 4_222_771},
    "l6-softmax": {10: 4_202_251, 50: 4_222_771},
    "l8-sigmoid": {10: 4_203_403, 50: 4_223_923},
    "l8-softmax": {10: 4_203_403, 50: 4_223_923},
    "l10": {10: 4_201_610, 50: 4_222_130},
}
N_STEPS = {"l2": 128, "l4": 42, "l6": 42, "l8": 14, "l10": 7}
FRAMES_PER_WEIGHT = {"l2": 1, "l4": 3, "l6": 3, "l8": 9, "l10": 18}


@pytest.fixture(scope="module")
def networks():
    """One full-sized network a placement, in evaluation mode."""
    return {placement: ACRNN(NetworkConfig(10, placement)).eval() for placement in PLACEMENTS}


@pytest.fixture(scope="module")
def outputs(networks, random_segments):
    """What each of them says of two segments."""
    segments = random_segments(2, n_bands=128)
    with torch.inference_mode():
        return {placement: network(segments) for placement, network in networks.items()}


def test_there_are_the_ten_placements_of_table_4():
    assert set(PLACEMENTS) == set(N_PARAMETERS)
    assert len(PLACEMENTS) == 10


@pytest.mark.parametrize("n_classes", [10, 50])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_parameters_are_those_of_the_text(placement, n_classes):
    """4,222,130 (50 classes) and 4,201,610 (10 classes) are the counts with attention at l10.

    They hold one bias a GRU gate and the 512 weights of W; without attention it is 512 fewer, at l_k (k ≤ 8) it is
    one 3×3 filter and its bias more. A note that gives the first two numbers for no attention is in error, as this sum
    shows: 1,042,368 conv weights + 960 biases + 4 · 960 of batch norm + 2 · 3 · 256 · (1024 + 256 + 1) of l9 +
    2 · 3 · 256 · (512 + 256 + 1) of l10 + 513 · 50 of the output = 4,221,618.
    """
    with torch.device("meta"):
        model = ACRNN(NetworkConfig(n_classes, placement))
    assert n_parameters(model) == N_PARAMETERS[placement][n_classes]


def test_the_sum_of_the_text_gives_the_count_without_attention():
    gru = 2 * 3 * 256
    total = 1_042_368 + 960 + 4 * 960 + gru * (1024 + 256 + 1) + gru * (512 + 256 + 1) + 513 * 50
    assert total == N_PARAMETERS["none"][50] == N_PARAMETERS["l10"][50] - 512


def test_every_block_gives_the_shape_of_section_3_2(networks):
    x, shapes = torch.zeros(1, 2, 128, 128), []
    for block in networks["none"].blocks:
        x, weights = block(x)
        assert weights is None
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 32, 42), (64, 8, 42), (128, 8, 14), (256, 4, 7)]  # channel, band, frame
    assert networks["none"].l9.input_size == 256 * 4 == 1024
    assert networks["none"].l10.input_size == 512


def test_convolutions_have_the_filters_of_section_3_2(networks):
    found = [(m.out_channels, m.kernel_size, m.stride) for m in networks["none"].modules() if isinstance(m, nn.Conv2d)]
    filters = [(32, (3, 5)), (64, (3, 1)), (128, (1, 5)), (256, (3, 3))]
    assert found == [(channels, kernel, (1, 1)) for channels, kernel in filters for _ in range(2)]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_gives_logits_and_a_weight_a_step(networks, outputs, placement):
    output = outputs[placement]
    assert output.logits.shape == (2, 10)
    assert output.logits.isfinite().all()
    assert networks[placement].config.has_attention == (output.attention is not None) == (placement in WITH_ATTENTION)
    layer = networks[placement].config.layer
    if layer is None:
        assert output.attention is None
    else:
        assert output.attention.shape == (2, N_STEPS[layer])
        assert networks[placement].config.frames_per_weight == FRAMES_PER_WEIGHT[layer]


@pytest.mark.parametrize("placement", [p for p in PLACEMENTS if p.endswith("softmax") or p == "l10"])
def test_softmax_weights_of_a_segment_sum_to_one(networks, outputs, placement):
    weights = outputs[placement].attention
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert networks[placement].config.scaling == "softmax"


def test_kernels_are_all_that_is_regularised_and_nothing_else(networks):
    model = networks["l10"]
    names = {id(p): name for name, p in model.named_parameters()}
    kernels = model.kernels()
    assert sum(k.numel() for k in kernels if k.ndim == 4) == 1_042_368
    assert sum(k.numel() for k in kernels) == 1_042_368 + 2 * 768 * (1024 + 256 + 512 + 256) + 512 + 512 * 10
    assert len({id(k) for k in kernels}) == len(kernels) == 8 + 8 + 2
    assert not any("bias" in names[id(k)] for k in kernels)
    norms = {id(m.weight) for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
    assert len(norms) == 8
    assert not norms & {id(k) for k in kernels}


def test_the_filter_of_attention_is_a_kernel_too(networks):
    kernels = {id(k) for k in networks["l4-sigmoid"].kernels()}
    assert id(networks["l4-sigmoid"].blocks[1].attention.score.weight) in kernels


def test_kernels_start_from_a_gaussian_of_005_and_biases_from_zero():
    """§4.1. The error of the mean of n draws is 0.05/√n; five of them are allowed."""
    model = ACRNN(NetworkConfig(50, "l2-sigmoid"))
    model.initialise(torch.Generator().manual_seed(0))
    for kernel in model.kernels():
        n = kernel.numel()
        assert abs(kernel.mean().item()) < 5 * 0.05 / n**0.5
        assert abs(kernel.std().item() - 0.05) < 5 * 0.05 / (2 * n) ** 0.5
    everything = torch.cat([kernel.flatten() for kernel in model.kernels()])
    within = (everything.abs() < 0.05).float().mean().item()  # a Gaussian holds 68.27% within σ, a uniform 57.7%
    assert within == pytest.approx(0.6827, abs=0.002)
    for name, parameter in model.named_parameters():
        if "bias" in name:
            assert not parameter.any(), name
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        assert (norm.weight == 1).all()


def test_one_seed_gives_one_network():
    def drawn(seed):
        model = ACRNN(NetworkConfig(10, n_hidden=8))
        model.initialise(torch.Generator().manual_seed(seed))
        return model.state_dict()

    a, b, c = drawn(3), drawn(3), drawn(4)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["output.weight"], c["output.weight"])


def test_recurrent_biases_stay_zero_while_the_network_learns(make_model, random_segments):
    model = copy.deepcopy(make_model("l10")).train()
    before = model.l9.bias_ih_l0.clone()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        model(random_segments(2)).logits.square().sum().backward()
        optimiser.step()
    biases = [p for name, p in model.named_parameters() if "bias_hh" in name]
    assert len(biases) == 4
    assert not any(bias.any() for bias in biases)
    assert not torch.equal(model.l9.bias_ih_l0, before)


def test_the_read_out_without_attention_is_the_last_output_of_each_direction(make_model, random_segments):
    model = make_model("none")
    seen = []
    hook = model.l10.register_forward_hook(lambda module, inputs, output: seen.append(output))
    segments = random_segments(3)
    with torch.inference_mode():
        logits = model(segments).logits
    hook.remove()
    _, last = seen[0]  # (direction, batch, n_hidden): torch's own last state of each direction
    torch.testing.assert_close(logits, model.output(torch.cat([last[0], last[1]], dim=1)))


def test_segments_are_standardised_by_the_network_itself(make_model, random_segments):
    model = make_model("l10")
    plain = copy.deepcopy(model)
    plain.standardise_by(torch.zeros(2), torch.ones(2))
    segments = random_segments(2)
    standard = torch.stack([(segments[:, 0] + 60) / 15, segments[:, 1] / 1.5], dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(model(segments).logits, plain(standard).logits)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_segment_is_classified_alike_whatever_stands_beside_it(make_model, random_segments, placement):
    model = make_model(placement)
    segments = random_segments(3)
    with torch.inference_mode():
        together, alone = model(segments), model(segments[1:2])
    torch.testing.assert_close(together.logits[1:2], alone.logits, rtol=1e-4, atol=1e-4)
    if placement != "none":
        torch.testing.assert_close(together.attention[1:2], alone.attention, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("placement", ["l2-sigmoid", "l4-sigmoid", "l6-sigmoid", "l8-sigmoid"])
def test_a_sound_that_comes_one_step_later_is_attended_to_one_step_later(make_model, random_segments, placement):
    """Away from the segment's ends, where zeros stand for the frames outside it."""
    model = make_model(placement)
    step = model.config.frames_per_weight
    frames = random_segments(1, n_frames=128 + step)
    with torch.inference_mode():
        early, late = model(frames[..., step:]).attention[0], model(frames[..., :-step]).attention[0]
    edge = max(5, len(early) // 4)  # the receptive field reaches no further
    inside = slice(edge, len(early) - edge - 1)
    assert early[inside].std() > 1e-4  # else the comparison would say nothing
    torch.testing.assert_close(late[1:][inside], early[:-1][inside], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("placement", ["none", "l2-softmax", "l8-sigmoid", "l10"])
def test_every_kernel_learns(make_model, random_segments, placement):
    model = copy.deepcopy(make_model(placement)).train()
    model(random_segments(2)).logits[:, 0].sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert all(kernel.grad.abs().max() > 0 for kernel in model.kernels())


@pytest.mark.parametrize("placement", ["l1", "l10-sigmoid", "l2", "L10", ""])
def test_an_unknown_placement_is_refused_by_name(placement):
    with pytest.raises(OptionError, match=f"attention placement '{placement}' is not one of none, l2-sigmoid"):
        NetworkConfig(10, placement)


@pytest.mark.parametrize(
    "numbers",
    [{"n_classes": 1}, {"n_hidden": 0}, {"dropout": 1.0}, {"dropout": -0.1}, {"n_bands": 31}, {"n_frames": 17}],
)
def test_numbers_that_are_no_network_are_refused(numbers):
    with pytest.raises(OptionError, match=r"not a network|pooled away to nothing"):
        NetworkConfig(**{"n_classes": 10} | numbers)


def test_a_network_without_attention_has_no_frames_per_weight():
    config = NetworkConfig(10, "none")
    assert (config.layer, config.scaling) == (None, None)
    with pytest.raises(OptionError, match="without attention"):
        _ = config.frames_per_weight
