"""Colours of every figure: they survive colour blindness and both themes."""

import pandas  # noqa: F401  # Plotly takes it from sys.modules, half imported if another session's thread is at it
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sequential

# Okabe and Ito's colours, which stay apart for colour-blind readers, on light and on dark.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
NEUTRAL = "#8a8f98"
CLASS_COLOURS = ((BLUE, "white"), (ORANGE, "black"), (GREEN, "white"), (PURPLE, "black"), (SKY, "black"))
"""Bar and text colours of a clip's five most probable classes; further ones are grey."""
OTHER_CLASS = (NEUTRAL, "white")
# As rgb(): Streamlit's theme takes #000004, Magma's first, for a placeholder of its own.
MAGMA = [f"rgb{hex_to_rgb(colour)}" for colour in sequential.Magma]
Figure = go.Figure
