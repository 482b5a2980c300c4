"""From options to a run that can be trained: what the command line and the training page have in common."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from acrnn import data
from acrnn.audio import open_audio
from acrnn.checkpoints import Checkpoint, find
from acrnn.checkpoints.hub import is_address
from acrnn.devices import fast_precision, training_device
from acrnn.errors import CheckpointError, OptionError
from acrnn.features import FrontEnd, mel_front_end
from acrnn.model import PICZAK, PLACEMENTS, Network, network_config
from acrnn.paths import code_revision
from acrnn.training import Recipe, RunConfig, recipe_for
from acrnn.training.transfer import tuned

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Options:
    """What a user chooses of a training; None is the recipe's own value, and `piczakcnn` is a placement too.

    `group_pattern` is of one's own clips: see `acrnn.data.own.inspect`. `start_from` is a checkpoint to fine-tune.
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
    start_from: str | None = None

    @property
    def name(self) -> str:
        """What people call such a run, unique in a sweep."""
        return f"{self.dataset} {self.placement} {self.recipe} fold {self.fold} seed {self.seed}"


def configure(options: Options) -> tuple[RunConfig, data.Dataset]:
    """Turn options into a run's configuration, and read its dataset.

    The front end takes the rate of the dataset's first clip: 44.1 kHz for the release, less for a copy at less; of
    one's own clips, the highest rate that most of them have. PiczakCNN's has 22.05 kHz at most. A network that starts
    from a checkpoint has that one's front end.

    Raises
    ------
    OptionError
        If an option is out of range.
    DatasetError
        If the data is not there or not as expected.
    CheckpointError
        If the checkpoint to start from is not there or damaged.
    """
    if options.placement not in (*PLACEMENTS, PICZAK):
        raise OptionError(f"placement {options.placement!r} is not one of {', '.join(PLACEMENTS)} or {PICZAK}")
    if not 0 <= options.seed <= MAX_SEED:
        raise OptionError(f"seed {options.seed} is out of range; 0 to {MAX_SEED} is accepted")
    dataset = data.load(options.data_root, options.dataset, group_pattern=options.group_pattern)
    for fold in (options.fold, *options.sealed):
        dataset.fold(fold)  # raises if there is none
    if len({options.fold, *options.sealed}) >= len(dataset.folds):
        sealed = f" and fold {', '.join(map(str, options.sealed))} sealed" if options.sealed else ""
        raise OptionError(
            f"with fold {options.fold} held out{sealed} no fold is left to train on: {dataset.title} has "
            f"{len(dataset.folds)}; two are needed, and one more for each that is sealed"
        )
    _require_classes(dataset, {options.fold, *options.sealed})
    recipe = recipe_for(options.recipe, dataset.name, epochs=options.epochs, batch_size=options.batch_size)
    source = None if options.start_from is None else _source(options, recipe, dataset)
    if source is None:
        rate_hz = dataset.rate_hz or _rate_of(dataset.clips[0])
        front_end = _front_end(options.placement, rate_hz, recipe)
        n_frames, mean_one = recipe.segment_frames, recipe.mean_one
        network = network_config(options.placement, len(dataset.labels), n_frames=n_frames, mean_one=mean_one)
    else:
        recipe, front_end, rate_hz = tuned(recipe), source.config.front_end, source.config.front_end.rate_hz
        network = replace(source.config.network, n_classes=len(dataset.labels))
    device = training_device(options.device).type
    config = RunConfig(
        dataset=dataset.name,
        data_root=str(dataset.root.resolve()),
        data_title=f"{data.dataset_title(dataset.name)} {rate_hz / 1000:g} kHz",
        data_fingerprint=dataset.fingerprint(),
        fold=options.fold,
        network=network,
        front_end=front_end,
        recipe=recipe,
        seed=options.seed,
        device=device,
        precision=fast_precision(torch.device(device)),
        code=code_revision(),
        sealed=tuple(sorted({*options.sealed} - {options.fold})),
        initial="" if source is None else _known_as(options.start_from),
        initial_sha256="" if source is None else source.config.weights_sha256,
    )
    return config, dataset


def starting_network(config: RunConfig) -> Network | None:
    """Read the network that a run starts from; None if it starts from random weights.

    Raises
    ------
    CheckpointError
        If it cannot be read, or has other weights than when the run was begun.
    """
    if not config.initial:
        return None
    source = find(config.initial)
    if source.config.weights_sha256 != config.initial_sha256:
        raise CheckpointError(f"{config.initial} has other weights now than when this run began from it.")
    return source.load_model()


def _source(options: Options, recipe: Recipe, dataset: data.Dataset) -> Checkpoint:
    """Find the checkpoint to start from; raises OptionError if it does not go with the other options."""
    source = find(options.start_from)
    config = source.config
    if config.placement != options.placement:
        raise OptionError(
            f"{source.name} has attention at {config.placement}, and {options.placement} is asked for; a network keeps "
            "the placement that it starts from."
        )
    if config.front_end.segment_frames != _front_end(options.placement, 44_100, recipe).segment_frames:
        raise OptionError(
            f"Recipe {recipe.name} has segments of {recipe.segment_frames} frames, and {source.name} was trained by "
            f"recipe {config.recipe['name']} with {config.front_end.segment_frames}; a recipe with as many is accepted."
        )
    if dataset.rate_hz is not None and dataset.rate_hz < config.front_end.rate_hz:
        raise OptionError(
            f"{source.name} hears at {config.front_end.rate_hz} Hz, and most clips of {dataset.title} have "
            f"{dataset.rate_hz} Hz; a checkpoint that hears at no more is accepted."
        )
    if config.data_fingerprint == dataset.fingerprint() and config.fold != options.fold:
        raise OptionError(
            f"{source.name} was trained on fold {options.fold} of these very clips; fold {config.fold}, which it never "
            "saw, is accepted."
        )
    return source


def _known_as(checkpoint: str) -> str:
    """Give a checkpoint's name or address, or if it was named by a path, the path from the root."""
    return (
        checkpoint if Path(checkpoint).name == checkpoint or is_address(checkpoint) else str(Path(checkpoint).resolve())
    )


def _front_end(placement: str, rate_hz: int, recipe: Recipe) -> FrontEnd:
    if placement == PICZAK:
        return mel_front_end(rate_hz)
    return FrontEnd(rate_hz, segment_frames=recipe.segment_frames, segment_hop=recipe.segment_frames // 2)


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
