import pytest

from acrnn.figures.training import CURVES, curve_figure, last_epoch

ROWS = [
    {"epoch": i, "loss": 2.0 - i / 2, "accuracy": i / 4, "learning_rate": 10.0 ** -(2 + i), "segments_per_s": 80 + i}
    for i in range(3)
]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.key)
def test_a_curve_has_a_point_an_epoch_counted_from_one(curve):
    (trace,) = curve_figure(ROWS, curve, 60).data
    assert list(trace.x) == [1, 2, 3]
    assert list(trace.y) == [row[curve.key] for row in ROWS]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.key)
def test_a_run_without_an_epoch_has_an_empty_chart_of_the_same_size(curve):
    empty, full = curve_figure([], curve, 60), curve_figure(ROWS, curve, 60)
    assert list(empty.data[0].x) == []
    assert empty.layout.height == full.layout.height
    assert empty.layout.title == full.layout.title


def test_the_axis_grows_in_doublings_up_to_the_schedule():
    assert [last_epoch(n, 60) for n in (0, 7, 8, 15, 16, 31, 32, 60)] == [8, 8, 16, 16, 32, 32, 60, 60]
    assert last_epoch(0, 3) == 3


def test_accuracy_and_its_neighbours_begin_at_nought_and_the_learning_rate_counts_in_tens():
    axes = {curve.key: curve_figure(ROWS, curve, 60).layout.yaxis for curve in CURVES}
    assert axes["accuracy"].range == (0, 1)
    assert axes["learning_rate"].type == "log"
    assert axes["learning_rate"].range == (-4.5, -1.5)
    assert axes["loss"].rangemode == axes["segments_per_s"].rangemode == "tozero"


def test_the_accuracy_says_that_it_is_of_mixed_segments():
    titles = {curve.key: curve_figure(ROWS, curve, 60).layout.title.text for curve in CURVES}
    assert titles["accuracy"] == "accuracy on mixed segments"
