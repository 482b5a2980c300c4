"""Confusion matrices that answer clicks, recalls with their intervals, and how far a confidence can be trusted.

Colours have an alpha that grows with the value and stand on the page's own background, so that little is faint in the
light theme and in the dark one; only the ink of the numbers must be told which it is.
"""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from plotly.subplots import make_subplots

from acrnn.figures.style import BLUE, NEUTRAL, VERMILION, Figure
from acrnn.figures.words import shown
from acrnn.labels import group_or_other
from acrnn.results.confusion import Confusion, Reliability

FEW_CLASSES = 15  # up to so many, cells are large enough for big numbers and per cent signs
INK = {False: "rgb(30,32,40)", True: "rgb(245,245,245)"}
"""Of numbers, on a light page and on a dark one."""
LABELLED_GROUP = 6  # a group that is fewer columns wide has no room for its name


def matrix_figure(
    confusion: Confusion,
    order: Sequence[int],
    *,
    recall: bool = False,
    selected: tuple[str | None, str | None] = (None, None),
    dark: bool = False,
) -> Figure:
    """Draw a confusion matrix: right clips in blue, mistakes in orange, each darker for more on a scale of its own.

    A heatmap does not answer clicks, so transparent squares lie over the non-empty cells. Their `customdata` is
    `[true class, predicted class, …]`.

    Parameters
    ----------
    order : sequence of int
        Class indices, from the top and from the left. Classes without a clip get no row, those that were never
        predicted either no column.
    recall : bool
        Show shares of the row's clips in place of counts.
    selected : (str or None, str or None)
        True and predicted class of a cell that is framed; with one of them, the row or the column is.
    dark : bool
        Whether the page's background is dark.
    """
    rows, columns = _shown(confusion.counts, order)
    counts = confusion.counts[np.ix_(rows, columns)]
    shares = confusion.recall[np.ix_(rows, columns)]
    shown = shares if recall else counts
    is_right = np.equal.outer(rows, columns)
    few = len(columns) <= FEW_CLASSES
    figure = _empty_matrix(confusion.labels, rows, columns)
    for where, colour in ((is_right, BLUE), (~is_right, VERMILION)):
        z = np.where(where & (counts > 0), shown, np.nan).astype(np.float32)
        highest = float(np.nanmax(z)) if np.isfinite(z).any() else 1.0
        _add_heatmap(figure, z, [[0, _faded(colour, 0.1)], [1, _faded(colour, 0.75)]], (0, highest))
    if recall:
        text = [[f"{share:.0%}" if few else f"{100 * share:.0f}" for share in row] for row in shares]
    else:
        text = counts.astype(str).tolist()
    told = _tell_cells(counts, None if confusion.recordings is None else confusion.recordings[np.ix_(rows, columns)])
    _add_cells(figure, [[confusion.labels[i] for i in side] for side in (rows, columns)], counts != 0, text, told)
    figure.update_traces(textfont_color=INK[dark], selector={"mode": "text"})
    _add_frame(figure, *([confusion.labels[i] for i in side] for side in (rows, columns)), selected)
    return figure


def difference_figure(
    labels: Sequence[str],
    difference: np.ndarray,
    order: Sequence[int],
    *,
    names: tuple[str, str] = ("A", "B"),
    dark: bool = False,
) -> Figure:
    """Draw where two settings differ: blue where the second has more clips in a cell, orange where the first has.

    Parameters
    ----------
    difference : ndarray (class, class), int64
        Counts of the second less those of the first.
    order : sequence of int
        Class indices. A class that differs nowhere has neither row nor column.
    names : (str, str)
        Of the two settings.
    dark : bool
        Whether the page's background is dark.
    """
    kept = [i for i in order if difference[i].any() or difference[:, i].any()]
    values = difference[np.ix_(kept, kept)]
    figure = _empty_matrix(labels, kept, kept)
    highest = float(np.abs(values).max(initial=1))
    z = np.where(values != 0, values, np.nan).astype(np.float32)
    less, more = ([_faded(colour, alpha) for alpha in (0.08, 0.75)] for colour in (VERMILION, BLUE))
    scale = [[0, less[1]], [0.5, less[0]], [0.5, more[0]], [1, more[1]]]
    _add_heatmap(figure, z, scale, (-highest, highest))
    told = [
        [f"{abs(n)} more in {escape(names[1] if n > 0 else names[0], quote=False)}" for n in row]
        for row in values.tolist()
    ]
    text = [[f"{n:+d}".replace("-", "−") for n in row] for row in values.tolist()]
    _add_cells(figure, [[labels[i] for i in kept]] * 2, values != 0, text, told)
    figure.update_traces(textfont_color=INK[dark], selector={"mode": "text"})
    return figure


def recall_figure(per_class: pd.DataFrame) -> Figure:
    """Bars of each class' recall with its 95% interval, the lowest on top.

    Parameters
    ----------
    per_class : DataFrame
        Of `Confusion.per_class`.
    """
    table = per_class.sort_values(["recall", "clips"], ascending=False, kind="stable")
    figure = go.Figure(
        go.Bar(
            x=table["recall"],
            y=[shown(label) for label in table["label"]],
            orientation="h",
            marker_color=_faded(BLUE, 0.45),
            error_x={
                "type": "data",
                "array": (table["high"] - table["recall"]).clip(lower=0),
                "arrayminus": (table["recall"] - table["low"]).clip(lower=0),
                "color": NEUTRAL,
                "thickness": 2,
                "width": 4 if len(table) <= FEW_CLASSES else 2,
            },
            customdata=[
                f"{row.correct} of {row.clips}, {row.recall:.1%}<br>95% interval {row.low:.1%} to {row.high:.1%}"
                for row in table.itertuples()
            ],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    pixels = 34 if len(table) <= FEW_CLASSES else 19
    figure.update_layout(
        height=60 + pixels * len(table), margin={"l": 4, "r": 12, "t": 8, "b": 40}, showlegend=False, bargap=0.3
    )
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%", title_text="recall", fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True, tickmode="linear", tickfont_size=_font_px(len(table)))
    return figure


def reliability_figure(found: Reliability) -> Figure:
    """Accuracy over confidence beside the line on which they are equal, and the clips in each bin below."""
    table = found.table
    filled = table[table["clips"] > 0]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.72, 0.28])
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
        hoverinfo="skip", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=filled["confidence"],
        y=filled["accuracy"],
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"size": 9},
        error_y={
            "type": "data",
            "array": (filled["accuracy_high"] - filled["accuracy"]).clip(lower=0),
            "arrayminus": (filled["accuracy"] - filled["accuracy_low"]).clip(lower=0),
            "color": NEUTRAL,
            "width": 4,
        },
        customdata=[
            f"confidence {row.confidence:.1%}, right {row.accuracy:.1%} of {row.clips} clips<br>"
            f"95% interval {row.accuracy_low:.1%} to {row.accuracy_high:.1%}"
            for row in filled.itertuples()
        ],
        hovertemplate="%{customdata}<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=(table["low"] + table["high"]) / 2,
        y=table["clips"],
        width=table["high"] - table["low"],
        marker={"color": _faded(BLUE, 0.45), "line": {"width": 0}},
        text=[str(n) if n else "" for n in table["clips"]],
        textposition="outside",
        cliponaxis=False,
        customdata=table[["low", "high"]].to_numpy().tolist(),
        hovertemplate="%{y} clips with confidence %{customdata[0]:.0%} to %{customdata[1]:.0%}<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_layout(
        height=520, margin={"l": 58, "r": 22, "t": 12, "b": 44}, showlegend=False, bargap=0.06, dragmode=False
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], fixedrange=True)
    figure.update_xaxes(title_text="confidence (probability of the predicted class)", row=2, col=1)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", title_text="right", fixedrange=True, row=1, col=1)
    highest = int(table["clips"].max())
    figure.update_yaxes(title_text="clips", range=[0, 1.3 * highest], nticks=4, fixedrange=True, row=2, col=1)
    return figure


def _shown(counts: np.ndarray, order: Sequence[int]) -> tuple[list[int], list[int]]:
    """Rows that have a clip; columns that have one or are such a row's class."""
    rows = [i for i in order if counts[i].any()]
    return rows, [i for i in order if counts[i].any() or counts[:, i].any()]


def _tell_cells(counts: np.ndarray, recordings: np.ndarray | None) -> list[list[str]]:
    """Say how many clips each cell has, what share of its row, and from how many recordings they are."""
    told = [[f"{n} of {row.sum()} clips, {n / row.sum():.0%}" for n in row] for row in counts]
    if recordings is None:
        return told
    return [
        [f"{cell}, from {n} recording{'s' * (n != 1)}" for cell, n in zip(*rows, strict=True)]
        for rows in zip(told, recordings.tolist(), strict=True)
    ]


def _faded(colour: str, alpha: float) -> str:
    return f"rgba{(*hex_to_rgb(colour), alpha)}"


def _font_px(n_classes: int) -> int:
    return 13 if n_classes <= FEW_CLASSES else 10


def _empty_matrix(labels: Sequence[str], rows: Sequence[int], columns: Sequence[int]) -> Figure:
    """Axes with the classes' names, and lines where a group of ESC-50 ends, if each stands together."""
    figure = go.Figure()
    few = len(columns) <= FEW_CLASSES
    font = {"size": _font_px(len(columns))}
    figure.update_xaxes(
        title={"text": "predicted", "standoff": 8}, range=[-0.5, len(columns) - 0.5], tickfont=font,
        tickvals=list(range(len(columns))), ticktext=[shown(labels[i]) for i in columns],
        tickangle=-45 if few else -90, fixedrange=True, showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip
    figure.update_yaxes(
        title={"text": "true", "standoff": 14}, range=[len(rows) - 0.5, -0.5], tickfont=font,
        tickvals=list(range(len(rows))), ticktext=[shown(labels[i]) for i in rows],
        fixedrange=True, showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip
    figure.update_layout(
        height=150 + (44 if few else 17) * max(len(rows), 3),
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        showlegend=False,
        hovermode="closest",
        clickmode="event+select",
        dragmode=False,
    )
    _add_groups(figure, [labels[i] for i in rows], [labels[i] for i in columns])
    return figure


def _add_groups(figure: Figure, rows: list[str], columns: list[str]) -> None:
    groups = [group_or_other(label) for label in columns]
    starts = [i for i, group in enumerate(groups) if i == 0 or group != groups[i - 1]]
    if len(starts) != len(set(groups)):
        return
    line = {"color": NEUTRAL, "width": 1, "dash": "dot"}
    for start, end in zip(starts, [*starts[1:], len(columns)], strict=True):
        if start > 0:
            figure.add_vline(x=start - 0.5, line=line)
        if end - start >= LABELLED_GROUP:
            figure.add_annotation(
                x=(start + end - 1) / 2, y=1, yref="y domain", yanchor="bottom", showarrow=False,
                text=groups[start].split(" and ")[0].split(",")[0], font={"size": 11, "color": NEUTRAL},
            )  # fmt: skip
    for i, (above, below) in enumerate(pairwise(rows)):
        if group_or_other(above) != group_or_other(below):
            figure.add_hline(y=i + 0.5, line=line)


def _add_heatmap(figure: Figure, z: np.ndarray, colours: list[list], limits: tuple[float, float]) -> None:
    figure.add_heatmap(
        z=z, zmin=limits[0], zmax=limits[1], colorscale=colours, showscale=False, hoverinfo="skip", hoverongaps=False,
        xgap=1, ygap=1,
    )  # fmt: skip


def _add_cells(
    figure: Figure, labels: list[list[str]], filled: np.ndarray, text: list[list[str]], told: list[list[str]]
) -> None:
    """Numbers over the filled cells, and transparent squares that answer the pointer; `labels` of rows and columns."""
    ys, xs = np.nonzero(filled)
    rows, columns = labels
    few = len(columns) <= FEW_CLASSES
    figure.add_scatter(
        x=xs, y=ys, mode="text", text=[text[y][x] for y, x in zip(ys, xs, strict=True)],
        textfont={"size": 14 if few else 9}, hoverinfo="skip",
        selected={"textfont": {"color": NEUTRAL}},  # without it, Plotly fades all numbers on a click
    )  # fmt: skip
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers",
        marker={"symbol": "square", "size": 40 if few else 15, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        customdata=[
            [rows[y], columns[x], shown(rows[y]), shown(columns[x]), told[y][x]] for y, x in zip(ys, xs, strict=True)
        ],
        hovertemplate="%{customdata[2]} → %{customdata[3]}<br>%{customdata[4]}<extra></extra>",
    )


def _add_frame(figure: Figure, rows: list[str], columns: list[str], selected: tuple[str | None, str | None]) -> None:
    """Frame a cell, a row or a column in black within white, which stands out on every colour."""
    true, predicted = selected
    if (true is None and predicted is None) or true not in (None, *rows) or predicted not in (None, *columns):
        return
    y0, y1 = (-0.5, len(rows) - 0.5) if true is None else (rows.index(true) - 0.5, rows.index(true) + 0.5)
    x0, x1 = (
        (-0.5, len(columns) - 0.5)
        if predicted is None
        else (columns.index(predicted) - 0.5, columns.index(predicted) + 0.5)
    )
    for colour, width in (("white", 5), ("black", 2)):
        figure.add_shape(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line={"color": colour, "width": width})
