"""The paper's Figure 4: what §4.2 says of it beside ours, and the recalls and confusions of ours."""

import pandas as pd

from acrnn.labels import CLASSES, pretty
from acrnn.measures.crossval import wilson_interval
from acrnn.report.table import Column, Table
from acrnn.report.tables.accuracy import best_covered
from acrnn.report.words import NOT_RUN, tell_interval
from acrnn.results import paper
from acrnn.results.collection import Results
from acrnn.results.confusion import Confusion, clip_table, confusion_of
from acrnn.results.settings import Setting

WHOLE_MATRIX = 10  # classes; of more, the most confused pairs are listed
SHOWN_PAIRS = 20


def figure4_setting(results: Results, dataset: str) -> Setting | None:
    """Give the best-covered setting of ours that Figure 4 would show; None if it was not run."""
    found = best_covered(results, dataset, paper.FIGURE_4_VARIANT)
    return found[0] if found else None


def confusion_of_setting(setting: Setting) -> Confusion:
    """Count the clips of all folds that were run, by the class of highest probability (mean over seeds)."""
    return confusion_of(clip_table(setting), setting.labels)


def statements_table(setting: Setting | None, dataset: str) -> Table:
    """Put what §4.2 says of Figure 4 beside ours, a line a statement."""
    labels = CLASSES[dataset]
    lines = [(paper.FIGURE_4_MOST, "most", _tell_most(setting))]
    for cells in paper.FIGURE_4_CELLS:
        lacking = [pretty(label) for label in (cells.truth, cells.predicted) if label not in labels]
        told = f"no {lacking[0]} among its classes" if lacking else _tell_cell(setting, cells)
        lines.append((cells.sentence, f"{cells.share:.1%}", told))
    columns = (Column("the paper, of ESC-50", "statement"), Column("paper", "paper"), Column("ours", "ours"))
    frame = pd.DataFrame(lines, columns=[column.key for column in columns])
    return Table("Figure 4 in words", columns, frame, paper.FIGURE_4_TITLE, paper.FIGURE_4_CAPTION)


def _tell_most(setting: Setting | None) -> str:
    if setting is None:
        return NOT_RUN
    recall = recall_frame(setting)["recall"]
    return f"{(recall > paper.FIGURE_4_MOST_ABOVE).sum()} of {len(recall)} classes"


def _tell_cell(setting: Setting | None, cells: paper.QuotedCells) -> str:
    if setting is None:
        return NOT_RUN
    counts = confusion_of_setting(setting).counts[setting.labels.index(cells.truth)]
    n, n_clips = int(counts[setting.labels.index(cells.predicted)]), int(counts.sum())
    if not n_clips:
        return NOT_RUN
    return f"{n / n_clips:.1%} ({n} of {n_clips}; {tell_interval(wilson_interval(n, n_clips), '.1%')})"


def recall_frame(setting: Setting) -> pd.DataFrame:
    """Recall of each class that has clips, and what §4.2 says of it.

    Returns
    -------
    DataFrame
        The columns of `Confusion.per_class`, and `paper`, the recall that §4.2 gives, missing for most; shares from 0
        to 1.
    """
    said = {cells.truth: cells.share for cells in paper.FIGURE_4_CELLS if cells.truth == cells.predicted}
    frame = confusion_of_setting(setting).per_class()
    return frame.assign(paper=frame["label"].map(said).astype(float))


def recall_table(setting: Setting) -> Table:
    """Lay out the recall of each class."""
    frame = recall_frame(setting)
    right = [f"{row.correct} of {row.clips}" for row in frame.itertuples()]
    columns = (
        Column("class", "name"),
        Column("clips", "right"),
        Column("recall (95% by clip)", "recall", "number", ".1%", interval=("low", "high")),
    )
    return Table("Recall", columns, frame.assign(name=frame["label"].map(pretty), right=right), export=frame)


def confusions_table(setting: Setting) -> Table:
    """Lay out the matrix of a few classes, or the most confused pairs of many."""
    confusion = confusion_of_setting(setting)
    if len(setting.labels) > WHOLE_MATRIX:
        pairs = confusion.pairs()
        shown = pairs.head(SHOWN_PAIRS)
        columns = Column("class", "true"), Column("taken for", "predicted"), Column("clips", "clips", "number", "d")
        return Table(
            "Confused pairs",
            columns,
            shown.assign(true=shown["true"].map(pretty), predicted=shown["predicted"].map(pretty)),
            note=f"The {len(shown)} most confused of {len(pairs)} pairs; the Confusions page shows all of them:",
        )
    names = [pretty(label) for label in setting.labels]
    counts = pd.DataFrame(confusion.counts, columns=names).astype("Int64")
    frame = counts.mask(counts == 0).assign(true=[f"**{name}**" for name in names])
    columns = Column("", "true", "markdown"), *(Column(name, name, "number", "d", missing="·") for name in names)
    return Table("Confusions", columns, frame, note="Clips by true class (row) and predicted class (column):")
