"""Equations 1 to 4 against twins that follow the text index by index."""

import numpy as np
import pytest
import torch

from acrnn.model import ConvAttention, RecurrentAttention

SCALINGS = ("sigmoid", "softmax")


def slow_conv_attention(features, kernel, bias, scaling):
    """Eq. 1 and 2: A = σ(AvgPool(Conv3×3(M))), M′ = M · A. M is (channel F T): channel, band, frame."""
    n_channels, n_bands, n_frames = features.shape
    hidden = np.zeros((n_bands, n_frames))
    for f in range(n_bands):
        for t in range(n_frames):
            total = bias
            for c in range(n_channels):
                for i in range(3):
                    for j in range(3):
                        band, frame = f + i - 1, t + j - 1
                        if 0 <= band < n_bands and 0 <= frame < n_frames:
                            total += kernel[c, i, j] * features[c, band, frame]
            hidden[f, t] = total
    scores = [sum(hidden[f, t] for f in range(n_bands)) / n_bands for t in range(n_frames)]
    if scaling == "sigmoid":
        weights = [1 / (1 + np.exp(-score)) for score in scores]
    else:
        normaliser = sum(np.exp(score) for score in scores)
        weights = [np.exp(score) / normaliser for score in scores]
    weighted = np.zeros_like(features)
    for c in range(n_channels):
        for f in range(n_bands):
            for t in range(n_frames):
                weighted[c, f, t] = features[c, f, t] * weights[t]
    return weighted, np.array(weights)


def slow_recurrent_attention(hidden, W):
    """Eq. 3 and 4: β_t = exp(W · h_t) / Σ exp(W · h_t), v = Σ β_t h_t. h is (step, size)."""
    n_steps, size = hidden.shape
    exponentials = [np.exp(sum(W[k] * hidden[t, k] for k in range(size))) for t in range(n_steps)]
    weights = [value / sum(exponentials) for value in exponentials]
    vector = np.zeros(size)
    for t in range(n_steps):
        for k in range(size):
            vector[k] += weights[t] * hidden[t, k]
    return vector, np.array(weights)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def conv_attention(channels, scaling, seed=0):
    attention = ConvAttention(channels, scaling)
    with torch.no_grad():
        attention.score.weight.copy_(0.5 * drawn(1, channels, 3, 3, seed=seed))
        attention.score.bias.fill_(0.2)
    return attention.requires_grad_(True)


def recurrent_attention(size, seed=0):
    attention = RecurrentAttention(size)
    with torch.no_grad():
        attention.score.weight.copy_(drawn(1, size, seed=seed))
    return attention


@pytest.mark.parametrize("scaling", SCALINGS)
def test_equations_1_and_2_index_by_index(scaling):
    attention, features = conv_attention(3, scaling), drawn(2, 3, 5, 7, seed=1)
    with torch.no_grad():
        weighted, weights = attention(features)
    kernel, bias = attention.score.weight[0].detach().double().numpy(), attention.score.bias.item()
    for i in range(2):
        expected, expected_weights = slow_conv_attention(features[i].double().numpy(), kernel, bias, scaling)
        np.testing.assert_allclose(weights[i].numpy(), expected_weights, rtol=1e-5)
        np.testing.assert_allclose(weighted[i].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_equations_3_and_4_index_by_index():
    attention, hidden = recurrent_attention(6), drawn(3, 7, 6, seed=1)
    with torch.no_grad():
        vector, weights = attention(hidden)
    W = attention.score.weight[0].detach().double().numpy()
    for i in range(3):
        expected, expected_weights = slow_recurrent_attention(hidden[i].double().numpy(), W)
        np.testing.assert_allclose(weights[i].numpy(), expected_weights, rtol=1e-5)
        np.testing.assert_allclose(vector[i].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_softmax_runs_over_frames_and_not_over_clips_or_bands():
    with torch.no_grad():
        _, of_convolution = conv_attention(4, "softmax")(drawn(5, 4, 6, 9))
        _, of_gru = recurrent_attention(8)(drawn(5, 7, 8))
    assert (of_convolution.shape, of_gru.shape) == ((5, 9), (5, 7))
    torch.testing.assert_close(of_convolution.sum(dim=1), torch.ones(5))
    torch.testing.assert_close(of_gru.sum(dim=1), torch.ones(5))


def test_sigmoid_weights_lie_between_zero_and_one_each_by_itself():
    attention, features = conv_attention(4, "sigmoid"), drawn(5, 4, 6, 9)
    louder = features.clone()
    louder[..., -1] *= 3
    with torch.no_grad():
        _, weights = attention(features)
        _, changed = attention(louder)
    assert ((weights > 0) & (weights < 1)).all()
    assert torch.equal(weights[:, :-2], changed[:, :-2])  # the filter reaches one frame, no normalisation further
    assert not torch.equal(weights[:, -1], changed[:, -1])


def test_equal_scores_leave_the_mean_over_steps():
    attention, hidden = recurrent_attention(6), drawn(2, 7, 6)
    with torch.no_grad():
        attention.score.weight.zero_()
        vector, weights = attention(hidden)
    torch.testing.assert_close(weights, torch.full((2, 7), 1 / 7))
    torch.testing.assert_close(vector, hidden.mean(dim=1))


@pytest.mark.parametrize(("scaling", "factor"), [("softmax", 1 / 9), ("sigmoid", 1 / 2)])
def test_equal_scores_scale_every_frame_alike(scaling, factor):
    attention, features = conv_attention(4, scaling), drawn(2, 4, 6, 9)
    with torch.no_grad():
        attention.score.weight.zero_()
        attention.score.bias.zero_()
        weighted, weights = attention(features)
    torch.testing.assert_close(weights, torch.full((2, 9), factor))
    torch.testing.assert_close(weighted, features * factor)


def test_one_overwhelming_step_is_all_that_is_read():
    attention = RecurrentAttention(2)
    hidden = drawn(1, 7, 2)
    hidden[0, 4, 0] = 9
    with torch.no_grad():
        attention.score.weight.copy_(torch.tensor([[100.0, 0.0]]))
        vector, weights = attention(hidden)
    assert weights[0, 4] == 1
    torch.testing.assert_close(vector[0], hidden[0, 4])


def test_permuted_steps_permute_the_weights_and_keep_the_vector():
    attention, hidden = recurrent_attention(6), drawn(2, 7, 6)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    with torch.no_grad():
        vector, weights = attention(hidden)
        same, permuted = attention(hidden[:, order])
    torch.testing.assert_close(permuted, weights[:, order])
    torch.testing.assert_close(same, vector)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_shifted_frames_shift_the_weights(scaling):
    """Exactly for sigmoid; for softmax up to the normaliser, so that ratios of weights are kept."""
    attention = conv_attention(4, scaling)
    features = torch.zeros(1, 4, 6, 20)
    features[..., 5:10] = drawn(1, 4, 6, 5)
    with torch.no_grad():
        _, weights = attention(features)
        _, shifted = attention(features.roll(6, dims=-1))
    torch.testing.assert_close(shifted[:, 9:18], weights[:, 3:12])
    assert weights[:, 3:12].std() > 1e-3


def test_a_constant_added_to_every_score_does_not_change_a_softmax():
    attention, features = conv_attention(4, "softmax"), drawn(2, 4, 6, 9)
    with torch.no_grad():
        _, before = attention(features)
        attention.score.bias.add_(5.0)
        _, after = attention(features)
    torch.testing.assert_close(after, before)
    assert recurrent_attention(4).score.bias is None  # which is why l10 has none


@pytest.mark.parametrize("scaling", SCALINGS)
def test_gradients_reach_the_filter_and_the_features(scaling):
    attention, features = conv_attention(3, scaling), drawn(2, 3, 5, 7).requires_grad_()
    attention(features)[0].square().sum().backward()
    assert attention.score.weight.grad.abs().min() > 0
    assert (features.grad.abs().amax(dim=(1, 2)) > 0).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_gradients_of_equation_1_and_2_are_those_of_finite_differences(scaling):
    attention = conv_attention(2, scaling).double()
    features = drawn(1, 2, 3, 4).double().requires_grad_()
    # the weights are computed in float32 whatever the input, hence the coarse step and tolerance
    assert torch.autograd.gradcheck(lambda x: attention(x)[0], features, eps=1e-2, atol=1e-2, rtol=1e-2)


def test_gradients_reach_every_step_of_the_recurrent_layer():
    attention, hidden = recurrent_attention(6), drawn(2, 7, 6).requires_grad_()
    attention(hidden)[0].square().sum().backward()
    assert attention.score.weight.grad.abs().min() > 0
    assert (hidden.grad.abs().amax(dim=2) > 0).all()


def test_weights_are_float32_even_where_features_are_bfloat16():
    features = drawn(2, 4, 6, 9).bfloat16()
    weighted, weights = ConvAttention(4, "softmax").bfloat16()(features)
    assert (weighted.dtype, weights.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    vector, weights = RecurrentAttention(6).bfloat16()(drawn(2, 7, 6).bfloat16())
    assert (vector.dtype, weights.dtype) == (torch.bfloat16, torch.float32)
