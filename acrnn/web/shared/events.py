"""The events of a long recording: a table to click, to filter and to walk through with keys, and their files."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import streamlit as st

from acrnn.events import LEAST_S, Event, EventSettings
from acrnn.events.formats import SUFFIXES, write_text
from acrnn.inference import Prediction
from acrnn.labels import pretty
from acrnn.web.shared.analysis import Analysis
from acrnn.web.shared.downloads import download
from acrnn.web.shared.player import Stretch
from acrnn.web.shared.truth import compare_panel
from acrnn.web.shared.words import named

CONTEXT_S = 3.0
"""Shown before and after an event that is zoomed to."""
LOOP, ZOOM = "Loop", "Zoom"
FORMATS = {"csv": "CSV", "audacity": "Audacity labels", "raven": "Raven selections", "json": "JSON"}


def has_events(prediction: Prediction) -> bool:
    """Whether a recording is long enough to have events."""
    return prediction.duration_s >= LEAST_S


def headline(events: list[Event], n_named: int = 3) -> str:
    """Say in a few words what sounds in a long recording: the classes with most events."""
    if not events:
        return "No event found"
    counts = Counter(event.label for event in events).most_common()
    told = ", ".join(f"{n} × {named(label)}" for label, n in counts[:n_named])
    n_others = len(counts) - n_named
    return told + (f" and {n_others} more class{'es' if n_others > 1 else ''}" if n_others > 0 else "")


def choose_settings(labels: tuple[str, ...]) -> EventSettings:
    """Widgets for what makes an event."""
    usual = EventSettings()
    with st.popover("What counts as an event", icon=":material/tune:"):
        onset = st.slider(
            "Least probability", 0.1, 0.95, usual.onset, 0.05, key="onset",
            help="The mean probability of the windows over some moment of an event. Lower finds more, and more that is "
            "not there.",
        )  # fmt: skip
        gap = st.slider("Pauses that are closed (s)", 0.0, 5.0, usual.min_gap_s, 0.25, key="gap")
        length = st.slider("Shortest event (s)", 0.0, 2.0, usual.min_length_s, 0.1, key="shortest")
        smoothing = st.select_slider("Running median (windows)", (1, 3, 5, 7), usual.smoothing, key="smoothing")
        classes = st.multiselect("Classes", labels, format_func=pretty, key="eventclasses", placeholder="all")
    return replace(
        usual, onset=onset, offset=min(usual.offset, onset), min_gap_s=gap, min_length_s=length, smoothing=smoothing,
        classes=tuple(classes) or None,
    )  # fmt: skip


def choose_span(prediction: Prediction, events: list[Event]) -> tuple[float, float] | None:
    """Choose the stretch that is drawn: all, or an event and what is around it."""
    chosen = _chosen(events)
    if chosen is None or ZOOM not in _how():
        return None
    return max(chosen.start_s - CONTEXT_S, 0.0), min(chosen.end_s + CONTEXT_S, prediction.duration_s)


def stretch(events: list[Event]) -> Stretch | None:
    """Give the event that is to be played, if one was chosen."""
    chosen = _chosen(events)
    if chosen is None:
        return None
    return Stretch(chosen.start_s, chosen.end_s, LOOP in _how(), st.session_state["event_asked"])


def _how() -> list[str]:
    return st.session_state.get("event_how") or []


def _chosen(events: list[Event]) -> Event | None:
    at = st.session_state.get("event")
    return events[at] if at is not None and at < len(events) else None


def forget(clip: str, settings: EventSettings) -> None:
    """Let go of the chosen event if the recording or the settings are others."""
    if st.session_state.get("events_of") != (clip, settings):
        st.session_state["events_of"] = (clip, settings)
        st.session_state.pop("event", None)


def show_events(events: list[Event], analysis: Analysis, stem: str) -> None:
    """Draw the events below the picture, with ways to walk through them and to save them."""
    if not events:
        st.info("No event passes these settings; a lower least probability finds more.", icon=":material/search_off:")
        compare_panel(events, analysis.prediction.name, analysis.prediction.labels)
        return
    at = st.session_state.get("event")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(events)} event{'s' if len(events) > 1 else ''}**")
        before, after = (0, 0) if at is None else (at - 1, at + 1)
        st.button("Previous", shortcut="p", disabled=at is None or before < 0, on_click=_choose, args=(before,))
        st.button("Next", shortcut="n", disabled=after >= len(events), on_click=_choose, args=(after,))
        st.pills(
            "The chosen event", [LOOP, ZOOM], selection_mode="multi", key="event_how", label_visibility="collapsed",
            help="Loop plays it over and over, Zoom draws it in full detail.",
        )  # fmt: skip
    table = pd.DataFrame(
        {
            "start (s)": [event.start_s for event in events],
            "end (s)": [event.end_s for event in events],
            "class": [pretty(event.label) for event in events],
            "peak": [100 * event.peak for event in events],
            "mean": [100 * event.mean for event in events],
        },
        index=pd.RangeIndex(1, len(events) + 1, name="event"),
    )
    share = st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
    seconds = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        table, key="event_table", on_select=_cell_clicked, selection_mode="single-cell", height="auto",
        column_config={"start (s)": seconds, "end (s)": seconds, "peak": share, "mean": share},
        alt="Events: start, end, class, and the peak and mean of their probability",
    )  # fmt: skip
    st.caption(
        "Click a row to play it; the keys N and P walk through the rows. Probabilities are calibrated where the "
        "checkpoint is. The Results page says how often such events are right."
    )
    with st.container(horizontal=True):
        top_hz = analysis.rate_hz / 2
        for form, title in FORMATS.items():
            text = write_text([(analysis.prediction.name, events)], form, top_hz)
            download(f"Events ({title})", text, f"{stem}-events{SUFFIXES[form]}", key=f"events_{form}")
    compare_panel(events, analysis.prediction.name, analysis.prediction.labels)


def _choose(at: int) -> None:
    st.session_state["event"] = at
    st.session_state["event_asked"] = st.session_state.get("event_asked", 0) + 1


def _cell_clicked() -> None:
    cells = st.session_state["event_table"]["selection"]["cells"]
    if cells:
        _choose(cells[0][0])
