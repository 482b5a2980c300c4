"""ACRNN to the letter of §3.2: eight convolutions l1–l8, two Bi-GRUs l9–l10, attention at one of five places."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from acrnn.errors import OptionError
from acrnn.model.attention import ConvAttention, RecurrentAttention, Scaling
from acrnn.model.base import Network, Output

PLACEMENTS: tuple[str, ...] = (
    "none",
    "l2-sigmoid", "l2-softmax",
    "l4-sigmoid", "l4-softmax",
    "l6-sigmoid", "l6-softmax",
    "l8-sigmoid", "l8-softmax",
    "l10",
)  # fmt: skip
"""Every row of the paper's Table 4. At l10 the weights are always a softmax (eq. 3)."""
WITH_ATTENTION: tuple[str, ...] = PLACEMENTS[1:]
"""All of them but `none`."""


@dataclass(frozen=True)
class Block:
    """Two equal convolutions and the pooling after them (§3.2). Sizes are (band, frame)."""

    channels: int
    kernel: tuple[int, int]
    pool: tuple[int, int]


BLOCKS: tuple[Block, ...] = (
    Block(32, (3, 5), (4, 3)),  # l1, l2: spectro-temporal
    Block(64, (3, 1), (4, 1)),  # l3, l4: along frequency
    Block(128, (1, 5), (1, 3)),  # l5, l6: along time
    Block(256, (3, 3), (2, 2)),  # l7, l8: both
)

# The paper used Keras, whose batch normalisation adds 1e-3 to the variance and keeps 0.99 of its running statistics.
BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 1 - 0.99


@dataclass(frozen=True)
class NetworkConfig:
    """What fixes the network's shape. It travels in the checkpoint.

    Parameters
    ----------
    n_classes : int
        Classes of the output, at least 2.
    placement : str
        Where attention sits, one of `PLACEMENTS`.
    n_bands, n_frames : int
        Size of one segment (§3.1: 128 × 128).
    n_hidden : int
        Cells of each direction of each GRU (§3.2: 256).
    dropout : float
        Probability of dropping an output of either Bi-GRU in training, in [0, 1) (§3.2: 0.5).
    mean_one : bool
        Softmax attention at l2 to l8 multiplies by weights with a mean of one instead of a sum of one (eq. 2).

    Raises
    ------
    OptionError
        If the placement is unknown or a number is out of range.
    """

    n_classes: int
    placement: str = "l10"
    n_bands: int = 128
    n_frames: int = 128
    n_hidden: int = 256
    dropout: float = 0.5
    mean_one: bool = False

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise OptionError(f"attention placement {self.placement!r} is not one of {', '.join(PLACEMENTS)}.")
        if self.n_classes < 2 or self.n_hidden < 1 or not 0 <= self.dropout < 1:
            raise OptionError(f"not a network: {self}")
        if self.n_bands < self.bands_per_step or self.n_frames < self.frames_per_step:
            raise OptionError(f"a segment of {self.n_bands} × {self.n_frames} is pooled away to nothing")

    @property
    def bands_per_step(self) -> int:
        """Spectrogram bands that the pooling of all blocks makes one: 32."""
        return prod(block.pool[0] for block in BLOCKS)

    @property
    def frames_per_step(self) -> int:
        """Spectrogram frames that the pooling of all blocks makes one step of the GRU: 18."""
        return prod(block.pool[1] for block in BLOCKS)

    @property
    def has_attention(self) -> bool:
        """Whether any layer is attended to."""
        return self.placement in WITH_ATTENTION

    @property
    def layer(self) -> str | None:
        """`l2`, `l4`, `l6`, `l8`, `l10`, or None without attention."""
        return self.placement.split("-")[0] if self.has_attention else None

    @property
    def scaling(self) -> Scaling | None:
        """The scaling function σ; None without attention."""
        if not self.has_attention:
            return None
        return self.placement.split("-")[1] if "-" in self.placement else "softmax"  # type: ignore[return-value]

    @property
    def frames_per_weight(self) -> int:
        """Spectrogram frames that one attention weight stands for: 1, 3, 3, 9, 18 at l2, l4, l6, l8, l10.

        Raises
        ------
        OptionError
            If the network has no attention.
        """
        if self.layer is None:
            raise OptionError("a network without attention has no attention weights")
        pooled_before = (int(self.layer[1:]) - 1) // 2  # attention sits before the pooling of its own block
        return prod(block.pool[1] for block in BLOCKS[:pooled_before])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file; `mean_one`, which the first version did not have, only where it is set."""
        values = asdict(self)
        return values if self.mean_one else {key: value for key, value in values.items() if key != "mean_one"}


class ConvBlock(nn.Module):
    """Convolution, batch norm and ReLU, twice; then attention if it sits here; then max-pooling (§3.2)."""

    def __init__(self, n_inputs: int, block: Block, scaling: Scaling | None, mean_one: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (n_inputs, block.channels):
            layers += [
                nn.Conv2d(channels, block.channels, block.kernel, padding="same"),
                nn.BatchNorm2d(block.channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)
        self.attention = None if scaling is None else ConvAttention(block.channels, scaling, mean_one)
        self.pool = nn.MaxPool2d(block.pool)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """(batch, channel, band, frame) → the pooled features, and this block's attention if it has one."""
        x = self.layers(x)
        if self.attention is None:
            return self.pool(x), None
        x, weights = self.attention(x)
        return self.pool(x), weights


class BiGRU(nn.GRU):
    """One bidirectional GRU with one bias a gate, as GRU is defined and as Keras counts it.

    `torch.nn.GRU` has a second, recurrent bias. It is held at zero here, so that the parameters are those of the
    text: 3 · (n_inputs · n + n · n + n) a direction.
    """

    def __init__(self, n_inputs: int, n_hidden: int) -> None:
        super().__init__(n_inputs, n_hidden, batch_first=True, bidirectional=True)
        for name, parameter in self.named_parameters():
            if name.startswith("bias_hh"):
                parameter.requires_grad_(False)


class ACRNN(Network):
    """The attention-based convolutional recurrent network of the paper (Figure 2).

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        blocks = []
        n_inputs = 2  # the static spectrogram and its delta
        for index, block in enumerate(BLOCKS):
            here = config.layer == f"l{2 * index + 2}"
            blocks.append(ConvBlock(n_inputs, block, config.scaling if here else None, config.mean_one))
            n_inputs = block.channels
        self.blocks = nn.ModuleList(blocks)
        self.l9 = BiGRU(n_inputs * (config.n_bands // config.bands_per_step), config.n_hidden)
        self.l10 = BiGRU(2 * config.n_hidden, config.n_hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.attention = RecurrentAttention(2 * config.n_hidden) if config.layer == "l10" else None
        self.output = nn.Linear(2 * config.n_hidden, config.n_classes)

    def forward(self, segments: Tensor) -> Output:
        """Classify segments.

        Parameters
        ----------
        segments : Tensor (batch, 2, band, frame)
            Log-gammatone spectrogram in decibels and its delta in decibels a frame.

        Returns
        -------
        Output
        """
        x = self.standardise(segments)
        attention = None
        for block in self.blocks:
            x, weights = block(x)
            attention = weights if weights is not None else attention
        x = x.permute(0, 3, 1, 2).flatten(2)  # (batch, step, channel · band)
        x = self.dropout(self.l9(x)[0])
        x = self.dropout(self.l10(x)[0])  # (batch, step, 2 · n_hidden)
        if self.attention is not None:
            vector, attention = self.attention(x)
        else:  # the usual read-out: where each direction has seen the whole segment
            forwards, backwards = x[:, -1], x[:, 0]
            n = self.config.n_hidden
            vector = torch.cat([forwards[:, :n], backwards[:, n:]], dim=1)
        return Output(self.output(vector).float(), attention, vector)

    def layers(self) -> Iterator[tuple[str, tuple[nn.Module, ...]]]:
        """Name and modules of every layer in forward order; a convolution's batch norm belongs to it."""
        for index, block in enumerate(self.blocks):
            first, first_norm, _, second, second_norm, _ = block.layers
            yield f"l{2 * index + 1}", (first, first_norm)
            yield f"l{2 * index + 2}", (second, second_norm)
            if block.attention is not None:
                yield "attention", (block.attention,)
        yield "l9", (self.l9,)
        yield "l10", (self.l10,)
        if self.attention is not None:
            yield "attention", (self.attention,)
        yield "output", (self.output,)
