"""Colours of every figure: they survive colour blindness and both themes."""

from collections.abc import Sequence

import numpy as np
import pandas  # noqa: F401  # Plotly takes it from sys.modules, half imported if another session's thread is at it
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sequential

from acrnn.labels import ESC10, ESC50

# Okabe and Ito's colours, which stay apart for colour-blind readers, on light and on dark.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
NEUTRAL = "#8a8f98"
CLASS_COLOURS = (
    ("#117733", "white"), ("#CC6677", "black"), ("#332288", "white"), ("#88CCEE", "black"), ("#DDCC77", "black"),
    ("#AA4499", "white"), ("#44AA99", "black"), ("#882255", "white"), ("#999933", "black"), ("#6699CC", "black"),
)  # fmt: skip
"""Bar and text colours of classes: Tol's muted scheme and one more, which stay apart for colour-blind readers."""


def class_colour(label: str, labels: Sequence[str]) -> tuple[str, str]:
    """Give a class its colours for bar and text, the same in every figure.

    The ten classes of ESC-10 have ten colours. Of the others each shares its colour with one of them or more, and is
    told by its name.
    """
    if label in ESC10:
        return CLASS_COLOURS[ESC10.index(label)]
    others = [name for name in (ESC50 if label in ESC50 else labels) if name not in ESC10]
    return CLASS_COLOURS[others.index(label) % len(CLASS_COLOURS)]


# As rgb(): Streamlit's theme takes #000004, Magma's first, for a placeholder of its own.
MAGMA = [f"rgb{hex_to_rgb(colour)}" for colour in sequential.Magma]
Figure = go.Figure


def colour_table(colours: Sequence[str]) -> np.ndarray:
    """Interpolate a scale of colours such as `#b73779`, for pictures without Plotly: (256, 3) uint8."""
    rgb = np.array([hex_to_rgb(colour) for colour in colours], float)
    at = np.linspace(0, len(colours) - 1, 256)
    return np.stack([np.interp(at, np.arange(len(colours)), channel) for channel in rgb.T], axis=1).astype(np.uint8)
