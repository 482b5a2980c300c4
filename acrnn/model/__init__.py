"""The network of the paper (§3.2, §3.3). It knows tensors alone: no files, no audio.

`ACRNN(NetworkConfig(n_classes, placement))` maps segments (batch, 2, band, frame) to an `Output`: logits and attention.
"""

from acrnn.model.attention import ConvAttention, RecurrentAttention
from acrnn.model.network import ACRNN, PLACEMENTS, NetworkConfig, Output

__all__ = ["ACRNN", "PLACEMENTS", "ConvAttention", "NetworkConfig", "Output", "RecurrentAttention"]
