"""Buttons that download what a page shows."""

import csv
import io
import json
from pathlib import Path

import streamlit as st

from acrnn.figures import Figure
from acrnn.inference import Prediction


def buttons(prediction: Prediction, figure: Figure) -> None:
    """Attention as CSV, prediction as JSON and the figure as HTML that needs nothing else."""
    stem = f"{Path(prediction.name).stem}-{prediction.checkpoint}"
    with st.container(horizontal=True, key="exports"):
        if prediction.attention is not None:
            st.download_button(
                "Attention (CSV)", attention_csv(prediction), f"{stem}-attention.csv", "text/csv",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "Prediction (JSON)", lambda: json.dumps(prediction.as_dict(), indent=1), f"{stem}.json",
            "application/json", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Figure (HTML)", lambda: figure.to_html(include_plotlyjs=True), f"{stem}.html", "text/html",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def attention_csv(prediction: Prediction) -> str:
    """One line a frame: its centre in seconds and its weight."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time_s", "weight"])
    attention = prediction.attention
    for time_s, weight in zip(attention.times_s, attention.weights, strict=True):
        writer.writerow([f"{time_s:.6f}", f"{weight:.8f}"])
    return text.getvalue()
