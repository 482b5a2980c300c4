"""The map of a collection: a point a recording, similar ones near each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from acrnn.figures.style import BLUE, NEUTRAL, ORANGE, Figure, class_colour, go
from acrnn.figures.words import shown

COLOURINGS = ("class", "confidence", "correct")
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up")


def map_figure(points: np.ndarray, table: pd.DataFrame, colouring: str, labels: Sequence[str]) -> Figure:
    """Draw a collection in two dimensions.

    Parameters
    ----------
    points : ndarray (recording, 2)
    table : DataFrame
        Their rows, as `acrnn.collection.table_of` gives them. Each point's `customdata` is its key.
    colouring : str
        One of `COLOURINGS`: the predicted class, how sure the network is, or whether it is right.
    labels : sequence of str
        The network's classes.
    """
    figure = go.Figure()
    for name, rows, marker in _parts(table.reset_index(drop=True), colouring, labels):
        figure.add_scattergl(
            x=points[rows, 0], y=points[rows, 1], mode="markers", name=name,
            marker={"size": 8, "line": {"width": 0.5, "color": NEUTRAL}} | marker,
            customdata=table["key"].to_numpy()[rows],
            text=[_hover(row) for _, row in table.iloc[rows].iterrows()],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": None}
    figure.update_layout(
        xaxis=axis, yaxis=axis | {"scaleanchor": "x"}, height=560, margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode="lasso", legend={"itemsizing": "constant"},
    )  # fmt: skip
    return figure


def _parts(table: pd.DataFrame, colouring: str, labels: Sequence[str]) -> list[tuple[str, np.ndarray, dict]]:
    """Give what is drawn together: a name in the legend, row numbers, and how their markers look."""
    if colouring == "confidence":
        bar = {"title": "confidence", "tickformat": ".0%", "thickness": 12}
        look = {
            "color": table["confidence"], "colorscale": "Cividis", "cmin": 0, "cmax": 1, "showscale": True,
            "colorbar": bar,
        }  # fmt: skip
        return [("clips", np.arange(len(table)), look)]
    if colouring == "correct":
        right = table["right"]
        states = {
            "right": (right.eq(True), BLUE, "circle"),
            "wrong": (right.eq(False), ORANGE, "x"),
            "not known": (right.isna(), NEUTRAL, "circle-open"),
        }
        found = ((name, np.flatnonzero(is_so.fillna(False)), c, s) for name, (is_so, c, s) in states.items())
        return [(name, rows, {"color": c, "symbol": s}) for name, rows, c, s in found if len(rows)]
    parts = []
    for i, label in enumerate(labels):
        rows = np.flatnonzero(table["predicted"] == label)
        if len(rows):
            look = {"color": class_colour(label, labels)[0], "symbol": SYMBOLS[i % len(SYMBOLS)]}
            parts.append((shown(label), rows, look))
    return parts


def _hover(row: pd.Series) -> str:
    truth = row["label"] or row["true class"]
    told = f"{shown(row['predicted'])} {row['confidence']:.0%}"
    return f"{shown(row['file'])}<br>{told}" + (f"<br>is {shown(truth)}" if isinstance(truth, str) else "")
