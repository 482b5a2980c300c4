"""Intervals over recordings, and p-values of many comparisons, against closed forms and invariants."""

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp

from acrnn.measures.intervals import bootstrap_p_values, holm, interval_by_group, mean_with_interval


def test_with_a_clip_a_recording_the_interval_is_that_over_clips():
    values = np.random.default_rng(0).integers(0, 2, 60)
    by_clip = mean_with_interval(values)["interval"]
    assert interval_by_group(values, [f"{i:02d}" for i in range(60)]) == pytest.approx(by_clip, abs=1e-5)


def test_copies_of_a_clip_narrow_the_interval_by_clip_but_not_by_recording():
    values = np.random.default_rng(1).integers(0, 2, 50)
    once = interval_by_group(values, [f"{i:02d}" for i in range(50)])
    copied = interval_by_group(np.repeat(values, 4), np.repeat([f"{i:02d}" for i in range(50)], 4))
    assert copied == pytest.approx(once)
    low, high = mean_with_interval(np.repeat(values, 4))["interval"]
    assert high - low < 0.6 * (once[1] - once[0])


def test_the_width_by_recording_is_that_of_the_normal_for_many_equal_recordings():
    of_group = np.random.default_rng(2).integers(0, 2, 400).astype(float)
    low, high = interval_by_group(np.repeat(of_group, 3), np.repeat(np.arange(400), 3))
    half = norm.ppf(0.975) * of_group.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((of_group.mean() - half, of_group.mean() + half), abs=4e-3)


def test_the_interval_does_not_depend_on_the_order_of_the_clips():
    rng = np.random.default_rng(3)
    values, groups = rng.integers(0, 2, 40), rng.integers(0, 15, 40)
    order = rng.permutation(40)
    assert interval_by_group(values, groups) == pytest.approx(interval_by_group(values[order], groups[order]))


def test_one_recording_has_no_interval_and_equal_clips_one_without_width():
    assert interval_by_group(np.array([1, 0, 1]), ["a"] * 3) is None
    assert interval_by_group(np.ones(4), ["a", "a", "b", "c"]) == (1, 1)


def test_a_p_value_of_the_bootstrap_is_near_students_and_agrees_with_the_interval():
    values = np.random.default_rng(4).normal([0, 0.15, 0.3, -0.3], 1, (200, 4))
    found = bootstrap_p_values(values)
    assert found == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.02)
    for p, column in zip(found, values.T, strict=True):
        low, high = mean_with_interval(column)["interval"]
        assert (p < 0.05) == (low > 0 or high < 0)


def test_no_difference_has_a_p_value_of_one_and_a_sure_one_the_smallest():
    assert bootstrap_p_values(np.zeros((20, 1))) == [1]
    assert bootstrap_p_values(np.ones((20, 1))) == pytest.approx(2 / 10_001)


def test_holm_multiplies_the_smallest_by_the_number_and_never_reverses_an_order():
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.02])) == pytest.approx([0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    p = np.random.default_rng(5).uniform(size=30)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()
    assert (corrected <= np.minimum(1, p * 30)).all()  # never stricter than Bonferroni's
