"""Accuracy against signal-to-noise ratio: a panel a noise, a line a setting."""

from collections.abc import Sequence
from textwrap import wrap

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from acrnn.audio.degradations import NOISES, SNRS_DB
from acrnn.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, PURPLE, SKY, VERMILION, Figure
from acrnn.labels import CLASSES
from acrnn.measures.robustness import CLEAN
from acrnn.results.studies import RobustnessResult

MARKS = (
    (BLUE, "circle"), (VERMILION, "diamond"), (GREEN, "square"), (ORANGE, "x"), (PURPLE, "cross"), (SKY, "star"),
)  # fmt: skip
"""Colour and symbol of each setting; of more than six, the line is dashed another way."""
DASHES = ("solid", "dash", "dot")
LEVELS = (CLEAN, *(f"{snr} dB".replace("-", "−") for snr in SNRS_DB))
MOST_BARS = 5  # lines; the intervals of more would hide each other, and stand in the tables and under the pointer
DODGE = 0.07  # of the step between two ratios, so that intervals do not hide each other


def snr_figure(studies: Sequence[RobustnessResult]) -> Figure:
    """Draw the accuracy of each setting, clean and at each ratio; chance is a dotted line.

    Intervals are 95%; of more than `MOST_BARS` settings only the pointer shows them.

    Parameters
    ----------
    studies : sequence of RobustnessResult
        All of one dataset; at least one.
    """
    titles = ["<br>".join(wrap(name, 22)) for name in NOISES.values()]  # beside each other on a phone
    figure = make_subplots(
        2,
        2,
        shared_xaxes=True,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.04,
        vertical_spacing=0.13,
    )
    for panel, kind in enumerate(NOISES):
        place = {"row": 1 + panel // 2, "col": 1 + panel % 2}
        for number, study in enumerate(studies):
            _add_line(figure, study, kind, number, len(studies), is_first=panel == 0, place=place)
        figure.add_hline(100 / len(CLASSES[studies[0].dataset]), line={"color": NEUTRAL, "dash": "dot"}, **place)
    ticks = {"tickvals": list(range(len(LEVELS))), "ticktext": list(LEVELS), "fixedrange": True, "zeroline": False}
    figure.update_xaxes(range=[-0.4, len(LEVELS) - 0.6], **ticks)
    figure.update_yaxes(range=[0, 102], ticksuffix="%", fixedrange=True)
    figure.update_annotations(font_size=13)
    figure.update_layout(
        height=600,
        margin={"l": 4, "r": 8, "t": 84, "b": 30},
        legend={"orientation": "h", "y": 1.09, "yanchor": "bottom", "x": 0, "xanchor": "left"},
    )
    return figure


def _add_line(
    figure: Figure,
    study: RobustnessResult,
    kind: str,
    number: int,
    n_studies: int,
    *,
    is_first: bool,
    place: dict[str, int],
) -> None:
    told = [study.under(CLEAN), *(study.under(f"{kind}={snr}") for snr in SNRS_DB)]
    at = [x for x, summary in enumerate(told) if summary["n"]]
    told = [told[x] for x in at]
    colour, symbol = MARKS[number % len(MARKS)]
    share = [100 * summary["accuracy"] for summary in told]
    figure.add_trace(
        go.Scatter(
            x=[x + DODGE * (number - (n_studies - 1) / 2) for x in at],
            y=share,
            mode="lines+markers",
            name=study.title,
            legendgroup=study.title,
            showlegend=is_first,
            line={"color": colour, "width": 2, "dash": DASHES[number // len(MARKS) % len(DASHES)]},
            marker={"color": colour, "symbol": symbol, "size": 8},
            error_y={
                "type": "data",
                "array": [100 * s["interval"][1] - y for s, y in zip(told, share, strict=True)],
                "arrayminus": [y - 100 * s["interval"][0] for s, y in zip(told, share, strict=True)],
                "color": colour,
                "thickness": 1.2,
                "width": 3,
                "visible": n_studies <= MOST_BARS,
            },
            customdata=[
                f"{LEVELS[x]}: {s['accuracy']:.1%} ({s['n_correct']} of {s['n']}; "
                f"{s['interval'][0]:.1%} to {s['interval'][1]:.1%})"
                for x, s in zip(at, told, strict=True)
            ],
            hovertemplate="%{customdata}",
        ),
        **place,
    )
