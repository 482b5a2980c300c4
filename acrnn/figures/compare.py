"""Many attentions of one clip: strips under its spectrogram, on one time axis, and the paper's Figure 5."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from plotly.subplots import make_subplots

from acrnn.figures.clip import ClipView, colour_bar, frequency_axis, spectrogram_trace
from acrnn.figures.reduction import reduced
from acrnn.figures.style import BLUE, GREEN, NEUTRAL, PURPLE, VERMILION, Figure
from acrnn.inference import Prediction
from acrnn.measures.attention import hold

Scale = Literal["largest", "mean"]
"""What the weights of a strip are divided by: their largest, which fills each strip, or their mean, 1 being even."""
COLOURS = {"sigmoid": BLUE, "softmax": VERMILION}

# Heights and gaps in pixels; a figure's are its sum, so that a strip is as high whatever else is shown.
SPECTROGRAM, STRIP, EMPTY_STRIP, DIFFERENCE = 230, 44, 24, 84
ROOMY = 2
"""So many times as high are the strips of a figure that has few of them, and scales beside them."""
GAP, PAIR_GAP, TOP, BOTTOM = 16, 5, 30, 42


@dataclass(frozen=True)
class Strip:
    """One row under the spectrogram.

    Attributes
    ----------
    layer : str
        Such as `l2`: neighbours of one layer stand close together.
    scaling : str
        `sigmoid` or `softmax`.
    times_s, weights : ndarray (frame,) or None
        None for one that is not there.
    note : str
        Beneath the scaling's name; for one that is not there, what is written in its place.
    """

    layer: str
    scaling: str
    times_s: np.ndarray | None = None
    weights: np.ndarray | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Such as `l2 sigmoid`."""
        return f"{self.layer} {self.scaling}"

    @property
    def full_name(self) -> str:
        """The name with the note, such as `l2 sigmoid (ESC-10, fold 1)`."""
        return f"{self.name} ({self.note})" if self.note else self.name


def scaled(weights: np.ndarray, scale: Scale) -> np.ndarray:
    """(frame,) weights over their largest or over their mean."""
    return weights / (weights.max() if scale == "largest" else weights.mean())


def compare_figure(
    prediction: Prediction,
    strips: Sequence[Strip],
    scale: Scale = "largest",
    difference: tuple[Strip, Strip] | None = None,
    view: ClipView | None = None,
    *,
    roomy: bool = False,
) -> Figure:
    """Spectrogram of a clip, strips of attention under it and the difference of two, on one x axis in seconds.

    Parameters
    ----------
    prediction : Prediction
        Whose spectrogram is shown; that of the highest sampling rate shows most.
    strips : sequence of Strip
        At least one, in the order from top to bottom.
    scale : {"largest", "mean"}
        With "mean", strips of one scaling share one y axis range: softmax, whose weights add up to one, can be many
        times its mean where sigmoid hardly leaves it.
    difference : pair of Strip, optional
        The first minus the second, each over its mean whatever `scale` is, so that what one strip has more of in some
        frames it has less of in others; the second's frames are those nearest to the first's.
    view : ClipView, optional
        The range of colours.
    roomy : bool
        For few strips: higher ones, with more numbers on the scales at their right.
    """
    heights, gaps = _rows(strips, difference is not None, roomy)
    height = TOP + BOTTOM + sum(heights) + sum(gaps)
    domains = _domains(heights, gaps)
    bottom = f"y{len(domains)}"
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 92, "r": 8, "t": TOP, "b": BOTTOM},
        showlegend=False,
        hovermode="closest",
        uirevision=prediction.name,
        xaxis={
            "range": [0, prediction.duration_s],
            "anchor": bottom,
            "title": {"text": "time (s)", "standoff": 4},
            "showgrid": False,
            "zeroline": False,
        },
    )
    _add_spectrogram(figure, prediction, view or ClipView(), domains[0])
    for number, (strip, domain) in enumerate(zip(strips, domains[1:], strict=False), start=2):
        _add_strip(figure, strip, scale, _top(strips, strip.scaling, scale), number, domain)
    _name_layers(figure, strips, domains[1:])
    if difference is not None:
        _add_difference(figure, *difference, len(domains), domains[-1])
    _add_scales(figure, strips, scale, difference is not None, roomy)
    return figure


def _top(strips: Sequence[Strip], scaling: str, scale: Scale) -> float:
    """Upper end of the axis of all strips of a scaling."""
    heights = [scaled(s.weights, scale).max() for s in strips if s.weights is not None and s.scaling == scaling]
    return float(max(heights, default=1.0))


def _rows(strips: Sequence[Strip], has_difference: bool, roomy: bool) -> tuple[list[int], list[int]]:
    """Heights of the rows from top to bottom, and the gaps between them, in pixels."""
    high = ROOMY * STRIP if roomy else STRIP
    heights = [SPECTROGRAM, *(EMPTY_STRIP if strip.weights is None else high for strip in strips)]
    gaps = [GAP, *(PAIR_GAP if a.layer == b.layer and not roomy else GAP for a, b in pairwise(strips))]
    if has_difference:
        heights.append(DIFFERENCE)
        gaps.append(2 * GAP)
    return heights, gaps


def _domains(heights: list[int], gaps: list[int]) -> list[tuple[float, float]]:
    """Bottom and top of each row as parts of the plot's height, 1 being its top."""
    total = sum(heights) + sum(gaps)
    tops = total - np.concatenate([[0], np.cumsum(np.add(heights[:-1], gaps))])
    return [
        (max(0.0, float((top - height) / total)), float(top / total)) for top, height in zip(tops, heights, strict=True)
    ]


def _add_spectrogram(figure: Figure, prediction: Prediction, view: ClipView, domain: tuple[float, float]) -> None:
    trace = spectrogram_trace(prediction, view)
    trace.colorbar = colour_bar(length=domain[1] - domain[0], middle=sum(domain) / 2)
    figure.add_trace(trace)
    figure.update_layout(yaxis=frequency_axis(prediction) | {"domain": domain})
    if prediction.n_known_bands < len(prediction.centres_hz):
        figure.add_hline(y=prediction.n_known_bands - 0.5, line={"color": "white", "width": 1, "dash": "dot"})


def _add_strip(
    figure: Figure, strip: Strip, scale: Scale, top: float, number: int, domain: tuple[float, float]
) -> None:
    colour = COLOURS[strip.scaling]
    figure.update_layout({f"yaxis{number}": _bare_axis(domain, (0, 1.04 * top))})
    beside = {"xref": "x domain", "yref": f"y{number} domain", "y": 0.5, "showarrow": False}
    small = "" if strip.weights is None else _small(strip.note)
    figure.add_annotation(
        beside, text=strip.scaling + small, x=0, xshift=-5, xanchor="right", align="right", font={"size": 12}
    )
    if strip.weights is None:
        figure.add_shape(
            type="rect", xref="x domain", yref=f"y{number} domain", x0=0, x1=1, y0=0, y1=1,
            line={"color": NEUTRAL, "width": 1, "dash": "dot"}, layer="below",
        )  # fmt: skip
        figure.add_annotation(beside, text=strip.note, x=0.5, font={"size": 12, "color": NEUTRAL})
        # A trace of nothing: plotly draws no axis, and no playhead over it, that has none.
        figure.add_scatter(x=[None], y=[None], yaxis=f"y{number}", name=strip.name, hoverinfo="skip")
        return
    times_s, (height, weights) = reduced(
        strip.times_s, np.stack([scaled(strip.weights, scale), strip.weights]), np.maximum
    )
    figure.add_scatter(
        x=times_s.astype(np.float32),
        y=height.astype(np.float32),
        customdata=weights.astype(np.float32),
        mode="lines",
        line={"color": colour, "width": 1.5, "shape": "hvh"},
        fill="tozeroy",
        fillcolor=_transparent(colour),
        name=strip.name,
        hovertemplate="%{x:.2f} s: weight %{customdata:.4f}, "
        + ("%{y:.0%} of the largest" if scale == "largest" else "%{y:.2f} × the mean"),
        yaxis=f"y{number}",
    )
    if scale == "mean":
        figure.add_shape(
            type="line", xref="x domain", yref=f"y{number}", x0=0, x1=1, y0=1, y1=1,
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
        )  # fmt: skip


def _name_layers(figure: Figure, strips: Sequence[Strip], domains: Sequence[tuple[float, float]]) -> None:
    """Write each layer's name once, to the left of all its strips."""
    of_layer: dict[str, list[tuple[float, float]]] = {}
    for strip, domain in zip(strips, domains, strict=False):
        of_layer.setdefault(strip.layer, []).append(domain)
    for layer, spans in of_layer.items():
        figure.add_annotation(
            text=f"<b>{layer}</b>", xref="x domain", yref="paper", x=0, y=(spans[0][1] + spans[-1][0]) / 2, xshift=-88,
            xanchor="left", showarrow=False, font={"size": 14},
        )  # fmt: skip


def _add_difference(figure: Figure, a: Strip, b: Strip, number: int, domain: tuple[float, float]) -> None:
    gap = scaled(a.weights, "mean") - hold(b.times_s, scaled(b.weights, "mean"), a.times_s)
    reach = 1.04 * max(float(np.abs(gap).max()), 1e-9)
    figure.update_layout({f"yaxis{number}": _bare_axis(domain, (-reach, reach)) | {"zeroline": True}})
    times_s, high = reduced(a.times_s, np.maximum(gap, 0)[None], np.maximum)
    low = reduced(a.times_s, np.minimum(gap, 0)[None], np.minimum)[1]
    for values, colour, more in ((high[0], GREEN, a), (low[0], PURPLE, b)):
        figure.add_scatter(
            x=times_s.astype(np.float32),
            y=values.astype(np.float32),
            mode="lines",
            line={"color": colour, "width": 1, "shape": "hvh"},
            fill="tozeroy",
            fillcolor=_transparent(colour, 0.5),
            name=f"more in {more.name}",
            hovertemplate="%{x:.2f} s: difference %{y:.2f} × the mean",
            yaxis=f"y{number}",
        )
    for strip, y, sign in ((a, 1, "+"), (b, 0, "−")):
        figure.add_annotation(
            text=f"{sign} {strip.name}{_small(strip.note)}", align="right", xref="x domain", yref=f"y{number} domain",
            x=0, y=y, xshift=-5, xanchor="right", yanchor="top" if y else "bottom", showarrow=False, font={"size": 12},
        )  # fmt: skip


def _add_scales(figure: Figure, strips: Sequence[Strip], scale: Scale, has_difference: bool, roomy: bool) -> None:
    """Write numbers at the right of each strip that is there, and of the difference below them."""
    numbered = {
        "showticklabels": True, "side": "right", "ticks": "outside", "ticklen": 3,
        "tickfont": {"size": 11 if roomy else 10},
    }  # fmt: skip
    times_mean = {"nticks": 4 if roomy else 3, "tickformat": "~g", "ticksuffix": "×"}
    shares = {"tickvals": [0, 0.5, 1] if roomy else [0.5, 1], "tickformat": ".0%"}
    rows = [n for n, strip in enumerate(strips, start=2) if strip.weights is not None]
    figure.update_layout({f"yaxis{n}": numbered | (shares if scale == "largest" else times_mean) for n in rows})
    if has_difference:
        figure.update_layout({f"yaxis{len(strips) + 2}": numbered | times_mean | {"nticks": 5}})


def _bare_axis(domain: tuple[float, float], span: tuple[float, float]) -> dict:
    return {
        "domain": domain, "range": span, "showticklabels": False, "showgrid": False, "zeroline": False,
        "fixedrange": True,
    }  # fmt: skip


def _small(note: str) -> str:
    return f"<br><span style='font-size:10px'>{note}</span>" if note else ""


def _transparent(colour: str, opacity: float = 0.3) -> str:
    red, green, blue = hex_to_rgb(colour)
    return f"rgba({red},{green},{blue},{opacity})"


def figure5(
    predictions: Sequence[Prediction], titles: Sequence[str] | None = None, view: ClipView | None = None
) -> Figure:
    """Panels side by side as in the paper's Figure 5: the spectrogram of each clip, and its attention beneath.

    Parameters
    ----------
    predictions : sequence of Prediction
        With attention scaled by sigmoid, whose axis goes from 0 to 1.
    titles : sequence of str, optional
        One a panel.
    view : ClipView, optional
        The range of colours.
    """
    figure = make_subplots(
        rows=2, cols=len(predictions), shared_xaxes="columns", row_heights=[0.62, 0.38], vertical_spacing=0.04,
        horizontal_spacing=0.035, column_titles=titles,
    )  # fmt: skip
    for column, prediction in enumerate(predictions, start=1):
        trace = spectrogram_trace(prediction, view or ClipView())
        trace.showscale = False
        figure.add_trace(trace, row=1, col=column)
        figure.update_yaxes(frequency_axis(prediction), row=1, col=column)
        attention = prediction.attention
        times_s, weights = reduced(attention.times_s, attention.weights[None], np.maximum)
        figure.add_scatter(
            x=times_s.astype(np.float32),
            y=weights[0].astype(np.float32),
            mode="lines",
            line={"color": BLUE, "width": 1.5, "shape": "hvh"},
            fill="tozeroy",
            fillcolor=_transparent(BLUE),
            hovertemplate="%{x:.2f} s: weight %{y:.4f}<extra></extra>",
            row=2,
            col=column,
        )
        figure.update_yaxes(range=[0, 1.04], fixedrange=True, nticks=4, showgrid=False, row=2, col=column)
        figure.update_xaxes(range=[0, prediction.duration_s], showgrid=False, zeroline=False, col=column)
        if column > 1:
            figure.update_yaxes(title_text=None, showticklabels=False, col=column)
    figure.update_yaxes(title_text="weight", row=2, col=1)
    figure.update_xaxes(title_text="time (s)", title_standoff=4, row=2)
    figure.update_layout(
        height=360, margin={"l": 56, "r": 4, "t": 30, "b": 40}, showlegend=False, hovermode="closest",
        uirevision=" ".join(prediction.name for prediction in predictions),
    )  # fmt: skip
    return figure
