"""Attention beside events whose times are known, placement by placement."""

from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from acrnn.measures.localisation import LOCALISED_MAPS, SCORES
from acrnn.measures.scenes import SCENE_KINDS
from acrnn.model import WITH_ATTENTION
from acrnn.report.table import STATE, Column, Table, numbers, with_states
from acrnn.report.tables.placements import by_placement, cells, ordered, setting_cells
from acrnn.report.texts import text
from acrnn.report.words import NOT_RUN
from acrnn.results.studies import LocalisationResult

TITLE = "Known events: does attention point at them?"
SCENE_TITLES = {
    "synthetic": "synthetic scenes",
    "silence": "into silence",
    "noise": "into pink noise",
    "background": "before another class",
}
"""Kind of scene → what the event was put into."""
SHOWN = ("attention", "level", "level at its steps")
SHOWN_SCENE = "background=0"


def tell_scene(key: str) -> str:
    """`noise=10` → `into pink noise, 10 dB`."""
    kind, _, snr_db = key.partition("=")
    return f"{SCENE_TITLES[kind]}, {snr_db} dB" if snr_db else SCENE_TITLES[kind]


def localisation_table(
    studies: Sequence[LocalisationResult], dataset: str, kinds: Collection[str] = tuple(SCENE_TITLES)
) -> Table:
    """Lay out the AUC of attention and its controls in each scene of some kinds; what was not run has one line.

    The CSV has every scene and measure of both datasets.
    """
    lines = []
    for placement, found in by_placement(studies, dataset, WITH_ATTENTION).items():
        if not found:
            lines.append({"attention": placement, STATE: NOT_RUN})
        for study in found:
            scenes = [scene for scene in SCENE_KINDS if scene.kind in kinds]
            lines += [_line(study, scene.key) for scene in scenes if study.under(scene.key)["n"]]
    spread = [numbers(f"AUC: {name}", f"auc_{name}", ".2f") for name in LOCALISED_MAPS]
    spread += [
        numbers("gain", "gain", "+.2f"),
        numbers("AUC where the class is right", "when_right", ".2f"),
        numbers("points at it", "pointing", ".2f"),
    ]
    columns = (
        Column("attention at", "attention"),
        Column("event", "event"),
        Column("scenes", "n", "number", ".0f"),
        Column("class right", "right"),
        *spread,
    )
    keys = ["attention", "event", "n", "right", *(key for c in spread for key in (c.key, *c.interval))]
    return Table(
        "Known events",
        columns,
        with_states(lines, keys),
        TITLE,
        text("localisation"),
        localisation_frame(studies),
    )


def _line(study: LocalisationResult, key: str) -> dict[str, object]:
    told = study.under(key)
    line = {"attention": study.title, "event": tell_scene(key), "n": told["n"]}
    line["right"] = f"{told['n_correct']} ({told['accuracy']:.0%})"
    for name in LOCALISED_MAPS:
        line |= cells(f"auc_{name}", told["maps"][name]["auc"])
    line |= cells("gain", told["gain_at_steps"]["auc"]) | cells("when_right", told["auc_when_right"])
    return line | cells("pointing", told["maps"]["attention"]["pointing"])


def short_table(studies: Sequence[LocalisationResult]) -> Table:
    """Lay out what was run on both datasets, of events before another class at 0 dB."""
    lines = []
    for study in ordered(studies):
        told = study.under(SHOWN_SCENE)
        line = {"attention": study.title, "run": study.tell_run, "n": told["n"]}
        for name in SHOWN:
            line |= cells(f"auc_{name}", told["maps"][name]["auc"])
        lines.append(line | cells("gain", told["gain_at_steps"]["auc"]))
    titles = [f"AUC of {SHOWN[0]}", *(f"of {name}" for name in SHOWN[1:])]
    aucs = (numbers(title, f"auc_{name}", ".2f") for title, name in zip(titles, SHOWN, strict=True))
    named = Column("attention", "attention"), Column("data", "run"), Column("scenes", "n")
    return Table("Known events", (*named, *aucs, numbers("gain", "gain", "+.2f")), pd.DataFrame(lines), TITLE)


def tell_runs(studies: Sequence[LocalisationResult], dataset: str) -> list[str]:
    """Say what each setting was measured on, and which clips gave no scene."""
    told = []
    for study in (study for study in ordered(studies) if study.dataset == dataset):
        n_clips = len({row["source"] for row in study.rows if row["placement"] != "synthetic"})
        why = pd.Series([row["why"] for row in study.left_out], dtype=object).value_counts()
        out = ", ".join(f"{n} {reason}" for reason, n in why.items())
        told.append(f"`{study.title}`: {study.tell_run}, events of {n_clips} clips ({out or 'none'} left out)")
    return told


def localisation_frame(studies: Iterable[LocalisationResult]) -> pd.DataFrame:
    """One line a setting, kind of scene and map (and attention's gain over level).

    Returns
    -------
    DataFrame
        `dataset`, `data`, `placement`, `recipe`, `epochs`, `folds`, `event`, `snr_db`, `scenes`, `cover`, `accuracy`,
        `map`, and for `auc`, `ap` and `pointing` the mean with its `_low` and `_high` (95%, bootstrap over clips).
    """
    lines = []
    for study in studies:
        for scene in SCENE_KINDS:
            told = study.under(scene.key)
            if not told["n"]:
                continue
            head = setting_cells(study) | {"event": scene.kind, "snr_db": scene.snr_db, "scenes": told["n"]}
            head |= {"cover": told["cover"], "accuracy": told["accuracy"]}
            gains = {"attention less level": told["gain"], "attention less level at its steps": told["gain_at_steps"]}
            for name, measures in (told["maps"] | gains).items():
                line = head | {"map": name}
                for score in SCORES:
                    line |= cells(score, measures[score])
                lines.append(line)
    return pd.DataFrame(lines).astype({"snr_db": "Int64"}) if lines else pd.DataFrame()
