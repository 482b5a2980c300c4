"""The networks of the paper (§3.2, §3.3, §4.2). They know tensors alone: no files, no audio.

`ACRNN(NetworkConfig(n_classes, placement))` and the baseline `PiczakCNN(PiczakConfig(n_classes))` map segments
(batch, 2, band, frame) to an `Output`: logits and attention. `build(config)` makes either. `complexity(config)` counts
what such a network costs (Table 2).
"""

from acrnn.model.attention import ConvAttention, RecurrentAttention
from acrnn.model.base import Network, Output
from acrnn.model.baselines import PICZAK, PiczakCNN, PiczakConfig
from acrnn.model.build import NETWORKS, build, network_config, network_from_dict, placement_of
from acrnn.model.complexity import (
    Complexity,
    LayerCost,
    complexity,
    n_parameters,
    paper_flops,
)
from acrnn.model.network import ACRNN, PLACEMENTS, WITH_ATTENTION, NetworkConfig

__all__ = [
    "ACRNN",
    "NETWORKS",
    "PICZAK",
    "PLACEMENTS",
    "WITH_ATTENTION",
    "Complexity",
    "ConvAttention",
    "LayerCost",
    "Network",
    "NetworkConfig",
    "Output",
    "PiczakCNN",
    "PiczakConfig",
    "RecurrentAttention",
    "build",
    "complexity",
    "n_parameters",
    "network_config",
    "network_from_dict",
    "paper_flops",
    "placement_of",
]
