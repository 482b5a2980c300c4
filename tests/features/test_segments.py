import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acrnn.features import FrontEnd, Segments, clip_segments, delta, segments_at_once
from acrnn.model import PLACEMENTS, NetworkConfig

FRONT_END = FrontEnd()
# frames that one weight stands for, and weights of a segment, at every layer
LAYERS = {"l2": (1, 128), "l4": (3, 42), "l6": (3, 42), "l8": (9, 14), "l10": (18, 7)}
each_layer = pytest.mark.parametrize(("frames_per_weight", "n_weights"), LAYERS.values(), ids=LAYERS)


def test_these_are_the_layers_of_the_network():
    of_network = {config.layer: config.frames_per_weight for config in map(_config, PLACEMENTS) if config.layer}
    assert of_network == {layer: frames for layer, (frames, _) in LAYERS.items()}


def _config(placement):
    return NetworkConfig(10, placement)


def spectrogram_of(n_frames, n_bands=4, seed=0):
    return -40 + 10 * torch.randn(n_bands, n_frames, generator=torch.Generator().manual_seed(seed))


def test_five_seconds_are_six_segments_and_the_last_is_padded_by_17_frames():
    segments = Segments(431)
    assert len(segments) == 6
    assert segments.starts.tolist() == [0, 64, 128, 192, 256, 320]
    assert segments.stops.tolist() == [128, 192, 256, 320, 384, 431]
    assert segments.n_padded_frames - 431 == 17


@pytest.mark.parametrize(
    ("n_frames", "n_segments"),
    [(1, 1), (2, 1), (127, 1), (128, 1), (129, 2), (192, 2), (193, 3), (256, 3), (310_079, 4844)],
)
def test_the_number_of_segments_of_a_clip(n_frames, n_segments):
    assert len(Segments(n_frames)) == n_segments


@st.composite
def cuts(draw):
    """Segments of any clip, of any length and hop that leaves no frame out."""
    length = draw(st.integers(1, 500))
    return Segments(draw(st.integers(1, 2000)), length, draw(st.integers(max(1, length // 8), length)))


@given(cuts())
def test_every_frame_is_covered_and_no_segment_is_superfluous(segments):
    covered = np.zeros(segments.n_frames, int)
    for start, stop in zip(segments.starts, segments.stops, strict=True):
        covered[start:stop] += 1
    assert covered.min() >= 1
    assert covered.max() <= -(-segments.length // segments.hop)
    assert (segments.stops > segments.starts).all()
    assert len(segments) == 1 or segments.stops[-2] < segments.n_frames
    assert segments.n_padded_frames >= segments.n_frames
    assert segments.times_s(FRONT_END) == pytest.approx(np.arange(segments.n_frames) * 512 / 44_100)


@given(cuts(), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_axis_is_the_mean_over_segments_of_the_step_that_holds_the_frame(segments, frames_per_weight, seed):
    n_steps = max(1, segments.length // frames_per_weight)  # floor pooling
    weights = np.random.default_rng(seed).random((len(segments), n_steps))
    on_axis = segments.to_clip(weights, frames_per_weight)
    assert on_axis.shape == (segments.n_frames,)
    assert weights.min() - 1e-12 <= on_axis.min() <= on_axis.max() <= weights.max() + 1e-12
    for frame in {0, segments.n_frames // 2, segments.n_frames - 1}:
        held = [
            row[min((frame - start) // frames_per_weight, n_steps - 1)]
            for row, start in zip(weights, segments.starts, strict=True)
            if start <= frame < start + segments.length
        ]
        assert on_axis[frame] == pytest.approx(np.mean(held))
    constant = segments.to_clip(np.full_like(weights, 0.37), frames_per_weight)
    np.testing.assert_allclose(constant, 0.37, rtol=1e-12)


@pytest.mark.parametrize("n_frames", [1, 2, 127, 128, 129, 431])
def test_segments_hold_the_clip_its_delta_and_silence_after_it(n_frames):
    spectrogram = spectrogram_of(n_frames)
    cut = clip_segments(spectrogram, FRONT_END)
    segments = Segments(n_frames)
    assert cut.shape == (len(segments), 2, 4, 128)
    slopes = delta(spectrogram)  # over the whole clip, before cutting
    for segment, start, stop in zip(cut, segments.starts, segments.stops, strict=True):
        real = stop - start
        assert torch.equal(segment[0, :, :real], spectrogram[:, start:stop])
        assert torch.equal(segment[1, :, :real], slopes[:, start:stop])
        assert (segment[0, :, real:] == -80).all()
        assert (segment[1, :, real:] == 0).all()


def test_batches_are_the_segments_in_order():
    segments, spectrogram = Segments(431), spectrogram_of(431)
    batches = list(segments.batches(segments.pad(spectrogram, -80.0), 4))
    assert [len(batch) for batch in batches] == [4, 2]
    assert torch.equal(torch.cat(batches), clip_segments(spectrogram, FRONT_END))


@each_layer
def test_attention_at_321_s_comes_out_at_321_s(frames_per_weight, n_weights):
    """Put by the network into the step that holds that moment, in every segment that hears it."""
    segments, moment_s = Segments(431), 3.21
    frame = round(moment_s / FRONT_END.hop_s)
    weights = np.zeros((len(segments), n_weights))
    for row, start in zip(weights, segments.starts, strict=True):
        if start <= frame < start + 128:
            row[(frame - start) // frames_per_weight] = 1
    on_axis = segments.to_clip(weights, frames_per_weight)
    times_s = segments.times_s(FRONT_END)
    half_step_s = frames_per_weight * FRONT_END.hop_s / 2
    assert on_axis[frame] == on_axis.max() == 1
    assert abs((on_axis * times_s).sum() / on_axis.sum() - moment_s) <= half_step_s + 1e-9
    assert np.abs(times_s[on_axis == 1] - moment_s).max() <= 2 * half_step_s + FRONT_END.hop_s / 2


@each_layer
def test_one_segments_peak_stands_over_the_frames_of_its_step(frames_per_weight, n_weights):
    segments = Segments(128)
    for step in range(n_weights):
        weights = np.zeros((1, n_weights))
        weights[0, step] = 1
        held = np.flatnonzero(segments.to_clip(weights, frames_per_weight))
        last = step == n_weights - 1  # takes the frames that floor pooling leaves over, too
        expected = range(step * frames_per_weight, 128 if last else (step + 1) * frames_per_weight)
        assert held.tolist() == list(expected)


@each_layer
def test_padding_never_reaches_the_axis(frames_per_weight, n_weights):
    segments = Segments(140)  # two segments, the last with 76 frames of the clip
    weights = np.zeros((2, n_weights))
    first_padded = -(-76 // frames_per_weight)  # first step without a real frame
    weights[1, first_padded:] = 1e6
    on_axis = segments.to_clip(weights, frames_per_weight)
    assert on_axis.shape == (140,)
    assert not on_axis.any()


def test_where_segments_overlap_their_weights_are_averaged():
    on_axis = Segments(192).to_clip(np.stack([np.full(128, 0.2), np.full(128, 0.6)]), 1)
    np.testing.assert_allclose(on_axis[:64], 0.2)
    np.testing.assert_allclose(on_axis[64:128], 0.4)
    np.testing.assert_allclose(on_axis[128:], 0.6)


def test_the_weights_of_l2_come_back_as_they_are_from_a_clip_of_one_segment():
    weights = np.random.default_rng(0).dirichlet(np.ones(128))[None].astype(np.float32)
    on_axis = Segments(128).to_clip(weights, 1)
    np.testing.assert_array_equal(on_axis, weights[0])
    assert on_axis.sum() == pytest.approx(1)


def test_the_axis_is_the_frames_own_time():
    times_s = Segments(431).times_s(FRONT_END)
    assert times_s.shape == (431,)
    assert times_s[0] == 0
    np.testing.assert_allclose(np.diff(times_s), 512 / 44_100)
    assert times_s[-1] <= 220_500 / 44_100


@pytest.mark.parametrize(("length", "n"), [(128, 16), (432, 4), (41, 49), (5000, 1)])
def test_a_batch_has_about_as_many_frames_whatever_the_segments(length, n):
    assert segments_at_once(length) == n
