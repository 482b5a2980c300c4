"""The published checkpoints, each with the accuracy on its held-out fold."""

from collections.abc import Iterable

import pandas as pd

from acrnn.checkpoints import Checkpoint
from acrnn.report.table import Column, Table


def checkpoint_table(checkpoints: Iterable[Checkpoint]) -> Table:
    """List published checkpoints that were scored.

    Its rows have `name`, `data`, `fold`, `epochs`, `seed`, `n_correct`, `n_clips`, `accuracy`, `low`, `high` (95%,
    Wilson; shares from 0 to 1).
    """
    lines = []
    for config in (checkpoint.config for checkpoint in checkpoints):
        if config.scores:
            scores = [config.scores[key] for key in ("n_correct", "n_clips", "accuracy")]
            named = [config.name, config.data_title, config.fold, config.recipe["epochs"], config.seed]
            lines.append([*named, *scores, *config.scores["interval"]])
    names = ["name", "data", "fold", "epochs", "seed", "n_correct", "n_clips", "accuracy", "low", "high"]
    frame = pd.DataFrame(lines, columns=names)
    told = [f"{row.accuracy:.1%} ({row.n_correct} of {row.n_clips})" for row in frame.itertuples()]
    columns = (
        Column("checkpoint", "name", "code"),
        Column("data", "data"),
        Column("held-out fold", "fold"),
        Column("epochs", "epochs"),
        Column("seed", "seed"),
        Column("accuracy", "right"),
        Column("95% interval by clip", None, "number", ".1%", interval=("low", "high")),
    )
    return Table("Checkpoints", columns, frame.assign(right=told), "Published checkpoints", export=frame)
