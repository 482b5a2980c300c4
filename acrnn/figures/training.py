"""The curves of a training: a small chart for each thing that is measured once an epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import log10

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from acrnn.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, PURPLE, SKY, VERMILION, Figure

OVERLAID = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, NEUTRAL)
"""Colours of several runs in one chart, in their order."""
MOST_TICKS = 8


@dataclass(frozen=True)
class Trained:
    """A run as its curves show it.

    Attributes
    ----------
    name : str
    rows : sequence of mapping
        `Run.metrics()`: one an epoch that is done.
    n_epochs : int
        Length of the schedule.
    mixed : bool
        Whether its loss and accuracy are of mixed segments (eq. 5).
    rates : tuple of float
        Lowest and highest learning rate of the schedule.
    """

    name: str
    rows: Sequence[Mapping]
    n_epochs: int
    mixed: bool
    rates: tuple[float, float]


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
    of_segments : bool
        Whether it is of the segments that are trained on, which may be mixed.
    """

    key: str
    title: str
    colour: str
    hover_format: str
    axis_format: str
    log: bool = False
    top: float | None = None
    of_segments: bool = False

    def title_of(self, runs: Sequence[Trained]) -> str:
        """Say what it is of these runs, such as `loss on mixed segments`."""
        mixed = [run.mixed for run in runs]
        if not self.of_segments or not any(mixed):
            return self.title
        return f"{self.title} on mixed segments" if all(mixed) else f"{self.title}, on mixed segments in some runs"


CURVES = (
    Curve("loss", "loss", BLUE, ".4f", "", of_segments=True),
    Curve("accuracy", "accuracy", GREEN, ".1%", ".0%", top=1.0, of_segments=True),
    Curve("learning_rate", "learning rate", ORANGE, ".2g", "~g", log=True),
    Curve("segments_per_s", "segments a second", NEUTRAL, ".0f", ""),
)


def colours_of(runs: Sequence[Trained]) -> list[str]:
    """Give each of several runs its colour; of more than there are colours, some share one."""
    return [OVERLAID[i % len(OVERLAID)] for i in range(len(runs))]


def curve_figure(runs: Sequence[Trained], curve: Curve) -> Figure:
    """Draw what one curve was after each epoch, of one run in the curve's own colour, or of several.

    The time axis grows towards the end of the longest schedule in doublings, so that it stands still most of the time.
    """
    colours = [curve.colour] if len(runs) == 1 else colours_of(runs)
    figure = go.Figure([_line(run, curve, colour, len(runs) > 1) for run, colour in zip(runs, colours, strict=True)])
    figure.update_layout(
        height=200,
        margin={"l": 52, "r": 12, "t": 26, "b": 42},
        title={
            "text": curve.title_of(runs),
            "font": {"size": 13},
            "x": 0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
        },
        showlegend=False,
        uirevision=curve.key,  # a zoom survives the next epoch
    )
    _number_epochs(figure, max(len(run.rows) for run in runs), max(run.n_epochs for run in runs))
    figure.update_yaxes(nticks=5, tickformat=curve.axis_format, zeroline=False)
    if curve.log:
        figure.update_yaxes(type="log", dtick=1, range=_decades([rate for run in runs for rate in run.rates]))
    else:
        figure.update_yaxes(range=[0, curve.top] if curve.top else None, rangemode="tozero")
    return figure


def _line(run: Trained, curve: Curve, colour: str, is_named: bool) -> go.Scatter:
    named = f"{run.name}, " if is_named else ""
    return go.Scatter(
        x=[int(row["epoch"]) + 1 for row in run.rows],
        y=[row[curve.key] for row in run.rows],
        name=run.name,
        mode="lines+markers" if len(run.rows) <= 40 else "lines",
        line={"color": colour, "width": 2, "shape": "hv" if curve.log else "linear"},
        marker={"size": 4},
        hovertemplate=f"{named}epoch %{{x}}: %{{y:{curve.hover_format}}}<extra></extra>",
    )


def movement_figure(run: Trained) -> Figure:
    """Draw how far each layer's kernels are from where they began, ‖w − w₀‖ / ‖w₀‖, after each epoch.

    Rows without `movement`, as earlier versions wrote them, are passed over.
    """
    rows = [row for row in run.rows if row.get("movement")]
    epochs = [int(row["epoch"]) + 1 for row in rows]
    layers = list(rows[0]["movement"]) if rows else []
    depth = [layer for layer in layers if layer != "attention"]
    places = np.linspace(0, 0.85, len(depth)).tolist()  # hues as light as one another, short of the whole circle
    shades = dict(zip(depth, sample_colorscale("Phase", places) if depth else [], strict=True))
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
        height=340,
        margin={"l": 52, "r": 12, "t": 26, "b": 42},
        title={"text": "distance from the initial weights", "font": {"size": 13}, "x": 0, "xref": "paper", "y": 0.98},
        uirevision="movement",
    )
    _number_epochs(figure, len(rows), run.n_epochs)
    figure.update_yaxes(rangemode="tozero", nticks=6, zeroline=False)
    return figure


def _number_epochs(figure: Figure, n_done: int, n_epochs: int) -> None:
    """Let the time axis count whole epochs, each at most once."""
    end = last_epoch(n_done, n_epochs)
    figure.update_xaxes(range=[0.5, end + 0.5], tick0=0, dtick=tick_step(end), tickformat="d", title_text="epoch")
    figure.update_xaxes(title_standoff=6, title_font_size=11, showgrid=False, zeroline=False)


def tick_step(end: int) -> int:
    """Give the smallest of 1, 2, 5, 10, 20, … that makes at most `MOST_TICKS` ticks up to `end`."""
    steps = (factor * 10**power for power in count() for factor in (1, 2, 5))
    return next(step for step in steps if end / step <= MOST_TICKS)


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
