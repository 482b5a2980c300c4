"""Closed forms of the measures: networks that read one known frame, or none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from torch import nn

from acrnn.errors import OptionError
from acrnn.features import FrontEnd, Segments, clip_segments, log_spectrogram
from acrnn.inference import Predictor, load
from acrnn.measures.faithfulness import KEPT_SHARES, MAPS, SHARES, Curve, Erasure, FaithfulnessMeter, fast_copy
from acrnn.measures.faithfulness.clip import shifts
from acrnn.measures.faithfulness.maps import input_x_gradient, integrated_gradients, probability_of
from acrnn.measures.faithfulness.measures import counts, curve_of, order_of, removals
from acrnn.model import Output

FRONT_END = FrontEnd(rate_hz=16_000, n_bands=32)
FLOOR = FRONT_END.floor_db
KNOWN, N_FRAMES = 200, 400


class OneFrame(nn.Module):
    """Says class 0 with certainty 0.9 of a segment in which any frame is above −20 dB, else class 1."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([-50.0, 0.0]))

    def forward(self, segments):
        found = (segments[:, 0].amax(dim=(1, 2)) > -20).float()
        p = 0.9 * found + 0.1 * (1 - found)
        return Output(torch.stack([p.log(), (1 - p).log()], dim=1), None)


class Constant(OneFrame):
    def forward(self, segments):
        return Output(torch.tensor([[0.7, 0.3]]).log().expand(len(segments), 2), None)


def one_loud_frame() -> np.ndarray:
    """Steady noise at −60 dB with one frame, number `KNOWN`, at 0 dB."""
    spectrogram = np.full((32, N_FRAMES), -60, np.float32)
    spectrogram[:, KNOWN] = 0
    return spectrogram


def curve(erasure: Erasure, order: np.ndarray, fill="silence") -> Curve:
    removed = removals(order)
    return curve_of(
        erasure.probabilities(removed, fill), erasure.probabilities(~removed, fill), erasure.n_frames
    )  # fmt: skip


def pointing_at(frame: int) -> np.ndarray:
    return order_of(-np.abs(np.arange(N_FRAMES) - frame))


@pytest.mark.parametrize("fill", ["silence", "mean"])
def test_the_map_that_points_at_the_frame_that_is_read_is_the_best_and_its_reverse_the_worst(fill):
    erasure = Erasure(OneFrame(), FRONT_END, one_loud_frame(), 0)
    # of the six segments of 128 frames, those that begin at 128 and 192 hold frame 200
    whole, without = (2 * 0.9 + 4 * 0.1) / 6, 0.1
    right, wrong = (curve(erasure, order, fill) for order in (pointing_at(KNOWN), pointing_at(KNOWN)[::-1]))
    assert right.deletion == pytest.approx([whole] + [without] * 10)
    assert right.insertion == pytest.approx([without] + [whole] * 10)
    assert right.comprehensiveness == pytest.approx(whole - without)
    assert right.sufficiency == pytest.approx(0)
    # the fall is a triangle over the first hundredth of the frames
    assert right.deletion_area == pytest.approx(without + 0.01 * (whole - without) / 2)
    assert right.insertion_area == pytest.approx(whole - 0.01 * (whole - without) / 2)
    assert wrong.comprehensiveness == pytest.approx(0)
    assert wrong.sufficiency == pytest.approx(whole - without)
    assert wrong.deletion_area == pytest.approx(right.insertion_area)
    assert wrong.insertion_area == pytest.approx(right.deletion_area)


def test_a_random_order_loses_in_proportion_to_what_is_removed():
    erasure = Erasure(OneFrame(), FRONT_END, one_loud_frame(), 0)
    rng = np.random.default_rng(0)
    sets = np.stack([removals(rng.permutation(N_FRAMES)) for _ in range(200)])
    found = erasure.probabilities(sets.reshape(-1, N_FRAMES), "silence").reshape(200, -1).mean(axis=0)
    whole, without = (2 * 0.9 + 4 * 0.1) / 6, 0.1
    expected = whole - (whole - without) * np.array(SHARES)
    # the frame is gone or not: a standard error of at most half the step over √200
    assert np.abs(found - expected).max() < 4 * (whole - without) / 2 / np.sqrt(200)


def test_a_constant_network_loses_nothing():
    found = curve(Erasure(Constant(), FRONT_END, one_loud_frame(), 0), pointing_at(KNOWN))
    assert found.costs == pytest.approx(np.zeros(5))
    assert found.shortfalls == pytest.approx(np.zeros(5))
    assert (found.deletion_area, found.insertion_area) == pytest.approx((0.7, 0.7))


def test_costs_and_areas_of_a_straight_line():
    shares = np.array(SHARES)
    line = Curve(shares, 1 - shares, shares)
    assert line.costs == pytest.approx(KEPT_SHARES)
    assert line.comprehensiveness == pytest.approx(np.mean(KEPT_SHARES))
    assert line.sufficiency == pytest.approx(1 - np.mean(KEPT_SHARES))
    assert (line.deletion_area, line.insertion_area) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize("n_frames", [431, 400, 100, 21, 2, 1])
def test_points_are_whole_frames_and_each_has_its_counterpart(n_frames):
    n = counts(n_frames)
    assert n[0] == 0
    assert n[-1] == n_frames
    assert (np.diff(n) >= 0).all()
    assert len(n) == len(SHARES)
    if n_frames > 1:
        assert n[1] >= 1
        mirrored = n_frames - n[::-1]
        assert np.delete(n, 5).tolist() == np.delete(mirrored, 5).tolist()


def test_equal_scores_go_in_order_of_time():
    assert order_of(np.array([1.0, 3, 3, 0, 3])).tolist() == [1, 2, 4, 0, 3]
    silent = np.full(5, -60.0)
    silent[2] = -10
    assert order_of(silent).tolist() == [2, 0, 1, 3, 4]


def test_removals_are_nested_and_of_the_counts():
    found = removals(np.random.default_rng(0).permutation(431))
    assert found.sum(axis=1).tolist() == counts(431).tolist()
    assert (found[:-1] <= found[1:]).all()


def test_a_moved_map_has_the_runs_of_the_map():
    scores = np.arange(10.0)
    moved = shifts(scores)
    assert [int(m.argmax()) for m in moved] == [1, 3, 5, 7]
    assert all(sorted(m) == sorted(scores) for m in moved)


def tone_bursts(*starts_s: float) -> np.ndarray:
    """Tones of 0.1 s in digital silence, 3 s in all."""
    samples = np.zeros(3 * 16_000, np.float32)
    for start_s in starts_s:
        at = round(start_s * 16_000)
        samples[at : at + 1600] = 0.3 * np.sin(2 * np.pi * 700 * np.arange(1600) / 16_000)
    return samples


def test_removing_a_burst_from_the_spectrogram_is_removing_it_from_the_sound(make_model):
    both, first = (log_spectrogram(tone_bursts(*starts), FRONT_END) for starts in ((0.5, 1.7), (0.5,)))
    erasure = Erasure(make_model("l10"), FRONT_END, both.numpy(), 0)
    of_second = (both != first).any(dim=0).numpy()
    segments = Segments.of(both.shape[1], FRONT_END)
    edited = segments.pad(erasure.filled(of_second, "silence"), FLOOR)
    assert torch.equal(edited, segments.pad(first, FLOOR))  # delta included
    loudness = order_of(both.numpy().max(axis=0))
    assert set(loudness[-10:]) <= set(np.flatnonzero((both == FLOOR).all(dim=0)))


@pytest.fixture
def erasure(make_model):
    """A small random network and a sound of 2.5 s with a silent end, in four segments."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.3, 0.3, 40_000).astype(np.float32) * np.linspace(0, 1, 40_000, dtype=np.float32)
    samples[-4000:] = 0
    return Erasure(fast_copy(make_model("l10")), FRONT_END, log_spectrogram(samples, FRONT_END).numpy(), 3)


def literal(erasure: Erasure, spectrogram: torch.Tensor) -> torch.Tensor:
    """The probability by the steps of a prediction."""
    batch = clip_segments(spectrogram, erasure.front_end)
    return erasure.network(batch).logits.softmax(dim=1).mean(dim=0)[erasure.target]


@pytest.mark.parametrize("fill", ["silence", "mean"])
def test_segments_that_did_not_change_are_left_out_without_a_change_of_result(erasure, fill):
    rng = np.random.default_rng(1)
    sets = [np.zeros(erasure.n_frames, bool), np.ones(erasure.n_frames, bool)]
    for start, stop in ((0, 3), (61, 66), (120, 132), (200, erasure.n_frames)):
        sets.append(np.zeros(erasure.n_frames, bool))
        sets[-1][start:stop] = True
    sets += list(removals(rng.permutation(erasure.n_frames)))
    computed = []
    found = erasure.probabilities(np.stack(sets), fill, lambda done, todo: computed.append((done, todo)))
    with torch.no_grad():
        expected = [literal(erasure, erasure.filled(removed, fill)).item() for removed in sets]
    assert found == pytest.approx(expected, abs=1e-6)
    assert computed[-1][0] == computed[-1][1] < len(sets) * len(erasure.segments)
    erasure.probabilities(np.stack(sets), fill, lambda *_: pytest.fail("all of it was known"))


@pytest.mark.parametrize("vote", ["mean", "sounding"])
def test_a_whole_clip_has_the_probability_of_its_prediction(save_checkpoint, tmp_path, vote):
    checkpoint = save_checkpoint(tmp_path, "l10")
    config = replace(checkpoint.config, recipe=checkpoint.config.recipe | {"vote": vote})
    predictor = Predictor(replace(checkpoint, config=config), "cpu")
    prediction = predictor(np.concatenate([tone_bursts(0.2, 0.6), np.zeros(16_000, np.float32)]), 16_000)
    assert (len(set(prediction.segment_votes.tolist())) > 1) == (vote == "sounding")
    erasure = Erasure(
        predictor.model, config.front_end, prediction.spectrogram, prediction.probabilities.argmax(),
        prediction.segment_votes,
    )  # fmt: skip
    nothing_removed = np.zeros((1, erasure.n_frames), bool)
    top = prediction.top(1)[0][1]
    assert erasure.probabilities(nothing_removed, "silence") == pytest.approx([top], abs=1e-5)
    of_maps = probability_of(erasure)(erasure.spectrogram[None] - config.front_end.floor_db)
    assert of_maps.tolist() == pytest.approx([top], abs=1e-5)


def test_the_folded_copy_is_the_network(make_model, random_segments):
    segments = random_segments(4)
    for placement in ("l10", "l2-sigmoid", "none"):
        network = make_model(placement)
        with torch.no_grad():
            a, b = network(segments), fast_copy(network)(segments)
        assert torch.allclose(a.logits, b.logits, atol=1e-4)
        assert placement == "none" or torch.allclose(a.attention, b.attention, atol=1e-5)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())  # the network is as it was


def test_gradient_maps_are_captums_of_the_probability_before_the_delta(erasure):
    above = torch.from_numpy(erasure.spectrogram.numpy() - FLOOR)[None]

    def forward(clips):
        return torch.stack([literal(erasure, clip + FLOOR) for clip in clips])

    expected = InputXGradient(forward).attribute(above.clone().requires_grad_())
    assert input_x_gradient(erasure) == pytest.approx(expected[0].detach().sum(dim=0).numpy(), abs=1e-6)
    expected = IntegratedGradients(forward).attribute(above, n_steps=8, method="gausslegendre")
    assert integrated_gradients(erasure, 8) == pytest.approx(expected[0].detach().sum(dim=0).numpy(), abs=1e-6)


def test_input_x_gradient_by_hand(erasure):
    clip = erasure.spectrogram.clone().requires_grad_()
    (slope,) = torch.autograd.grad(literal(erasure, clip), clip)
    expected = ((erasure.spectrogram - FLOOR) * slope).sum(dim=0)
    assert input_x_gradient(erasure) == pytest.approx(expected.numpy(), abs=1e-6)


def test_integrated_gradients_add_up_to_what_the_clip_has_over_silence(erasure):
    with torch.no_grad():
        clip, silence = (
            literal(erasure, erasure.spectrogram),
            literal(erasure, torch.full_like(erasure.spectrogram, FLOOR)),
        )
    error = abs(integrated_gradients(erasure, 60).sum() - (clip - silence).item())
    assert error < 0.02 * abs((clip - silence).item()) + 1e-3
    silent = (erasure.spectrogram == FLOOR).all(dim=0).numpy()
    assert silent.sum() > 10
    assert (integrated_gradients(erasure, 4)[silent] == 0).all()


def test_what_is_differentiated_is_the_probability_of_the_clip(erasure):
    found = probability_of(erasure)((erasure.spectrogram - FLOOR)[None])
    assert found.item() == pytest.approx(literal(erasure, erasure.spectrogram).item(), abs=1e-6)


@pytest.fixture(scope="module")
def predicted(tiny_checkpoints):
    """Predictor at l10, and what it says of a clip of 2.5 s."""
    predictor = load(str(tiny_checkpoints / "esc10-l10-paper-fold1"), "cpu")
    return predictor, predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 40_000), 16_000)


def test_a_clip_has_every_map_and_its_curves_begin_or_end_with_the_prediction(predicted):
    predictor, prediction = predicted
    shares = []
    found = FaithfulnessMeter(predictor)(prediction, n_draws=3, on_progress=shares.append)
    assert list(found.curves) == ["silence", "mean"]
    assert shares[-1] == 1
    assert shares == sorted(shares)
    for of_fill in found.curves.values():
        assert list(of_fill) == list(MAPS)
        for curve in of_fill.values():
            assert curve.deletion[0] == pytest.approx(found.probability, abs=0.01)  # bf16 where the CPU has it
            assert curve.insertion[-1] == curve.deletion[0]
            assert curve.insertion[0] == curve.deletion[-1]
        attention, reverse = of_fill["attention"], of_fill["reversed"]
        assert reverse.deletion.tolist() == attention.insertion[::-1].tolist()


def test_the_same_clip_gets_the_same_figures_and_another_seed_other_draws(predicted):
    predictor, prediction = predicted
    meter = FaithfulnessMeter(predictor)
    a, b, c = (meter(prediction, fills=("mean",), n_draws=2, seed=seed).curves["mean"] for seed in (0, 0, 1))
    assert all((a[name].deletion == b[name].deletion).all() for name in MAPS)
    assert (a["random"].deletion != c["random"].deletion).any()
    assert (a["energy"].deletion == c["energy"].deletion).all()


def test_a_network_without_attention_has_the_other_maps(tiny_checkpoints):
    predictor = load(str(tiny_checkpoints / "esc10-none-paper-fold1"), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 8000), 16_000)
    found = FaithfulnessMeter(predictor)(prediction, fills=("silence",), n_draws=1)
    assert list(found.curves["silence"]) == ["random", "energy", "input_x_gradient", "integrated_gradients"]


def test_the_moved_copies_can_be_left_out(predicted):
    predictor, prediction = predicted
    meter = FaithfulnessMeter(predictor)
    with_copies, without = (meter(prediction, fills=("silence",), n_draws=1, n_shifts=n) for n in (4, 0))
    assert set(MAPS) - set(without.curves["silence"]) == {"shifted"}
    for name, curve in without.curves["silence"].items():
        assert curve.deletion == pytest.approx(with_copies.curves["silence"][name].deletion, abs=0.01)


def test_the_true_class_can_be_followed_and_an_unknown_one_is_named(predicted):
    predictor, prediction = predicted
    other = next(label for label in prediction.labels if label != prediction.label)
    found = FaithfulnessMeter(predictor)(prediction, label=other, fills=("silence",), n_draws=1)
    assert found.label == other
    assert found.probability == prediction.probabilities[prediction.labels.index(other)]
    with pytest.raises(OptionError, match=r"class 'whale' is none of esc10-l10-paper-fold1's: dog, "):
        FaithfulnessMeter(predictor)(prediction, label="whale")
    with pytest.raises(OptionError, match="0 random orders give no mean"):
        FaithfulnessMeter(predictor)(prediction, n_draws=0)
    with pytest.raises(OptionError, match="-1 moved copies cannot be made"):
        FaithfulnessMeter(predictor)(prediction, n_shifts=-1)
