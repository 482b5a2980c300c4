"""Deletion and insertion curves of one clip, or their means over a fold: attention beside its controls."""

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from acrnn.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, PURPLE, VERMILION, Figure
from acrnn.measures.faithfulness import MAPS, Curve

LINES: dict[str, tuple[str, str, str, float]] = {
    "attention": (VERMILION, "solid", "circle", 3),
    "shifted": (ORANGE, "dash", "diamond", 1.5),
    "reversed": (VERMILION, "dot", "circle-open", 1.5),
    "random": (NEUTRAL, "dash", "x", 1.5),
    "energy": (BLUE, "solid", "square", 2),
    "input_x_gradient": (PURPLE, "dashdot", "triangle-up", 1.5),
    "integrated_gradients": (GREEN, "solid", "triangle-down", 2),
}
"""Colour, dash, symbol and width of each map's line: no two are told apart by colour alone."""


def curves_figure(curves: Mapping[str, Curve], label: str) -> Figure:
    """Draw how the probability of a class goes with the first frames of each order, and comes with them.

    Parameters
    ----------
    curves : mapping of map to Curve
    label : str
        Name of the class for people.
    """
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=("Deletion: the first frames are removed", "Insertion: the first frames alone are kept"),
    )  # fmt: skip
    for name, curve in curves.items():
        colour, dash, symbol, width = LINES[name]
        for column, heights in ((1, curve.deletion), (2, curve.insertion)):
            figure.add_trace(
                go.Scatter(
                    x=100 * curve.shares,
                    y=heights,
                    mode="lines+markers",
                    name=MAPS[name],
                    legendgroup=name,
                    showlegend=column == 1,
                    line={"color": colour, "dash": dash, "width": width},
                    marker={"symbol": symbol, "size": 6, "color": colour},
                    hovertemplate=f"{MAPS[name]}<br>%{{x:.0f}} % of the frames: %{{y:.3f}}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    figure.update_layout(
        height=420,
        margin={"l": 56, "r": 8, "t": 30, "b": 40},
        hovermode="closest",
        legend={"orientation": "h", "y": -0.26, "yanchor": "top", "x": 0, "xanchor": "left"},
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(range=[-1, 101], ticksuffix=" %", title_text="of the clip's frames", fixedrange=True)
    figure.update_yaxes(range=[-0.02, 1.02], fixedrange=True)
    figure.update_yaxes(title_text=f"probability of {label}", col=1)
    return figure
