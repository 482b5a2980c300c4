"""PiczakCNN, the baseline of §4.2: K. J. Piczak, Environmental Sound Classification with Convolutional Neural Networks.

The layers of the original are two convolutions with max-pooling and two dense layers of 5000. Of the readings of that
description, one gives the 31.53 M parameters of Table 2: convolutions without padding, and pooling that pads, so that
nothing at an edge is left out (Keras' "same"). A segment of 60 × 41 then becomes 4 × 36 and 4 × 12 in the first layer,
4 × 10 and 4 × 4 in the second, and the first dense layer has 80 · 4 · 4 = 1280 inputs. In the original, pooling pads
nothing: 1 × 36, 1 × 12, 1 × 10, 1 × 3, 240 inputs and 5.2 M parameters less.

It is trained by the recipe that ACRNN is trained by, its mixup, batches, L2 and schedule, but for its initial values.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad

from acrnn.errors import OptionError
from acrnn.model.base import Network, Output

PICZAK = "piczakcnn"
"""What PiczakCNN is called where a placement of ACRNN's attention stands: in options, names and tables."""


@dataclass(frozen=True)
class PiczakConfig:
    """What fixes the shape of PiczakCNN. It travels in the checkpoint.

    Parameters
    ----------
    n_classes : int
        Classes of the output, at least 2.
    n_bands, n_frames : int
        Size of one segment, at least 57 × 13 (60 × 41).
    n_filters : int
        Channels of either convolution.
    n_hidden : int
        Outputs of either dense layer.
    dropout : float
        Probability of dropping an output of the first convolution or of a dense layer in training, in [0, 1).
    kind : str
        Tells it from an ACRNN's config in a file.

    Raises
    ------
    OptionError
        If a number is out of range.
    """

    n_classes: int
    n_bands: int = 60
    n_frames: int = 41
    n_filters: int = 80
    n_hidden: int = 5000
    dropout: float = 0.5
    kind: Literal["piczakcnn"] = PICZAK

    def __post_init__(self) -> None:
        sizes = self.n_classes >= 2 and self.n_filters >= 1 and self.n_hidden >= 1
        if self.kind != PICZAK or not sizes or not 0 <= self.dropout < 1:
            raise OptionError(f"not a network: {self}")
        if self.n_bands < 57 or self.n_frames < 13:
            raise OptionError(f"a segment of {self.n_bands} × {self.n_frames} is smaller than the filters of PiczakCNN")

    @property
    def placement(self) -> str:
        """`piczakcnn`: it has no attention that could be placed."""
        return PICZAK

    @property
    def has_attention(self) -> bool:
        """Whether any layer is attended to: none is."""
        return False

    @property
    def layer(self) -> None:
        """No layer is attended to."""
        return None

    @property
    def scaling(self) -> None:
        """No scores are scaled."""
        return None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)


class SamePool(nn.Module):
    """Max-pooling that pads as Keras' "same": ⌈size / stride⌉ outputs, the odd row or column of padding at the end.

    What is padded is zero, which changes no maximum: this stands behind a ReLU.

    Parameters
    ----------
    size, stride : tuple of int
        Of the window, (band, frame).
    """

    def __init__(self, size: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, band, frame) → (batch, channel, ⌈band / stride⌉, ⌈frame / stride⌉)."""
        (over, under), (before, after) = (
            _same(n, size, stride) for n, size, stride in zip(x.shape[2:], self.size, self.stride, strict=True)
        )
        return max_pool2d(pad(x, (before, after, over, under)), self.size, self.stride)


def _same(n: int, size: int, stride: int) -> tuple[int, int]:
    """Give the padding before and after an axis of `n`."""
    total = max(0, (-(-n // stride) - 1) * stride + size - n)
    return total // 2, total - total // 2


class PiczakCNN(Network):
    """The convolutional network of Piczak (2015) as §4.2 reproduces it; see the module's docstring.

    Parameters
    ----------
    config : PiczakConfig
    """

    def __init__(self, config: PiczakConfig) -> None:
        super().__init__(config)
        n = config.n_filters
        self.conv1 = nn.Conv2d(2, n, (57, 6))
        self.pool1 = SamePool((4, 3), stride=(1, 3))
        self.conv2 = nn.Conv2d(n, n, (1, 3))
        self.pool2 = SamePool((1, 3), stride=(1, 3))
        self.dropout = nn.Dropout(config.dropout)
        n_pooled_frames = -(-(config.n_frames - 5) // 3)
        n_steps = -(-(n_pooled_frames - 2) // 3)
        self.dense1 = nn.Linear(n * (config.n_bands - 56) * n_steps, config.n_hidden)
        self.dense2 = nn.Linear(config.n_hidden, config.n_hidden)
        self.output = nn.Linear(config.n_hidden, config.n_classes)

    def forward(self, segments: Tensor) -> Output:
        """Classify segments.

        Parameters
        ----------
        segments : Tensor (batch, 2, band, frame)
            Log-mel spectrogram in decibels and its delta in decibels a frame.

        Returns
        -------
        Output
            Its attention is None.
        """
        x = self.standardise(segments)
        x = self.dropout(self.pool1(self.conv1(x).relu()))  # (batch, 80, 4, 12)
        x = self.pool2(self.conv2(x).relu()).flatten(1)  # (batch, 80 · 4 · 4)
        x = self.dropout(self.dense1(x).relu())
        x = self.dropout(self.dense2(x).relu())
        return Output(self.output(x).float(), None)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the kernels as Piczak's code does, since this network does not learn from §4.1's N(0, 0.05).

        With 5000 inputs that is too wide: on 60 clips of ESC-10, under the recipe's SGD, the loss begins at 44, passes
        270 in the second step, and from the second epoch on every ReLU is dead (a loss of ln 10, for good). Piczak's
        are U(±0.001) with a bias of 0.1 in the first convolution, U(±0.1) in the second, N(0, 0.01) in the dense
        layers and zero for the other biases; from them the loss falls from the first epoch.
        """
        self.conv1.weight.uniform_(-0.001, 0.001, generator=generator)
        self.conv2.weight.uniform_(-0.1, 0.1, generator=generator)
        for dense in (self.dense1, self.dense2, self.output):
            dense.weight.normal_(0.0, 0.01, generator=generator)
            dense.bias.zero_()
        self.conv1.bias.fill_(0.1)
        self.conv2.bias.zero_()

    def layers(self) -> Iterator[tuple[str, tuple[nn.Module, ...]]]:
        """Name and modules of every layer, in the order of the forward pass."""
        for name in ("conv1", "conv2", "dense1", "dense2", "output"):
            yield name, (self.get_submodule(name),)
