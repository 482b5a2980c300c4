"""The faithfulness of every placement: attention's measures beside those of its controls, and what follows."""

from collections.abc import Iterable, Sequence

import pandas as pd

from acrnn.measures.faithfulness.clip import MAPS
from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.model import WITH_ATTENTION
from acrnn.report.table import STATE, Column, Table, numbers, with_states
from acrnn.report.tables.placements import by_placement, cells, ordered
from acrnn.report.texts import text
from acrnn.report.words import DASH, NOT_RUN, listed, tell_estimate, tell_interval
from acrnn.results.faithfulness import CONTROLS, FaithfulnessResult, Verdict, verdicts

TITLE = "Is the attention right?"
CONTROL_NAMES = {
    "random": "random order",
    "shifted": "itself moved in time",
    "energy": "loudness",
    "integrated_gradients": "integrated gradients",
}
"""Control → its name in a sentence."""
CONTROL_HEADS = {
    "random": "− random",
    "shifted": "− itself moved",
    "energy": "− loudness",
    "integrated_gradients": "− integrated gradients",
}
"""Control → head of the column with attention's difference from it."""


def faithfulness_table(studies: Sequence[FaithfulnessResult], dataset: str, fill: str, measure: str) -> Table:
    """Lay out a row a placement and checkpoint: attention's measure and its paired differences from the controls.

    The note says how to read the verdicts of `verdict_sentences`. The CSV has every figure of both datasets.
    """
    lines = []
    for placement, found in by_placement(studies, dataset, WITH_ATTENTION).items():
        name = placement.replace("-", " ")
        if not found:
            lines.append({"attention": name, STATE: NOT_RUN})
        lines += [{"attention": name} | _line(study, fill, measure) for study in found]
    columns = _columns(MEASURES[measure][0], strong=True)
    keys = ["attention", "checkpoint", "clips", *(key for c in columns[2:] for key in (c.key, *c.interval))]
    return Table(
        "Faithfulness",
        (Column("attention", "attention"), *columns),
        with_states(lines, keys),
        TITLE,
        text("faithfulness"),
        faithfulness_frame(studies),
    )


def short_table(studies: Sequence[FaithfulnessResult]) -> Table:
    """Lay out comprehensiveness with silence, of the checkpoints that were run on either dataset."""
    lines = [_line(study, "silence", "comprehensiveness") for study in ordered(studies)]
    return Table("Faithfulness", _columns("attention"), pd.DataFrame(lines), TITLE)


def _columns(title: str, *, strong: bool = False) -> tuple[Column, ...]:
    return (
        Column("checkpoint", "checkpoint", "code"),
        Column("clips", "clips", "number", ".0f"),
        numbers(title, "value", ".3f", strong=strong),
        *(numbers(head, name, "+.3f") for name, head in CONTROL_HEADS.items()),
    )


def _line(study: FaithfulnessResult, fill: str, measure: str) -> dict[str, object]:
    line = {"checkpoint": study.checkpoint, "clips": study.n_clips}
    line |= cells("value", study.estimate(fill, "attention", measure))
    for control in CONTROLS:
        line |= cells(control, study.difference(fill, control, measure))
    return line


def verdict_sentences(
    studies: Sequence[FaithfulnessResult], dataset: str, fill: str, measure: str
) -> tuple[list[str], str]:
    """Say of every checkpoint which controls its attention beats by a measure; and how that was decided.

    Returns
    -------
    tuple of list and str
        A sentence a checkpoint, in the order of the table; and a note, empty if there is none.
    """
    found = verdicts([s for s in ordered(studies) if s.dataset == dataset and s.has_attention], fill, measure)
    if not found:
        return [], ""
    n = found[0].n_comparisons
    note = text("verdicts_uncorrected") if n is None else text("verdicts", n=n)
    return [tell_verdict(verdict) for verdict in found], note


def tell_verdict(verdict: Verdict) -> str:
    """`Attention at l10 (`…`), by comprehensiveness, beats random order and loudness; … .`."""
    study = verdict.study
    told = []
    for verb, controls in (
        ("beats", verdict.beats),
        ("shows no clear difference from", verdict.undecided),
        ("loses to", verdict.loses_to),
    ):
        if controls:
            told.append(f"{verb} {listed([CONTROL_NAMES[name] for name in controls])}")
    name = study.placement.replace("-", " ")
    return f"Attention at {name} (`{study.checkpoint}`), by {MEASURES[verdict.measure][0]}, {'; '.join(told)}."


def randomisation_table(studies: Sequence[FaithfulnessResult], dataset: str) -> Table:
    """Lay out a row a checkpoint: the correlation with an untrained network, and stage by stage of the cascade."""
    lines = []
    for study in ordered(studies):
        if study.dataset != dataset or study.randomisation is None:
            continue
        stages = study.randomisation["stages"]
        told = (
            f"{name} {tell_estimate({**found, 'interval': None}, '.3f')}"
            for name, found in stages.items()
            if name != "untrained"
        )
        line = {"attention": study.placement.replace("-", " "), "checkpoint": study.checkpoint}
        line |= {"clips": study.randomisation["n_clips"], "draws": study.randomisation.get("n_draws", 1)}
        line |= cells("untrained", stages["untrained"]) | cells("attention_alone", stages["attention"])
        extremes = stages["attention"].get("draws")
        line["extremes"] = tell_interval(extremes, ".2f") if extremes else DASH
        lines.append(line | {"cascade": ", ".join(told)})
    columns = (
        Column("attention", "attention"),
        Column("checkpoint", "checkpoint", "code"),
        Column("clips", "clips", "number", "d"),
        Column("draws", "draws", "number", "d"),
        numbers("untrained network", "untrained", ".3f"),
        numbers("down to the attention", "attention_alone", ".3f"),
        Column("lowest to highest draw", "extremes"),
        Column("re-initialised from the output down to …", "cascade"),
    )
    return Table("Randomisation", columns, pd.DataFrame(lines))


def faithfulness_frame(studies: Iterable[FaithfulnessResult]) -> pd.DataFrame:
    """Every figure, long: a line a checkpoint, fill, map and measure, with its interval.

    Returns
    -------
    DataFrame
        `checkpoint`, `dataset`, `placement`, `fold`, `clips`, `fill`, `map` (or `attention minus` another), `measure`,
        `mean`, `low`, `high`.
    """
    lines = []
    for study in studies:
        named = {"checkpoint": study.checkpoint, "dataset": study.dataset, "placement": study.placement}
        named |= {"fold": study.fold, "clips": study.n_clips}
        for fill in FILLS:
            parts = {"": study.summary[fill]["maps"], "attention minus ": study.summary[fill]["attention_minus"]}
            for prefix, of_map in parts.items():
                for name, of_measure in of_map.items():
                    for measure, found in of_measure.items():
                        low, high = found["interval"] or (None, None)
                        what = {"fill": fill, "map": prefix + MAPS[name], "measure": measure.replace("_", " ")}
                        lines.append(named | what | {"mean": found["mean"], "low": low, "high": high})
    return pd.DataFrame(lines)
