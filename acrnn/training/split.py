"""Which clips of a dataset a run trains on, and their features."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acrnn.data import Dataset
from acrnn.training.config import RunConfig
from acrnn.training.corpus import Corpus, build_corpus


@dataclass(frozen=True)
class Split:
    """The training clips of a run: positions in the corpus, and their classes, both (clip,) int64."""

    clips: np.ndarray
    targets: np.ndarray


def prepare(
    config: RunConfig, dataset: Dataset, on_clip: Callable[[int, int], None] | None = None
) -> tuple[Corpus, Split]:
    """Compute or read the features that a run trains on.

    Parameters
    ----------
    on_clip : callable, optional
        Told (clips done, clips in all) while computing.
    """
    corpus = build_corpus(dataset, config.front_end, config.recipe.n_copies, on_clip=on_clip)
    training = np.array([i for i, clip in enumerate(dataset.clips) if config.trains_on(clip.fold)])
    return corpus, Split(training, dataset.targets(dataset.clips)[training])
