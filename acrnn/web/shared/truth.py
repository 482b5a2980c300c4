"""True events, as a listener wrote them down elsewhere, beside those that the network found."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import pandas as pd
import streamlit as st

from acrnn.errors import OptionError
from acrnn.events import Event
from acrnn.events.formats import parse_events
from acrnn.events.score import overlapping, tell_found
from acrnn.labels import pretty
from acrnn.web.shared.words import named, plain, sentence_of

FOUND, MISSED, FALSE_ALARM = "found", "missed", "false alarm"


def compare_panel(found: Sequence[Event], name: str, labels: Sequence[str]) -> None:
    """Let a file of true events be uploaded, and say which of them were found and what was found beside them.

    Parameters
    ----------
    found : sequence of Event
    name : str
        Of the recording, as files of several recordings name it.
    labels : sequence of str
        The network's classes; events of others are left out, and named.
    """
    with st.expander("Compare with true events", icon=":material/fact_check:"):
        file = st.file_uploader(
            "Audacity labels, a Raven selection table, CSV or JSON", type=["txt", "tsv", "csv", "json"], key="truth",
            max_upload_size=8,
            help="Audacity: File, Export, Labels. Raven: the selection table. CSV has the columns start_s, end_s and "
            "label, as this page saves them.",
        )  # fmt: skip
        if file is None:
            return
        try:
            true, unknown = true_events(file.getvalue(), file.name, name, labels)
        except OptionError as error:
            st.error(sentence_of(error))
            return
        if unknown:
            told = ", ".join(named(label) for label in unknown[:5]) + (" and others" if len(unknown) > 5 else "")
            st.caption(f"Left out, as this network has no such class: {told}.")
        missed, false = overlapping(found, true)
        st.markdown(f"**{tell_found(len(true) - len(missed), len(true), len(false))}**")
        if true or found:
            st.dataframe(
                outcomes(found, true), hide_index=True, height="auto",
                column_config={name: st.column_config.NumberColumn(format="%.2f") for name in ("start (s)", "end (s)")},
                alt="True events that were found or missed, and false alarms",
            )  # fmt: skip
        st.caption("An event is found if one of its class overlaps it, however little.")


def true_events(
    content: bytes, file_name: str, name: str, labels: Sequence[str]
) -> tuple[list[Event], tuple[str, ...]]:
    """Read the true events of one recording.

    Returns
    -------
    list of Event, tuple of str
        Those of the network's classes, and the labels of the others. Case and spaces of a label do not matter.

    Raises
    ------
    OptionError
        If it is no file of events, or of other recordings than this one.
    """
    rows = parse_events(content, file_name)
    paths = {row.path for row in rows if row.path}
    if len(paths) > 1:
        wanted = PurePath(name).stem
        rows = [row for row in rows if PurePath(row.path.replace("\\", "/")).stem == wanted]
        if not rows:
            raise OptionError(f"{file_name} has events of {len(paths)} recordings, and none of them is called {name}.")
    by_word = {_word(label): label for label in labels}
    known = [
        replace(row.event, label=by_word[_word(row.event.label)]) for row in rows if _word(row.event.label) in by_word
    ]
    unknown = dict.fromkeys(row.event.label for row in rows if _word(row.event.label) not in by_word)
    return known, tuple(unknown)


def outcomes(found: Sequence[Event], true: Sequence[Event]) -> pd.DataFrame:
    """Give a row for each true event, found or missed, and for each false alarm, in order of time."""
    missed, false = overlapping(found, true)
    unmet = {id(event) for event in missed}
    rows = [(event, MISSED if id(event) in unmet else FOUND) for event in true]
    rows += [(event, FALSE_ALARM) for event in false]
    rows.sort(key=lambda row: (row[0].start_s, row[0].end_s))
    return pd.DataFrame(
        {
            "start (s)": [event.start_s for event, _ in rows],
            "end (s)": [event.end_s for event, _ in rows],
            "class": [plain(pretty(event.label)) for event, _ in rows],
            "outcome": [outcome for _, outcome in rows],
        }
    )


def _word(label: str) -> str:
    return "_".join(label.lower().replace("_", " ").split())
