"""Recipe `best` with one ingredient removed at a time, on training folds."""

from acrnn.report.table import Column, Table
from acrnn.report.texts import text
from acrnn.results.collection import Results
from acrnn.results.paired import BASES, ablation_frame

TITLE = "Recipes, compared on training folds"


def ablation_table(results: Results, dataset: str | None = None) -> Table:
    """Lay out every recipe that was compared with its base on one dataset, or on both."""
    frame = ablation_frame([s for s in results.ablation if dataset in (None, s.dataset)])
    others = ~frame["recipe"].isin(BASES)  # a base against itself differs in nothing
    shown = frame.assign(**{name: frame[name].where(others) for name in ("n_more", "n_fewer", "p_value")})
    columns = (
        Column("recipe", "recipe", "code"),
        Column("differs in", "differs"),
        Column("accuracy (95% by clip)", "accuracy", "number", ".1%", interval=("low", "high")),
        Column("right where the base is wrong", "n_more", "number", ".0f"),
        Column("wrong where the base is right", "n_fewer", "number", ".0f"),
        Column("p", "p_value", "number", ".2f"),
        Column("validation fold", "folds"),
        Column("epochs", "epochs"),
        Column("data", "data"),
    )
    return Table("Ablation", columns, shown, TITLE, text("ablation"), frame)
