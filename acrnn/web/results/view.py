"""What the Results page shows: the tables of `acrnn.report` with figures, links and choices."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from acrnn.audio.degradations import KINDS, NOISES
from acrnn.checkpoints import Checkpoint
from acrnn.data import TITLES
from acrnn.figures.confusion import FEW_CLASSES, matrix_figure, recall_figure
from acrnn.figures.results import accuracy_figure, recall_beside_paper
from acrnn.figures.robustness import snr_figure
from acrnn.labels import CLASSES
from acrnn.measures import localisation, robustness
from acrnn.measures.faithfulness import FILLS, MEASURES
from acrnn.measures.faithfulness.study import PROTOCOL as FAITHFULNESS_PROTOCOL
from acrnn.measures.maps.study import PROTOCOL as MAPS_PROTOCOL
from acrnn.report.table import Column, Table
from acrnn.report.tables import accuracy, confusion
from acrnn.report.tables import faithfulness as faithful
from acrnn.report.tables import localisation as located
from acrnn.report.tables import maps as mapped
from acrnn.report.tables import open_set as strange
from acrnn.report.tables import robustness as robust
from acrnn.report.tables.checkpoints import checkpoint_table
from acrnn.report.tables.costs import cost_table
from acrnn.report.tables.pairing import pairing_frame
from acrnn.report.tables.placements import ordered
from acrnn.report.texts import text
from acrnn.report.words import NOT_RUN
from acrnn.results import paper
from acrnn.results.collection import Results
from acrnn.results.paper import QuotedTable
from acrnn.results.published import checkpoints_of
from acrnn.results.settings import Setting
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.faithfulness import FILL_NAMES
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.tables import csv_button, show_table
from acrnn.web.shared.words import code, plain
from acrnn.web.shell import address

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


PARTS = {
    "tables": "The paper's tables", "attention": "Attention", "limits": "Noise, unknown sounds, events",
    "made": "Recipes and checkpoints",
}  # fmt: skip


def headline_cards(dataset: str, results: Results) -> None:
    """Draw the answer in a line: the paper's accuracy, ours by two recipes, and what attention changes."""
    row, mixed = (
        next(row for row in accuracy.reproduced_rows(table, dataset, results) if row.variant.placement == "l10")
        for table in (paper.TABLE_4, paper.TABLE_4_MIXED)
    )
    told = [("The paper: ACRNN, attention at l10", f"{row.paper_percent:.1f}%", "five folds, 300 epochs")]
    told += [_card(f"Ours, recipe {name}", one) for name, one in (("paper", row), ("mixed", mixed))]
    pairs = pairing_frame([setting for setting in results.settings if setting.dataset == dataset])
    at_l10 = [pair for pair in pairs.to_dict("records") if pair["placement"] == "l10"]
    told += [
        (
            "Ours: attention at l10 against none",
            f"{pair['points']:+.1f} points",
            f"{pair['low']:+.1f} to {pair['high']:+.1f}; {pair['clips']} clips, {pair['epochs']} epochs",
        )
        for pair in at_l10[:1]
    ]
    with st.container(horizontal=True, key="cards"):
        for title, figure, small in told:
            with st.container(border=True, width=260):
                st.metric(title, figure.replace("-", "−"))
                st.caption(small.replace("-", "−"))


def _card(title: str, row: accuracy.Row) -> tuple[str, str, str]:
    """Give a card's title, its figure, and the interval with what was run."""
    if not row.settings:
        return title, NOT_RUN, "–"
    setting = row.settings[0]
    figure, _, interval = accuracy.tell_accuracy(setting).partition(" ")
    folds = accuracy.tell_folds(setting).partition(":")[0]
    return title, figure, f"{interval.strip('()')}; {folds}, {setting.epochs} epochs"


def open_set_section(dataset: str, results: Results) -> None:
    """Draw how well known and unknown sounds are told apart, and the calibration."""
    studies = [study for study in results.open_set if study.dataset == dataset]
    st.header(strange.TITLE, anchor="unknown")
    st.markdown(text("open_set"))
    if not studies:
        st.markdown(f":gray[{NOT_RUN}]")
        return
    show_table(strange.unknown_table(studies))
    show_table(strange.calibration_table(studies))


def listen_links(checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """Addresses of the Listen page with each checkpoint chosen, by its name, relative to another page's."""
    return {checkpoint.name: f"./?{urlencode(listen_query(checkpoint))}" for checkpoint in checkpoints}


def links(setting: Setting, checkpoints: Sequence[Checkpoint]) -> str:
    """Markdown links to a setting's confusion matrix and to the checkpoints that it was measured on."""
    of_setting = checkpoints_of(setting, checkpoints)
    addresses = listen_links(of_setting)
    listen = " ".join(f"[{c.config.fold}]({addresses[c.name]})" for c in of_setting)
    told = f"listen with fold {listen}" if listen else ":gray[no checkpoint published]"
    return f"[confusions](confusions?{urlencode({'setting': setting.name})}), {told}"


def accuracy_section(quoted: QuotedTable, dataset: str, results: Results, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw an accuracy table of the paper beside ours: marks, numbers with links, and a CSV of both datasets."""
    table = accuracy.accuracy_table(quoted, dataset, results)
    rows = accuracy.reproduced_rows(quoted, dataset, results)
    st.header(table.title, anchor=quoted.name.lower().replace(" ", "-"))
    st.caption(f"“{table.note}”")
    if missing := table.not_run if 2 * len(table.not_run) > len(rows) else []:
        table, rows = table.without_not_run(), [row for row in rows if row.model not in missing]
    if rows:
        st.plotly_chart(
            accuracy_figure(rows),
            key=quoted.name.lower().replace(" ", ""),
            alt=f"Accuracies of {quoted.name} on {TITLES[dataset]}, the paper's and ours; the table below has them",
            config=NO_BAR,
        )
    look_of = {setting.name: links(setting, checkpoints) for setting in results.settings}
    look = [look_of.get(row["setting"]) for row in table.records]
    if rows:
        show_table(table.with_column(Column("look", "look", "markdown"), look, at=len(table.columns) - 1))
    else:
        csv_button(table)
    if missing:
        st.caption(
            f"Not run on {TITLES[dataset]}: {', '.join(missing)}. The CSV has the paper's figures for "
            f"{'them' if len(missing) > 1 else 'it'}."
        )


def costs_section(dataset: str) -> None:
    """Draw Table 2 beside true counts."""
    table = cost_table(len(CLASSES[dataset]))
    st.header(table.title, anchor="table-2")
    st.caption(f"“{paper.TABLE_2_CAPTION}”")
    show_table(table)
    st.markdown(f"{text('counting')} {table.note}")


def figure4_section(dataset: str, results: Results, checkpoints: Sequence[Checkpoint], *, dark: bool) -> None:
    """Draw what §4.2 says of Figure 4 beside ours, our matrix, and the recall of each class."""
    setting = confusion.figure4_setting(results, dataset)
    statements = confusion.statements_table(setting, dataset)
    st.header(statements.title, anchor="figure-4")
    st.caption(f"“{statements.note}”")
    show_table(statements, csv=False)
    if setting is None:
        st.info(f"ACRNN with attention at l10 was not run on {TITLES[dataset]}.", icon=":material/grid_off:")
        return
    st.markdown(f"{code(setting.name)}: {plain(accuracy.tell_run(setting))}. {links(setting, checkpoints)}")
    matrix, recall = confusion.confusion_of_setting(setting), confusion.recall_table(setting)
    few = len(setting.labels) <= FEW_CLASSES
    left, right = st.columns((5, 4), gap="large") if few else (st, st)
    left.subheader("Confusion matrix, ours", anchor=False)
    left.container(key="matrix_few" if few else "matrix_many").plotly_chart(
        matrix_figure(matrix, matrix.order("group"), dark=dark), key="matrix",
        alt=f"Confusion matrix of {setting.name}", config=NO_BAR,
    )  # fmt: skip
    right.subheader("Recall of each class, ours", anchor=False)
    comparable = dataset == paper.FIGURE_4_DATASET
    right.plotly_chart(
        (recall_beside_paper if comparable else recall_figure)(recall.export),
        key="recall", alt=f"Recall of each class of {setting.name}", config=NO_BAR,
    )  # fmt: skip
    intervals = "Intervals are 95%, by Wilson, over the clips of a class."
    st.caption(f"A ring is a recall that §4.2 gives. {intervals}" if comparable else intervals)
    csv_button(recall)


def table_section(table: Table, anchor: str, *, sub: bool = False) -> None:
    """Draw a table under its title and note; one without rows says that nothing was run."""
    (st.subheader if sub else st.header)(table.title, anchor=anchor)
    if table.rows.empty:
        st.markdown(f":gray[{NOT_RUN}]")
        return
    st.markdown(table.note)
    show_table(table)


def faithfulness_section(dataset: str, results: Results, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw a row a placement: attention's measure and its differences from the controls; and what follows."""
    st.header(faithful.TITLE, anchor="faithfulness")
    st.markdown(text("faithfulness"))
    left, right = st.columns(2)
    measure = address.one_of(
        left.segmented_control, "Measure", list(MEASURES), format_func=lambda name: MEASURES[name][0],
        default="comprehensiveness", key="measure",
    )  # fmt: skip
    fill = address.one_of(
        right.segmented_control, "A removed frame becomes", list(FILLS), format_func=FILL_NAMES.get, key="removed"
    )
    studies = results.faithfulness
    table = faithful.faithfulness_table(studies, dataset, fill, measure)
    show_table(table.linked("checkpoint", listen_links(checkpoints)), csv=bool(studies))
    sentences, note = faithful.verdict_sentences(studies, dataset, fill, measure)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))  # too long for cells
    st.caption(f"{note} {FAITHFULNESS_PROTOCOL}".strip())


def maps_section(dataset: str, results: Results) -> None:
    """Draw what maps over time and frequency cost beside their controls, and which of them deserves belief."""
    studies = [study for study in results.maps if study.dataset == dataset]
    table_section(mapped.maps_table(studies), "maps")
    st.markdown("\n".join(f"- {code(study.checkpoint)}: {mapped.tell_belief(study)}" for study in studies))
    if studies:
        st.caption(f"{text('maps_verdicts', n=len(studies[0].comparisons))} {MAPS_PROTOCOL}")


def robustness_section(dataset: str, results: Results) -> None:
    """Draw accuracy against noise; tables of one kind of noise or damage and of where attention goes."""
    st.header(robust.TITLE, anchor="noise")
    st.caption(robustness.PROTOCOL)
    studies = results.robustness
    shown = [study for study in ordered(studies) if study.dataset == dataset]
    if shown:
        st.plotly_chart(
            snr_figure(shown), key="snr", config=NO_BAR,
            alt=f"Accuracy on {TITLES[dataset]} against the signal-to-noise ratio; the tables below have the numbers",
        )  # fmt: skip
    titles = {name: kind.title for name, kind in KINDS.items()}
    kind = address.one_of(
        st.pills, "Noise or damage", list(titles), format_func=titles.get, default="white", key="damage"
    )
    show_table(robust.accuracy_table(studies, dataset, [kind]), csv=bool(studies))
    attention = robust.attention_table(studies, dataset, [kind]) if kind in NOISES else None
    if attention is not None and not attention.rows.empty:
        st.markdown(
            f"Where attention lies under {NOISES[kind]}: its share on the frames where the clean clip sounds, how "
            "much of that it loses, and the rank correlation with the attention to the clean clip."
        )
        show_table(attention, csv=False)


def localisation_section(dataset: str, results: Results) -> None:
    """Draw the table of placement × scaling against one kind of known events."""
    st.header(located.TITLE, anchor="known-events")
    st.caption(localisation.PROTOCOL)
    st.markdown(text("localisation"))
    kind = address.one_of(
        st.segmented_control, "Events", list(located.SCENE_TITLES), format_func=located.SCENE_TITLES.get,
        default="background", key="scene",
    )  # fmt: skip
    show_table(located.localisation_table(results.localisation, dataset, [kind]), csv=bool(results.localisation))


def checkpoints_section(checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the published checkpoints with links to Listen."""
    table = checkpoint_table(checkpoints)
    st.header(table.title, anchor="checkpoints")
    show_table(table.linked("name", listen_links(checkpoints)))
