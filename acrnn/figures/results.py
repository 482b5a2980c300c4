"""The paper's accuracies beside ours, row by row, and the recalls that the paper names beside all of ours."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from acrnn.figures.confusion import recall_figure
from acrnn.figures.style import BLUE, NEUTRAL, ORANGE, VERMILION, Figure
from acrnn.figures.words import shown
from acrnn.report.tables.accuracy import Row, is_cross_validated, tell_accuracy, tell_run
from acrnn.report.words import NOT_RUN
from acrnn.results.settings import Setting

ROW_PX = 30
PART_STEP = 0.26  # of a row's height, between the schedules of one row
QUOTED_MARK = {"symbol": "circle-open", "size": 11, "color": ORANGE, "line": {"width": 2.5}}


def accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Draw a line a row: the paper's accuracy as a ring, ours as filled marks with their 95% intervals, in percent.

    A disc is a mean over all five folds, a diamond is over fewer and not to be compared. What was not run says so.
    """
    figure = go.Figure()
    ours = [(place, setting) for place, row in enumerate(rows) for place, setting in _parts(place, row)]
    for whole, name, symbol, colour in (
        (True, "ours, five folds", "circle", BLUE),
        (False, "ours, fewer folds: not comparable", "diamond", VERMILION),
    ):
        _add_ours(figure, [part for part in ours if is_cross_validated(part[1]) == whole], name, symbol, colour)
    quoted = [(place, row) for place, row in enumerate(rows) if row.paper_percent is not None]
    figure.add_scatter(
        x=[row.paper_percent for _, row in quoted],
        y=[place for place, _ in quoted],
        mode="markers",
        name="the paper",
        legendrank=1,
        marker=QUOTED_MARK,
        customdata=[row.model for _, row in quoted],
        hovertemplate="%{customdata}: %{x:.1f}%<extra>the paper</extra>",
    )
    low = _lowest(rows)
    missing = [(place, row) for place, row in enumerate(rows) if row.variant and not row.settings]
    figure.add_scatter(
        x=[row.paper_percent or low for _, row in missing],
        y=[place for place, _ in missing],
        mode="text",
        text=["\u00a0" * 4 + NOT_RUN for _ in missing],
        textposition="middle right",
        textfont={"color": NEUTRAL, "size": 12},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(
        height=86 + ROW_PX * len(rows),
        margin={"l": 4, "r": 56, "t": 34, "b": 40},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "xanchor": "left"},
    )
    figure.update_xaxes(range=[low, 100.5], ticksuffix="%", title_text="clips correct", fixedrange=True)
    figure.update_yaxes(
        range=[len(rows) - 0.5, -0.5],
        tickvals=list(range(len(rows))),
        ticktext=[row.model for row in rows],
        automargin=True,
        fixedrange=True,
        zeroline=False,
    )
    return figure


def recall_beside_paper(per_class: pd.DataFrame) -> Figure:
    """Draw each class' recall as bars, and a ring where §4.2 gives one; `per_class` is of `recall_frame`."""
    figure = recall_figure(per_class)
    said = per_class[per_class["paper"].notna()]
    figure.add_scatter(
        x=said["paper"],
        y=[shown(label) for label in said["label"]],
        mode="markers",
        marker=QUOTED_MARK,
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra>the paper, ESC-50</extra>",
    )
    return figure


def _parts(place: int, row: Row) -> list[tuple[float, Setting]]:
    """Where the schedules of a row stand: around its middle, the best covered on top."""
    first = place - PART_STEP * (len(row.settings) - 1) / 2
    return [(first + PART_STEP * part, setting) for part, setting in enumerate(row.settings)]


def _add_ours(figure: Figure, parts: Sequence[tuple[float, Setting]], name: str, symbol: str, colour: str) -> None:
    settings = [setting for _, setting in parts]
    figure.add_scatter(
        x=[100 * setting.accuracy for setting in settings],
        y=[place for place, _ in parts],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": 10, "color": colour},
        error_x={
            "type": "data",
            "array": [100 * (setting.interval[1] - setting.accuracy) for setting in settings],
            "arrayminus": [100 * (setting.accuracy - setting.interval[0]) for setting in settings],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[[setting.name, tell_accuracy(setting), tell_run(setting)] for setting in settings],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )


def _lowest(rows: Sequence[Row]) -> float:
    """Give a round percentage below everything that is drawn."""
    drawn = [row.paper_percent for row in rows if row.paper_percent is not None]
    drawn += [100 * setting.interval[0] for row in rows for setting in row.settings]
    return 10 * ((min(drawn, default=50) - 1) // 10)
