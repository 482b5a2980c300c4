"""Does the attention depend on what was learned? Layers are re-initialised, and what becomes of it is measured.

The sanity check of Adebayo et al. (2018): a map that stays when the network's parameters are thrown away is a filter
of the input and explains no network. Parameters are drawn as before training (§4.1), ten times from other seeds: those
of every layer at once (`untrained`), and from the output down, one more layer at a time, so that at each stage all
layers from there to the output are untrained. Attention at l2 to l8 is computed before the layers behind it, which
cannot move it: the cascade says 1 until it reaches the attention itself.
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
"""Of the first draw, added to the checkpoint's own so that the parameters are never those it was trained from."""
N_DRAWS = 10
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Randomisation:
    """Spearman's rank correlation of the frame attention with the trained network's, clip by clip.

    Attributes
    ----------
    stages : tuple of str
        `untrained`, then the layers from the output to the input, each re-initialised with all before it in this order.
    correlations : ndarray (stage, draw, clip), float64
        NaN where the re-initialised network's attention is the same in all frames.
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
    """Yield name and network of each stage: all re-initialised, then from the output down, layer by layer.

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
    *,
    n_draws: int = N_DRAWS,
) -> Randomisation:
    """Compare the attention of each stage with the trained network's on clips that it has predicted.

    Parameters
    ----------
    predictor : Predictor
    predictions : sequence of Prediction
        Its own, with attention.
    on_progress : callable, optional
        Told (stages done, stages in all), of all draws.
    n_draws : int

    Raises
    ------
    OptionError
        If the checkpoint has no attention, or there is no draw.
    """
    config = predictor.checkpoint.config
    if not config.has_attention:
        raise OptionError(f"{config.name} has no attention to compare; one placed at l2 to l10 is needed.")
    if n_draws < 1:
        raise OptionError(f"{n_draws} draws of new parameters give no mean; 1 or more are accepted.")
    stages = (UNTRAINED, *reversed([name for name, _ in predictor.model.layers()]))
    correlations = np.empty((len(stages), n_draws, len(predictions)))
    for draw in range(n_draws):
        for stage, (_, network) in enumerate(cascade(predictor.model, config.seed + SEED + draw)):
            for i, p in enumerate(predictions):
                attention = frame_attention(network, config.front_end, p.spectrogram)
                correlations[stage, draw, i] = rank_correlation(attention, p.attention.weights)
            if on_progress is not None:
                on_progress(draw * len(stages) + stage + 1, n_draws * len(stages))
    return Randomisation(stages, correlations)


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
