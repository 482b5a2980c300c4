"""The faithfulness of every placement on the Results page."""

from collections.abc import Sequence

import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.measures.faithfulness import FILLS, MEASURES
from acrnn.measures.faithfulness.study import PROTOCOL
from acrnn.report.faithfulness import READING, TITLE
from acrnn.report.tables import NOT_RUN
from acrnn.results.faithfulness import (
    COLUMNS,
    StudyResult,
    cells,
    faithfulness_frame,
    placement_rows,
    tell_verdict,
)
from acrnn.web.results.tables import csv_button, listen_link, show_table
from acrnn.web.shared.faithfulness import FILL_NAMES


def show_faithfulness(dataset: str, studies: Sequence[StudyResult], checkpoints: Sequence[Checkpoint]) -> None:
    """Draw a row a placement: attention's measure and its differences from the controls; what follows; a CSV of all."""
    st.header(TITLE, anchor="faithfulness")
    st.markdown(READING)
    left, right = st.columns(2)
    measure = left.segmented_control(
        "Measure", list(MEASURES), format_func=lambda name: MEASURES[name][0], default="comprehensiveness",
        required=True, key="measure", bind="query-params",
    )  # fmt: skip
    fill = right.segmented_control(
        "A removed frame becomes", list(FILLS), format_func=FILL_NAMES.get, default=FILLS[0], required=True,
        key="removed", bind="query-params",
    )  # fmt: skip
    link_of = {checkpoint.name: listen_link(checkpoint) for checkpoint in checkpoints}
    lines, verdicts = [], []
    for row in placement_rows(studies, dataset):
        name = row.placement.replace("-", " ")
        head = ["attention", "clips", MEASURES[measure][0], *COLUMNS.values(), "listen with"]
        if not row.studies:
            lines.append(dict.fromkeys(head, "") | {"attention": name, head[2]: f":gray[{NOT_RUN}]"})
        for study in row.studies:
            figures = cells(study, fill, measure)
            link = link_of.get(study.checkpoint)
            told = f"[fold {study.fold}]({link})" if link else f":gray[fold {study.fold}, not published]"
            values = [name, str(study.n_clips), f"**{figures[0]}**", *figures[1:], told]
            lines.append(dict(zip(head, values, strict=True)))
            verdicts.append(f"- Attention at {name} (`{study.checkpoint}`) {tell_verdict(study, fill, measure)}.")
    show_table(lines, "Faithfulness")
    st.markdown("\n".join(verdicts))  # too long for a cell, which would cut them off
    st.caption(PROTOCOL)
    if studies:
        csv_button("Faithfulness", faithfulness_frame(studies))
