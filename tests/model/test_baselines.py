import pytest
import torch
from torch.nn.functional import conv2d, linear, max_pool2d, pad

from acrnn.errors import OptionError
from acrnn.model import (
    ACRNN,
    NetworkConfig,
    PiczakCNN,
    PiczakConfig,
    build,
    complexity,
    n_parameters,
    network_config,
    network_from_dict,
    placement_of,
)

PARAMETERS = {
    "conv1": 57 * 6 * 2 * 80 + 80,
    "conv2": 1 * 3 * 80 * 80 + 80,
    "dense1": 80 * 4 * 4 * 5000 + 5000,
    "dense2": 5000 * 5000 + 5000,
    "output": 5000 * 10 + 10,
}
MULTIPLY_ACCUMULATES = {
    "conv1": 57 * 6 * 2 * 80 * 4 * 36,
    "conv2": 1 * 3 * 80 * 80 * 4 * 10,
    "dense1": 1280 * 5000,
    "dense2": 5000 * 5000,
    "output": 5000 * 10,
}


def literal(model: PiczakCNN, segments: torch.Tensor) -> torch.Tensor:
    """Each layer as its description has it, maxima over windows that reach past the edges into minus infinity."""
    x = (segments - model.mean[:, None, None]) / model.std[:, None, None]
    x = conv2d(x, model.conv1.weight, model.conv1.bias).clamp(min=0)
    x = max_pool2d(pad(x, (0, 0, 1, 2), value=-torch.inf), (4, 3), stride=(1, 3))
    x = conv2d(x, model.conv2.weight, model.conv2.bias).clamp(min=0)
    x = max_pool2d(pad(x, (1, 1, 0, 0), value=-torch.inf), (1, 3), stride=(1, 3)).flatten(1)
    for dense in (model.dense1, model.dense2):
        x = linear(x, dense.weight, dense.bias).clamp(min=0)
    return linear(x, model.output.weight, model.output.bias)


@pytest.fixture(scope="module")
def small():
    """Few filters and cells, all else as it is; drawn wide enough that every layer answers."""
    model = build(PiczakConfig(10, n_filters=6, n_hidden=24))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=generator)
    model.standardise_by(torch.tensor([-60.0, 0.0]), torch.tensor([15.0, 1.5]))
    return model.eval()


def test_ten_classes_have_the_31_53_million_parameters_of_table_2_layer_by_layer():
    cost = complexity(PiczakConfig(10))
    assert {layer.name: layer.parameters for layer in cost.layers} == PARAMETERS
    assert cost.parameters == sum(PARAMETERS.values()) == 31_534_090


def test_a_segment_costs_40_million_multiply_accumulates_layer_by_layer():
    cost = complexity(PiczakConfig(10))
    assert {layer.name: layer.multiply_accumulates for layer in cost.layers} == MULTIPLY_ACCUMULATES
    assert cost.multiply_accumulates == sum(MULTIPLY_ACCUMULATES.values()) == 40_097_680


def test_the_papers_counting_gives_the_63_27_million_of_table_2():
    drawn, regularised = 31_523_920, 73_920  # kernels without biases; those of the convolutions
    assert sum(PARAMETERS.values()) - (80 + 80 + 5000 + 5000 + 10) == drawn
    assert regularised == 57 * 6 * 2 * 80 + 3 * 80 * 80
    assert complexity(PiczakConfig(10)).paper_flops == 2 * drawn + 3 * regularised == 63_269_600


def test_it_has_seven_and_a_half_times_the_parameters_of_acrnn_and_an_eleventh_of_its_products():
    ours, baseline = complexity(NetworkConfig(10)), complexity(PiczakConfig(10))
    assert baseline.parameters / ours.parameters == pytest.approx(7.5, abs=0.05)
    assert ours.multiply_accumulates / baseline.multiply_accumulates == pytest.approx(11.3, abs=0.05)


def test_a_segment_takes_the_sizes_that_the_docstring_names(small, random_segments):
    sizes = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[2:])))
        for module in (small.conv1, small.pool1, small.conv2, small.pool2)
    ]
    small(random_segments(1, 60, 41))
    for hook in hooks:
        hook.remove()
    assert sizes == [(4, 36), (4, 12), (4, 10), (4, 4)]


def test_it_computes_what_its_description_says(small, random_segments):
    segments = random_segments(3, 60, 41)
    output = small(segments)
    assert output.attention is None
    assert not small.config.has_attention
    torch.testing.assert_close(output.logits, literal(small, segments))
    assert output.logits.std(dim=0).min() > 1e-3  # no layer is dead


def test_every_frame_of_a_segment_counts(small, random_segments):
    segments = random_segments(1, 60, 41)
    for frame in range(41):
        changed = segments.clone()
        changed[..., frame] += 40
        assert not torch.equal(small(changed).logits, small(segments).logits), frame


def test_dropout_stands_after_the_first_convolution_and_both_dense_layers(random_segments):
    model = build(PiczakConfig(10, n_filters=6, n_hidden=24)).train()
    n_elements = []
    model.dropout.register_forward_hook(lambda module, inputs, output: n_elements.append(tuple(output.shape[1:])))
    model(random_segments(2, 60, 41))
    assert n_elements == [(6, 4, 12), (24,), (24,)]


def test_initial_values_are_those_of_piczaks_code():
    model, twin = (PiczakCNN(PiczakConfig(10, n_hidden=500)) for _ in range(2))
    for network in (model, twin):
        network.initialise(torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    assert 0.00099 < model.conv1.weight.abs().max() <= 0.001
    assert 0.099 < model.conv2.weight.abs().max() <= 0.1
    for dense in (model.dense1, model.dense2, model.output):
        assert dense.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert dense.weight.mean().item() == pytest.approx(0, abs=5e-4)
        assert not dense.bias.any()
    assert (model.conv1.bias == 0.1).all()
    assert not model.conv2.bias.any()


def test_kernels_are_the_five_weights_and_no_bias(small):
    kernels = {id(kernel) for kernel in small.kernels()}
    assert kernels == {id(getattr(small, name).weight) for name in PARAMETERS}


@pytest.mark.parametrize(
    "values",
    [
        {"n_classes": 1},
        {"n_classes": 10, "n_bands": 56},
        {"n_classes": 10, "n_frames": 12},
        {"n_classes": 10, "dropout": 1.0},
        {"n_classes": 10, "n_hidden": 0},
        {"n_classes": 10, "kind": "acrnn"},
    ],
)
def test_a_network_that_cannot_be_is_refused(values):
    with pytest.raises(OptionError):
        PiczakConfig(**values)


@pytest.mark.parametrize(("n_bands", "n_frames"), [(57, 13), (60, 41), (60, 101), (64, 42)])
def test_the_dense_layer_fits_every_size_of_segment(n_bands, n_frames, random_segments):
    model = build(PiczakConfig(3, n_bands=n_bands, n_frames=n_frames, n_filters=2, n_hidden=4)).eval()
    assert model(random_segments(1, n_bands, n_frames)).logits.shape == (1, 3)


@pytest.mark.parametrize("config", [NetworkConfig(10, "l4-sigmoid"), PiczakConfig(50)])
def test_a_config_survives_its_file(config):
    assert network_from_dict(config.as_dict()) == config


def test_a_config_without_a_kind_is_acrnns():
    assert network_from_dict({"n_classes": 10, "placement": "none"}) == NetworkConfig(10, "none")
    assert "kind" not in NetworkConfig(10).as_dict()


def test_an_unknown_kind_of_network_is_refused():
    with pytest.raises(OptionError, match="kind 'resnet' is not 'piczakcnn'"):
        network_from_dict({"kind": "resnet", "n_classes": 10})


def test_the_name_of_a_network_stands_where_a_placement_does():
    assert placement_of("acrnn", None) == "l10"
    assert placement_of("acrnn", "none") == "none"
    assert placement_of("piczakcnn", None) == "piczakcnn" == PiczakConfig(10).placement
    assert network_config("piczakcnn", 50) == PiczakConfig(50)
    assert network_config("l10", 50) == NetworkConfig(50, "l10")
    with pytest.raises(OptionError, match="network 'vgg' is not one of acrnn, piczakcnn"):
        placement_of("vgg", None)
    with pytest.raises(OptionError, match="placement 'l10' cannot be chosen: network 'piczakcnn' has no attention"):
        placement_of("piczakcnn", "l10")


@pytest.mark.parametrize("config", [NetworkConfig(10, "l8-softmax", n_hidden=8), PiczakConfig(10, n_hidden=8)])
def test_every_parameter_is_in_one_layer(config):
    model = build(config)
    in_layers = [id(p) for _, modules in model.layers() for module in modules for p in module.parameters()]
    assert sorted(in_layers) == sorted(id(p) for p in model.parameters())
    assert isinstance(model, ACRNN if config.placement != "piczakcnn" else PiczakCNN)
    assert n_parameters(model) == sum(layer.parameters for layer in complexity(config).layers)
