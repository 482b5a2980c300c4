import pytest
import torch

from acrnn.model import (
    ACRNN,
    PLACEMENTS,
    NetworkConfig,
    complexity,
    n_parameters,
    paper_flops,
)

CONVOLUTIONS = 432_537_600
GRUS = 22_020_096
SIZE_AT = {"l2": (32, 128, 128), "l4": (64, 32, 42), "l6": (128, 8, 42), "l8": (256, 8, 14)}  # channel, band, frame


def test_the_multiply_accumulates_of_l10_add_up():
    dense, scores, weighted_sum = 512 * 50, 7 * 512, 7 * 512
    expected = CONVOLUTIONS + GRUS + dense + scores + weighted_sum
    assert expected == 454_590_464
    assert complexity(NetworkConfig(50, "l10")).multiply_accumulates == expected


def test_a_network_without_attention_lacks_the_scores_and_the_sum_alone():
    assert complexity(NetworkConfig(50, "none")).multiply_accumulates == 454_590_464 - 2 * 7 * 512


@pytest.mark.parametrize("placement", [p for p in PLACEMENTS if "-" in p])
def test_attention_at_a_convolution_costs_nine_products_a_score_and_one_a_feature(placement):
    channels, bands, frames = SIZE_AT[placement[:2]]
    cost = complexity(NetworkConfig(50, placement))
    attention = next(layer for layer in cost.layers if layer.name == "attention")
    assert attention.multiply_accumulates == (9 + 1) * channels * bands * frames
    assert attention.parameters == 9 * channels + 1
    assert cost.multiply_accumulates == CONVOLUTIONS + GRUS + 512 * 50 + attention.multiply_accumulates


def test_every_layer_costs_its_kernel_at_every_place_it_is_applied():
    layers = complexity(NetworkConfig(50, "l10")).layers
    assert {layer.name: layer.multiply_accumulates for layer in layers} == {
        "l1": 2 * 32 * 15 * 128 * 128,
        "l2": 251_658_240,
        "l3": 32 * 64 * 3 * 32 * 42,
        "l4": 64 * 64 * 3 * 32 * 42,
        "l5": 64 * 128 * 5 * 8 * 42,
        "l6": 128 * 128 * 5 * 8 * 42,
        "l7": 128 * 256 * 9 * 8 * 14,
        "l8": 256 * 256 * 9 * 8 * 14,
        "l9": 7 * 2 * 3 * 256 * (1024 + 256),
        "l10": 7 * 2 * 3 * 256 * (512 + 256),
        "attention": 2 * 7 * 512,
        "output": 512 * 50,
    }


def test_layers_stand_in_the_order_of_the_forward_pass():
    names = [layer.name for layer in complexity(NetworkConfig(10, "l4-sigmoid")).layers]
    assert names == ["l1", "l2", "l3", "l4", "attention", "l5", "l6", "l7", "l8", "l9", "l10", "output"]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_layers_add_up_to_the_totals(placement):
    config = NetworkConfig(10, placement)
    cost = complexity(config)
    assert cost.parameters == n_parameters(ACRNN(config)) == sum(layer.parameters for layer in cost.layers)
    assert cost.multiply_accumulates == sum(layer.multiply_accumulates for layer in cost.layers)
    assert cost.paper_flops == paper_flops(config)


def test_the_printed_flops_of_table_2_are_those_of_a_gru_input_of_768():
    """Segments of 96 bands give that input. 9.17 M and 9.18 M are printed, and 3.81 M parameters for either."""
    without, with_attention = (complexity(NetworkConfig(10, p, n_bands=96)) for p in ("none", "l10"))
    assert ACRNN(NetworkConfig(10, n_bands=96)).l9.input_size == 768
    assert (without.paper_flops, with_attention.paper_flops) == (9_172_480, 9_175_040)
    assert (without.parameters, with_attention.parameters) == (3_807_882, 3_808_394)


def test_the_papers_counting_of_the_layout_that_the_text_gives():
    conv, gru_input, dense, channels = 1_042_368, 2 * 768 * (1024 + 512), 512 * 10, 960
    without = 5 * conv + 2 * gru_input + 2 * dense + 19 * channels
    assert paper_flops(NetworkConfig(10, "none")) == without == 9_958_912
    assert paper_flops(NetworkConfig(10, "l10")) == without + 5 * 512
    assert paper_flops(NetworkConfig(10, "l8-softmax")) == without + 5 * 9 * 256


def test_the_papers_counting_does_not_depend_on_the_length_of_a_segment():
    short, long = (NetworkConfig(10, "l10", n_frames=n) for n in (64, 128))
    assert paper_flops(short) == paper_flops(long)
    assert complexity(short).multiply_accumulates < complexity(long).multiply_accumulates


def test_counting_draws_no_random_numbers():
    before = torch.get_rng_state()
    complexity(NetworkConfig(10))
    assert torch.equal(torch.get_rng_state(), before)
