"""Take frames, or single cells, out of a clip's spectrogram and ask the network again, as often as a curve needs.

A removed frame is filled in the static spectrogram, and the delta is taken anew from what is then there: the network
never sees the slope of a frame that is gone. A probability is that of one class, by the same segments, votes,
padding and standardisation that the prediction of the whole clip has.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from acrnn.devices import fast_precision
from acrnn.features import FrontEnd, Segments, segments_at_once
from acrnn.inference import Prediction, Predictor
from acrnn.model import Network
from acrnn.model.network import ConvBlock

Fill = Literal["silence", "mean"]
FILLS: tuple[Fill, ...] = ("silence", "mean")
"""What a removed frame becomes in all bands: the front end's floor, or the training folds' mean in decibels."""
BATCH_FRAMES = 24 * 128
"""A tensor of l2 is then 25 MB in bf16: under the 32 MiB from which glibc gives memory back each time it is freed."""
_REACH = 4  # frames to either side that the delta of a frame looks at

OnProgress = Callable[[int, int], None]


class Erasure:
    """One clip, one class, and the network's probability of it with any frames removed.

    Parameters
    ----------
    network : Network
        As `fast_copy` gives it, or any other in evaluation mode.
    front_end : FrontEnd
    spectrogram : ndarray (band, frame), float32, decibels
        What the network saw: `Prediction.spectrogram`.
    target : int
        Index of the class.
    votes : ndarray (segment,), optional
        What each segment counts for in the clip's probability, `Prediction.segment_votes`; by default all the same.
    precision : {"fp32", "bf16"}
    """

    def __init__(
        self,
        network: Network,
        front_end: FrontEnd,
        spectrogram: np.ndarray,
        target: int,
        votes: np.ndarray | None = None,
        precision: str = "fp32",
    ) -> None:
        self.network = network
        self.front_end = front_end
        self.spectrogram = torch.from_numpy(np.ascontiguousarray(spectrogram))
        self.target = target
        self.precision = precision
        self.device = network.mean.device
        self.segments = Segments.of(self.spectrogram.shape[1], front_end)
        self.votes = np.full(len(self.segments), 1 / len(self.segments)) if votes is None else votes
        self._known: dict[tuple[float, int, bytes], float] = {}

    @property
    def n_frames(self) -> int:
        """Frames of the clip."""
        return self.spectrogram.shape[1]

    def fill_db(self, fill: Fill) -> float:
        """Level of a removed frame in decibels, the same in all bands."""
        return self.front_end.floor_db if fill == "silence" else float(self.network.mean[0])

    def filled(self, removed: np.ndarray, fill: Fill) -> Tensor:
        """Spectrogram (band, frame) in decibels with what is `removed`, (frame,) or (band, frame) bool, filled."""
        return self.spectrogram.masked_fill(torch.from_numpy(removed), self.fill_db(fill))

    def probabilities(self, removed: np.ndarray, fill: Fill, on_progress: OnProgress | None = None) -> np.ndarray:
        """Probability of the class for each set of removed frames or cells.

        A segment whose own frames, and those that its delta reaches, are as in a set before is not computed again:
        short removals leave most segments alone, and long ones leave few frames to differ by.

        Parameters
        ----------
        removed : ndarray (set, frame) or (set, band, frame), bool
            Frames in all bands, or single cells.
        fill : {"silence", "mean"}
        on_progress : callable, optional
            Told (segments done, segments to do).

        Returns
        -------
        ndarray (set,), float64
        """
        level_db = self.fill_db(fill)
        already = (self.spectrogram == level_db).numpy()
        # silence removed into silence changes nothing
        removed = removed & ~(already if removed.ndim == 3 else already.all(axis=0))
        keys = [[(level_db, *key) for key in self._windows(row)] for row in removed]
        todo: dict[int, list[int]] = {}  # set → segments that are new with it
        new = set()
        for number, row in enumerate(keys):
            fresh = [i for i, key in enumerate(row) if key not in self._known and key not in new]
            new.update(row[i] for i in fresh)
            if fresh:
                todo[number] = fresh
        done = 0
        for batch, owners in self._batches(removed, fill, todo):
            for (number, segment), p in zip(owners, self._classify(batch).tolist(), strict=True):
                self._known[keys[number][segment]] = p
            done += len(owners)
            if on_progress is not None:
                on_progress(done, len(new))
        return np.average([[self._known[key] for key in row] for row in keys], axis=1, weights=self.votes)

    def _windows(self, removed: np.ndarray) -> Iterator[tuple[int, bytes]]:
        """Position of each segment, and which of the frames or cells that its content depends on are removed."""
        for i, start in enumerate(self.segments.starts):
            seen = removed[..., max(0, start - _REACH) : start + self.segments.length + _REACH]
            yield i, np.packbits(seen).tobytes()

    def _batches(
        self, removed: np.ndarray, fill: Fill, todo: dict[int, list[int]]
    ) -> Iterator[tuple[Tensor, list[tuple[int, int]]]]:
        """Segments (batch, 2, band, segment frame) to compute, and the (set, segment) that each is of."""
        at_once = segments_at_once(self.segments.length, BATCH_FRAMES)
        held: list[Tensor] = []
        owners: list[tuple[int, int]] = []
        for number, wanted in todo.items():
            padded = self.segments.pad(self.filled(removed[number], fill), self.front_end.floor_db)
            for i in wanted:
                start = int(self.segments.starts[i])
                held.append(padded[..., start : start + self.segments.length])
                owners.append((number, i))
                if len(held) == at_once:
                    yield torch.stack(held), owners
                    held, owners = [], []
        if held:
            yield torch.stack(held), owners

    @torch.inference_mode()
    def _classify(self, segments: Tensor) -> Tensor:
        """(batch, 2, band, segment frame) → (batch,) probability of the class."""
        segments = segments.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.network(segments).logits
        return logits.float().softmax(dim=1)[:, self.target].cpu()


def fast_copy(network: Network) -> Network:
    """Copy a trained network with each batch norm folded into the convolution before it, and GRUs that run by step.

    The same function but for rounding, in less than two thirds of the time; no parameter asks for its gradient, so a
    gradient map costs only the way back to the input. Where nothing sits between a ReLU and its pooling they change
    places, since the largest of the positive parts is the positive part of the largest.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    for layers in copy.modules():
        if isinstance(layers, nn.Sequential):
            for i in range(len(layers) - 1):
                if isinstance(layers[i], nn.Conv2d) and isinstance(layers[i + 1], nn.BatchNorm2d):
                    layers[i] = fuse_conv_bn_eval(layers[i], layers[i + 1]).requires_grad_(False)
                    layers[i + 1] = nn.Identity()
    for block in copy.modules():
        if isinstance(block, ConvBlock) and block.attention is None:
            block.pool = nn.Sequential(block.pool, block.layers[-1])
            block.layers[-1] = nn.Identity()
    for name, layer in list(copy.named_children()):
        if isinstance(layer, nn.GRU):
            setattr(copy, name, _StepMajor(layer))
    return copy.to(memory_format=torch.channels_last)


class _StepMajor(nn.Module):
    """A GRU whose input is laid out step by step: else torch copies its weights once a segment of the batch."""

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.gru = gru
        self.gru.batch_first = False

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, step, size) as the GRU itself."""
        output, last = self.gru(x.transpose(0, 1).contiguous())
        return output.transpose(0, 1), last


def eraser(predictor: Predictor, network: Network, prediction: Prediction, target: int) -> Erasure:
    """Erasure of a clip for a predictor whose `fast_copy` is `network`, in this device's fast precision."""
    return Erasure(
        network,
        predictor.checkpoint.config.front_end,
        prediction.spectrogram,
        target,
        prediction.segment_votes,
        fast_precision(predictor.device),
    )
