"""Frame-level attention (§3.3): for convolutional layers equations 1 and 2, for the recurrent layer 3 and 4."""

from typing import Literal

import torch
from torch import Tensor, nn

Scaling = Literal["sigmoid", "softmax"]


class ConvAttention(nn.Module):
    """Attention over the frames of a convolutional layer (§3.3.1, eq. 1 and 2).

    One 3×3 filter gives one hidden map, its mean over bands one score a frame, and the scaling function the
    weights A; every band and channel of a frame is multiplied by that frame's weight.

    Parameters
    ----------
    channels : int
        Channels of the layer that is attended to.
    scaling : {"sigmoid", "softmax"}
        σ of eq. 1. Softmax makes the weights of a segment sum to one over its frames, so it has to concentrate;
        sigmoid weighs each frame by itself.
    mean_one : bool
        Multiply features by T times the softmax weights, whose mean is one, instead of by weights of about 1/T, which
        leave the next layer almost nothing. The weights returned are those of eq. 1 all the same.
    """

    def __init__(self, channels: int, scaling: Scaling, mean_one: bool = False) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, kernel_size=3, padding=1)
        self.scaling: Scaling = scaling
        self.mean_one = mean_one and scaling == "softmax"

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the frames of `features`.

        Parameters
        ----------
        features : Tensor (batch, channel, band, frame)

        Returns
        -------
        weighted : Tensor (batch, channel, band, frame)
            M′ of eq. 2.
        weights : Tensor (batch, frame), float32
            A of eq. 1, in (0, 1); sums to one over frames for softmax.
        """
        scores = self.score(features).mean(dim=2).squeeze(1).float()  # (batch, frame)
        weights = scores.sigmoid() if self.scaling == "sigmoid" else scores.softmax(dim=-1)
        gains = weights * weights.shape[-1] if self.mean_one else weights
        return features * gains[:, None, None, :].to(features.dtype), weights


class RecurrentAttention(nn.Module):
    """Attention over the steps of the last Bi-GRU (§3.3.2, eq. 3 and 4).

    Parameters
    ----------
    size : int
        Length of h_t = [→h_t, ←h_t].
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1, bias=False)  # a bias would cancel in the softmax

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Sum the steps of `hidden`, weighted.

        Parameters
        ----------
        hidden : Tensor (batch, step, size)

        Returns
        -------
        vector : Tensor (batch, size)
            v of eq. 4.
        weights : Tensor (batch, step), float32
            β of eq. 3; sums to one over steps.
        """
        weights = self.score(hidden).squeeze(-1).float().softmax(dim=-1)  # (batch, step)
        return torch.einsum("bt,bth->bh", weights.to(hidden.dtype), hidden), weights
