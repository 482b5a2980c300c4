"""The curves of a training: a small chart for each thing that is measured once an epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from acrnn.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, VERMILION, Figure


@dataclass(frozen=True)
class Curve:
    """One thing that is measured once an epoch.

    Parameters
    ----------
    key : str
        Its name in `metrics.jsonl`.
    title : str
    colour, hover_format, axis_format : str
    log : bool
        Whether its axis is logarithmic.
    top : float or None
        Upper end of its axis, where that is known.
    """

    key: str
    title: str
    colour: str
    hover_format: str
    axis_format: str
    log: bool = False
    top: float | None = None


CURVES = (
    Curve("loss", "loss on mixed segments", BLUE, ".4f", ""),
    Curve("accuracy", "accuracy on mixed segments", GREEN, ".1%", ".0%", top=1.0),
    Curve("learning_rate", "learning rate", ORANGE, ".2g", "~g", log=True),
    Curve("segments_per_s", "segments a second", NEUTRAL, ".0f", ""),
)


def curve_figure(rows: Sequence[Mapping[str, float]], curve: Curve, n_epochs: int) -> Figure:
    """Draw what one curve was after each epoch.

    Parameters
    ----------
    rows : sequence of mapping
        `Run.metrics()`: one an epoch that is done.
    n_epochs : int
        Length of the schedule. The time axis grows towards it in doublings, so that it stands still most of the time.
    """
    epochs = [int(row["epoch"]) + 1 for row in rows]
    values = [row[curve.key] for row in rows]
    figure = go.Figure(
        go.Scatter(
            x=epochs,
            y=values,
            mode="lines+markers" if len(rows) <= 40 else "lines",
            line={"color": curve.colour, "width": 2, "shape": "hv" if curve.log else "linear"},
            marker={"size": 4},
            hovertemplate=f"epoch %{{x}}: %{{y:{curve.hover_format}}}<extra></extra>",
        )
    )
    figure.update_layout(
        height=200,
        margin={"l": 52, "r": 12, "t": 26, "b": 42},
        title={"text": curve.title, "font": {"size": 13}, "x": 0, "xref": "paper", "y": 0.98, "yanchor": "top"},
        showlegend=False,
        uirevision=curve.key,  # a zoom survives the next epoch
    )
    figure.update_xaxes(
        range=[0.5, last_epoch(len(rows), n_epochs) + 0.5], tickformat="d", nticks=6, title_text="epoch"
    )
    figure.update_xaxes(title_standoff=6, title_font_size=11, showgrid=False, zeroline=False)
    figure.update_yaxes(nticks=5, tickformat=curve.axis_format, zeroline=False)
    if curve.log:
        figure.update_yaxes(type="log", dtick=1)
        if values:
            figure.update_yaxes(range=_decades(values))
    else:
        figure.update_yaxes(range=[0, curve.top] if curve.top else None, rangemode="tozero")
    return figure


def movement_figure(rows: Sequence[Mapping], n_epochs: int) -> Figure:
    """Draw how far each layer's kernels are from where they began, ‖w − w₀‖ / ‖w₀‖, after each epoch.

    Parameters
    ----------
    rows : sequence of mapping
        `Run.metrics()`; rows without `movement`, as earlier versions wrote them, are passed over.
    n_epochs : int
    """
    rows = [row for row in rows if row.get("movement")]
    epochs = [int(row["epoch"]) + 1 for row in rows]
    layers = list(rows[0]["movement"]) if rows else []
    depth = [layer for layer in layers if layer != "attention"]
    shades = dict(zip(depth, sample_colorscale("Viridis", len(depth)) if depth else [], strict=True))
    figure = go.Figure(
        [
            go.Scatter(
                x=epochs,
                y=[row["movement"][layer] for row in rows],
                name=layer,
                mode="lines+markers" if len(rows) <= 40 else "lines",
                line={"color": shades.get(layer, VERMILION), "width": 2, "dash": None if layer in shades else "dot"},
                marker={"size": 4},
                hovertemplate=f"{layer}, epoch %{{x}}: %{{y:.2f}}<extra></extra>",
            )
            for layer in layers
        ]
    )
    figure.update_layout(
        height=300,
        margin={"l": 52, "r": 12, "t": 26, "b": 42},
        title={"text": "distance from the initial weights", "font": {"size": 13}, "x": 0, "xref": "paper", "y": 0.98},
        uirevision="movement",
    )
    figure.update_xaxes(range=[0.5, last_epoch(len(rows), n_epochs) + 0.5], tickformat="d", title_text="epoch")
    figure.update_xaxes(title_standoff=6, title_font_size=11, showgrid=False, zeroline=False)
    figure.update_yaxes(rangemode="tozero", nticks=6, zeroline=False)
    return figure


def last_epoch(n_done: int, n_epochs: int, first: int = 8) -> int:
    """Right end of the axis: the first doubling of 8 with room for the epoch under way, or the whole schedule."""
    end = first
    while end <= n_done:
        end *= 2
    return min(end, n_epochs)


def _decades(values: Sequence[float]) -> list[float]:
    """Range of a logarithmic axis, in powers of ten, around the values."""
    low, high = log10(min(values)), log10(max(values))
    return [low - 0.5, high + 0.5]
