"""Buttons that download what a page shows."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from acrnn.figures import Figure
from acrnn.inference import Prediction
from acrnn.report.table import csv_text
from acrnn.web.shared.downloads import download


def buttons(prediction: Prediction, draw: Callable[[], Figure]) -> None:
    """Attention as CSV, prediction as JSON and the figure as HTML that needs nothing else, drawn when it is asked."""
    stem = f"{Path(prediction.name).stem}-{prediction.checkpoint}"
    with st.container(horizontal=True, key="exports"):
        if prediction.attention is not None:
            download("Attention (CSV)", attention_csv(prediction), f"{stem}-attention.csv")
        download("Prediction (JSON)", lambda: json.dumps(prediction.as_dict(), indent=1), f"{stem}.json")
        download("Figure (HTML)", lambda: draw().to_html(include_plotlyjs=True), f"{stem}.html")


def attention_csv(prediction: Prediction) -> str:
    """One line a frame: its centre in seconds and its weight."""
    attention = prediction.attention
    frame = pd.DataFrame({"time_s": attention.times_s, "weight": attention.weights})
    return csv_text(frame.assign(time_s=frame["time_s"].map("{:.6f}".format)), float_format="%.8f")
