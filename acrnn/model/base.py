"""What every network of the project has in common: standardisation, initial values, kernels, and what it returns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

INIT_STD = 0.05  # §4.1


@dataclass(frozen=True)
class Output:
    """What a network says of a batch of segments.

    Attributes
    ----------
    logits : Tensor (batch, class), float32
    attention : Tensor (batch, step), float32, or None for a network without attention
        Weights over 128, 42, 42, 14, 7 steps at l2, l4, l6, l8, l10.
    features : Tensor (batch, feature), or None
        What the output layer is given: 512 numbers of ACRNN.
    """

    logits: Tensor
    attention: Tensor | None
    features: Tensor | None = None


class Network(nn.Module):
    """A network that takes spectrograms and deltas in decibels as they are.

    The standardisation of §4.1 (mean and standard deviation of the training set, one pair a channel) is part of it,
    and so of its checkpoint.

    Parameters
    ----------
    config : NetworkConfig or PiczakConfig
    """

    mean: Tensor  # (channel,): decibels, decibels a frame
    std: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("std", torch.ones(2))

    def standardise(self, segments: Tensor) -> Tensor:
        """(batch, 2, band, frame) decibels → the same with the training set's mean at 0 and deviation at 1 (§4.1)."""
        return (segments - self.mean[:, None, None]) / self.std[:, None, None]

    @torch.no_grad()
    def standardise_by(self, mean: Tensor, std: Tensor) -> None:
        """Take over the training set's mean and standard deviation, one of each a channel (§4.1)."""
        self.mean.copy_(mean)
        self.std.copy_(std)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw every kernel from N(0, 0.05) and set every bias to zero (§4.1); batch norm starts as identity."""
        kernels = {id(kernel) for kernel in self.kernels()}
        for name, parameter in self.named_parameters():
            if id(parameter) in kernels:
                parameter.normal_(0.0, INIT_STD, generator=generator)
            elif "bias" in name:
                parameter.zero_()

    def kernels(self) -> list[nn.Parameter]:
        """Weights of convolutions, GRUs and dense layers: what is regularised (§3.2). No bias, no batch norm."""
        found: list[nn.Parameter] = []
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                found.append(module.weight)
            elif isinstance(module, nn.GRU):
                found += [p for name, p in module.named_parameters() if name.startswith("weight")]
        return found

    def layers(self) -> Iterator[tuple[str, tuple[nn.Module, ...]]]:
        """Name and modules of every layer in the order of the forward pass; all parameters are in one of them."""
        raise NotImplementedError
