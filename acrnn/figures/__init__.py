"""Every figure of the app, each a function that returns one; nothing else imports plotly."""

from acrnn.figures.clip import ClipView, clip_figure, top_figure
from acrnn.figures.reduction import envelope
from acrnn.figures.style import Figure

__all__ = ["ClipView", "Figure", "clip_figure", "envelope", "top_figure"]
