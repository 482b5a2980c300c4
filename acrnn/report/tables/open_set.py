"""None of these classes: calibration, and known against unknown sounds, a checkpoint a line."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from acrnn.report.table import Column, Table, numbers
from acrnn.report.texts import text
from acrnn.report.words import DASH, named
from acrnn.results.open_set import OpenSetResult

TITLE = "None of these: does it know what it does not know?"
SCORE_TITLES = {
    "probability": "largest probability",
    "logit": "largest logit",
    "energy": "energy",
    "mahalanobis": "Mahalanobis distance",
    "neighbours": "nearest neighbours",
    "vim": "virtual-logit matching",
}
_CHECKPOINT = Column("checkpoint", "checkpoint", "code")


def calibration_table(studies: Sequence[OpenSetResult]) -> Table:
    """Lay out what calibration changes, and how often known clips are called known."""
    lines = []
    for study in studies:
        own = study.own
        n_unknown, n_right_unknown = own["n"] - own["n_known"], own["n_right"] - own["n_right_known"]
        lines.append(
            {
                "checkpoint": study.checkpoint,
                "run": study.tell_run,
                "before": study.reliability["before"]["ece"],
                "after": study.reliability["after"]["ece"],
                "known": f"{own['n_known']} of {own['n']}",
                "right": f"{own['n_right_known']} of {own['n_known']}",
                "right_unknown": f"{n_right_unknown} of {n_unknown}" if n_unknown else DASH,
            }
        )
    columns = (
        _CHECKPOINT,
        Column("data", "run"),
        Column("calibration error before", "before", "number", ".1%"),
        Column("after", "after", "number", ".1%"),
        Column("called known", "known"),
        Column("of these, class right", "right"),
        Column("of the others, nearest class right", "right_unknown"),
    )
    return Table("Calibration", columns, _frame(lines, columns), "Held-out clips of known classes")


def unknown_table(studies: Sequence[OpenSetResult]) -> Table:
    """Lay out how well known and unknown sounds are told apart, a kind of unknown sounds a line."""
    lines = []
    for study in studies:
        for group in study.groups:
            low, high = group["interval"] or (None, None)
            lines.append(
                {
                    "checkpoint": study.checkpoint,
                    "kind": group["kind"],
                    "n": group["n"],
                    "auroc": group["auroc"],
                    "auroc_low": low,
                    "auroc_high": high,
                    "false_known": group["false_known"],
                    "known": f"{group['n_known']} of {group['n']}",
                    "taken": _told(group["taken_for"]),
                }
            )
    columns = (
        _CHECKPOINT,
        Column("unknown sounds", "kind"),
        Column("n", "n", "number", ".0f"),
        numbers("AUROC", "auroc", ".2f"),
        Column("let in at 95%", "false_known", "number", ".0%"),
        Column("called known", "known"),
        Column("taken for", "taken"),
    )
    return Table("None of these", columns, _frame(lines, columns), TITLE, text("open_set"))


def scores_table(studies: Sequence[OpenSetResult]) -> Table:
    """Lay out how the scores of strangeness fared on the inner split, on which one was chosen."""
    lines = [
        {
            "score": SCORE_TITLES[score],
            "checkpoint": study.checkpoint,
            "auroc": found["auroc"],
            "false_known": found["false_known"],
            "chosen": "chosen" if score == study.fit["score"] else "",
        }
        for study in studies
        for score, found in study.fit["candidates"].items()
    ]
    columns = (
        Column("score", "score"),
        _CHECKPOINT,
        Column("AUROC", "auroc", "number", ".3f"),
        Column("let in at 95%", "false_known", "number", ".0%"),
        Column("", "chosen"),
    )
    return Table("Scores", columns, _frame(lines, columns), "Scores of strangeness, compared on the inner split")


def classes_table(study: OpenSetResult) -> Table:
    """Lay out what each class that the network does not have is taken for."""
    lines = [
        {
            "label": named(row["label"]),
            "known": f"{row['n_known']} of {row['n']}",
            "taken": _told(row["taken_for"]),
        }
        for row in study.classes
    ]
    columns = Column("class", "label"), Column("called known", "known"), Column("taken for", "taken")
    return Table(f"Classes {study.checkpoint}", columns, _frame(lines, columns), "What other classes are taken for")


def _told(taken_for: Sequence[Sequence[Any]]) -> str:
    return ", ".join(f"{named(label)} {n}" for label, n in taken_for)


def _frame(lines: list[dict[str, Any]], columns: Sequence[Column]) -> pd.DataFrame:
    keys = [key for column in columns for key in (column.key, *(column.interval or ()))]
    return pd.DataFrame(lines, columns=keys)
