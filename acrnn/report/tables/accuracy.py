"""The paper's Tables 1, 3 and 4 beside ours.

A row has a part for each schedule that was run: the one over most folds first, then the longest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from acrnn.data import TITLES
from acrnn.data.esc50 import N_FOLDS
from acrnn.labels import CLASSES
from acrnn.report.table import STATE, Column, Table
from acrnn.report.words import NOT_RUN, QUOTED
from acrnn.results import paper
from acrnn.results.collection import Results
from acrnn.results.paper import QuotedTable, Variant
from acrnn.results.settings import Setting

OURS = "ours (95% by clip)"
RECORDING = "95% by recording"


@dataclass(frozen=True)
class Row:
    """A row of one of the paper's accuracy tables on one dataset, and what was run of it.

    Attributes
    ----------
    model : str
        As the paper calls it.
    dataset : str
    paper_percent : float or None
        None for a row that is ours alone.
    variant : Variant or None
        None for what is quoted only.
    settings : tuple of Setting
        What was run of it, best covered first.
    """

    model: str
    dataset: str
    paper_percent: float | None
    variant: Variant | None
    settings: tuple[Setting, ...]


def reproduced_rows(table: QuotedTable, dataset: str, results: Results) -> list[Row]:
    """Put the settings of a dataset beside the rows that they reproduce."""
    found = [tuple(best_covered(results, dataset, row.variant)) for row in table.rows]
    rows = zip(table.rows, found, strict=True)
    return [Row(row.model, dataset, row.percent.get(dataset), row.variant, settings) for row, settings in rows]


def best_covered(results: Results, dataset: str, variant: Variant | None) -> list[Setting]:
    """Pick the settings of a variant: over most folds first, then with most epochs, then with most seeds."""
    if variant is None:
        return []
    wanted = dataset, variant.placement, variant.recipe
    found = [s for s in results.settings if (s.dataset, s.placement, s.recipe["name"]) == wanted]
    return sorted(found, key=lambda s: (-len(s.folds), -s.epochs, -len(s.seeds), s.name))


def is_cross_validated(setting: Setting) -> bool:
    """Whether all five folds were run, as they were for every number of the paper."""
    return len(setting.folds) == N_FOLDS


def tell_folds(setting: Setting) -> str:
    """`all five folds`, or which ones, and that their mean is not to be compared."""
    if is_cross_validated(setting):
        return "all five folds"
    named = ", ".join(map(str, setting.folds))
    return f"fold{'s' if len(setting.folds) > 1 else ''} {named} only: not comparable with the paper's five-fold mean"


def tell_run(setting: Setting) -> str:
    """Folds, epochs, seeds and data of a setting, on one line."""
    seeds = ", ".join(map(str, setting.seeds))
    told = f"seed{'s' if len(setting.seeds) > 1 else ''} {seeds}"
    return f"{tell_folds(setting)}; {setting.tell_length}, {told}, {setting.data_title}"


def tell_accuracy(setting: Setting) -> str:
    """`86.2% (77.0% to 92.1%)`, the interval by clip."""
    low, high = setting.interval
    return f"{setting.accuracy:.1%} ({low:.1%} to {high:.1%})"


def difference_points(row: Row, setting: Setting) -> float | None:
    """Ours minus the paper's in percentage points; None if there is nothing to compare, or fewer than five folds."""
    if row.paper_percent is None or not is_cross_validated(setting):
        return None
    return 100 * setting.accuracy - row.paper_percent


def accuracy_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One line a row and schedule, in percent; what was not run has a line too, and its `note` says so.

    Returns
    -------
    DataFrame
        `dataset`, `model`, `paper_percent`, `ours_percent`, `low_percent`, `high_percent` (95%, Wilson, over clips),
        `recording_low_percent`, `recording_high_percent` (95%, bootstrap over recordings), `difference_points`,
        `folds`, `seeds`, `epochs`, `clips`, `data`, `setting`, `note`, `run` (the last five in words).
    """
    lines = []
    for row in rows:
        quoted = {"dataset": row.dataset, "model": row.model, "paper_percent": row.paper_percent}
        if not row.settings:
            lines.append(quoted | {"note": NOT_RUN if row.variant else QUOTED})
        lines += [quoted | _measured(row, setting) for setting in row.settings]
    columns = [
        "dataset", "model", "paper_percent", "ours_percent", "low_percent", "high_percent", "recording_low_percent",
        "recording_high_percent", "difference_points", "folds", "seeds", "epochs", "clips", "data", "setting", "note",
        "run",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns).astype({"epochs": "Int64", "clips": "Int64"})


def _measured(row: Row, setting: Setting) -> dict[str, object]:
    by_recording = setting.interval_by_recording or (None, None)
    return {
        "ours_percent": 100 * setting.accuracy,
        "low_percent": 100 * setting.interval[0],
        "high_percent": 100 * setting.interval[1],
        "recording_low_percent": None if by_recording[0] is None else 100 * by_recording[0],
        "recording_high_percent": None if by_recording[1] is None else 100 * by_recording[1],
        "difference_points": difference_points(row, setting),
        "folds": " ".join(map(str, setting.folds)),
        "seeds": " ".join(map(str, setting.seeds)),
        "epochs": setting.epochs,
        "clips": len(setting.filenames),
        "data": setting.data_title,
        "setting": setting.name,
        "note": "" if is_cross_validated(setting) else tell_folds(setting),
        "run": tell_run(setting),
    }


COLUMNS = (
    Column("paper", "paper_percent", "number", ".1f", "%"),
    Column(OURS, "ours_percent", "number", ".1f", "%", ("low_percent", "high_percent"), strong=True),
    Column(RECORDING, None, "number", ".1f", "%", ("recording_low_percent", "recording_high_percent")),
    Column("difference (points)", "difference_points", "number", "+.1f"),
    Column("what was run", "run"),
)


def accuracy_table(quoted: QuotedTable, dataset: str, results: Results) -> Table:
    """Lay out one of the paper's accuracy tables beside ours; its CSV has both datasets."""
    frames = {name: accuracy_frame(reproduced_rows(quoted, name, results)) for name in CLASSES}
    return Table(
        quoted.name,
        (Column(quoted.column, "model"), *COLUMNS),
        _with_states(frames[dataset]),
        quoted.title,
        quoted.caption,
        pd.concat(frames.values()).drop(columns="run"),
    )


def headline_table(results: Results) -> Table:
    """Lay out ACRNN with attention at l10 and without, on both datasets, the best-covered schedule of each."""
    rows = [row for dataset in CLASSES for row in reproduced_rows(paper.TABLE_4, dataset, results)]
    rows = [replace(row, settings=row.settings[:1]) for row in rows if row.variant.placement in ("none", "l10")]
    rows = [replace(row, model=f"{TITLES[row.dataset]}, {row.model}") for row in rows]
    return Table("Headline", (Column("ACRNN", "model"), *COLUMNS), _with_states(accuracy_frame(rows)))


def _with_states(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{STATE: frame["note"].where(frame["note"].isin([NOT_RUN, QUOTED]), "")})


def short_table(quoted: QuotedTable, results: Results) -> Table:
    """Rows of ours alone, both datasets side by side, the best-covered schedule of each."""
    rows_of_dataset = [reproduced_rows(quoted, dataset, results) for dataset in CLASSES]
    lines = []
    for rows in zip(*rows_of_dataset, strict=True):
        if rows[0].variant is not None:
            line = {"model": rows[0].model}
            for row in rows:
                line |= {f"{row.dataset}_paper": row.paper_percent, f"{row.dataset}_ours": _short_cell(row)}
            lines.append(line)
    columns = [Column(quoted.column, "model")]
    for dataset in CLASSES:
        columns.append(Column(f"{TITLES[dataset]}: paper", f"{dataset}_paper", "number", ".1f", "%"))
        columns.append(Column(f"{TITLES[dataset]}: ours", f"{dataset}_ours"))
    return Table(quoted.name, tuple(columns), pd.DataFrame(lines), quoted.title)


def _short_cell(row: Row) -> str:
    if not row.settings:
        return NOT_RUN
    setting = row.settings[0]
    folds = "five folds" if is_cross_validated(setting) else tell_folds(setting).split(":")[0]
    data = setting.data_title.removeprefix(f"{TITLES[setting.dataset]} ")
    return f"{tell_accuracy(setting)}; {folds}, {setting.tell_length}, {data}"


def tell_coverage(dataset: str, results: Results) -> str:
    """Say how many rows of Tables 3 and 4 were run, and how many of them over all five folds."""
    told = []
    for table in (paper.TABLE_3, paper.TABLE_4):
        rows = reproduced_rows(table, dataset, results)
        whole = sum(bool(row.settings) and is_cross_validated(row.settings[0]) for row in rows)
        run = sum(bool(row.settings) for row in rows)
        told.append(f"{run} of {len(rows)} rows of Table {table.number}, {whole or 'none'} over all five folds")
    return f"Run on {TITLES[dataset]}: {'; '.join(told)}."
