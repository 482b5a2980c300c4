import numpy as np
import pandas as pd
import pytest

from acrnn.figures.confusion import difference_figure, matrix_figure, recall_figure, reliability_figure
from acrnn.labels import ESC10, ESC50
from acrnn.results.confusion import Confusion, reliability

LABELS = ("dog", "rain", "crow")
COUNTS = np.array([[6, 2, 0], [0, 8, 0], [1, 0, 7]])


def trace_of(figure, kind: str, mode: str | None = None, position: int = 0):
    return [t for t in figure.data if t.type == kind and (mode is None or t.mode == mode)][position]


def test_right_clips_and_mistakes_are_drawn_apart_and_empty_cells_stay_blank():
    figure = matrix_figure(Confusion(LABELS, COUNTS), [0, 1, 2])
    right, wrong = (trace_of(figure, "heatmap", position=i) for i in (0, 1))
    assert np.array_equal(right.z, [[6, np.nan, np.nan], [np.nan, 8, np.nan], [np.nan, np.nan, 7]], equal_nan=True)
    assert np.array_equal(wrong.z, [[np.nan, 2, np.nan], [np.nan, np.nan, np.nan], [1, np.nan, np.nan]], equal_nan=True)
    assert (right.zmax, wrong.zmax) == (8, 2)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_each_filled_cell_has_a_square_that_tells_its_classes_at_its_place(order):
    confusion = Confusion(LABELS, COUNTS)
    figure = matrix_figure(confusion, order)
    squares = trace_of(figure, "scatter", "markers")
    told = {
        (int(y), int(x)): tuple(data[:2]) for y, x, data in zip(squares.y, squares.x, squares.customdata, strict=True)
    }
    assert told == {
        (y, x): (LABELS[i], LABELS[j]) for y, i in enumerate(order) for x, j in enumerate(order) if COUNTS[i, j]
    }
    assert list(figure.layout.yaxis.ticktext) == [LABELS[i] for i in order]
    assert squares.customdata[0][4].startswith(f"{COUNTS[order[0]][order[0]]} of 8 clips")


def test_a_cell_tells_of_how_many_recordings_its_clips_are():
    figure = matrix_figure(Confusion(LABELS, COUNTS, np.minimum(COUNTS, 1)), [0, 1, 2])
    told = [data[4] for data in trace_of(figure, "scatter", "markers").customdata]
    assert told[1] == "2 of 8 clips, 25%, from 1 recording"


def test_recall_is_written_as_per_cent_of_the_row():
    figure = matrix_figure(Confusion(LABELS, COUNTS), [0, 1, 2], recall=True)
    assert trace_of(figure, "scatter", "text").text == ("75%", "25%", "100%", "12%", "88%")
    assert np.nanmax(trace_of(figure, "heatmap").z) == 1


def test_a_class_without_clips_has_a_column_only_if_it_was_predicted():
    counts = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 0]])
    figure = matrix_figure(Confusion(LABELS, counts), [0, 1, 2])
    assert figure.layout.yaxis.ticktext == ("dog",)
    assert figure.layout.xaxis.ticktext == ("dog", "rain")


@pytest.mark.parametrize(
    ("selected", "box"),
    [
        (("dog", "rain"), (0.5, 1.5, -0.5, 0.5)),
        (("crow", None), (-0.5, 2.5, 1.5, 2.5)),
        ((None, "dog"), (-0.5, 0.5, -0.5, 2.5)),
    ],
)
def test_the_chosen_cell_row_or_column_is_framed(selected, box):
    frames = [s for s in matrix_figure(Confusion(LABELS, COUNTS), [0, 1, 2], selected=selected).layout.shapes
              if s.type == "rect"]  # fmt: skip
    assert {(s.x0, s.x1, s.y0, s.y1) for s in frames} == {box}
    assert [s.line.color for s in frames] == ["white", "black"]


def test_nothing_is_framed_without_a_choice_or_for_a_class_that_is_not_there():
    for selected in ((None, None), ("cat", "dog")):
        shapes = matrix_figure(Confusion(LABELS, COUNTS), [0, 1, 2], selected=selected).layout.shapes
        assert [s for s in shapes if s.type == "rect"] == []


def test_groups_are_parted_by_lines_where_each_stands_together():
    confusion = Confusion(ESC50, np.eye(50, dtype=np.int64))
    grouped = matrix_figure(confusion, confusion.order("group"))
    assert sorted({s.x0 for s in grouped.layout.shapes if s.x0 == s.x1}) == [9.5, 19.5, 29.5, 39.5]
    assert [a.text for a in grouped.layout.annotations] == [
        "Animals", "Natural soundscapes", "Human", "Interior", "Exterior",
    ]  # fmt: skip
    assert matrix_figure(confusion, confusion.order("class")).layout.shapes == ()


def test_the_ink_of_numbers_follows_the_theme():
    inks = [
        trace_of(matrix_figure(Confusion(LABELS, COUNTS), [0, 1, 2], dark=dark), "scatter", "text").textfont.color
        for dark in (False, True)
    ]
    assert inks == ["rgb(30,32,40)", "rgb(245,245,245)"]


def test_the_difference_has_one_scale_around_nought_and_leaves_equal_classes_out():
    difference = np.array([[-2, 2, 0], [1, -1, 0], [0, 0, 0]])
    figure = difference_figure(LABELS, difference, [0, 1, 2], names=("first", "second"))
    heatmap = trace_of(figure, "heatmap")
    assert (heatmap.zmin, heatmap.zmax) == (-2, 2)
    assert figure.layout.xaxis.ticktext == ("dog", "rain")
    assert trace_of(figure, "scatter", "text").text == ("−2", "+2", "+1", "−1")
    told = [data[4] for data in trace_of(figure, "scatter", "markers").customdata]
    assert told == ["2 more in first", "2 more in second", "1 more in second", "1 more in first"]


def test_the_worst_class_is_on_top_and_its_interval_is_drawn_around_its_recall():
    table = Confusion(LABELS, COUNTS).per_class()
    bars = recall_figure(table).data[0]
    assert bars.y == ("rain", "crow", "dog")  # Plotly draws from the bottom
    low, high = table.set_index("label").loc["dog", ["low", "high"]]
    assert (bars.x[2] - bars.error_x.arrayminus[2], bars.x[2] + bars.error_x.array[2]) == pytest.approx((low, high))


def test_reliability_shows_accuracy_over_confidence_and_every_bin_s_clips():
    clips = pd.DataFrame({"confidence": [0.95, 0.95, 0.55, 0.55], "right": [True, False, True, True]})
    figure = reliability_figure(reliability(clips))
    curve = trace_of(figure, "scatter", "lines+markers")
    assert curve.x == pytest.approx((0.55, 0.95))
    assert list(curve.y) == [1.0, 0.5]
    assert sum(trace_of(figure, "bar").y) == 4


def test_fifty_classes_stay_small_to_send():
    counts = np.full((50, 50), 1)
    figure = matrix_figure(Confusion(ESC50, counts), list(range(50)))
    assert len(figure.to_json()) < 600_000
    assert len(trace_of(figure, "scatter", "markers").x) == 2500


def test_ten_classes_have_large_numbers_and_fifty_small_ones():
    sizes = [
        trace_of(matrix_figure(Confusion(labels, np.eye(len(labels), dtype=int)), list(range(len(labels)))),
                 "scatter", "text").textfont.size
        for labels in (ESC10, ESC50)
    ]  # fmt: skip
    assert sizes == [14, 9]
