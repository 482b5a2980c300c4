"""Sigmoid against softmax at one layer: one clip, and what was measured of both networks on their held-out fold."""

import pandas as pd

from acrnn.measures.attention import Agreement
from acrnn.report.table import Column, Table
from acrnn.report.tables.placements import cells
from acrnn.report.texts import text
from acrnn.report.words import DASH, NOT_RUN, listed, plain, tell_estimate, tell_interval, tell_mcnemar, tell_number
from acrnn.results.confusion import Comparison
from acrnn.results.pair import Difference, Estimate, PairResult

TITLE = "The whole held-out fold"
SCALINGS = ("sigmoid", "softmax")
"""What the two networks are called, in the order in which they are compared."""
LINES = {
    "accuracy": ("accuracy", ".1%"),
    "comprehensiveness": ("comprehensiveness", ".3f"),
    "beyond_shifted": ("… less itself moved in time", "+.3f"),
    "auc": ("AUC in known events", ".2f"),
    "beyond_level": ("… less loudness at its steps", "+.2f"),
}
"""Attribute of `PairResult` → its name and the format of its values."""


def pair_table(result: PairResult) -> Table:
    """Lay out a line a measure, with each network's value and their paired difference; what was not run says so."""
    lines, export = [], []
    for key, (title, form) in LINES.items():
        found: Estimate = getattr(result, key)
        told = [tell_estimate(value, form) if value else NOT_RUN for value in (found.a, found.b)]
        told.append(_tell_gain(key, found, form))
        lines.append({"measure": title} | dict(zip((*SCALINGS, "gain"), map(_unbroken, told), strict=True)))
        named = {"measure": key.replace("_", " ")}
        export.append(named | cells("sigmoid", found.a) | cells("softmax", found.b) | cells("gain", found.gain))
    columns = (
        Column("on the held-out fold", "measure"),
        *(Column(name, name, "markdown") for name in SCALINGS),
        Column("difference", "gain", "markdown"),
    )
    return Table("Held-out fold", columns, pd.DataFrame(lines), TITLE, text("pair"), pd.DataFrame(export))


def _unbroken(told: str) -> str:
    """Let a narrow screen break a cell before its interval alone."""
    value, bracket, interval = told.partition(" (")
    return value.replace(" ", "\u00a0") + bracket + interval.replace(" ", "\u00a0")


def _tell_gain(key: str, found: Estimate, form: str) -> str:
    if found.gain is None:
        return DASH
    if key != "accuracy":
        return tell_estimate(found.gain, f"+{form.lstrip('+')}")
    points = tell_number(100 * found.gain["mean"], "+.1f")
    interval = found.gain["interval"]
    spread = f" ({tell_interval([100 * end for end in interval], '+.1f')})" if interval else ""
    return f"{points} points{spread}"


def tell_comparison(found: Comparison) -> str:
    """Say on how many clips one network alone is right, and what McNemar's test makes of it."""
    n_a, n_b = len(found.only_a), len(found.only_b)
    return (
        f"On the same {len(found.clips)} clips, only sigmoid is correct on {n_a}, only softmax on {n_b}. "
        f"{tell_mcnemar(found.p_value)}"
    )


def tell_differences(differences: list[Difference]) -> str:
    """`epochs (sigmoid 100, softmax 60) and seed (sigmoid 0, softmax 3)`, escaped."""
    a, b = SCALINGS
    return listed([f"{plain(found.what)} ({a} {plain(found.a)}, {b} {plain(found.b)})" for found in differences])


def tell_agreement(found: Agreement) -> str:
    """Say how alike two attentions rank the frames of a clip, with what chance would give."""
    ranks = "One of them is the same in all frames, so their weights have no rank correlation"
    if pd.notna(found.rank_correlation):
        told = tell_number(found.rank_correlation, ".2f")
        ranks = (
            f"The rank correlation of their weights is **{told}** (1: one order of the frames; −1: the opposite one)"
        )
    return (
        f"{ranks}. Of the tenth of the frames with the most attention, **{found.top_overlap:.0%}** are the same in "
        "both (chance: about 10%)."
    )
