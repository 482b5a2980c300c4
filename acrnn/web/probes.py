"""What the Results page shows of noise, damage and known events."""

from collections.abc import Sequence

import streamlit as st

from acrnn.data import TITLES
from acrnn.evaluation import localisation, robustness
from acrnn.evaluation.measured import FOLDERS, Measured, load_measured
from acrnn.evaluation.probe_tables import (
    LOCALISATION_READING,
    LOCALISATION_TITLE,
    ROBUSTNESS_TITLE,
    attention_lines,
    damage_lines,
    localisation_frame,
    localisation_lines,
    noise_lines,
    robustness_frame,
)
from acrnn.evaluation.results import results_root
from acrnn.evaluation.tables import NOT_RUN
from acrnn.figures.robustness import snr_figure
from acrnn.web.results import NO_BAR, csv_button, show_table


@st.cache_resource(show_spinner=False, max_entries=2)  # summaries are kept with what they are of
def _measured(folder: str, versions: tuple) -> Measured:
    return load_measured()


def known_measured() -> Measured:
    """Read what was measured once a process, as long as no file changes.

    Raises
    ------
    RunError
        If a file is not what the commands write.
    """
    paths = [path for kind in FOLDERS for path in sorted((results_root() / kind).glob("*.json"))]
    return _measured(str(results_root()), tuple((str(path), path.stat().st_mtime_ns) for path in paths))


def show_robustness(dataset: str, measured: Measured) -> None:
    """Draw accuracy against noise, and tables of every condition and of where attention goes, with a CSV."""
    st.header(ROBUSTNESS_TITLE, anchor="noise")
    st.caption(robustness.PROTOCOL)
    probes = [probe for probe in measured.robustness if probe.dataset == dataset]
    if probes:
        st.plotly_chart(
            snr_figure(probes), key="snr", config=NO_BAR,
            alt=f"Accuracy on {TITLES[dataset]} against the signal-to-noise ratio; the table below has the numbers",
        )  # fmt: skip
    _show(noise_lines(measured.robustness, dataset), "Noise", "noise")
    if probes:
        show_table(damage_lines(probes, dataset), "Damage")
    if lines := attention_lines(probes, dataset):
        st.markdown(
            "Where attention lies: its share on the frames where the clean clip sounds, how much of that it loses, and "
            "the rank correlation with the attention to the clean clip."
        )
        show_table(lines, "Attention under noise")
    if measured.robustness:
        csv_button("Robustness", robustness_frame(measured.robustness))


def show_localisation(dataset: str, measured: Measured) -> None:
    """Draw the table of placement × scaling against known events, with a CSV."""
    st.header(LOCALISATION_TITLE, anchor="known-events")
    st.caption(localisation.PROTOCOL)
    st.markdown(LOCALISATION_READING)
    _show(localisation_lines(measured.localisation, dataset), "Known events", "event")
    if measured.localisation:
        csv_button("Known events", localisation_frame(measured.localisation))


def _show(lines: Sequence[dict[str, str]], name: str, column: str) -> None:
    """Draw a table in which `column` says what was not run, in grey."""
    show_table([line | {column: f":gray[{NOT_RUN}]"} if line[column] == NOT_RUN else line for line in lines], name)
