from dataclasses import replace

import numpy as np
import pytest

from acrnn.figures.results import accuracy_figure, recall_beside_paper
from acrnn.labels import ESC10
from acrnn.report.tables.accuracy import Row, reproduced_rows
from acrnn.report.tables.confusion import recall_frame
from acrnn.results.collection import Results
from acrnn.results.paper import TABLE_1, TABLE_4
from acrnn.results.settings import Setting


@pytest.fixture
def setting():
    """Ten clips, one a class, each right but a helicopter that is taken for a dog."""
    predicted = np.array([0 if label == "helicopter" else i for i, label in enumerate(ESC10)])
    return Setting(
        "esc10-l10-paper-60", "esc10", "ESC-10 44.1 kHz", "0" * 64, "l10", {"name": "paper", "epochs": 60}, ESC10,
        (1, 2, 3, 4, 5), (0,), 0.9, (0.8, 0.95), (), tuple(f"{i}.wav" for i in range(10)), np.ones(10, int),
        np.arange(10), np.eye(10, dtype=np.float32)[predicted], (predicted == np.arange(10)).astype(float),
    )  # fmt: skip


def trace(figure, name):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def test_every_quoted_accuracy_is_a_ring_in_its_row(setting):
    ring = trace(accuracy_figure(reproduced_rows(TABLE_1, "esc50", Results((setting,)))), "the paper")
    assert list(ring.x) == [row.percent["esc50"] for row in TABLE_1.rows if row.percent]
    assert list(ring.y) == list(range(12))
    assert ring.marker.symbol == "circle-open"


def test_ours_stands_in_its_row_with_its_interval(setting):
    disc = trace(accuracy_figure(reproduced_rows(TABLE_4, "esc10", Results((setting,)))), "ours, five folds")
    assert (list(disc.x), list(disc.y)) == ([90], [9])
    assert disc.x[0] + disc.error_x.array[0] == pytest.approx(95)
    assert disc.x[0] - disc.error_x.arrayminus[0] == pytest.approx(80)


def test_fewer_folds_have_a_mark_of_their_own_and_schedules_do_not_hide_each_other(setting):
    shorter = replace(setting, folds=(1,), recipe={"name": "paper", "epochs": 30})
    figure = accuracy_figure(
        reproduced_rows(
            TABLE_4,
            "esc10",
            Results(
                (
                    shorter,
                    setting,
                )
            ),
        )
    )
    disc, diamond = trace(figure, "ours, five folds"), trace(figure, "ours, fewer folds: not comparable")
    assert disc.marker.symbol != diamond.marker.symbol
    assert disc.y[0] < 9 < diamond.y[0]  # the axis runs downwards: the best covered is on top


def test_what_was_not_run_is_marked_where_it_would_stand(setting):
    figure = accuracy_figure(reproduced_rows(TABLE_4, "esc10", Results((setting,))))
    (missing,) = [trace for trace in figure.data if trace.mode == "text"]
    assert list(missing.y) == list(range(9))
    assert all("not run" in text for text in missing.text)


def test_everything_drawn_is_inside_the_axis(setting):
    figure = accuracy_figure(reproduced_rows(TABLE_4, "esc10", Results((replace(setting, interval=(0.52, 0.95)),))))
    assert figure.layout.xaxis.range[0] == 50
    assert accuracy_figure([Row("mine", "esc10", None, None, ())]).layout.xaxis.range[0] == 40


def test_recalls_that_the_paper_gives_are_rings_on_their_bars(setting):
    figure = recall_beside_paper(recall_frame(setting))
    bars, ring = figure.data
    assert (list(ring.y), list(ring.x)) == (["helicopter"], [0.525])
    assert dict(zip(bars.y, bars.x, strict=True))["helicopter"] == 0
