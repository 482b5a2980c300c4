from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from acrnn.figures.compare import STRIP, Strip, compare_figure, figure5
from acrnn.inference import Attention
from tests.figures.test_clip import prediction_of, traces

HOP_S = 512 / 44_100
TIMES_S = np.arange(300) * HOP_S


def strip(layer: str, scaling: str, peak: int, height: float = 0.5, floor: float = 0.1) -> Strip:
    weights = np.full(300, floor)
    weights[peak] = height
    return Strip(layer, scaling, TIMES_S, weights)


STRIPS = [strip("l2", "sigmoid", 100), strip("l2", "softmax", 200, 0.02, 0.01), strip("l10", "softmax", 150)]
MISSING = Strip("l4", "sigmoid", note="not trained: train --placement l4-sigmoid")


def curves(figure):
    return [trace for trace in traces(figure, "scatter") if trace.y[0] is not None]


def axis_of(figure, trace) -> dict:
    return figure.layout[f"yaxis{trace.yaxis[1:]}"]


def height_px(figure, axis) -> float:
    inner = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    return (axis.domain[1] - axis.domain[0]) * inner


def test_all_rows_share_one_time_axis_that_ends_with_the_clip():
    figure = compare_figure(prediction_of(), STRIPS, difference=(STRIPS[0], STRIPS[2]))
    assert {trace.xaxis for trace in figure.data} == {None}  # the figure's only one
    assert "xaxis2" not in figure.layout
    assert tuple(figure.layout.xaxis.range) == (0, prediction_of().duration_s)


def test_rows_lie_from_top_to_bottom_without_overlap_and_the_time_axis_is_under_the_last():
    figure = compare_figure(prediction_of(), STRIPS, difference=(STRIPS[0], STRIPS[1]))
    domains = [figure.layout.yaxis.domain, *(figure.layout[f"yaxis{n}"].domain for n in range(2, 6))]
    assert domains[0][1] == pytest.approx(1)
    assert domains[-1][0] == pytest.approx(0, abs=1e-9)
    assert all(lower[1] < upper[0] for upper, lower in pairwise(domains))
    assert figure.layout.xaxis.anchor == "y5"


def test_few_strips_are_twice_as_high_and_have_scales_at_the_right():
    figure = compare_figure(prediction_of(), STRIPS[:2], difference=(STRIPS[0], STRIPS[1]), roomy=True)
    sigmoid, softmax, difference = (figure.layout[f"yaxis{n}"] for n in (2, 3, 4))
    assert [height_px(figure, axis) for axis in (sigmoid, softmax)] == pytest.approx([2 * STRIP, 2 * STRIP])
    assert all(axis.showticklabels and axis.side == "right" for axis in (sigmoid, softmax, difference))
    assert tuple(sigmoid.tickvals) == (0, 0.5, 1)
    by_mean = compare_figure(prediction_of(), [STRIPS[0], MISSING], "mean", roomy=True).layout
    assert by_mean.yaxis2.tickvals is None
    assert not by_mean.yaxis3.showticklabels


def test_strips_of_one_layer_stand_closer_than_those_of_two():
    layout = compare_figure(prediction_of(), STRIPS).layout
    within = layout.yaxis2.domain[0] - layout.yaxis3.domain[1]
    between = layout.yaxis3.domain[0] - layout.yaxis4.domain[1]
    assert within < between / 2


def test_each_strip_peaks_at_its_second_and_fills_its_row():
    drawn = curves(compare_figure(prediction_of(), STRIPS))
    assert [trace.name for trace in drawn] == ["l2 sigmoid", "l2 softmax", "l10 softmax"]
    assert [trace.x[np.argmax(trace.y)] for trace in drawn] == pytest.approx([k * HOP_S for k in (100, 200, 150)])
    assert [np.max(trace.y) for trace in drawn] == [1, 1, 1]
    assert np.max(drawn[1].customdata) == pytest.approx(0.02)  # the weight itself is told on hovering


def test_over_their_means_strips_of_a_scaling_are_on_one_scale_that_is_written_at_the_right():
    flat = strip("l2", "sigmoid", 100, 0.12, 0.1)
    peaked = [strip("l2", "softmax", 200, 0.5, 0.001), strip("l10", "softmax", 150, 0.1, 0.01)]
    figure = compare_figure(prediction_of(), [flat, *peaked], scale="mean")
    drawn = curves(figure)
    assert [np.mean(trace.y) for trace in drawn] == pytest.approx([1, 1, 1], rel=1e-5)
    sigmoid, *softmax = (axis_of(figure, trace) for trace in drawn)
    assert softmax[0].range == softmax[1].range
    assert sigmoid.range[1] == pytest.approx(1.04 * 1.2, rel=0.01)  # not flat under softmax's peaks
    assert all(axis.showticklabels and axis.ticksuffix == "×" for axis in (sigmoid, *softmax))


def test_the_difference_has_a_scale_whatever_the_strips_are_divided_by():
    for scale in ("largest", "mean"):
        axis = compare_figure(prediction_of(), STRIPS, scale, difference=(STRIPS[0], STRIPS[1])).layout.yaxis5
        assert (axis.showticklabels, axis.side, axis.ticksuffix) == (True, "right", "×")


def test_sigmoid_and_softmax_have_colours_of_their_own():
    drawn = curves(compare_figure(prediction_of(), STRIPS))
    assert drawn[0].line.color != drawn[1].line.color == drawn[2].line.color


def test_a_missing_strip_is_a_row_that_says_so():
    figure = compare_figure(prediction_of(), [STRIPS[0], MISSING, STRIPS[2]])
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert MISSING.note in texts
    assert "<b>l4</b>" in texts
    assert len(curves(figure)) == 2
    heights = [height_px(figure, figure.layout[f"yaxis{n}"]) for n in (2, 3, 4)]
    assert heights == pytest.approx([STRIP, 24, STRIP])


def test_a_strip_is_as_high_whatever_else_is_shown():
    few, many = compare_figure(prediction_of(), STRIPS[:1]), compare_figure(prediction_of(), STRIPS * 3)
    assert height_px(few, few.layout.yaxis2) == pytest.approx(height_px(many, many.layout.yaxis2)) == STRIP


def test_the_difference_is_of_strips_over_their_means_and_sums_to_nothing():
    a, b = STRIPS[:2]
    above, below = curves(compare_figure(prediction_of(), STRIPS, difference=(a, b)))[-2:]
    total = np.add(above.y, below.y)
    assert total == pytest.approx(a.weights / a.weights.mean() - b.weights / b.weights.mean(), abs=1e-5)
    assert total.sum() == pytest.approx(0, abs=1e-3)
    assert np.min(above.y) == np.max(below.y) == 0


def test_the_difference_of_two_front_ends_aligns_in_seconds():
    other_hop_s = 186 / 16_000
    weights = np.full(300, 0.1)
    weights[100] = 0.5
    other = Strip("l10", "softmax", np.arange(300) * other_hop_s, weights)
    below = curves(compare_figure(prediction_of(), [STRIPS[1], other], difference=(STRIPS[1], other)))[-1]
    assert below.x[np.argmin(below.y)] == pytest.approx(100 * other_hop_s, abs=HOP_S / 2 + 1e-6)


def test_figure_5_has_a_panel_for_each_clip_with_attention_from_0_to_1_beneath():
    clips = [prediction_of(placement="l2-sigmoid") for _ in range(3)]
    dim = Attention("l2-sigmoid", TIMES_S, np.full(300, 0.2), np.full((3, 128), 0.2), HOP_S)
    figure = figure5([*clips, replace(clips[0], attention=dim)], ["dog bark", "crying baby", "clock tick", "rain"])
    assert len(traces(figure, "heatmap")) == len(curves(figure)) == 4
    assert [annotation.text for annotation in figure.layout.annotations] == [
        "dog bark", "crying baby", "clock tick", "rain",
    ]  # fmt: skip
    assert {tuple(axis_of(figure, trace).range) for trace in curves(figure)} == {(0, 1.04)}
    assert np.max(curves(figure)[3].y) == np.float32(0.2)
    for heatmap, curve in zip(traces(figure, "heatmap"), curves(figure), strict=True):
        above, beneath = figure.layout[f"xaxis{heatmap.xaxis[1:]}"], figure.layout[f"xaxis{curve.xaxis[1:]}"]
        assert above.matches == curve.xaxis
        assert tuple(above.range) == tuple(beneath.range)
