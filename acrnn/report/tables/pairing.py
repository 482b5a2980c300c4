"""Each placement of attention beside the network without, clip by clip."""

from acrnn.report.table import Column, Table
from acrnn.report.texts import text
from acrnn.results.collection import Results
from acrnn.results.paired import pairing_frame

TITLE = "What attention adds, clip by clip"


def pairing_table(results: Results, dataset: str | None = None) -> Table:
    """Lay out every pair of one dataset, or of both."""
    frame = pairing_frame([s for s in results.settings if dataset in (None, s.dataset)])
    columns = (
        Column("attention", "placement"),
        Column("clips", "clips", "number", "d"),
        Column("right where none is wrong", "n_more", "number", "d"),
        Column("wrong where none is right", "n_fewer", "number", "d"),
        Column("difference (points, 95% interval)", "points", "number", "+.1f", interval=("low", "high")),
        Column("p", "p_value", "number", ".2f"),
        Column("folds", "folds"),
        Column("epochs", "epochs"),
        Column("data", "data"),
    )
    return Table("Pairs", columns, frame, TITLE, text("pairing"))
