"""Maps of a clip over time and frequency, by Captum, on the network's own input.

That input is two channels of each segment, the log-gammatone spectrogram and its delta; what a method says of the two
is added up, cell by cell, and what it says of the segments is added up on the clip's time axis, each segment counting
by its vote. So integrated gradients add up to what the clip's probability has over silence, and occlusion is what the
clip's probability loses with a tile of either channel. Silence is the front end's floor and a slope of zero.

Grad-CAM looks at l8, the last convolution, whose cells stand for 16 bands by 9 frames. It follows the logit, as its
authors have it: the slope of a probability near one is zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from torch import Tensor

from acrnn.errors import OptionError
from acrnn.features import segments_at_once
from acrnn.inference import Prediction, Predictor
from acrnn.measures.faithfulness.clip import FaithfulnessMeter
from acrnn.measures.faithfulness.erasure import BATCH_FRAMES, Erasure
from acrnn.measures.faithfulness.maps import differentiable
from acrnn.measures.maps.grid import Grid
from acrnn.model import ACRNN, Network
from acrnn.model.network import BLOCKS

METHODS: dict[str, str] = {
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
    "grad_cam": "Grad-CAM at l8",
}
"""Method → its name for people."""
GRAD_CAM = "grad_cam"
IG_STEPS = 24
"""Points of the path of integrated gradients, by Gauss–Legendre quadrature: few sums are off by more than 0.02."""

OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class TimeFrequencyMap:
    """What each part of a clip's spectrogram does for one class, by one method.

    Attributes
    ----------
    method : str
        Of `METHODS`.
    label : str
        The class.
    values : ndarray (band, frame), float32
        On the clip's own axes, those of `Prediction.spectrogram`. Of integrated gradients the part of the probability
        that each cell brings, of occlusion the probability that its tile brings, of Grad-CAM a weight of at least 0.
    grid : Grid
    """

    method: str
    label: str
    values: np.ndarray
    grid: Grid

    @cached_property
    def tiles(self) -> np.ndarray:
        """(row, column) score of each tile: the sum of integrated gradients, the mean of the others."""
        add = self.grid.sums if self.method == "integrated_gradients" else self.grid.means
        return add(self.values)

    def kept(self, share: float) -> np.ndarray:
        """(row, column) bool: the tiles of the highest scores, a `share` of them, at least one; ties go by place.

        A tile that brings nothing or speaks against the class is never among them.
        """
        tiles = self.tiles
        n = max(1, round(share * tiles.size))
        first = np.argsort(-tiles.ravel(), kind="stable")[:n]
        kept = np.zeros(tiles.size, bool)
        kept[first] = True
        return kept.reshape(tiles.shape) & (tiles > 0)


def methods_of(network: Network) -> tuple[str, ...]:
    """Methods that a network can be asked by: all for ACRNN; PiczakCNN has no l8."""
    return tuple(method for method in METHODS if method != GRAD_CAM or isinstance(network, ACRNN))


class Mapper:
    """A loaded checkpoint made ready to be asked which parts of a spectrogram matter.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self._meter = FaithfulnessMeter(predictor)

    def erasure(self, prediction: Prediction, label: str | None = None) -> Erasure:
        """Erasure of a clip for one of the checkpoint's classes; see `FaithfulnessMeter.erasure`."""
        return self._meter.erasure(prediction, label)

    def __call__(
        self,
        prediction: Prediction,
        method: str,
        *,
        label: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> TimeFrequencyMap:
        """Make one map of a clip.

        Parameters
        ----------
        prediction : Prediction
            What this very predictor says of the clip.
        method : str
            Of `methods_of` this network.
        label : str, optional
            The class; by default the predicted one.
        on_progress : callable, optional
            Told the share done, 0 to 1.

        Raises
        ------
        OptionError
            If the class is none of the checkpoint's, or the method does not fit the network.
        """
        offered = methods_of(self.predictor.model)
        if method not in offered:
            raise OptionError(f"method {method!r} is none of {prediction.checkpoint}'s: {', '.join(offered)}.")
        erasure = self.erasure(prediction, label)
        grid = Grid.of(*prediction.spectrogram.shape)
        told = on_progress or (lambda share: None)
        if method == "integrated_gradients":
            values = integrated_gradients(erasure, on_progress=told)
        elif method == "occlusion":
            values = occlusion(erasure, grid, told)
        else:
            values = grad_cam(erasure, self.predictor.model, told)
        return TimeFrequencyMap(method, label or prediction.label, values.astype(np.float32), grid)

    def probabilities(self, prediction: Prediction, found: TimeFrequencyMap, kept: np.ndarray) -> tuple[float, float]:
        """Probability of a map's class from the tiles `kept` (row, column) alone, and without them; else silence."""
        removed = found.grid.spread(np.stack([~kept, kept]))
        alone, without = self.erasure(prediction, found.label).probabilities(removed, "silence")
        return float(alone), float(without)


def integrated_gradients(
    erasure: Erasure, n_steps: int = IG_STEPS, on_progress: OnProgress = lambda share: None
) -> np.ndarray:
    """(band, frame) integrated gradients of the class's probability from silence to the clip, both channels added.

    Their sum is the clip's probability less that of silence, up to the quadrature's error.
    """
    from captum.attr import IntegratedGradients  # a second to load, and only who asks for a map needs it

    inputs, silence = inputs_of(erasure)
    forward = _watched(probability_of(erasure), n_steps * len(inputs), on_progress)
    with differentiable(erasure.device):
        found = IntegratedGradients(forward).attribute(
            inputs,
            baselines=silence,
            n_steps=n_steps,
            method="gausslegendre",
            internal_batch_size=max(len(inputs), segments_at_once(erasure.segments.length, BATCH_FRAMES)),
        )
    return on_clip(erasure, found.sum(dim=1))


def occlusion(erasure: Erasure, grid: Grid, on_progress: OnProgress = lambda share: None) -> np.ndarray:
    """(band, frame) probability that a clip loses when a tile becomes silence in both channels, held over the tile.

    In the device's fast precision, like the deletion test: on a CPU with bf16 in little more than half the time, and
    the ranks of the tiles correlate with those of fp32 by 0.97 or more.
    """
    from captum.attr import Occlusion

    inputs, silence = inputs_of(erasure)
    n_segments, _, n_bands, length = inputs.shape
    window = 2, min(grid.tile_bands, n_bands), min(grid.tile_frames, length)
    n_windows = -(-n_bands // window[1]) * -(-length // window[2])
    forward = _watched(probability_of(erasure, erasure.precision), (1 + n_windows) * n_segments, on_progress)
    with torch.no_grad():
        found = Occlusion(forward).attribute(
            inputs,
            sliding_window_shapes=window,
            strides=window,
            baselines=silence,
            perturbations_per_eval=max(1, segments_at_once(length, BATCH_FRAMES) // n_segments),
        )
    return on_clip(erasure, found[:, 0])  # the same in both channels


def grad_cam(erasure: Erasure, network: Network, on_progress: OnProgress = lambda share: None) -> np.ndarray:
    """(band, frame) Grad-CAM of the class's logit at l8, at least 0, each cell held over the frames it stands for.

    Parameters
    ----------
    network : ACRNN
        As trained: `fast_copy` moves the ReLU that l8 ends with.
    """
    from captum.attr import LayerGradCam

    inputs, _ = inputs_of(erasure)
    forward = _watched(lambda segments: network(segments).logits[:, erasure.target], len(inputs), on_progress)
    method = LayerGradCam(forward, network.blocks[-1].layers)
    with differentiable(erasure.device):
        batches = inputs.split(segments_at_once(erasure.segments.length, BATCH_FRAMES))
        cells = torch.cat([method.attribute(batch, relu_attributions=True).detach() for batch in batches])[:, 0]
    band, frame = (prod(block.pool[axis] for block in BLOCKS[:-1]) for axis in (0, 1))
    rows = (torch.arange(inputs.shape[2], device=cells.device) // band).clamp(max=cells.shape[1] - 1)
    columns = (torch.arange(inputs.shape[3], device=cells.device) // frame).clamp(max=cells.shape[2] - 1)
    return on_clip(erasure, cells[:, rows][:, :, columns])


def inputs_of(erasure: Erasure) -> tuple[Tensor, Tensor]:
    """Segments (segment, 2, band, frame) of a clip as the network takes them, and as many of silence."""
    floor_db, segments = erasure.front_end.floor_db, erasure.segments
    padded = segments.pad(erasure.spectrogram, floor_db)
    inputs = next(segments.batches(padded, len(segments))).to(erasure.device)
    silence = torch.zeros_like(inputs)
    silence[:, 0] = floor_db
    return inputs, silence


def probability_of(erasure: Erasure, precision: str = "fp32") -> Callable[[Tensor], Tensor]:
    """Give the function from segments (batch, 2, band, frame) to the class's probability (batch,), float32."""

    def probability(segments: Tensor) -> Tensor:
        segments = segments.contiguous(memory_format=torch.channels_last)
        with torch.autocast(erasure.device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = erasure.network(segments).logits
        return logits.float().softmax(dim=1)[:, erasure.target]

    return probability


def on_clip(erasure: Erasure, of_segments: Tensor) -> np.ndarray:
    """(segment, band, segment frame) → (band, frame) of the clip, float64: the sum, each segment times its vote."""
    segments, by_segment = erasure.segments, of_segments.detach().double().cpu().numpy()
    joined = np.zeros((by_segment.shape[1], segments.n_padded_frames))
    for vote, start, values in zip(erasure.votes, segments.starts, by_segment, strict=True):
        joined[:, start : start + segments.length] += float(vote) * values
    return joined[:, : segments.n_frames]


def _watched(forward: Callable[[Tensor], Tensor], n_expected: int, told: OnProgress) -> Callable[[Tensor], Tensor]:
    """Tell the share of the expected segments after each batch."""
    done = 0

    def watched(segments: Tensor) -> Tensor:
        nonlocal done
        found = forward(segments)
        done += len(segments)
        told(min(1.0, done / n_expected))
        return found

    return watched
