"""The paper's tables beside ours, as typed rows and as pandas tables; every number of ours is read from a file.

A row of an accuracy table has a part for each schedule that was run: the one over most folds first, then the longest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral

import pandas as pd

from acrnn.checkpoints import Checkpoint
from acrnn.labels import CLASSES, pretty
from acrnn.measures.crossval import wilson_interval
from acrnn.model import NetworkConfig, PiczakConfig, complexity, network_config
from acrnn.results import paper
from acrnn.results.confusion import Confusion, clip_table, confusion_of
from acrnn.results.paper import QuotedTable, Variant
from acrnn.results.settings import Setting

N_FOLDS = 5
"""Folds of a cross-validation; the paper's accuracies are means over all of them."""
NOT_RUN = "not run"
QUOTED = "quoted only"
PAPER_EPOCHS = 300
"""§4.1."""


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


def rows_of(table: QuotedTable, dataset: str, settings: Iterable[Setting]) -> list[Row]:
    """Put the settings of a dataset beside the rows that they reproduce."""
    settings = list(settings)
    return [
        Row(row.model, dataset, row.percent.get(dataset), row.variant, tuple(find(settings, dataset, row.variant)))
        for row in table.rows
    ]


def find(settings: Iterable[Setting], dataset: str, variant: Variant | None) -> list[Setting]:
    """Pick the settings of a variant: over most folds first, then with most epochs, then with most seeds."""
    if variant is None:
        return []
    found = [s for s in settings if (s.dataset, s.placement, s.recipe["name"]) == (dataset, *_parts(variant))]
    return sorted(found, key=lambda s: (-len(s.folds), -s.epochs, -len(s.seeds), s.name))


def _parts(variant: Variant) -> tuple[str, str]:
    return variant.placement, variant.recipe


def is_cross_validated(setting: Setting) -> bool:
    """Whether all five folds were run, as they were for every number of the paper."""
    return len(setting.folds) == N_FOLDS


def tell_folds(setting: Setting) -> str:
    """`all five folds`, or which ones, and that their mean is not to be compared."""
    if is_cross_validated(setting):
        return "all five folds"
    named = ", ".join(map(str, setting.folds))
    return f"fold{'s' if len(setting.folds) > 1 else ''} {named} only: not comparable with the paper's five-fold mean"


def difference_points(row: Row, setting: Setting) -> float | None:
    """Ours minus the paper's in percentage points; None if there is nothing to compare, or fewer than five folds."""
    if row.paper_percent is None or not is_cross_validated(setting):
        return None
    return 100 * setting.accuracy - row.paper_percent


def tell_run(setting: Setting) -> str:
    """Folds, epochs, seeds and data of a setting, on one line."""
    seeds = ", ".join(map(str, setting.seeds))
    return (
        f"{tell_folds(setting)}; {setting.epochs} epochs, seed{'s' if len(setting.seeds) > 1 else ''} {seeds}, "
        f"{setting.data_title}"
    )


def tell_accuracy(setting: Setting) -> str:
    """`86.2% (77.0% to 92.1%)`."""
    low, high = setting.interval
    return f"{setting.accuracy:.1%} ({low:.1%} to {high:.1%})"


def tell_paper(percent: float | None) -> str:
    """`93.7%`, or a dash where the paper has no such row."""
    return "–" if percent is None else f"{percent:.1f}%"


def tell_difference(row: Row, setting: Setting) -> str:
    """`−1.2`, or a dash where there is nothing to compare."""
    points = difference_points(row, setting)
    return "–" if points is None else f"{points:+.1f}".replace("-", "−")


def accuracy_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One line a row and schedule, in percent; what was not run has a line too, and its `note` says so.

    Returns
    -------
    DataFrame
        `dataset`, `model`, `paper_percent`, `ours_percent`, `low_percent`, `high_percent` (95 %, Wilson, over clips),
        `difference_points`, `folds`, `seeds`, `epochs`, `clips`, `data`, `setting`, `note`.
    """
    lines = []
    for row in rows:
        quoted = {"dataset": row.dataset, "model": row.model, "paper_percent": row.paper_percent}
        if not row.settings:
            lines.append(quoted | {"note": NOT_RUN if row.variant else QUOTED})
        for setting in row.settings:
            low, high = setting.interval
            lines.append(
                quoted
                | {
                    "ours_percent": 100 * setting.accuracy,
                    "low_percent": 100 * low,
                    "high_percent": 100 * high,
                    "difference_points": difference_points(row, setting),
                    "folds": " ".join(map(str, setting.folds)),
                    "seeds": " ".join(map(str, setting.seeds)),
                    "epochs": setting.epochs,
                    "clips": len(setting.filenames),
                    "data": setting.data_title,
                    "setting": setting.name,
                    "note": "" if is_cross_validated(setting) else tell_folds(setting),
                }
            )
    columns = [
        "dataset", "model", "paper_percent", "ours_percent", "low_percent", "high_percent", "difference_points",
        "folds", "seeds", "epochs", "clips", "data", "setting", "note",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns).astype({"epochs": "Int64", "clips": "Int64"})


def cost_frame(n_classes: int) -> pd.DataFrame:
    """Table 2: what the paper prints, and what the networks cost with `n_classes` classes.

    The last two lines are no rows of the paper: the text's layers on 96 bands with ten classes, whose parameters and
    FLOPs, counted as the paper counts, are the printed ones.

    Returns
    -------
    DataFrame
        `model`, `paper_parameters_m`, `paper_flops_m`, `parameters`, `paper_counting` (the paper's FLOPs, counted
        here), `multiply_accumulates` (of one segment).
    """
    lines = []
    for row in paper.TABLE_2:
        printed = {"model": row.model, "paper_parameters_m": row.parameters_m, "paper_flops_m": row.flops_m}
        lines.append(printed | _cost(network_config(row.placement, n_classes)))
    for row in paper.TABLE_2[1:]:
        lines.append({"model": f"{row.model} on 96 bands, 10 classes"} | _cost(NetworkConfig(10, row.placement, 96)))
    return pd.DataFrame(lines).convert_dtypes()


def _cost(config: NetworkConfig | PiczakConfig) -> dict[str, int]:
    cost = complexity(config)
    return {
        "parameters": cost.parameters,
        "paper_counting": cost.paper_flops,
        "multiply_accumulates": cost.multiply_accumulates,
    }


def tell_costs(frame: pd.DataFrame) -> str:
    """Say what ACRNN costs beside PiczakCNN, in parameters and in a segment's work; `frame` is of `cost_frame`."""
    piczak, acrnn = frame.iloc[0], frame.iloc[2]
    fewer = piczak["parameters"] / acrnn["parameters"]
    more = acrnn["multiply_accumulates"] / piczak["multiply_accumulates"]
    return (
        f"ACRNN has {fewer:.1f} times fewer parameters than PiczakCNN, but a segment of it, 128 bands by 128 frames "
        f"against 60 by 41, costs {more:.1f} times as many multiply-accumulates."
    )


def tell_count(value: float | None) -> str:
    """`4,201,610`, `3.81`, or a dash where there is none."""
    if pd.isna(value):
        return "–"
    return f"{value:,}" if isinstance(value, Integral) else f"{value:.2f}"


def figure4_setting(settings: Iterable[Setting], dataset: str) -> Setting | None:
    """Give the best-covered setting of ours that Figure 4 would show; None if it was not run."""
    found = find(settings, dataset, paper.FIGURE_4_VARIANT)
    return found[0] if found else None


def confusion_of_setting(setting: Setting) -> Confusion:
    """Count the clips of all folds that were run, by the class of highest probability (mean over seeds)."""
    return confusion_of(clip_table(setting), setting.labels)


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


def figure4_frame(setting: Setting | None, dataset: str) -> pd.DataFrame:
    """Put what §4.2 says of Figure 4 beside ours, a line a statement.

    Returns
    -------
    DataFrame
        `statement`, `paper` and `ours` in words; ours is `not run`, or says that the dataset lacks the class.
    """
    labels = CLASSES[dataset]
    lines = [(paper.FIGURE_4_MOST, "most", _tell_most(setting))]
    for cells in paper.FIGURE_4_CELLS:
        lacking = [pretty(label) for label in (cells.truth, cells.predicted) if label not in labels]
        told = f"no {lacking[0]} among its classes" if lacking else _tell_cell(setting, cells)
        lines.append((cells.sentence, f"{cells.share:.1%}", told))
    return pd.DataFrame(lines, columns=["statement", "paper", "ours"])


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
    low, high = wilson_interval(n, n_clips)
    return f"{n / n_clips:.1%} ({n} of {n_clips}; {low:.1%} to {high:.1%})"


def checkpoint_frame(checkpoints: Iterable[Checkpoint]) -> pd.DataFrame:
    """List published checkpoints that were scored, each on its held-out fold.

    Returns
    -------
    DataFrame
        `name`, `data`, `fold`, `epochs`, `seed`, `n_correct`, `n_clips`, `accuracy`, `low`, `high` (95 %, Wilson);
        shares from 0 to 1.
    """
    lines = []
    for checkpoint in checkpoints:
        config = checkpoint.config
        if config.scores:
            scores = [config.scores[key] for key in ("n_correct", "n_clips", "accuracy")]
            named = [config.name, config.data_title, config.fold, config.recipe["epochs"], config.seed]
            lines.append([*named, *scores, *config.scores["interval"]])
    columns = ["name", "data", "fold", "epochs", "seed", "n_correct", "n_clips", "accuracy", "low", "high"]
    return pd.DataFrame(lines, columns=columns)


def checkpoints_of(setting: Setting, checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Pick the published checkpoints that are runs of this setting, by fold."""
    runs = {(run["fold"], run["seed"]) for run in setting.runs}
    found = [c for c in checkpoints if _is_of(c, setting) and (c.config.fold, c.config.seed) in runs]
    return sorted(found, key=lambda c: c.config.fold)


def _is_of(checkpoint: Checkpoint, setting: Setting) -> bool:
    config = checkpoint.config
    same_network = (config.dataset, config.placement) == (setting.dataset, setting.placement)
    same_data = config.data_fingerprint == setting.data_fingerprint
    return same_network and same_data and setting.has_recipe(config.recipe)
