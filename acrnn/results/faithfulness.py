"""What `python -m acrnn faithfulness` wrote, read back, and the table of it: placement × scaling."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acrnn.errors import RunError
from acrnn.measures.faithfulness.clip import MAPS
from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.faithfulness.study import SCHEMA
from acrnn.model import PLACEMENTS
from acrnn.paths import result_files

FOLDER = "faithfulness"


@dataclass(frozen=True)
class StudyResult:
    """The faithfulness of one checkpoint's attention over clips of its held-out fold.

    Attributes
    ----------
    checkpoint, dataset, data_title, placement, recipe : str
    fold, epochs, n_clips : int
    weights_sha256, code : str
    summary : mapping
        See `acrnn.measures.faithfulness.study.summarise`.
    randomisation : mapping or None
        `stages` (stage → mean, interval, n_clips) and `n_clips`; None for a network without attention.
    """

    checkpoint: str
    dataset: str
    data_title: str
    placement: str
    recipe: str
    fold: int
    epochs: int
    n_clips: int
    weights_sha256: str
    code: str
    summary: Mapping[str, Any]
    randomisation: Mapping[str, Any] | None

    def mean(self, fill: str, name: str, measure: str) -> dict[str, Any]:
        """`mean` and `interval` of a measure of one map."""
        return self.summary[fill]["maps"][name][measure]

    def difference(self, fill: str, other: str, measure: str) -> dict[str, Any] | None:
        """`mean` and `interval` of attention's measure less another map's, paired by clip; None without attention."""
        found = self.summary[fill]["attention_minus"].get(other)
        return None if found is None else found[measure]


def load_studies(folder: Path | None = None) -> list[StudyResult]:
    """Read every file in a folder, sorted by name; an empty or absent folder has none.

    By default those that come with the project, then the user's.

    Raises
    ------
    RunError
        If a file is not what the command writes.
    """
    return [_read(path) for path in (result_files(FOLDER) if folder is None else result_files(folder=folder))]


def _read(path: Path) -> StudyResult:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise RunError(f"{path} has schema {values['schema']}; this version reads schema {SCHEMA}.")
        return StudyResult(**{name: values[name] for name in StudyResult.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a file of faithfulness ({error!r}); `faithfulness` writes them.") from error


def faithfulness_frame(studies: Iterable[StudyResult]) -> pd.DataFrame:
    """Every figure, long: a line a checkpoint, fill, map and measure, with its interval.

    Returns
    -------
    DataFrame
        `checkpoint`, `dataset`, `placement`, `fold`, `clips`, `fill`, `map` (or `attention minus` another), `measure`,
        `mean`, `low`, `high`.
    """
    lines = []
    for study in studies:
        named = {
            "checkpoint": study.checkpoint,
            "dataset": study.dataset,
            "placement": study.placement,
            "fold": study.fold,
            "clips": study.n_clips,
        }
        for fill in FILLS:
            parts = [("", study.summary[fill]["maps"]), ("attention minus ", study.summary[fill]["attention_minus"])]
            for prefix, of_map in parts:
                for name, of_measure in of_map.items():
                    for measure, found in of_measure.items():
                        low, high = found["interval"]
                        what = {"fill": fill, "map": prefix + MAPS[name], "measure": measure.replace("_", " ")}
                        lines.append(named | what | {"mean": found["mean"], "low": low, "high": high})
    return pd.DataFrame(lines)


@dataclass(frozen=True)
class PlacementRow:
    """One placement on one dataset, and the studies that were run of it."""

    placement: str
    dataset: str
    studies: tuple[StudyResult, ...]


def placement_rows(studies: Sequence[StudyResult], dataset: str) -> list[PlacementRow]:
    """One row for each placement with attention, whether anything was run of it or not."""
    return [
        PlacementRow(placement, dataset, tuple(s for s in studies if (s.dataset, s.placement) == (dataset, placement)))
        for placement in PLACEMENTS
        if placement != "none"
    ]


COLUMNS: dict[str, str] = {
    "random": "− random",
    "shifted": "− itself moved",
    "energy": "− loudness",
    "integrated_gradients": "− integrated gradients",
}
"""The controls of the short table → the head of the column with attention's difference from each."""


def cells(study: StudyResult, fill: str, measure: str = "comprehensiveness") -> list[str]:
    """Give a study's cells of the short table: attention's measure, and its difference from each of `COLUMNS`."""
    found = [study.mean(fill, "attention", measure)]
    return [tell(found[0])] + [tell(study.difference(fill, other, measure), signed=True) for other in COLUMNS]


def tell(found: Mapping[str, Any] | None, signed: bool = False) -> str:
    """`0.52 (0.48 to 0.56)`; a difference has its sign; a dash where there is none."""
    if found is None or found["mean"] is None:
        return "–"
    form = "+.3f" if signed else ".3f"
    ends = "" if found["interval"] is None else f" ({found['interval'][0]:{form}} to {found['interval'][1]:{form}})"
    return f"{found['mean']:{form}}{ends}".replace("-", "−")


def tell_verdict(study: StudyResult, fill: str, measure: str = "comprehensiveness") -> str:
    """Which controls the attention beats by this measure: those whose paired interval lies wholly on its side."""
    higher = MEASURES[measure][1]
    beaten, tied, lost = [], [], []
    for other in COLUMNS:
        low, high = study.difference(fill, other, measure)["interval"]
        if not higher:
            low, high = -high, -low
        (beaten if low > 0 else lost if high < 0 else tied).append(MAPS[other].removeprefix("attention, "))
    told = [
        f"{verb} {', '.join(names)}"
        for verb, names in (("beats", beaten), ("ties with", tied), ("loses to", lost))
        if names
    ]
    return "; ".join(told)
