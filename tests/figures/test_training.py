from dataclasses import replace

import pytest

from acrnn.figures.training import CURVES, Trained, curve_figure, last_epoch, movement_figure, tick_step

ROWS = [
    {"epoch": i, "loss": 2.0 - i / 2, "accuracy": i / 4, "learning_rate": 10.0 ** -(2 + i), "segments_per_s": 80 + i}
    for i in range(3)
]


RUN = Trained("a", ROWS, 60, mixed=True, rates=(1e-4, 1e-2))
EMPTY = replace(RUN, rows=[])


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.key)
def test_a_curve_has_a_point_an_epoch_counted_from_one(curve):
    (trace,) = curve_figure([RUN], curve).data
    assert list(trace.x) == [1, 2, 3]
    assert list(trace.y) == [row[curve.key] for row in ROWS]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.key)
def test_a_run_without_an_epoch_has_an_empty_chart_of_the_same_size(curve):
    empty, full = curve_figure([EMPTY], curve), curve_figure([RUN], curve)
    assert list(empty.data[0].x) == []
    assert empty.layout.height == full.layout.height
    assert empty.layout.title == full.layout.title


def test_the_axis_grows_in_doublings_up_to_the_schedule():
    assert [last_epoch(n, 60) for n in (0, 7, 8, 15, 16, 31, 32, 60)] == [8, 8, 16, 16, 32, 32, 60, 60]
    assert last_epoch(0, 3) == 3


def test_accuracy_and_its_neighbours_begin_at_nought_and_the_learning_rate_counts_in_tens():
    axes = {curve.key: curve_figure([RUN], curve).layout.yaxis for curve in CURVES}
    assert axes["accuracy"].range == (0, 1)
    assert axes["learning_rate"].type == "log"
    assert axes["learning_rate"].range == (-4.5, -1.5)
    assert axes["loss"].rangemode == axes["segments_per_s"].rangemode == "tozero"


def test_loss_and_accuracy_say_that_they_are_of_mixed_segments_only_where_they_are():
    def titles(*runs):
        return [curve_figure(runs, curve).layout.title.text for curve in CURVES]

    plain = replace(RUN, mixed=False)
    others = ["learning rate", "segments a second"]
    assert titles(RUN) == ["loss on mixed segments", "accuracy on mixed segments", *others]
    assert titles(plain) == ["loss", "accuracy", *others]
    assert titles(RUN, plain)[0] == "loss, on mixed segments in some runs"


def test_the_learning_rates_axis_is_that_of_the_schedule_before_the_first_epoch_too():
    rate = next(curve for curve in CURVES if curve.log)
    assert (
        curve_figure([EMPTY], rate).layout.yaxis.range == curve_figure([RUN], rate).layout.yaxis.range == (-4.5, -1.5)
    )


@pytest.mark.parametrize(("end", "step"), [(1, 1), (3, 1), (8, 1), (9, 2), (16, 2), (60, 10), (300, 50), (5000, 1000)])
def test_no_epoch_is_written_twice_on_the_axis(end, step):
    assert tick_step(end) == step
    axis = curve_figure([replace(EMPTY, n_epochs=min(end, 8))], CURVES[0]).layout.xaxis
    assert (axis.tick0, axis.dtick) == (0, 1)


def test_several_runs_are_overlaid_in_colours_of_their_own_on_the_longest_schedule():
    longer = replace(RUN, name="b", rows=[*ROWS, {**ROWS[0], "epoch": 3}], n_epochs=100)
    first, second = curve_figure([RUN, longer], CURVES[0]).data
    assert (first.name, len(first.x), second.name, len(second.x)) == ("a", 3, "b", 4)
    assert first.line.color != second.line.color
    assert first.hovertemplate.startswith("a, epoch")


def test_movement_has_a_line_a_layer():
    rows = [row | {"movement": {"l1": 0.1, "l2": 0.3, "attention": 0.2}} for row in ROWS]
    figure = movement_figure(replace(RUN, rows=[{"epoch": 0}, *rows]))
    assert [trace.name for trace in figure.data] == ["l1", "l2", "attention"]
    assert list(figure.data[0].y) == [0.1] * 3
