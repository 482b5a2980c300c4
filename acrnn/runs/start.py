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
    """What a user chooses of a training; None is the recipe's own value, and `piczakcnn` is a placement too.

    `group_pattern` is of one's own clips: see `acrnn.data.own.inspect`.
    """

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
    group_pattern: str | None = None

    @property
    def name(self) -> str:
        """What people call such a run, unique in a sweep."""
        return f"{self.dataset} {self.placement} {self.recipe} fold {self.fold} seed {self.seed}"


def configure(options: Options) -> tuple[RunConfig, data.Dataset]:
    """Turn options into a run's configuration, and read its dataset.

    The front end takes the rate of the dataset's first clip: 44.1 kHz for the release, less for a copy at less; of
    one's own clips, the highest rate that most of them have. PiczakCNN's has 22.05 kHz at most.

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
    dataset = data.load(options.data_root, options.dataset, group_pattern=options.group_pattern)
    for fold in (options.fold, *options.sealed):
        dataset.fold(fold)  # raises if there is none
    if len({options.fold, *options.sealed}) >= len(dataset.folds):
        raise OptionError(
            f"with fold {options.fold} held out and fold {', '.join(map(str, options.sealed))} sealed there is no fold "
            "left to train on; fewer sealed folds are accepted"
        )
    _require_classes(dataset, {options.fold, *options.sealed})
    recipe = recipe_for(options.recipe, dataset.name, epochs=options.epochs, batch_size=options.batch_size)
    rate_hz = dataset.rate_hz or _rate_of(dataset.clips[0])
    if options.placement == PICZAK:
        front_end = mel_front_end(rate_hz)
    else:
        front_end = FrontEnd(rate_hz, segment_frames=recipe.segment_frames, segment_hop=recipe.segment_frames // 2)
    device = training_device(options.device).type
    config = RunConfig(
        dataset=dataset.name,
        data_root=str(dataset.root.resolve()),
        data_title=f"{data.dataset_title(dataset.name)} {rate_hz / 1000:g} kHz",
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


def _rate_of(clip: data.Clip) -> int:
    with open_audio(clip.path) as file:
        return file.rate_hz


def _require_classes(dataset: data.Dataset, left_out: set[int]) -> None:
    """Raise OptionError if a class of one's own has no clip in the folds that are trained on."""
    trained = {clip.label for clip in dataset.clips if clip.fold not in left_out}
    if data.is_own(dataset.name) and (lost := [label for label in dataset.labels if label not in trained]):
        folds = sorted({clip.fold for clip in dataset.clips if clip.label == lost[0]})
        raise OptionError(
            f"Class {lost[0]!r} has clips in fold {' and '.join(map(str, folds))} alone, so no network would hear it; "
            "another fold held out is accepted, and more recordings of the class help."
        )
