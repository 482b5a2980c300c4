import numpy as np
import pytest
from scipy.stats import spearmanr

from acrnn.measures.attention import (
    Agreement,
    frame_level_db,
    hold,
    jensen_shannon_distance,
    loud_to_quiet,
    measure_agreement,
    measure_attention,
    normalised_entropy,
    rank_correlation,
    shares,
)

RAMP = np.arange(1.0, 101.0)


def test_even_attention_has_the_largest_entropy_and_a_tenth_of_the_mass_in_a_tenth_of_the_frames():
    measures = measure_attention(np.full(100, 0.3), RAMP)
    assert measures.entropy == pytest.approx(1)
    assert measures.top_tenth == pytest.approx(0.1)
    assert np.isnan(measures.loudness_correlation)


def test_attention_on_one_frame_has_no_entropy_and_all_mass_in_the_top_tenth():
    measures = measure_attention(np.eye(100)[40], RAMP)
    assert measures.entropy == 0
    assert measures.top_tenth == 1


def test_entropy_of_k_even_frames_is_log_k_over_log_n():
    assert normalised_entropy(shares(np.repeat([1.0, 0.0], [18, 82]))) == pytest.approx(np.log(18) / np.log(100))


def test_the_top_tenth_is_rounded_up_to_whole_frames():
    weights = np.array([5.0, 3.0, *np.full(9, 1.0)])  # a tenth of 11 frames is two
    assert measure_attention(weights, np.arange(11)).top_tenth == pytest.approx(8 / 17)


def test_measures_do_not_change_with_the_scale_of_the_weights():
    weights = np.random.default_rng(0).random(431)
    level_db = np.random.default_rng(1).normal(size=431)
    one, other = measure_attention(weights, level_db), measure_attention(1e-3 * weights, level_db)
    assert vars(one) == pytest.approx(vars(other))


def test_correlation_with_loudness_is_that_of_ranks():
    assert measure_attention(np.exp(RAMP / 10), RAMP).loudness_correlation == pytest.approx(1)
    assert measure_attention(1 / RAMP, RAMP).loudness_correlation == pytest.approx(-1)
    rng = np.random.default_rng(0)
    held = np.repeat(rng.random(10), 7)  # ties, as pooled steps have them
    level_db = rng.normal(size=70)
    assert rank_correlation(held, level_db) == pytest.approx(spearmanr(held, level_db).statistic)


def test_the_level_of_equal_bands_is_theirs_and_ten_log_of_their_number():
    assert frame_level_db(np.full((100, 3), -40.0)) == pytest.approx(np.full(3, -20.0))


def test_loud_to_quiet_is_the_ratio_of_mean_weights():
    level_db = np.repeat([-10.0, -30.0, -70.0], [10, 80, 10])
    assert loud_to_quiet(np.repeat([0.6, 0.9, 0.2], [10, 80, 10]), level_db) == pytest.approx(3)
    assert loud_to_quiet(np.repeat([0.6, 0.9, 0.0], [10, 80, 10]), level_db) == np.inf


def test_jensen_shannon_distance_is_0_for_equal_shares_and_1_for_no_common_frame():
    a, b = np.repeat([1.0, 0.0], 50), np.repeat([0.0, 1.0], 50)
    assert jensen_shannon_distance(a, 0.1 * a) == pytest.approx(0, abs=1e-7)
    assert jensen_shannon_distance(a, b) == pytest.approx(1)
    assert jensen_shannon_distance(a, a + b) == pytest.approx(jensen_shannon_distance(a + b, a))


def test_jensen_shannon_distance_of_all_and_half_of_the_frames():
    # p = 1/2 on both, q = 1 on the first: mean 3/4 and 1/4, divergence 1 bit of entropy of it less the mean of 1 and 0
    half = np.array([1.0, 0.0])
    mixed = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert jensen_shannon_distance(np.ones(2), half) == pytest.approx(np.sqrt(mixed - 0.5))


def test_attentions_agree_wholly_whatever_their_scale_and_not_at_all_in_opposite_order():
    ramp = np.arange(1.0, 101)
    assert measure_agreement(ramp, ramp**2) == Agreement(pytest.approx(1), 1)
    assert measure_agreement(ramp, 1 / ramp) == Agreement(pytest.approx(-1), 0)
    half = np.roll(ramp, 5)  # 95 to 90 of the highest ten are still among them
    assert measure_agreement(ramp, half).top_overlap == pytest.approx(0.5)


def test_frames_that_tie_for_the_top_tenth_share_its_places():
    even, peak = np.ones(100), np.repeat([1.0, 0.0], [10, 90])
    found = measure_agreement(even, peak)
    assert np.isnan(found.rank_correlation)
    assert found.top_overlap == pytest.approx(0.1)  # as by chance
    assert measure_agreement(even, even).top_overlap == pytest.approx(1)
    held = np.repeat(np.arange(1.0, 6), 20)  # the ten places go to twenty frames
    assert measure_agreement(held, held).top_overlap == pytest.approx(1)


def test_held_weights_are_those_of_the_nearest_frame():
    times_s = np.arange(5) * 0.01
    weights = np.arange(5.0)
    assert hold(times_s, weights, times_s).tolist() == weights.tolist()
    assert hold(times_s, weights, np.array([-1, 0.004, 0.006, 0.0349, 2.0])).tolist() == [0, 0, 1, 3, 4]
    assert hold(times_s[:1], weights[:1], times_s).tolist() == [0, 0, 0, 0, 0]
