"""From options to a run that can be trained: what the command line and the training page have in common."""

from dataclasses import dataclass
from pathlib import Path

import torch

from acrnn import data
from acrnn.audio import open_audio
from acrnn.devices import fast_precision, training_device
from acrnn.errors import OptionError
from acrnn.features import FrontEnd, mel_front_end
from acrnn.model import PICZAK, PLACEMENTS, network_config
from acrnn.paths import code_revision
from acrnn.training import RunConfig, recipe_for


@dataclass(frozen=True)
class Options:
    """What a user chooses of a training; None is the recipe's own value, and `piczakcnn` is a placement too."""

    data_root: Path
    dataset: str
    fold: int
    placement: str = "l10"
    recipe: str = "paper"
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    sealed: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What people call such a run, unique in a sweep."""
        return f"{self.dataset} {self.placement} {self.recipe} fold {self.fold} seed {self.seed}"


def configure(options: Options) -> tuple[RunConfig, data.Dataset]:
    """Turn options into a run's configuration, and read its dataset.

    The front end takes the rate of the dataset's first clip: 44.1 kHz for the release, less for a copy at less.
    PiczakCNN's has 22.05 kHz at most.

    Raises
    ------
    OptionError
        If an option is out of range.
    DatasetError
        If the data is not there or not as expected.
    """
    if options.placement not in (*PLACEMENTS, PICZAK):
        raise OptionError(f"placement {options.placement!r} is not one of {', '.join(PLACEMENTS)} or {PICZAK}")
    if options.seed < 0:
        raise OptionError(f"seed {options.seed} is negative; 0 or more is accepted")
    dataset = data.load(options.data_root, options.dataset)
    for fold in (options.fold, *options.sealed):
        dataset.fold(fold)  # raises if there is none
    if len({options.fold, *options.sealed}) >= len(dataset.folds):
        raise OptionError(
            f"with fold {options.fold} held out and fold {', '.join(map(str, options.sealed))} sealed there is no fold "
            "left to train on; fewer sealed folds are accepted"
        )
    recipe = recipe_for(options.recipe, dataset.name, epochs=options.epochs, batch_size=options.batch_size)
    with open_audio(dataset.clips[0].path) as first:
        rate_hz = first.rate_hz
    if options.placement == PICZAK:
        front_end = mel_front_end(rate_hz)
    else:
        front_end = FrontEnd(rate_hz, segment_frames=recipe.segment_frames, segment_hop=recipe.segment_frames // 2)
    device = training_device(options.device).type
    config = RunConfig(
        dataset=dataset.name,
        data_root=str(dataset.root.resolve()),
        data_title=f"{data.TITLES[dataset.name]} {rate_hz / 1000:g} kHz",
        data_fingerprint=dataset.fingerprint(),
        fold=options.fold,
        network=network_config(
            options.placement, len(dataset.labels), n_frames=recipe.segment_frames, mean_one=recipe.mean_one
        ),
        front_end=front_end,
        recipe=recipe,
        seed=options.seed,
        device=device,
        precision=fast_precision(torch.device(device)),
        code=code_revision(),
        sealed=tuple(sorted({*options.sealed} - {options.fold})),
    )
    return config, dataset
