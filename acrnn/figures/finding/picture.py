"""A clip as pictures and lines that a page stretches to its width: no Plotly, a few ten kilobytes."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from PIL import Image
from plotly.colors import sequential

from acrnn.figures.clip import ClipView, frequency_axis
from acrnn.figures.reduction import envelope, reduced
from acrnn.figures.style import class_colour, colour_table
from acrnn.inference import Prediction
from acrnn.labels import pretty

_MAGMA = colour_table(sequential.Magma)
_VEIL = 128
"""Grey of the veil over what is attended to less."""
NAMED_SEGMENTS = 16
"""Of more, the bars are too short for a name."""
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)
_HEIGHT = 1000
"""Units of a line's picture from bottom to top."""


@dataclass(frozen=True)
class Line:
    """A filled line over the frames: the `d` of an SVG path in a box `width` × 1000, and where the box lies."""

    path: str
    width: int
    x: float
    share: float


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in per cent of its length from the left or from the top, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A segment on the time axis: its place in per cent of the clip and of the lanes' height."""

    x: float
    width: float
    y: float
    height: float
    label: str
    told: str
    colour: str
    text_colour: str


def spectrogram_png(prediction: Prediction, view: ClipView) -> str:
    """Draw a spectrogram, low bands at the bottom, a column a frame (at most 2000): the address of a PNG picture."""
    _, levels = reduced(prediction.times_s, prediction.spectrogram, np.maximum)
    share = (np.rint(levels[::-1]) - view.low_db) / max(view.high_db - view.low_db, 1.0)
    image = Image.fromarray(np.uint8(255 * np.clip(share, 0, 1)), "L")
    image = image.convert("P")
    image.putpalette(_MAGMA.ravel().tolist())
    return _png(image)


def veil_png(prediction: Prediction) -> str:
    """Draw a grey that is denser where less is attended to: the address of a picture one pixel high."""
    _, relative = reduced(prediction.times_s, prediction.attention.relative[None], np.maximum)
    opacity = np.uint8(np.rint(0.85 * 255 * (1 - np.clip(relative, 0, 1))))
    return _png(Image.fromarray(np.dstack([np.full_like(opacity, _VEIL), opacity]), "LA"))


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "png", optimize=True)
    return data_url(file.getvalue(), "image/png")


def data_url(content: bytes, media_type: str) -> str:
    """Give the address of what stands in the page itself; it needs no escaping."""
    return Markup(f"data:{media_type};base64,{base64.b64encode(content).decode()}")


def frames_box(prediction: Prediction) -> tuple[float, float]:
    """Tell where a picture with a column a frame lies on the time axis: its left end and width in per cent."""
    times_s, _ = reduced(prediction.times_s, prediction.times_s[None], np.maximum)
    step_s = times_s[1] - times_s[0] if len(times_s) > 1 else prediction.duration_s
    return 100 * (times_s[0] - step_s / 2) / prediction.duration_s, 100 * len(times_s) * step_s / prediction.duration_s


def attention_line(prediction: Prediction) -> tuple[Line, float]:
    """Draw the weights in steps, filled; gives the line and the weight at its top."""
    times_s, weights = reduced(prediction.times_s, prediction.attention.weights[None], np.maximum)
    top = float(weights.max()) or 1.0
    heights = np.rint(_HEIGHT * (1 - weights[0] / top)).astype(int)
    changes = np.flatnonzero(np.diff(heights, prepend=heights[0] - 1))
    steps = "".join(f"H{i}V{heights[i]}" for i in changes)
    x, share = frames_box(prediction)
    return Line(f"M0 {_HEIGHT}{steps}H{len(times_s)}V{_HEIGHT}Z", len(times_s), x, share), top


def waveform_line(samples: np.ndarray, rate_hz: int) -> Line:
    """Draw the lowest and highest sample of each of at most 2000 spans, filled between them; its peak fills the box."""
    _, low, high = envelope(samples, rate_hz)
    scale = _HEIGHT / 2 / max(float(np.abs(samples).max()), 1e-6)
    upper, lower = (np.rint(_HEIGHT / 2 - scale * ends).astype(int) for ends in (high, low))
    points = [*enumerate(upper), *reversed([*enumerate(lower)])]
    return Line("M" + "L".join(f"{x} {y}" for x, y in points) + "Z", max(len(low) - 1, 1), 0.0, 100.0)


def segment_bars(prediction: Prediction) -> list[Bar]:
    """Lay the segments out in two lanes, since neighbours overlap by half; what is silent has no colour."""
    bars, n_lanes = [], min(2, len(prediction.segments))
    for i, segment in enumerate(prediction.segments):
        name = "silent" if segment.silent else pretty(segment.label)
        told = name if segment.silent else f"{name} {segment.probability:.0%}"
        if segment.known is False and not segment.silent:
            told = f"none; {told}"
        colour, text = ("none", "currentColor") if segment.silent else class_colour(segment.label, prediction.labels)
        span = f"{told}, {segment.start_s:.2f} to {segment.end_s:.2f} s"
        x = 100 * segment.start_s / prediction.duration_s
        width = 100 * (segment.end_s - segment.start_s) / prediction.duration_s
        bars.append(Bar(x, width, 100 * (i % 2) / n_lanes, 96 / n_lanes, told, span, colour, text))
    return bars


def time_ticks(duration_s: float) -> list[Tick]:
    """Mark at most eight round times."""
    step_s = next((step for step in _STEPS_S if duration_s / step <= 8), 60 * (1 + int(duration_s) // 480))
    times = np.arange(0, duration_s, step_s)
    return [Tick(100 * at / duration_s, f"{at:g}") for at in times if at < 0.97 * duration_s]


def frequency_ticks(prediction: Prediction) -> list[Tick]:
    """Mark round frequencies, as the app's figures do."""
    axis, n_bands = frequency_axis(prediction), len(prediction.centres_hz)
    return [
        Tick(100 * (1 - (at + 0.5) / n_bands), text)
        for at, text in zip(axis["tickvals"], axis["ticktext"], strict=True)
    ]
