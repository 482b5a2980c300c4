"""Maps over time and frequency, put to the deletion test: what each costs beside the controls, and what follows."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.maps.attribution import METHODS
from acrnn.measures.maps.clip import CONTROLS
from acrnn.report.table import Column, Table, numbers
from acrnn.report.tables.placements import cells
from acrnn.report.texts import text
from acrnn.report.words import listed, tell_interval, tell_number
from acrnn.results.maps import Comparison, MapsResult

TITLE = "Where in frequency?"
FILL_NAMES = {"silence": "silence", "mean": "the training mean"}
NOT_MEASURED = "Not measured for this checkpoint; `python -m acrnn maps` would."


def maps_table(studies: Sequence[MapsResult]) -> Table:
    """Lay out a row a checkpoint, fill and map: its area, and what it costs more than each control."""
    lines = [
        {"checkpoint": study.checkpoint, "clips": study.n_clips, "fill": FILL_NAMES[fill], "map": METHODS[method]}
        | _line(study, fill, method)
        for study in studies
        for fill in FILLS
        for method in study.methods
    ]
    columns = (
        Column("checkpoint", "checkpoint", "code"),
        Column("clips", "clips", "number", ".0f"),
        Column("tiles become", "fill"),
        Column("map", "map"),
        numbers("area", "area", ".3f"),
        *(numbers(f"more than {name.removeprefix('the ')}", key, "+.3f") for key, name in CONTROLS.items()),
    )
    keys = [key for column in columns for key in (column.key, *(column.interval or ()))]
    rows = pd.DataFrame(lines, columns=keys)
    return Table("Maps", columns, rows, TITLE, text("maps"), maps_frame(studies))


def _line(study: MapsResult, fill: str, method: str) -> dict[str, Any]:
    line = cells("area", study.area(fill, method))
    for control in CONTROLS:
        known = control in study.controls
        line |= cells(control, study.comparison(fill, method, control).gain if known else None)
    return line


def maps_frame(studies: Sequence[MapsResult]) -> pd.DataFrame:
    """Every figure, long: the area of each order, and every comparison with its corrected p-value.

    Returns
    -------
    DataFrame
        `checkpoint`, `dataset`, `fold`, `clips`, `recordings`, `fill`, `order`, `other` (empty for an area), `mean`,
        `low`, `high`, `p`.
    """
    lines = []
    for study in studies:
        named = {"checkpoint": study.checkpoint, "dataset": study.dataset, "fold": study.folds[0]}
        named |= {"clips": study.n_clips, "recordings": study.n_recordings}
        found = [
            (fill, order, "", study.area(fill, order), None)
            for fill in FILLS
            for order in (*study.methods, *study.controls)
        ]
        found += [(one.fill, one.order, one.other, one.gain, one.p_value) for one in study.comparisons]
        for fill, order, other, value, p in found:
            low, high = value["interval"] or (None, None)
            what = {"fill": fill, "order": order, "other": other, "mean": value["mean"]}
            lines.append(named | what | {"low": low, "high": high, "p": p})
    return pd.DataFrame(lines)


def tell_measured(study: MapsResult, method: str) -> str:
    """Say what removing the tiles of a map first costs beside each control, by both fills."""
    told = [f"where they become {FILL_NAMES[fill]}, {_told_costs(study, fill, method)}" for fill in FILLS]
    return (
        f"On {study.n_clips} held-out clips, removing first the tiles that {METHODS[method]} marks lowers the "
        f"probability, averaged over the shares removed: {'; '.join(told)}."
    )


def _told_costs(study: MapsResult, fill: str, method: str) -> str:
    found = {control: study.comparison(fill, method, control) for control in study.controls}
    clear = [_told(one) for one in found.values() if one.sign]
    unclear = [CONTROLS[control] for control, one in found.items() if not one.sign]
    if unclear:
        clear.append(f"not clearly more or less than {listed(unclear).replace(' and ', ' or ')}")
    return listed(clear)


def _told(one: Comparison) -> str:
    """`by 0.120 more than the loudest tiles (0.090 to 0.150)`."""
    how, sign = ("more", 1) if one.sign > 0 else ("less", -1)
    interval = one.gain["interval"]
    ends = f" ({tell_interval(sorted(sign * end for end in interval), '.3f')})" if interval else ""
    return f"by {tell_number(sign * one.gain['mean'], '.3f')} {how} than {CONTROLS[one.other]}{ends}"


def believed(study: MapsResult) -> list[str]:
    """Find the maps that cost more than every control, whatever the tiles become."""
    return [
        method
        for method in study.methods
        if all(study.comparison(fill, method, control).sign > 0 for fill in FILLS for control in study.controls)
    ]


def tell_belief(study: MapsResult) -> str:
    """Say which maps deserve belief on a checkpoint, and which of these costs most."""
    good = believed(study)
    names = [METHODS[method] for method in good]
    others = [METHODS[method] for method in study.methods if method not in good]
    if not good:
        none = "No map beats every control under both fills, so this test gives no reason to trust any of them."
        return none + _winners(study)
    told = f"{_capital(listed(names))} {_verb(good, 'costs', 'cost')} more than all controls, whatever the tiles become"
    told += f", and {_verb(good, 'deserves', 'deserve')} belief"
    if others:
        told += f"; {listed(others)} {_verb(others, 'does', 'do')} not"
    best = [one for one in good if all(_beats(study, one, other) for other in good if other != one)]
    if len(good) > 1:
        told += (
            f". {_capital(METHODS[best[0]])} costs most" if best else ". Which of them costs most, this does not tell"
        )
    return f"{told}."


def _winners(study: MapsResult) -> str:
    """Name the controls that cost more than every map, whatever the tiles become."""
    won = [
        CONTROLS[control]
        for control in study.controls
        if all(study.comparison(fill, method, control).sign < 0 for fill in FILLS for method in study.methods)
    ]
    return f" Removing {listed(won)} costs more than any of them." if won else ""


def sentences(study: MapsResult) -> list[str]:
    """Say what follows for a checkpoint, and what was found of each map."""
    return [tell_belief(study), *(tell_measured(study, method) for method in study.methods)]


def _beats(study: MapsResult, one: str, other: str) -> bool:
    """Whether a map costs more than another one by both fills."""
    found = {(c.fill, c.order, c.other): c.sign for c in study.comparisons}
    return all(found.get((fill, one, other), 0) > 0 or found.get((fill, other, one), 0) < 0 for fill in FILLS)


def _verb(of: Sequence[str], one: str, many: str) -> str:
    return one if len(of) == 1 else many


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
