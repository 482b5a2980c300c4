"""The network of the paper (§3.2, §3.3). It knows tensors alone: no files, no audio.

`ACRNN(NetworkConfig(n_classes, placement))` maps segments (batch, 2, band, frame) to an `Output`: logits and attention.
`complexity(config)` counts what such a network costs (Table 2).
"""

from acrnn.model.attention import ConvAttention, RecurrentAttention
from acrnn.model.complexity import (
    Complexity,
    LayerCost,
    complexity,
    n_multiply_accumulates,
    n_parameters,
    paper_flops,
)
from acrnn.model.network import ACRNN, PLACEMENTS, NetworkConfig, Output

__all__ = [
    "ACRNN",
    "PLACEMENTS",
    "Complexity",
    "ConvAttention",
    "LayerCost",
    "NetworkConfig",
    "Output",
    "RecurrentAttention",
    "complexity",
    "n_multiply_accumulates",
    "n_parameters",
    "paper_flops",
]
