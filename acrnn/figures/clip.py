"""One clip: segments, waveform, spectrogram and attention on one time axis, and its most probable classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from acrnn.events import Event
from acrnn.figures.reduction import envelope, reduced
from acrnn.figures.style import MAGMA, NEUTRAL, VERMILION, Figure, class_colour
from acrnn.figures.words import shown
from acrnn.inference import Prediction, SegmentPrediction

HEIGHT_PX = 500
SPECTROGRAM = "spectrogram"
"""Name of the trace whose colours `ClipView.low_db` and `high_db` bound."""
VEIL = "veil"
"""Name of the traces that `ClipView.overlay` shows."""
ON_HATCHING = "#73777f"
"""Of text on hatched bars, whose ground is the page's, light or dark."""
TICKS_HZ = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


@dataclass(frozen=True)
class ClipView:
    """How a clip is drawn.

    Parameters
    ----------
    low_db, high_db : float
        Range of the spectrogram's colours.
    overlay : bool
        Whether the spectrogram is greyed where less is attended to, with the attention drawn over it. Where it is not,
        both are there all the same, at an opacity of 0, so that a page can show them without another figure.
    events : tuple of Event, optional
        Drawn in place of the segments.
    span_s : (float, float), optional
        The stretch of the recording that is drawn, as finely as the screen shows; by default all of it.
    until_s : float, optional
        Where the time axis ends, so that clips of different lengths can share one; by default where the drawing does.
    """

    low_db: float = -80.0
    high_db: float = 0.0
    overlay: bool = False
    events: tuple[Event, ...] | None = None
    span_s: tuple[float, float] | None = None
    until_s: float | None = None


def clip_figure(prediction: Prediction, samples: np.ndarray, rate_hz: int, view: ClipView | None = None) -> Figure:
    """Segments, waveform, log-gammatone or log-mel spectrogram and attention of one clip, on one time axis in seconds.

    Parameters
    ----------
    prediction : Prediction
    samples : ndarray (samples,)
        The waveform at `rate_hz`.
    view : ClipView, optional
    """
    view = view or ClipView()
    start_s, end_s = view.span_s or (0.0, prediction.duration_s)
    if view.span_s is not None:
        prediction, samples = _stretch(prediction, samples, rate_hz, view.span_s)
    attention = prediction.attention
    heights = [0.13, 0.13, 0.48, 0.26] if attention is not None else [0.15, 0.2, 0.65]
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, vertical_spacing=0.025, row_heights=heights
    )  # fmt: skip
    if view.events is None:
        _add_segments(figure, prediction, row=1)
    else:
        _add_events(figure, view.events, prediction.labels, row=1)
    _add_waveform(figure, samples, rate_hz, start_s, row=2)
    _add_spectrogram(figure, prediction, view, row=3)
    if attention is not None:
        _add_attention(figure, prediction, row=4)
    figure.update_yaxes(title_font_size=11)
    figure.update_xaxes(range=[start_s, view.until_s or end_s], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="time (s)", title_standoff=4, row=len(heights), col=1)
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 62, "r": 8, "t": 28, "b": 40},
        showlegend=False,
        hovermode="closest",
        bargap=0,
        uirevision=f"{prediction.name} {view.span_s}",  # zoom survives a change of checkpoint, not of clip
    )
    return figure


def top_figure(prediction: Prediction, k: int = 5, truth: str | None = None) -> Figure:
    """Bars of the `k` most probable classes in their colours; the true one, where known, is marked."""
    labels, probabilities = zip(*reversed(prediction.top(k)), strict=True)
    names = [f"<b>{shown(label)} ✓</b>" if label == truth else shown(label) for label in labels]
    bars, texts = zip(*(class_colour(label, prediction.labels) for label in labels), strict=True)
    figure = go.Figure(
        go.Bar(
            x=probabilities,
            y=names,
            orientation="h",
            marker_color=bars,
            insidetextfont_color=texts,
            text=[f"{p:.1%}" for p in probabilities],
            textposition="auto",
            hovertemplate="%{y}: %{x:.3%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=30 + 26 * len(labels), margin={"l": 4, "r": 16, "t": 4, "b": 24}, showlegend=False, bargap=0.25
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1], fixedrange=True)
    figure.update_yaxes(fixedrange=True, automargin=True)
    return figure


def _add_segments(figure: Figure, prediction: Prediction, row: int) -> None:
    """Two lanes of bars, since neighbours overlap by half; opacity is the probability.

    What is of no known class is hatched, what is silent is grey.
    """
    segments = prediction.segments
    colours = [(NEUTRAL, NEUTRAL) if s.silent else class_colour(s.label, prediction.labels) for s in segments]
    texts = [
        ON_HATCHING if s.known is False and not s.silent else text
        for s, (_, text) in zip(segments, colours, strict=True)
    ]
    probabilities = [s.probability for s in segments]
    few = len(segments) <= 16
    figure.add_bar(
        x=[s.end_s - s.start_s for s in segments],
        base=[s.start_s for s in segments],
        y=[i % 2 for i in range(len(segments))],
        orientation="h",
        width=0.86,
        marker={
            "color": [bar for bar, _ in colours],
            "opacity": [0.2 if s.silent else 0.55 + 0.45 * p for s, p in zip(segments, probabilities, strict=True)],
            "line": {"width": 0},
            "pattern": {
                "shape": ["" if s.known is not False or s.silent else "/" for s in segments],
                "solidity": 0.15,
                "fgopacity": 0.45,
            },
        },
        text=[_segment_name(s, p) for s, p in zip(segments, probabilities, strict=True)] if few else None,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="inside",
        textfont={"color": texts, "size": 12},
        customdata=[
            [shown(s.label), p, s.start_s, s.end_s, _standing(s)] for s, p in zip(segments, probabilities, strict=True)
        ],
        hovertemplate="%{customdata[0]} %{customdata[1]:.1%}<br>%{customdata[2]:.2f} – %{customdata[3]:.2f} s"
        "%{customdata[4]}<extra>segment</extra>",
        row=row,
        col=1,
    )
    figure.update_yaxes(
        title_text="segments", range=[-0.5, 1.5], showticklabels=False, fixedrange=True, showgrid=False,
        zeroline=False, row=row, col=1,
    )  # fmt: skip


def _stretch(
    prediction: Prediction, samples: np.ndarray, rate_hz: int, span_s: tuple[float, float]
) -> tuple[Prediction, np.ndarray]:
    """Cut a stretch out of what has a time axis: spectrogram, attention and waveform."""
    first, last = np.searchsorted(prediction.times_s, span_s)
    frames = slice(max(first - 1, 0), last + 1)
    attention = prediction.attention and replace(
        prediction.attention,
        times_s=prediction.attention.times_s[frames], weights=prediction.attention.weights[frames],
    )  # fmt: skip
    cut = replace(
        prediction, times_s=prediction.times_s[frames], spectrogram=prediction.spectrogram[:, frames],
        attention=attention,
    )  # fmt: skip
    return cut, samples[slice(*(round(at_s * rate_hz) for at_s in span_s))]


def _add_events(figure: Figure, events: Sequence[Event], labels: Sequence[str], row: int) -> None:
    """Bars in as few lanes as keep them apart; opacity is the mean probability."""
    lanes = _lanes(events)
    colours = [class_colour(event.label, labels) for event in events]
    figure.add_bar(
        x=[event.end_s - event.start_s for event in events],
        base=[event.start_s for event in events],
        y=lanes,
        orientation="h",
        width=0.86,
        marker={
            "color": [bar for bar, _ in colours],
            "opacity": [0.45 + 0.55 * event.mean for event in events],
            "line": {"width": 0},
        },
        text=[shown(event.label) for event in events],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="inside",
        textfont={"color": [text for _, text in colours], "size": 12},
        customdata=[[shown(event.label), event.peak, event.start_s, event.end_s] for event in events],
        hovertemplate="%{customdata[0]}, peak %{customdata[1]:.0%}<br>%{customdata[2]:.2f} – %{customdata[3]:.2f} s"
        "<extra>event</extra>",
        row=row,
        col=1,
    )
    figure.update_yaxes(
        title_text="events", range=[-0.5, max(lanes, default=0) + 0.5], showticklabels=False, fixedrange=True,
        showgrid=False, zeroline=False, row=row, col=1,
    )  # fmt: skip


def _lanes(events: Sequence[Event]) -> list[int]:
    """Give each event, in order of its start, the lowest lane that is free."""
    ends: list[float] = []
    lanes = []
    for event in events:
        lane = next((i for i, end_s in enumerate(ends) if end_s <= event.start_s), len(ends))
        ends[lane : lane + 1] = [event.end_s]
        lanes.append(lane)
    return lanes


def _segment_name(segment: SegmentPrediction, probability: float) -> str:
    if segment.silent:
        return "silent"
    name = f"{shown(segment.label)} {probability:.0%}"
    return f"none; {name}" if segment.known is False else name


def _standing(segment: SegmentPrediction) -> str:
    if segment.silent:
        return "<br>silent"
    if segment.strangeness is None:
        return ""
    told = "of no known class, " if segment.known is False else ""
    return f"<br>{told}stranger than {segment.strangeness:.0%} of known segments"


def _add_waveform(figure: Figure, samples: np.ndarray, rate_hz: int, start_s: float, row: int) -> None:
    times_s, low, high = envelope(samples, rate_hz)
    figure.add_scatter(
        x=np.repeat(start_s + times_s, 2).astype(np.float32),
        y=np.stack([low, high], axis=1).ravel().astype(np.float32),
        mode="lines",
        line={"color": NEUTRAL, "width": 1},
        hoverinfo="skip",
        row=row,
        col=1,
    )
    peak = max(float(np.abs(samples).max()), 1e-6)
    figure.update_yaxes(
        title_text="waveform", range=[-1.05 * peak, 1.05 * peak], nticks=3, showgrid=False, fixedrange=True,
        row=row, col=1,
    )  # fmt: skip


def _add_spectrogram(figure: Figure, prediction: Prediction, view: ClipView, row: int) -> None:
    trace = spectrogram_trace(prediction, view)
    trace.colorbar = colour_bar(length=0.46, middle=0.47)
    figure.add_trace(trace, row=row, col=1)
    figure.update_yaxes(frequency_axis(prediction), row=row, col=1)
    if prediction.n_known_bands < len(prediction.centres_hz):
        figure.add_hline(
            y=prediction.n_known_bands - 0.5, line={"color": "white", "width": 1, "dash": "dot"}, row=row, col=1
        )
    if prediction.attention is not None:
        _add_veil(figure, prediction, row, opacity=float(view.overlay))


def spectrogram_trace(prediction: Prediction, view: ClipView) -> go.Heatmap:
    """Spectrogram of a clip over seconds, without a colour bar; its y axis is `frequency_axis`."""
    times_s, spectrogram = reduced(prediction.times_s, prediction.spectrogram, np.maximum)
    return go.Heatmap(
        x=times_s.astype(np.float32),
        y=[f"{hz:.0f} Hz" if hz < 1000 else f"{hz / 1000:.2f} kHz" for hz in prediction.centres_hz],
        name=SPECTROGRAM,
        z=np.rint(spectrogram).astype(np.int8),  # whole decibels: an eighth of the bytes
        zmin=view.low_db,
        zmax=view.high_db,
        colorscale=MAGMA,
        hovertemplate="%{x:.2f} s, %{y}: %{z} dB<extra></extra>",
    )


def frequency_axis(prediction: Prediction) -> dict:
    """Set up a spectrogram's y axis: one category a band, labelled at round frequencies."""
    n_bands = len(prediction.centres_hz)
    ticks = [hz for hz in TICKS_HZ if prediction.centres_hz[0] <= hz <= prediction.centres_hz[-1]]
    return {
        "title": {"text": "frequency (Hz)"},
        "type": "category",
        "range": [-0.5, n_bands - 0.5],
        "tickvals": np.interp(ticks, prediction.centres_hz, np.arange(n_bands)).tolist(),
        "ticktext": [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in ticks],
        "showgrid": False,
        "fixedrange": True,
    }


def colour_bar(length: float, middle: float) -> dict:
    """Set up a bar of decibels to the right: its length and middle as parts of the figure's height."""
    return {"title": {"text": "dB", "side": "top"}, "len": length, "y": middle, "thickness": 10, "x": 1.005}


def _add_veil(figure: Figure, prediction: Prediction, row: int, opacity: float) -> None:
    """Grey the spectrogram where attention is below its largest, and draw the attention over it."""
    times_s, relative = reduced(prediction.times_s, prediction.attention.relative[None], np.maximum)
    beneath = f"y{row}"
    figure.add_trace(
        go.Heatmap(
            x=times_s.astype(np.float32),
            y=[0.5],
            dy=1,
            z=np.rint(100 * relative).astype(np.int8),
            zmin=0,
            zmax=100,
            colorscale=[[0, "rgba(128,128,128,0.85)"], [1, "rgba(128,128,128,0)"]],
            showscale=False,
            opacity=opacity,
            name=VEIL,
            hoverinfo="skip",
            xaxis=f"x{row}",
            yaxis="y9",
        )
    )
    figure.add_scatter(
        x=times_s.astype(np.float32),
        y=0.98 * relative[0].astype(np.float32),
        mode="lines",
        line={"color": "white", "width": 1.5, "shape": "hvh"},
        opacity=opacity,
        name=VEIL,
        hoverinfo="skip",
        xaxis=f"x{row}",
        yaxis="y9",
    )
    # An axis of its own: the spectrogram's is one of categories.
    figure.update_layout(yaxis9={"overlaying": beneath, "range": [0, 1], "visible": False, "fixedrange": True})


def _add_attention(figure: Figure, prediction: Prediction, row: int) -> None:
    attention = prediction.attention
    times_s, weights = reduced(attention.times_s, attention.weights[None], np.maximum)
    figure.add_scatter(
        x=times_s.astype(np.float32),
        y=weights[0].astype(np.float32),
        mode="lines",
        line={"color": VERMILION, "width": 2, "shape": "hvh"},
        fill="tozeroy",
        fillcolor="rgba(213,94,0,0.22)",
        hovertemplate="%{x:.2f} s: weight %{y:.4f}<extra></extra>",
        row=row,
        col=1,
    )
    if prediction.frame_known is not None and not prediction.frame_known.all():
        _fade(figure, prediction, row)
    if not attention.placement.endswith("sigmoid"):
        figure.add_hline(
            y=1 / attention.segment_weights.shape[1],
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
            row=row,
            col=1,
        )
        figure.add_annotation(
            text="even", x=1, xref="x domain", y=1 / attention.segment_weights.shape[1], xanchor="left",
            showarrow=False, font={"size": 11, "color": NEUTRAL}, row=row, col=1,
        )  # fmt: skip
    figure.update_yaxes(
        title_text=f"attention at {attention.placement.split('-')[0]}", rangemode="tozero", fixedrange=True, nticks=5,
        row=row, col=1,
    )  # fmt: skip


def _fade(figure: Figure, prediction: Prediction, row: int) -> None:
    """Lay grey over the attention where no known class was heard: what it attends to there means little."""
    times_s, known = reduced(prediction.times_s, prediction.frame_known[None], np.maximum)
    height = 1.05 * float(prediction.attention.weights.max())
    figure.add_scatter(
        x=times_s.astype(np.float32),
        y=np.where(known[0], 0, height).astype(np.float32),
        mode="lines",
        line={"width": 0, "shape": "hvh"},
        fill="tozeroy",
        fillcolor="rgba(138,143,152,0.45)",
        hoverinfo="skip",
        row=row,
        col=1,
    )
