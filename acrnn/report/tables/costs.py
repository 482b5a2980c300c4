"""The paper's Table 2: parameters and cost."""

from functools import cache

import pandas as pd

from acrnn.model import NetworkConfig, PiczakConfig, complexity, network_config
from acrnn.report.table import Column, Table
from acrnn.results import paper


@cache
def cost_frame(n_classes: int) -> pd.DataFrame:
    """Count Table 2: what the paper prints, and what the networks cost with `n_classes` classes.

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


def cost_table(n_classes: int) -> Table:
    """Lay out Table 2 beside true counts; its note says what ACRNN costs beside PiczakCNN."""
    frame = cost_frame(n_classes)
    return Table(
        "Table 2",
        (
            Column("Model", "model"),
            Column("parameters, printed (M)", "paper_parameters_m", "number", ".2f"),
            Column("parameters", "parameters", "number", ",d"),
            Column("FLOPs, printed (M)", "paper_flops_m", "number", ".2f"),
            Column("FLOPs by the paper's counting", "paper_counting", "number", ",d"),
            Column("multiply-accumulates a segment", "multiply_accumulates", "number", ",d"),
        ),
        frame,
        paper.TABLE_2_TITLE,
        tell_costs(frame),
    )


def tell_costs(frame: pd.DataFrame) -> str:
    """Say what ACRNN costs beside PiczakCNN, in parameters and in a segment's work; `frame` is of `cost_frame`."""
    piczak, acrnn = frame.iloc[0], frame.iloc[2]
    fewer = piczak["parameters"] / acrnn["parameters"]
    more = acrnn["multiply_accumulates"] / piczak["multiply_accumulates"]
    return (
        f"ACRNN has {fewer:.1f} times fewer parameters than PiczakCNN, but its segment (128 bands by 128 frames, "
        f"against 60 by 41) costs {more:.1f} times as many multiply-accumulates."
    )
