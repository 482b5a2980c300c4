"""What the Results page shows of noise, damage and known events."""

from collections.abc import Iterable

import streamlit as st

from acrnn.audio.degradations import KINDS, NOISES
from acrnn.data import TITLES
from acrnn.figures.robustness import snr_figure
from acrnn.measures import localisation, robustness
from acrnn.measures.robustness import CLEAN
from acrnn.paths import result_files
from acrnn.report.study_tables import (
    LOCALISATION_READING,
    LOCALISATION_TITLE,
    ROBUSTNESS_TITLE,
    SCENE_TITLES,
    attention_lines,
    kind_lines,
    localisation_frame,
    localisation_lines,
    robustness_frame,
    rows_of,
)
from acrnn.report.tables import NOT_RUN
from acrnn.results.measured import FOLDERS, Measured, load_measured
from acrnn.web.results.tables import NO_BAR, csv_button, show_table


@st.cache_resource(show_spinner=False, max_entries=2)  # summaries are kept with what they are of
def _measured(versions: tuple) -> Measured:
    return load_measured()


def known_measured() -> Measured:
    """Read what was measured once a process, as long as no file changes.

    Raises
    ------
    RunError
        If a file is not what the commands write.
    """
    paths = [path for kind in FOLDERS for path in result_files(kind)]
    return _measured(tuple((str(path), path.stat().st_mtime_ns) for path in paths))


def show_robustness(dataset: str, measured: Measured) -> None:
    """Draw accuracy against noise; tables of one kind of noise or damage and of where attention goes; a CSV of all."""
    st.header(ROBUSTNESS_TITLE, anchor="noise")
    st.caption(robustness.PROTOCOL)
    probes = [probe for _, of_placement in rows_of(measured.robustness, dataset) for probe in of_placement]
    if probes:
        st.plotly_chart(
            snr_figure(probes), key="snr", config=NO_BAR,
            alt=f"Accuracy on {TITLES[dataset]} against the signal-to-noise ratio; the tables below have the numbers",
        )  # fmt: skip
    titles = {name: kind.title for name, kind in KINDS.items()}
    kind = st.pills(
        "Noise or damage", list(titles), format_func=titles.get, default="white", required=True, key="damage",
        bind="query-params",
    )  # fmt: skip
    show_table(_grey(kind_lines(measured.robustness, dataset, kind), CLEAN), "Noise or damage")
    if kind in NOISES and (lines := attention_lines(probes, dataset, [kind])):
        st.markdown(
            f"Where attention lies under {NOISES[kind]}: its share on the frames where the clean clip sounds, how "
            "much of that it loses, and the rank correlation with the attention to the clean clip."
        )
        show_table([{name: cell for name, cell in line.items() if name != "noise"} for line in lines], "Attention")
    if measured.robustness:
        csv_button("Robustness", robustness_frame(measured.robustness))


def show_localisation(dataset: str, measured: Measured) -> None:
    """Draw the table of placement × scaling against one kind of known events; a CSV of all."""
    st.header(LOCALISATION_TITLE, anchor="known-events")
    st.caption(localisation.PROTOCOL)
    st.markdown(LOCALISATION_READING)
    kind = st.segmented_control(
        "Events", list(SCENE_TITLES), format_func=SCENE_TITLES.get, default="background", required=True,
        key="scene", bind="query-params",
    )  # fmt: skip
    show_table(_grey(localisation_lines(measured.localisation, dataset, [kind]), "event"), "Known events")
    if measured.localisation:
        csv_button("Known events", localisation_frame(measured.localisation))


def _grey(lines: Iterable[dict[str, str]], column: str) -> list[dict[str, str]]:
    """Lines of which `column` says in grey what was not run."""
    return [line | {column: f":gray[{NOT_RUN}]"} if line[column] == NOT_RUN else line for line in lines]
