"""Does the attention depend on what was learned? Parameters are drawn anew, and what becomes of it is measured.

The sanity check of Adebayo et al. (2018): a map that stays when the network's parameters are thrown away is a filter
of the input and explains no network. Parameters are drawn as before training (§4.1), from another seed: those of every
layer at once (`untrained`), and from the output down, one more layer at a time, so that at each stage all layers from
there to the output are untrained. Attention at l2 to l8 is computed before the layers behind it, which cannot move it:
the cascade says 1 until it reaches the attention itself.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from acrnn.errors import OptionError
from acrnn.features import FrontEnd, Segments, segments_at_once
from acrnn.inference import Prediction, Predictor
from acrnn.measures.attention import rank_correlation
from acrnn.model import Network, build

SEED = 1
"""Of the drawn parameters, added to the checkpoint's own so that they are never those it was trained from."""
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Randomisation:
    """Spearman's rank correlation of the frame attention with the trained network's, clip by clip.

    Attributes
    ----------
    stages : tuple of str
        `untrained`, then the layers from the output to the input, each drawn anew with all before it in this order.
    correlations : ndarray (stage, clip), float64
        NaN where the drawn network's attention is the same in all frames.
    """

    stages: tuple[str, ...]
    correlations: np.ndarray


def untrained(network: Network, seed: int) -> Network:
    """Draw a network of the same shape as before its training (§4.1), with the same standardisation of its input."""
    fresh = build(network.config)
    fresh.initialise(torch.Generator().manual_seed(seed))
    fresh.standardise_by(network.mean.cpu(), network.std.cpu())
    return fresh.to(network.mean.device, memory_format=torch.channels_last).eval()


def cascade(network: Network, seed: int) -> Iterator[tuple[str, Network]]:
    """Yield name and network of each stage: all drawn anew, then from the output down, layer by layer.

    One network is changed from stage to stage: use it before asking for the next.
    """
    fresh = untrained(network, seed)
    yield UNTRAINED, fresh
    changed = deepcopy(network)
    pairs = list(zip(changed.layers(), fresh.layers(), strict=True))
    for (name, modules), (_, drawn) in reversed(pairs):
        for module, source in zip(modules, drawn, strict=True):
            module.load_state_dict(source.state_dict())
        yield name, changed


def randomise(
    predictor: Predictor,
    predictions: Sequence[Prediction],
    on_progress: Callable[[int, int], None] | None = None,
) -> Randomisation:
    """Compare the attention of each stage with the trained network's on clips that it has predicted.

    Parameters
    ----------
    predictor : Predictor
    predictions : sequence of Prediction
        Its own, with attention.
    on_progress : callable, optional
        Told (stages done, stages in all).

    Raises
    ------
    OptionError
        If the checkpoint has no attention.
    """
    config = predictor.checkpoint.config
    if not config.has_attention:
        raise OptionError(f"{config.name} has no attention to compare; one placed at l2 to l10 is needed.")
    stages, rows = [], []
    total = 1 + len(list(predictor.model.layers()))
    for name, network in cascade(predictor.model, config.seed + SEED):
        rows.append(
            [
                rank_correlation(frame_attention(network, config.front_end, p.spectrogram), p.attention.weights)
                for p in predictions
            ]
        )
        stages.append(name)
        if on_progress is not None:
            on_progress(len(stages), total)
    return Randomisation(tuple(stages), np.array(rows))


@torch.inference_mode()
def frame_attention(network: Network, front_end: FrontEnd, spectrogram: np.ndarray) -> np.ndarray:
    """Attention (frame,) of a network on a clip's spectrogram (band, frame), as `Prediction.attention.weights`."""
    segments = Segments.of(spectrogram.shape[1], front_end)
    padded = segments.pad(torch.from_numpy(spectrogram), front_end.floor_db)
    weights = [
        network(batch.to(network.mean.device).contiguous(memory_format=torch.channels_last)).attention.cpu()
        for batch in segments.batches(padded, segments_at_once(segments.length))
    ]
    return segments.to_clip(torch.cat(weights).numpy(), network.config.frames_per_weight)
