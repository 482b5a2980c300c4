"""Frame maps of one clip, each a claim about which frames matter: attention, loudness, and two gradient maps.

The gradient maps are Captum's, of the very probability that the curves follow, with respect to the static spectrogram
before its delta is taken; the delta and the vote of the segments are part of what is differentiated. Their input counts
decibels from the front end's floor, so that silence is zero: input × gradient gives it no merit, and the path of
integrated gradients starts there. A frame's score is the sum over its bands, so that integrated gradients add up to
what the clip has over silence.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from acrnn.features import segments_at_once
from acrnn.inference import Prediction
from acrnn.measures.attention import frame_level_db
from acrnn.measures.faithfulness.erasure import Erasure

IG_STEPS = 16
"""Points of the path of integrated gradients, by Gauss–Legendre quadrature."""
_BATCH_FRAMES = 24 * 128  # a clip's gradients hold every activation


def frame_maps(prediction: Prediction, erasure: Erasure, ig_steps: int = IG_STEPS) -> dict[str, np.ndarray]:
    """Every map of a clip that gives each frame a score, the frame that matters most having the highest.

    Returns
    -------
    dict of str to ndarray (frame,), float64
        `attention` (absent for a network without), `energy`, `input_x_gradient`, `integrated_gradients`.
    """
    maps = {} if prediction.attention is None else {"attention": prediction.attention.weights}
    maps["energy"] = frame_level_db(prediction.spectrogram).astype(np.float64)
    maps["input_x_gradient"] = input_x_gradient(erasure)
    maps["integrated_gradients"] = integrated_gradients(erasure, ig_steps)
    return maps


def input_x_gradient(erasure: Erasure) -> np.ndarray:
    """(frame,) gradient of the probability times decibels above the floor, summed over bands."""
    from captum.attr import InputXGradient  # a second to load, and only who asks for a gradient map needs it

    with differentiable(erasure.device):
        found = InputXGradient(probability_of(erasure)).attribute(_above_floor(erasure))
    return _by_frame(found)


def integrated_gradients(erasure: Erasure, n_steps: int = IG_STEPS) -> np.ndarray:
    """(frame,) integrated gradients from silence to the clip, summed over bands.

    Their sum is the clip's probability less that of silence, up to the quadrature's error.
    """
    from captum.attr import IntegratedGradients

    at_once = max(1, segments_at_once(erasure.segments.length, _BATCH_FRAMES) // len(erasure.segments))
    with differentiable(erasure.device):
        found = IntegratedGradients(probability_of(erasure)).attribute(
            _above_floor(erasure), n_steps=n_steps, method="gausslegendre", internal_batch_size=at_once
        )
    return _by_frame(found)


def probability_of(erasure: Erasure) -> Callable[[Tensor], Tensor]:
    """Give the function from clips (clip, band, frame), decibels above the floor, to the class's probability (clip,).

    In fp32, and differentiable from the static spectrogram on.
    """
    floor_db, segments = erasure.front_end.floor_db, erasure.segments
    votes = torch.from_numpy(erasure.votes).to(erasure.device, torch.float32)

    def probability(above_floor: Tensor) -> Tensor:
        cut = []
        for clip in above_floor:
            padded = segments.pad(clip.cpu() + floor_db, floor_db)
            cut.append(next(segments.batches(padded, len(segments))))
        batch = torch.cat(cut).to(erasure.device).contiguous(memory_format=torch.channels_last)
        by_segment = erasure.network(batch).logits.softmax(dim=1)[:, erasure.target]
        return by_segment.view(len(above_floor), len(segments)) @ votes

    return probability


def _above_floor(erasure: Erasure) -> Tensor:
    """(1, band, frame) decibels above the floor, asking for its gradient."""
    return (erasure.spectrogram - erasure.front_end.floor_db)[None].requires_grad_()


def _by_frame(found: Tensor) -> np.ndarray:
    return found.detach()[0].double().sum(dim=0).cpu().numpy()


def differentiable(device: torch.device):
    """Switch cuDNN off on CUDA: its GRU has no way back outside of training."""
    return torch.backends.cudnn.flags(enabled=device.type != "cuda")
