"""What the Results page shows: the paper's tables beside ours, with links to what each number was measured on."""

from collections.abc import Sequence
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.data import TITLES
from acrnn.figures.results import accuracy_figure
from acrnn.labels import CLASSES
from acrnn.report.document import ABLATING, ABLATION_TITLE, PAIRING, PAIRING_TITLE
from acrnn.report.tables import (
    NOT_RUN,
    QUOTED,
    Row,
    accuracy_frame,
    checkpoint_frame,
    checkpoints_of,
    cost_frame,
    is_cross_validated,
    rows_of,
    tell_accuracy,
    tell_count,
    tell_difference,
    tell_paper,
    tell_run,
)
from acrnn.results import paper
from acrnn.results.measured import Measured
from acrnn.results.paired import ablation_cells, ablation_frame, pairing_cells, pairing_frame
from acrnn.results.paper import QuotedTable
from acrnn.results.settings import Setting
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.words import plain

NO_BAR = {"displayModeBar": False}
STYLE = """<style>
[class*="st-key-cells_"] :is(td, th) { min-width: 5.5rem }
[class*="st-key-cells_"] td:first-child { min-width: 9.5rem }
[class*="st-key-cells_table_"] td:last-child { min-width: 13rem }
@media (min-width: 900px) {
  [class*="st-key-cells_"] td :is(p, a, span, strong) { white-space: nowrap }
  [class*="st-key-cells_table_"] td:last-child :is(p, a, span, strong) { white-space: normal }
}
[class*="st-key-matrix_"] { overflow-x: auto }
.st-key-matrix_few > * { min-width: 22rem }
.st-key-matrix_many > * { min-width: 38rem }
</style>"""
"""Keeps tables and the matrix legible on a narrow screen, where they are scrolled sideways."""


@st.cache_data(show_spinner=False, max_entries=2)
def costs_of(n_classes: int) -> pd.DataFrame:
    """Count Table 2 once a process."""
    return cost_frame(n_classes)


def listen_link(checkpoint: Checkpoint) -> str:
    """Address of the Listen page with this checkpoint chosen, relative to another page's."""
    return f"./?{urlencode(listen_query(checkpoint))}"


def confusions_link(setting: Setting) -> str:
    """Address of the Confusions page with this setting chosen, relative to another page's."""
    return f"confusions?{urlencode({'setting': setting.name})}"


def describe_coverage(dataset: str, settings: Sequence[Setting]) -> str:
    """Say how many rows of Tables 3 and 4 were run, and how many of them over all five folds."""
    told = []
    for table in (paper.TABLE_3, paper.TABLE_4):
        rows = rows_of(table, dataset, settings)
        whole = sum(bool(row.settings) and is_cross_validated(row.settings[0]) for row in rows)
        run = sum(bool(row.settings) for row in rows)
        told.append(f"{run} of {len(rows)} rows of Table {table.number}, {whole or 'none'} over all five folds")
    return f"Run on {TITLES[dataset]}: {'; '.join(told)}."


def accuracy_section(
    table: QuotedTable, dataset: str, settings: Sequence[Setting], checkpoints: Sequence[Checkpoint]
) -> None:
    """Draw an accuracy table of the paper beside ours: marks, numbers with links, and a CSV of both datasets."""
    rows = rows_of(table, dataset, settings)
    st.header(table.title, anchor=f"table-{table.number}")
    st.caption(f"“{table.caption}”")
    st.plotly_chart(
        accuracy_figure(rows),
        key=f"table{table.number}",
        alt=f"Accuracies of Table {table.number} on {TITLES[dataset]}, the paper's and ours; the table below has them",
        config=NO_BAR,
    )
    show_table([cells for row in rows for cells in _cells(table, row, checkpoints)], f"Table {table.number}")
    both = pd.concat([accuracy_frame(rows_of(table, name, settings)) for name in CLASSES])
    csv_button(f"Table {table.number}", both)


def _cells(table: QuotedTable, row: Row, checkpoints: Sequence[Checkpoint]) -> list[dict[str, str]]:
    quoted = {table.column: plain(row.model), "paper": tell_paper(row.paper_percent)}
    if not row.settings:
        told = NOT_RUN if row.variant else QUOTED
        return [
            quoted
            | {"ours (95 % interval)": f":gray[{told}]", "difference (points)": "", "look": "", "what was run": ""}
        ]
    return [
        quoted
        | {
            "ours (95 % interval)": f"**{tell_accuracy(setting)}**",
            "difference (points)": tell_difference(row, setting),
            "look": links(setting, checkpoints),
            "what was run": tell_run(setting),
        }
        for setting in row.settings
    ]


def links(setting: Setting, checkpoints: Sequence[Checkpoint]) -> str:
    """Markdown links to a setting's confusion matrix and to the checkpoints that it was measured on."""
    of_setting = checkpoints_of(setting, checkpoints)
    listen = " ".join(f"[{c.config.fold}]({listen_link(c)})" for c in of_setting)
    told = f"listen with fold {listen}" if listen else ":gray[no checkpoint published]"
    return f"[confusions]({confusions_link(setting)}), {told}"


def show_table(lines: Sequence[dict[str, str]], name: str) -> None:
    """Draw cells of Markdown as a table that a screen reader can read; a narrow screen scrolls it sideways."""
    with st.container(key=f"cells_{name.lower().replace(' ', '_')}"):
        st.table(pd.DataFrame(lines), border="horizontal", hide_index=True, alt=name)


def csv_button(name: str, frame: pd.DataFrame) -> None:
    """Offer a table as CSV."""
    st.download_button(
        f"{name} (CSV)", frame.to_csv(index=False, float_format="%.4f"), f"{name.lower().replace(' ', '')}.csv",
        "text/csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def cost_table(frame: pd.DataFrame) -> None:
    """Draw Table 2 beside true counts, and offer its CSV; `frame` is of `cost_frame`."""
    lines = [
        {
            "Model": plain(row.model),
            "parameters, printed (M)": tell_count(row.paper_parameters_m),
            "parameters": tell_count(row.parameters),
            "FLOPs, printed (M)": tell_count(row.paper_flops_m),
            "FLOPs by the paper's counting": tell_count(row.paper_counting),
            "multiply-accumulates a segment": tell_count(row.multiply_accumulates),
        }
        for row in frame.itertuples()
    ]
    show_table(lines, "Table 2")
    csv_button("Table 2", frame)


def pairing_section(dataset: str, settings: Sequence[Setting]) -> None:
    """Show each placement of attention paired with the network without, where both had the same training."""
    st.subheader(PAIRING_TITLE, anchor="pairs")
    st.markdown(PAIRING)
    frame = pairing_frame([setting for setting in settings if setting.dataset == dataset])
    _show_cells(pairing_cells(frame), "Pairs", frame)


def ablation_section(dataset: str, measured: Measured) -> None:
    """Show what each ingredient of recipe `best` does, from inner validations."""
    st.header(ABLATION_TITLE, anchor="ablation")
    st.markdown(ABLATING)
    frame = ablation_frame([setting for setting in measured.ablation if setting.dataset == dataset])
    _show_cells(ablation_cells(frame), "Ablation", frame)


def _show_cells(lines: Sequence[dict[str, str]], name: str, frame: pd.DataFrame) -> None:
    if not lines:
        st.markdown(f":gray[{NOT_RUN}]")
        return
    show_table(lines, name)
    csv_button(name, frame)


def checkpoint_table(checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the published checkpoints with links to Listen, and offer their CSV."""
    frame = checkpoint_frame(checkpoints)
    link_of = {checkpoint.name: listen_link(checkpoint) for checkpoint in checkpoints}
    lines = [
        {
            "checkpoint": f"[{row.name}]({link_of[row.name]})",
            "data": row.data,
            "held-out fold": str(row.fold),
            "epochs": str(row.epochs),
            "seed": str(row.seed),
            "accuracy": f"{row.accuracy:.1%} ({row.n_correct} of {row.n_clips})",
            "95 % interval": f"{row.low:.1%} to {row.high:.1%}",
        }
        for row in frame.itertuples(index=False)
    ]
    show_table(lines, "Published checkpoints")
    csv_button("Checkpoints", frame)
