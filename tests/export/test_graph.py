"""The module that is exported computes what the package does."""

import numpy as np
import pytest
import torch

from acrnn.checkpoints import find
from acrnn.export import ClipGraph, outputs_of
from acrnn.export.graph import SpectrogramGraph, delta_by_index
from acrnn.features import FrontEnd, delta, log_spectrogram, mel_front_end
from acrnn.inference import Predictor

PLACEMENTS = ("l10", "l2-softmax", "l4-sigmoid", "none")
RATE_HZ = 16_000


def sound(n_samples, seed=0, rate_hz=RATE_HZ):
    """(n_samples,) a decaying tone over noise at −60 dB, the second half of it without the noise."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(n_samples) / rate_hz
    noise = 1e-3 * rng.standard_normal(n_samples) * (np.arange(n_samples) <= n_samples / 2)
    return (0.5 * np.exp(-8 * t_s) * np.sin(2 * np.pi * 300 * (1 + seed) * t_s) + noise).astype(np.float32)


def answers(checkpoint, waveforms):
    """Name → what the graph gives for a batch."""
    with torch.inference_mode():
        found = ClipGraph(checkpoint).eval()(torch.from_numpy(waveforms))
    return {port.name: value.numpy() for port, value in zip(outputs_of(checkpoint.config), found, strict=True)}


def assert_equal(found, prediction, row=0, atol=1e-5):
    """`found` of one clip of a batch is what the package predicts."""
    expected = {
        "probabilities": prediction.probabilities,
        "calibrated": prediction.calibrated,
        "segment_probabilities": prediction.segment_probabilities,
        "attention": prediction.attention and prediction.attention.weights,
        "segment_attention": prediction.attention and prediction.attention.segment_weights,
    }
    assert set(found) == {name for name, value in expected.items() if value is not None}
    for name, value in found.items():
        np.testing.assert_allclose(value[row], expected[name], atol=atol, err_msg=name)


@pytest.mark.parametrize(
    "front_end", [FrontEnd(), FrontEnd(16_000, n_bands=32), mel_front_end(22_050)], ids=["44.1 kHz", "16 kHz", "mel"]
)
def test_a_matrix_gives_the_spectrogram_of_the_transform(front_end):
    hop = front_end.hop_samples
    graph = SpectrogramGraph(front_end)
    for n_samples in (1, hop - 1, hop, hop + 1, 20 * hop + 7):
        waveform = torch.from_numpy(sound(n_samples, rate_hz=front_end.rate_hz))[None]
        found, expected = graph(waveform), log_spectrogram(waveform, front_end)
        torch.testing.assert_close(found, expected, atol=0.01, rtol=0)  # decibels
        assert torch.equal(found <= front_end.floor_db, expected <= front_end.floor_db)


@pytest.mark.parametrize("n_frames", [1, 2, 5, 8, 9, 10, 50])
def test_the_delta_by_index_is_the_delta(n_frames):
    spectrogram = torch.randn(2, 3, n_frames, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(delta_by_index(spectrogram), delta(spectrogram))


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("seconds", [0.02, 0.05, 1.0, 1.5, 4.3])
def test_a_clip_of_any_length_is_what_the_package_predicts(tiny_checkpoints, placement, seconds):
    checkpoint = find(f"esc10-{placement}-paper-fold1", tiny_checkpoints)
    waveform = sound(round(seconds * RATE_HZ))
    assert_equal(answers(checkpoint, waveform[None]), Predictor(checkpoint, "cpu")(waveform, RATE_HZ))


def test_clips_of_a_batch_do_not_touch_each_other(calibrated):
    clips = [sound(5 * RATE_HZ, seed) for seed in (0, 3)]
    found = answers(calibrated, np.stack(clips))
    for row, clip in enumerate(clips):
        assert_equal(found, Predictor(calibrated, "cpu")(clip, RATE_HZ), row)


def test_the_network_without_attention_and_with_mel_bands_is_exported_too(piczak):
    waveform = sound(3 * RATE_HZ)
    assert_equal(answers(piczak, waveform[None]), Predictor(piczak, "cpu")(waveform, RATE_HZ))


def test_a_silent_clip_has_no_probabilities(calibrated, tiny_checkpoints):
    for checkpoint in (calibrated, find("esc10-l10-paper-fold1", tiny_checkpoints)):
        found = answers(checkpoint, np.stack([np.zeros(RATE_HZ, np.float32), sound(RATE_HZ)]))
        for name in set(found) & {"probabilities", "calibrated"}:
            assert np.isnan(found[name][0]).all()
            assert np.isfinite(found[name][1]).all()
