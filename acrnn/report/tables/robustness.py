"""Accuracy and attention under noise and damage, placement by placement."""

from collections.abc import Iterable, Sequence

import pandas as pd

from acrnn.audio.degradations import CONDITIONS, KINDS, NOISES
from acrnn.measures.robustness import CLEAN
from acrnn.report.table import STATE, Column, Table, numbers, with_states
from acrnn.report.tables.placements import by_placement, cells, ordered, setting_cells
from acrnn.report.words import NOT_RUN, tell_number
from acrnn.results.studies import RobustnessResult

TITLE = "Noise and damage: what they cost, and where attention goes"
SHOWN = {
    "white=10": "white, 10 dB",
    "pink=10": "pink, 10 dB",
    "babble=10": "babble, 10 dB",
    "background=10": "another class, 10 dB",
    "mp3=32": "MP3, 32 kbit/s",
    "reverberation=0.8": "RT60 0.8 s",
}
"""Conditions of the short table → their heads."""


def accuracy_table(studies: Sequence[RobustnessResult], dataset: str, kinds: Sequence[str]) -> Table:
    """Lay out the accuracy of each placement under kinds of noise or damage that have the same amounts.

    A line a setting and kind, a column an amount; a placement that was not run has one line. The CSV has every
    condition of both datasets.
    """
    amounts = KINDS[kinds[0]].amounts
    lines = []
    for placement, found in by_placement(studies, dataset).items():
        if not found:
            lines.append({"attention": placement, STATE: NOT_RUN})
        for study in found:
            for kind in kinds:
                line = {"attention": study.title, "kind": KINDS[kind].title} | _accuracy(CLEAN, study, CLEAN)
                for amount in amounts:
                    line |= _accuracy(f"{amount:g}", study, f"{kind}={amount:g}")
                lines.append(line)
    columns = [Column("attention", "attention"), numbers(CLEAN, CLEAN, ".1%")]
    columns += [numbers(f"{tell_number(a, 'g')} {KINDS[kinds[0]].unit}", f"{a:g}", ".1%") for a in amounts]
    if len(kinds) > 1:
        columns.insert(1, Column("noise", "kind"))
    return Table("Robustness", tuple(columns), _framed(lines, columns), TITLE, export=robustness_frame(studies))


def damage_table(studies: Sequence[RobustnessResult], dataset: str) -> Table:
    """Lay out the accuracy under all that is no noise: a line a condition, a column a setting that was run."""
    found = [study for study in ordered(studies) if study.dataset == dataset]
    others = [condition for condition in CONDITIONS if condition.kind not in NOISES]
    lines = []
    for key, title in [(CLEAN, CLEAN), *((condition.key, condition.title) for condition in others)]:
        line = {"condition": title}
        for study in found:
            line |= _accuracy(study.title, study, key)
        lines.append(line)
    columns = Column("condition", "condition"), *(numbers(study.title, study.title, ".1%") for study in found)
    return Table("Damage", columns, pd.DataFrame(lines if found else []), TITLE)


def attention_table(studies: Sequence[RobustnessResult], dataset: str, kinds: Sequence[str] = tuple(NOISES)) -> Table:
    """Lay out where attention lies under noise, and how alike it ranks the frames as in the clean clip.

    Networks without attention have no line.
    """
    levels = (20, 0)
    lines = []
    for study in ordered(studies):
        clean = study.under(CLEAN)
        if study.dataset != dataset or clean["mass"] is None:
            continue
        for kind in kinds:
            line = {"attention": study.title, "kind": NOISES[kind], "sounds": clean["sounds"]}
            line |= cells("mass", clean["mass"])
            for snr in levels:
                told = study.under(f"{kind}={snr}")
                line |= cells(f"change_{snr}", told["mass_change"]) | cells(f"correlation_{snr}", told["correlation"])
            lines.append(line)
    columns = [
        Column("attention", "attention"),
        Column("noise", "kind"),
        Column("the sound's share of the time", "sounds", "number", ".2f"),
        numbers(f"attention on the sound, {CLEAN}", "mass", ".2f"),
    ]
    for snr in levels:
        columns.append(numbers(f"change at {snr} dB", f"change_{snr}", "+.3f"))
        columns.append(numbers(f"correlation at {snr} dB", f"correlation_{snr}", ".2f"))
    if len(kinds) == 1:
        del columns[1]
    return Table("Attention", tuple(columns), pd.DataFrame(lines), TITLE)


def short_table(studies: Sequence[RobustnessResult]) -> Table:
    """Lay out what was run on both datasets, under a few conditions."""
    lines = []
    for study in ordered(studies):
        line = {"attention": study.title, "run": study.tell_run, "clips": len(study.rows)}
        line |= _accuracy(CLEAN, study, CLEAN)
        for key in SHOWN:
            line |= _accuracy(key, study, key)
        lines.append(line)
    shown = (numbers(title, key, ".1%") for key, title in {CLEAN: CLEAN, **SHOWN}.items())
    columns = Column("attention", "attention"), Column("data", "run"), Column("clips", "clips"), *shown
    return Table("Robustness", columns, pd.DataFrame(lines), TITLE)


def tell_runs(studies: Sequence[RobustnessResult], dataset: str) -> list[str]:
    """Say what each setting was measured on."""
    found = (study for study in ordered(studies) if study.dataset == dataset)
    return [f"`{study.title}`: {study.tell_run}, {len(study.rows)} clips" for study in found]


def robustness_frame(studies: Iterable[RobustnessResult]) -> pd.DataFrame:
    """One line a setting and condition, shares from 0 to 1.

    Returns
    -------
    DataFrame
        `dataset`, `data`, `placement`, `recipe`, `epochs`, `folds`, `kind`, `amount`, `unit`, `n_correct`, `n`,
        `n_refused`, `accuracy`, `accuracy_low`, `accuracy_high` (95%, Wilson); `sounds`; and for `correlation`, `mass`
        and `mass_change` the mean with its `_low` and `_high` (95%, bootstrap over clips).
    """
    lines = []
    for study in studies:
        for key, kind, amount in [(CLEAN, CLEAN, None), *((c.key, c.kind, c.amount) for c in CONDITIONS)]:
            told = study.under(key)
            if told["n"]:
                line = setting_cells(study)
                line |= {"kind": kind, "amount": amount, "unit": KINDS[kind].unit if kind in KINDS else ""}
                line |= {name: told[name] for name in ("n_correct", "n", "n_refused")}
                line |= _accuracy("accuracy", study, key) | {"sounds": told["sounds"]}
                for name in ("correlation", "mass", "mass_change"):
                    line |= cells(name, told[name])
                lines.append(line)
    return pd.DataFrame(lines)


def _accuracy(name: str, study: RobustnessResult, key: str) -> dict[str, float | None]:
    return cells(name, study.under(key), mean="accuracy")


def _framed(lines: Sequence[dict], columns: Sequence[Column]) -> pd.DataFrame:
    keys = ["attention", "kind"]
    keys += [key for column in columns if column.interval for key in (column.key, *column.interval)]
    return with_states(lines, keys)
