"""The tables as Markdown: the blocks between markers in README.md, and all of results/README.md."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from acrnn.checkpoints import Checkpoint
from acrnn.data import TITLES, atomic_write_bytes
from acrnn.errors import RunError
from acrnn.labels import CLASSES, pretty
from acrnn.report.faithfulness import section as faithfulness_section
from acrnn.report.faithfulness import short_table as faithfulness_block
from acrnn.report.markdown import markdown_table
from acrnn.report.study_tables import sections as probe_sections
from acrnn.report.study_tables import short_tables
from acrnn.report.tables import (
    NOT_RUN,
    PAPER_EPOCHS,
    QUOTED,
    Row,
    checkpoint_frame,
    confusion_of_setting,
    cost_frame,
    figure4_frame,
    figure4_setting,
    is_cross_validated,
    recall_frame,
    rows_of,
    tell_accuracy,
    tell_costs,
    tell_count,
    tell_difference,
    tell_folds,
    tell_paper,
)
from acrnn.results import paper
from acrnn.results.measured import NOTHING, Measured, load_measured
from acrnn.results.paired import ablation_cells, ablation_frame, pairing_cells, pairing_frame
from acrnn.results.paper import QuotedTable
from acrnn.results.settings import Setting

COMMAND = "python -m acrnn tables --write --results results --readme README.md"
BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z0-9]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PROTOCOL = (
    "Every network is trained on four of the official folds and scored once on the fifth, which neither its weights "
    "nor the mean and standard deviation of its input ever saw (§4.1). The number of epochs is fixed before training "
    "and the last epoch's weights are taken, so nothing is chosen by a test fold. What is scored is the fp16 weights "
    "of the published kind, by the path that a user's clip takes: a clip gets the class with the highest mean "
    "probability over its segments (of recipe best, each weighted by its share of frames with sound)."
)
INTERVALS = (
    "An accuracy is the mean over the folds that were run. Its interval is Wilson's, 95 %, over clips, each counted "
    "once: it says what another draw of clips could do, not what another seed could. The paper gives five-fold means "
    f"after {PAPER_EPOCHS} epochs, without an interval; a difference is stated only for all five folds."
)
COUNTING = (
    "The paper's \"FLOPs\" are what TensorFlow 1's profiler says of a training graph: operations that draw initial "
    "values and sum L2 terms, with no convolution and no product among them. Counted so, the text's layers give the "
    "printed figures on 96 bands with ten classes. What a segment costs is told by its multiply-accumulates."
)
ABLATION_TITLE = "Recipe best: what each ingredient does"
ABLATING = (
    "`best` is the paper's network and protocol with another training. Its ingredients were set beforehand, from what "
    "others have published; what they do is measured on training folds: one fold is sealed, neither trained on nor "
    "scored, and another of the remaining four held out to compare recipes (`python -m acrnn sweep ablation "
    "--sealed …`). Each line is `best` without one ingredient, which tells "
    "what that one does beside the others. With as few clips as a fold has, most differences are within chance: the "
    "last column says how likely one as large is if both recipes err alike (McNemar's exact test). "
    "Nothing corrects it for the number of lines: up to one in three such tables has a p below 0.05 by chance."
)
PAIRING_TITLE = "What attention adds, clip by clip"
PAIRING = (
    "Each placement beside the network without attention, where both had the same recipe, epochs, seeds and files, "
    "over the clips of the folds that both had. The interval is the paired bootstrap's over clips; p is how likely a "
    "split as uneven is if both err alike (McNemar's exact test). Another seed may differ by as much."
)
WHOLE_MATRIX = 10  # classes; of more, the most confused pairs are listed
SHOWN_PAIRS = 20


def readme_blocks(
    settings: Sequence[Setting], checkpoints: Iterable[Checkpoint], measured: Measured = NOTHING
) -> dict[str, str]:
    """Tables of README.md by the names of their markers."""
    blocks = {f"table{table.number}": _short_table(table, settings) for table in paper.ACCURACY_TABLES}
    blocks |= {"checkpoints": _checkpoint_table(checkpoints), "faithfulness": faithfulness_block(measured.faithfulness)}
    return blocks | short_tables(measured)


def fill(text: str, blocks: dict[str, str]) -> str:
    """Replace what stands between `<!-- table: NAME -->` and `<!-- end -->`.

    Raises
    ------
    RunError
        If a marker names no table.
    """

    def replaced(match: re.Match) -> str:
        name = match["name"]
        if name not in blocks:
            raise RunError(f"The marker 'table: {name}' names no table; there are: {', '.join(sorted(blocks))}.")
        return f"{match[1]}{blocks[name]}\n{match[3]}"

    return BLOCK.sub(replaced, text)


def write(
    settings: Sequence[Setting],
    checkpoints: Sequence[Checkpoint],
    results: Path,
    readme: Path | None = None,
    measured: Measured | None = None,
) -> list[Path]:
    """Write README.md in the folder of results, and the marked tables in `readme` if it is named; gives the paths.

    `measured` is what that folder holds, unless it is given.

    Raises
    ------
    RunError
        If `readme` cannot be read, or has a marker that names no table.
    """
    measured = load_measured(results) if measured is None else measured
    pages = {results / "README.md": results_document(settings, checkpoints, measured)}
    if readme is not None:
        try:
            text = readme.read_text(encoding="utf-8")
        except OSError as error:
            raise RunError(
                f"{readme} cannot be read ({error.strerror}); its marked tables were to be replaced."
            ) from error
        pages[readme] = fill(text, readme_blocks(settings, checkpoints, measured))
    for path, content in pages.items():
        atomic_write_bytes(path, content.encode())
    return list(pages)


def results_document(
    settings: Sequence[Setting], checkpoints: Iterable[Checkpoint], measured: Measured = NOTHING
) -> str:
    """Everything: the paper's tables beside ours, recipe `best`, attention put to the test, noise, checkpoints."""
    parts = [
        "# Results: the paper's tables beside ours",
        f"`{COMMAND}` makes this page from the files beside it, which `python -m acrnn report` wrote. "
        f'"{NOT_RUN}" means that no finished run is there; "{QUOTED}" marks other authors\' figures in the paper\'s '
        "Table 1.",
        "## Protocol",
        PROTOCOL,
        INTERVALS,
        _section(paper.TABLE_1, settings),
        _costs(),
        _section(paper.TABLE_3, settings),
        _section(paper.TABLE_4, settings),
        f"### {PAIRING_TITLE}",
        PAIRING,
        _cells_table(pairing_cells(pairing_frame(settings)), right=(1, 2, 3)),
        _figure4(settings),
        f"## {ABLATION_TITLE}",
        ABLATING,
        _cells_table(ablation_cells(ablation_frame(measured.ablation)), right=(3, 4, 5)),
        faithfulness_section(measured.faithfulness),
        *probe_sections(measured),
        "## Published checkpoints",
        _checkpoint_table(checkpoints),
    ]
    return "\n\n".join(parts) + "\n"


def _short_table(table: QuotedTable, settings: Sequence[Setting]) -> str:
    """Rows of ours alone, both datasets, the best-covered schedule of each."""
    head = [table.column]
    for dataset in CLASSES:
        head += [f"{TITLES[dataset]}: paper", f"{TITLES[dataset]}: ours"]
    lines = []
    for rows in zip(*(rows_of(table, dataset, settings) for dataset in CLASSES), strict=True):
        if rows[0].variant is None:
            continue
        cells = [rows[0].model]
        for row in rows:
            cells += [tell_paper(row.paper_percent), _short_cell(row)]
        lines.append(cells)
    return markdown_table(head, lines, right=(1, 3))


def _short_cell(row: Row) -> str:
    if not row.settings:
        return NOT_RUN
    setting = row.settings[0]
    folds = "five folds" if is_cross_validated(setting) else tell_folds(setting).split(":")[0]
    data = setting.data_title.removeprefix(f"{TITLES[setting.dataset]} ")
    return f"{tell_accuracy(setting)}; {folds}, {setting.epochs} epochs, {data}"


def _section(table: QuotedTable, settings: Sequence[Setting]) -> str:
    parts = [f"## {table.title}", f"> {table.caption}"]
    for dataset in CLASSES:
        parts += [f"### {TITLES[dataset]}", _full_table(table, rows_of(table, dataset, settings))]
    return "\n\n".join(parts)


def _full_table(table: QuotedTable, rows: Sequence[Row]) -> str:
    head = [table.column, "paper", "ours (95 % interval)", "difference (points)", "folds", "epochs", "seeds", "data"]
    lines = []
    for row in rows:
        if not row.settings:
            told = NOT_RUN if row.variant else QUOTED
            lines.append([row.model, tell_paper(row.paper_percent), told, *["–"] * 5])
        for setting in row.settings:
            run = [tell_folds(setting), str(setting.epochs), ", ".join(map(str, setting.seeds)), setting.data_title]
            ours = [f"**{tell_accuracy(setting)}**", tell_difference(row, setting)]
            lines.append([row.model, tell_paper(row.paper_percent), *ours, *run])
    return markdown_table(head, lines, right=(1, 3))


def _costs() -> str:
    parts = [f"## {paper.TABLE_2_TITLE}", f"> {paper.TABLE_2_CAPTION}", COUNTING]
    head = [
        "Model", "parameters, printed (M)", "parameters", "FLOPs, printed (M)", "FLOPs by the paper's counting",
        "multiply-accumulates a segment",
    ]  # fmt: skip
    for dataset, labels in CLASSES.items():
        costs = cost_frame(len(labels))
        lines = [[model, *(tell_count(value) for value in counts)] for model, *counts in _cost_columns(costs)]
        parts += [f"### {len(labels)} classes ({TITLES[dataset]})", markdown_table(head, lines, right=range(1, 6))]
        parts.append(tell_costs(costs))
    return "\n\n".join(parts)


def _cost_columns(frame: pd.DataFrame) -> Iterable[tuple]:
    columns = ["model", "paper_parameters_m", "parameters", "paper_flops_m", "paper_counting", "multiply_accumulates"]
    return frame[columns].itertuples(index=False)


def _figure4(settings: Sequence[Setting]) -> str:
    parts = [f"## {paper.FIGURE_4_TITLE}", f"> {paper.FIGURE_4_CAPTION}"]
    for dataset in reversed(CLASSES):
        setting = figure4_setting(settings, dataset)
        said = figure4_frame(setting, dataset)
        parts.append(f"### {TITLES[dataset]}, `{setting.name if setting else paper.FIGURE_4_VARIANT}`")
        parts.append(markdown_table(["the paper, of ESC-50", "paper", "ours"], said.itertuples(index=False)))
        if setting is not None:
            parts += _recalls(setting)
            parts += _confusions(setting)
    return "\n\n".join(parts)


def _recalls(setting: Setting) -> list[str]:
    head = ["class", "clips", "recall", "95 % interval"]
    lines = [
        (pretty(row.label), f"{row.correct} of {row.clips}", f"{row.recall:.1%}", f"{row.low:.1%} to {row.high:.1%}")
        for row in recall_frame(setting).itertuples()
    ]
    return [f"Recall of each class ({tell_folds(setting)}):", markdown_table(head, lines)]


def _confusions(setting: Setting) -> list[str]:
    confusion = confusion_of_setting(setting)
    if len(setting.labels) > WHOLE_MATRIX:
        pairs = confusion.pairs()
        lines = [
            (pretty(row.true), pretty(row.predicted), str(row.clips)) for row in pairs.head(SHOWN_PAIRS).itertuples()
        ]
        told = f"The {len(lines)} most confused of {len(pairs)} confused pairs; the Confusions page shows every one:"
        return [told, markdown_table(["class", "taken for", "clips"], lines, right=(2,))]
    names = [pretty(label) for label in setting.labels]
    lines = [
        [f"**{name}**", *(str(n) if n else "·" for n in counts)]
        for name, counts in zip(names, confusion.counts, strict=True)
    ]
    return ["Clips by true class (row) and predicted class (column):", markdown_table(["", *names], lines)]


def _cells_table(lines: Sequence[dict[str, str]], right: Sequence[int]) -> str:
    if not lines:
        return f"{NOT_RUN.capitalize()}."
    return markdown_table(list(lines[0]), [list(cells.values()) for cells in lines], right=right)


def _checkpoint_table(checkpoints: Iterable[Checkpoint]) -> str:
    head = [
        "checkpoint", "data", "held-out fold", "epochs", "seed", "accuracy", "95 % Wilson interval over clips",
    ]  # fmt: skip
    lines = [
        (
            f"`{row.name}`",
            row.data,
            str(row.fold),
            str(row.epochs),
            str(row.seed),
            f"{row.accuracy:.1%} ({row.n_correct} of {row.n_clips})",
            f"{row.low:.1%} to {row.high:.1%}",
        )
        for row in checkpoint_frame(checkpoints).itertuples(index=False)
    ]
    return markdown_table(head, lines)
