"""Which published checkpoints are runs of a setting: one rule, for every page and document."""

from collections.abc import Iterable
from pathlib import Path

from acrnn.checkpoints import Checkpoint, CheckpointConfig, find, names
from acrnn.errors import CheckpointError
from acrnn.results.settings import Setting


def mismatch(config: CheckpointConfig, setting: Setting) -> str | None:
    """Say in what a checkpoint differs from every run of a setting; None if it is one of them.

    It is one if dataset, placement, recipe with all its numbers, data, fold and seed are those of a run.
    """
    if (config.dataset, config.placement) != (setting.dataset, setting.placement):
        return f"it is of {config.dataset}, attention {config.placement}"
    if not setting.has_recipe(config.recipe):
        epochs, name = config.recipe["epochs"], config.recipe["name"]
        return f"it had {epochs} epochs of recipe {name}, in another version or number than the {setting.epochs} here"
    if config.data_fingerprint != setting.data_fingerprint:
        return f"it was trained on other files ({config.data_title})"
    if (config.fold, config.seed) not in {(run["fold"], run["seed"]) for run in setting.runs}:
        return f"no run here held out fold {config.fold} with seed {config.seed}"
    return None


def checkpoints_of(setting: Setting, checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Pick the published checkpoints that are runs of this setting, by fold."""
    found = [checkpoint for checkpoint in checkpoints if mismatch(checkpoint.config, setting) is None]
    return sorted(found, key=lambda checkpoint: checkpoint.config.fold)


def checkpoint_of_fold(setting: Setting, fold: int, root: Path | None = None) -> Checkpoint:
    """Find the published checkpoint that predicted a setting's clips of `fold`, the fold it never saw.

    Raises
    ------
    CheckpointError
        If it is not published, or what is published under its name is of another training.
    """
    name = f"{setting.dataset}-{setting.placement}-{setting.recipe['name']}-fold{fold}"
    known = [given for given in (name, *(f"{name}-seed{seed}" for seed in setting.seeds)) if given in names(root)]
    if not known:
        raise CheckpointError(f"Checkpoint {name} ({setting.epochs} epochs) is not published.")
    differences = []
    for given in known:  # the project's, then those that a user published
        checkpoint = find(given, root)
        if (difference := mismatch(checkpoint.config, setting)) is None:
            return checkpoint
        differences.append(f"Checkpoint {given} is published, but is no run of {setting.name}: {difference}.")
    raise CheckpointError(differences[0])
