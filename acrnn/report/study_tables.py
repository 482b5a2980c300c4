"""Robustness and localisation as tables: placement × scaling against noise, damage and known events.

Frames for CSV files, cells for pages, and Markdown for README.md and results/README.md, all from the same summaries.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pandas as pd

from acrnn.audio.degradations import CONDITIONS, KINDS, NOISES, SNRS_DB
from acrnn.data import TITLES
from acrnn.labels import CLASSES
from acrnn.measures import localisation, robustness
from acrnn.measures.localisation import LOCALISED_MAPS
from acrnn.measures.robustness import CLEAN
from acrnn.measures.scenes import SCENE_KINDS
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.report.markdown import markdown_table
from acrnn.report.tables import NOT_RUN
from acrnn.results.measured import Measured
from acrnn.results.studies import Probe

DASH = "–"
ROBUSTNESS_TITLE = "Noise and damage: what they cost, and where attention goes"
LOCALISATION_TITLE = "Known events: does attention point at them?"
LOCALISATION_READING = (
    "Area under the ROC curve over frames: 1 if every frame of the event outranks every other, 0.5 by chance. Level is "
    "the loudness of each frame, which costs nothing; at its steps, held over as many frames as a weight of the "
    "attention stands for. In silence level wins by construction, as events are cut out by their energy; what noise "
    "and backgrounds leave of its lead is the test. The gain is attention less level at its steps, scene by scene."
)
SCENE_TITLES = {
    "synthetic": "synthetic scenes",
    "silence": "into silence",
    "noise": "into pink noise",
    "background": "before another class",
}


def rows_of(probes: Iterable[Probe], dataset: str) -> list[tuple[str, list[Probe]]]:
    """Give every placement of Table 4, and PiczakCNN if it was measured, with what was measured of it."""
    probes = [probe for probe in probes if probe.dataset == dataset]
    listed = [*PLACEMENTS, PICZAK] if any(probe.placement == PICZAK for probe in probes) else PLACEMENTS
    return [(placement, [probe for probe in probes if probe.placement == placement]) for placement in listed]


def tell_share(summary: dict[str, Any]) -> str:
    """`86.2% (77.0% to 92.1%)`, or a dash for a condition that was not measured."""
    if not summary["n"]:
        return DASH
    low, high = summary["interval"]
    return f"{summary['accuracy']:.1%} ({low:.1%} to {high:.1%})"


def tell_mean(measured: dict[str, Any] | None, form: str = ".2f") -> str:
    """`0.62 (0.55 to 0.70)`, or a dash."""
    if measured is None:
        return DASH
    interval = "" if measured["interval"] is None else " ({:{f}} to {:{f}})".format(*measured["interval"], f=form)
    return f"{measured['mean']:{form}}{interval}".replace("-", "−")


def tell_scene(key: str) -> str:
    """`noise=10` → `into pink noise, 10 dB`."""
    kind, _, snr_db = key.partition("=")
    return f"{SCENE_TITLES[kind]}, {snr_db} dB" if snr_db else SCENE_TITLES[kind]


def kind_lines(probes: Sequence[Probe], dataset: str, kind: str) -> list[dict[str, str]]:
    """Accuracy of each placement under one kind of noise or damage, a column an amount; one line if it was not run."""
    lines = []
    for placement, found in rows_of(probes, dataset):
        if not found:
            heads = [_tell_amount(kind, amount) for amount in KINDS[kind].amounts]
            lines.append({"attention": placement, CLEAN: NOT_RUN} | dict.fromkeys(heads, ""))
        lines += [{"attention": probe.title} | _cells_under(probe, kind) for probe in found]
    return lines


def noise_lines(probes: Sequence[Probe], dataset: str) -> list[dict[str, str]]:
    """Accuracy of each placement under each noise, a column a ratio; a placement that was not run has one line."""
    lines = []
    for placement, found in rows_of(probes, dataset):
        if not found:
            heads = [_tell_amount("white", snr) for snr in SNRS_DB]
            lines.append({"attention": placement, "noise": NOT_RUN, CLEAN: ""} | dict.fromkeys(heads, ""))
        for probe in found:
            lines += [
                {"attention": probe.title, "noise": title} | _cells_under(probe, kind) for kind, title in NOISES.items()
            ]
    return lines


def _cells_under(probe: Probe, kind: str) -> dict[str, str]:
    under = {_tell_amount(kind, amount): probe.under(f"{kind}={amount:g}") for amount in KINDS[kind].amounts}
    return {head: tell_share(summary) for head, summary in ({CLEAN: probe.under(CLEAN)} | under).items()}


def _tell_amount(kind: str, amount: float) -> str:
    return f"{amount:g} {KINDS[kind].unit}".replace("-", "−")


def damage_lines(probes: Sequence[Probe], dataset: str) -> list[dict[str, str]]:
    """Accuracy under every other condition, a column a setting that was run."""
    found = [probe for _, of_placement in rows_of(probes, dataset) for probe in of_placement]
    others = [c for c in CONDITIONS if c.kind not in NOISES]
    keys = [(CLEAN, CLEAN), *((c.key, c.title) for c in others)]
    return [{"condition": title} | {p.title: tell_share(p.under(key)) for p in found} for key, title in keys]


def attention_lines(probes: Sequence[Probe], dataset: str, kinds: Collection[str] = NOISES) -> list[dict[str, str]]:
    """Where attention lies under noise: its share on the frames where the clean clip sounds, and its rank correlation.

    Networks without attention have no line.
    """
    lines = []
    for _, found in rows_of(probes, dataset):
        for probe in found:
            clean = probe.under(CLEAN)
            if clean["mass"] is None:
                continue
            for kind in kinds:
                cells = {
                    "attention": probe.title,
                    "noise": NOISES[kind],
                    "the sound's share of the time": f"{clean['sounds']:.2f}",
                }
                cells |= {f"on the sound, {CLEAN}": tell_mean(clean["mass"])}
                for snr in (20, 0):
                    at = probe.under(f"{kind}={snr}")
                    cells |= {
                        f"change at {snr} dB": tell_mean(at["mass_change"], "+.3f"),
                        f"correlation at {snr} dB": tell_mean(at["correlation"]),
                    }
                lines.append(cells)
    return lines


def localisation_lines(
    probes: Sequence[Probe], dataset: str, kinds: Collection[str] = SCENE_TITLES
) -> list[dict[str, str]]:
    """AUC of attention and its controls in each scene of some kinds; what was not run has one line."""
    head = [
        "attention at", "event", "scenes", "class right", *(f"AUC: {name}" for name in LOCALISED_MAPS), "gain",
        "AUC where the class is right", "points at it",
    ]  # fmt: skip
    lines = []
    for placement, found in rows_of(probes, dataset):
        if placement in ("none", PICZAK):
            continue
        if not found:
            lines.append(dict.fromkeys(head, "") | {"attention at": placement, "event": NOT_RUN})
        for probe in found:
            for scene in (scene for scene in SCENE_KINDS if scene.kind in kinds):
                told = probe.under(scene.key)
                if told["n"]:
                    aucs = [tell_mean(told["maps"][name]["auc"]) for name in LOCALISED_MAPS]
                    gain = tell_mean(told["gain_at_steps"]["auc"], "+.2f")
                    right = f"{told['n_correct']} ({told['accuracy']:.0%})"
                    cells = [probe.title, tell_scene(scene.key), str(told["n"]), right, *aucs, gain]
                    cells += [tell_mean(told["auc_when_right"]), tell_mean(told["maps"]["attention"]["pointing"])]
                    lines.append(dict(zip(head, cells, strict=True)))
    return lines


def robustness_frame(probes: Iterable[Probe]) -> pd.DataFrame:
    """One line a setting and condition, shares from 0 to 1.

    Returns
    -------
    DataFrame
        `dataset`, `data`, `placement`, `recipe`, `epochs`, `folds`, `kind`, `amount`, `unit`, `n_correct`, `n`,
        `n_refused`, `accuracy`, `low`, `high` (95 %, Wilson); `sounds`; and for `correlation`, `mass` and
        `mass_change` the mean with its `_low` and `_high` (95 %, bootstrap over clips).
    """
    lines = []
    for probe in probes:
        for key, kind, amount in [(CLEAN, CLEAN, None), *((c.key, c.kind, c.amount) for c in CONDITIONS)]:
            told = probe.under(key)
            if told["n"]:
                low, high = told["interval"]
                lines.append(
                    _named(probe)
                    | {"kind": kind, "amount": amount, "unit": KINDS[kind].unit if kind in KINDS else ""}
                    | {name: told[name] for name in ("n_correct", "n", "n_refused", "accuracy")}
                    | {"low": low, "high": high, "sounds": told["sounds"]}
                    | _spread({name: told[name] for name in ("correlation", "mass", "mass_change")})
                )
    return pd.DataFrame(lines)


def localisation_frame(probes: Iterable[Probe]) -> pd.DataFrame:
    """One line a setting, placement of the event and map (and attention's gain over level).

    Returns
    -------
    DataFrame
        `dataset`, `data`, `placement`, `recipe`, `epochs`, `folds`, `event`, `snr_db`, `scenes`, `cover`, `accuracy`,
        `map`, and for `auc`, `ap` and `pointing` the mean with its `_low` and `_high` (95 %, bootstrap over clips).
    """
    lines = []
    for probe in probes:
        for scene in SCENE_KINDS:
            told = probe.under(scene.key)
            if not told["n"]:
                continue
            head = _named(probe) | {"event": scene.kind, "snr_db": scene.snr_db, "scenes": told["n"]}
            head |= {"cover": told["cover"], "accuracy": told["accuracy"]}
            gains = {"attention less level": told["gain"], "attention less level at its steps": told["gain_at_steps"]}
            for name, measures in (told["maps"] | gains).items():
                lines.append(head | {"map": name} | _spread(measures))
    return pd.DataFrame(lines).astype({"snr_db": "Int64"}) if lines else pd.DataFrame()


def _named(probe: Probe) -> dict[str, Any]:
    return {
        "dataset": probe.dataset,
        "data": probe.data_title,
        "placement": probe.placement,
        "recipe": probe.recipe,
        "epochs": probe.epochs,
        "folds": " ".join(map(str, probe.folds)),
    }


def _spread(measures: dict[str, dict[str, Any] | None]) -> dict[str, float | None]:
    cells: dict[str, float | None] = {}
    for name, measured in measures.items():
        low, high = (measured or {}).get("interval") or (None, None)
        cells |= {name: (measured or {}).get("mean"), f"{name}_low": low, f"{name}_high": high}
    return cells


def sections(measured: Measured) -> list[str]:
    """Both in Markdown, with their protocols, for results/README.md."""
    robust, located = measured.robustness, measured.localisation
    parts = [f"## {ROBUSTNESS_TITLE}", robustness.PROTOCOL]
    for dataset in CLASSES:
        parts += [f"### {TITLES[dataset]}", _tell_runs(robust, dataset), "Clips correct, with noise added:"]
        parts.append(_table(noise_lines(robust, dataset)))
        if any(probe.dataset == dataset for probe in robust):
            parts += ["Clips correct after other damage:", _table(damage_lines(robust, dataset))]
        if lines := attention_lines(robust, dataset):
            parts += ["Where attention lies, and how alike it ranks the frames as before:", _table(lines)]
    parts += [f"## {LOCALISATION_TITLE}", localisation.PROTOCOL, LOCALISATION_READING]
    for dataset in CLASSES:
        parts += [f"### {TITLES[dataset]}", _tell_runs(located, dataset), _table(localisation_lines(located, dataset))]
    return parts


def short_tables(measured: Measured) -> dict[str, str]:
    """Give the short tables of README.md by the names of their markers: what was run, both datasets."""
    shown = [("white=10", "white, 10 dB"), ("pink=10", "pink, 10 dB"), ("babble=10", "babble, 10 dB"),
             ("background=10", "another class, 10 dB"), ("mp3=32", "MP3, 32 kbit/s"),
             ("reverberation=0.8", "RT60 0.8 s")]  # fmt: skip
    noisy = [
        [
            p.title, p.tell_run, str(len(p.rows)), tell_share(p.under(CLEAN)),
            *(tell_share(p.under(key)) for key, _ in shown),
        ]
        for p in _ordered(measured.robustness)
    ]  # fmt: skip
    pointed = []
    for probe in _ordered(measured.localisation):
        told = probe.under("background=0")
        cells = [probe.title, probe.tell_run, str(told["n"])]
        cells += [tell_mean(told["maps"][name]["auc"]) for name in ("attention", "level", "level at its steps")]
        pointed.append([*cells, tell_mean(told["gain_at_steps"]["auc"], "+.2f")])
    return {
        "robustness": markdown_table(["attention", "data", "clips", CLEAN, *(title for _, title in shown)], noisy),
        "localisation": markdown_table(
            ["attention", "data", "scenes", "AUC of attention", "of level", "of level at its steps", "gain"], pointed
        ),
    }


def _ordered(probes: Sequence[Probe]) -> list[Probe]:
    return [probe for dataset in CLASSES for _, found in rows_of(probes, dataset) for probe in found]


def _tell_runs(probes: Sequence[Probe], dataset: str) -> str:
    """Say what each setting was measured on, and which clips gave no scene."""
    told = []
    for probe in _ordered(probes):
        if probe.dataset != dataset:
            continue
        if probe.kind == "robustness":
            told.append(f"`{probe.title}`: {probe.tell_run}, {len(probe.rows)} clips")
            continue
        n_clips = len({row["source"] for row in probe.rows if row["placement"] != "synthetic"})
        why = pd.Series([row["why"] for row in probe.left_out]).value_counts()
        out = ", ".join(f"{n} {reason}" for reason, n in why.items())
        told.append(f"`{probe.title}`: {probe.tell_run}, events of {n_clips} clips ({out or 'none'} left out)")
    return f"{'; '.join(told)}." if told else f"{NOT_RUN.capitalize()}."


def _table(lines: Sequence[dict[str, str]]) -> str:
    return markdown_table(list(lines[0]), [list(line.values()) for line in lines])
