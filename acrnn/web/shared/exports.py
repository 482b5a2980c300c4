"""Buttons that download what a page shows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.figures import ClipView
from acrnn.figures.finding import LONGEST_S, Finding, findings_html
from acrnn.inference import Prediction
from acrnn.report.sentences import tell_seen
from acrnn.report.table import csv_text
from acrnn.web.shared.analysis import Analysis, figure_of
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.downloads import download


@dataclass(frozen=True)
class Found:
    """A clip that a page shows, what a network makes of it, and what stands above it."""

    clip: ChosenClip
    analysis: Analysis
    checkpoint: Checkpoint
    title: str = ""


def buttons(found: Found, view: ClipView) -> None:
    """Save the finding as a page with its sound, attention as CSV, prediction as JSON, and the figure to zoom into."""
    analysis = found.analysis
    prediction = analysis.prediction
    stem = f"{Path(prediction.name).stem}-{prediction.checkpoint}"
    with st.container(horizontal=True, key="exports"):
        finding_button([found], view, f"{stem}-finding")
        if prediction.attention is not None:
            download("Attention (CSV)", attention_csv(prediction), f"{stem}-attention.csv")
        download("Prediction (JSON)", lambda: json.dumps(prediction.as_dict(), indent=1), f"{stem}.json")
        download(
            "Figure (HTML)", lambda: figure_of(analysis, view).to_html(include_plotlyjs=True), f"{stem}.html",
            help="The picture alone, to zoom into; about 5 MB.",
        )  # fmt: skip


def finding_button(found: Sequence[Found], view: ClipView, name: str) -> None:
    """Draw a button that saves clips as one page that needs no server: picture, sound, prediction and network."""
    longest_s = max(one.analysis.prediction.duration_s for one in found)
    is_too_long = longest_s > LONGEST_S
    download(
        "Finding (HTML)", lambda: findings_html([_finding(one, view) for one in found]), f"{name}.html",
        disabled=is_too_long, key=f"finding_{name}",
        help=f"The sound is inside, and {LONGEST_S / 60:.0f} minutes of it are the most." if is_too_long
        else "A page with picture, sound and prediction that opens anywhere, without this app and without internet.",
    )  # fmt: skip


def _finding(found: Found, view: ClipView) -> Finding:
    clip, prediction = found.clip, found.analysis.prediction
    seen = tell_seen(clip.fold, clip.fingerprint, found.checkpoint, clip.dataset)
    title = "" if found.title == prediction.name else found.title  # the name stands there anyway
    return Finding(prediction, found.analysis.samples, found.checkpoint, clip.truth, seen, title, view)


def attention_csv(prediction: Prediction) -> str:
    """One line a frame: its centre in seconds and its weight."""
    attention = prediction.attention
    frame = pd.DataFrame({"time_s": attention.times_s, "weight": attention.weights})
    return csv_text(frame.assign(time_s=frame["time_s"].map("{:.6f}".format)), float_format="%.8f")
