"""From a trained run to a checkpoint: score it once on its held-out fold, write its card, publish it."""

import csv
import io
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from acrnn.checkpoints import Checkpoint, CheckpointConfig, find, names, publish_copy, save
from acrnn.data import Dataset, atomic_write_bytes, is_own
from acrnn.errors import CheckpointError, FolderError, RunError
from acrnn.events.formats import guarded
from acrnn.inference import Predictor
from acrnn.measures.crossval import Scores, score_fold
from acrnn.model import PICZAK, Network
from acrnn.paths import make_writable, shipped_checkpoints, user_checkpoints
from acrnn.runs.run import Run
from acrnn.training import Corpus, Recipe, RunConfig, Split, components, paper_optimisation


def finish_run(
    run: Run,
    model: Network,
    dataset: Dataset,
    corpus: Corpus,
    split: Split,
    *,
    on_clip: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Save the trained network as a checkpoint in the run's folder, score that on the held-out fold, and end the run.

    What is scored is the saved checkpoint (fp16 weights) on the path that a user's clip takes, on the CPU, so the
    figure in its card is the one that `evaluate` gives.

    Returns
    -------
    dict
        The run's summary: scores, checkpoint folder and times.
    """
    config = _checkpoint_config(run, model, dataset)
    bands = corpus.band_statistics(split.clips, components(run.config, split))
    draft = save(model, config, "", root=run.path, bands=bands)
    scores = score_fold(Predictor(draft, "cpu"), dataset, run.config.fold, on_clip=on_clip)
    config = replace(config, scores=scores.summary())
    save(model, config, card(config), root=run.path, bands=bands)
    atomic_write_bytes(run.path / "predictions.csv", predictions_csv(scores).encode())
    metrics = run.metrics()
    summary = scores.summary() | {
        "name": config.name,
        "epochs": run.config.recipe.epochs,
        "steps": config.provenance["steps"],
        "learning_rate_sum": config.provenance["learning_rate_sum"],
        "final_loss": metrics[-1]["loss"],
        "segments_per_s": sum(row["segments_per_s"] for row in metrics) / len(metrics),
    }
    run.finish(summary)
    run.log(f"scored {scores.n_correct} of {len(scores.clips)} on fold {run.config.fold}")
    return summary


def publish(run: Run, root: Path | None = None, *, force: bool = False) -> Checkpoint:
    """Copy a finished run's checkpoint to where the app finds it.

    Among the user's checkpoints it is called like the run, with its seed, so that it is never taken for one that comes
    with the project. One of PiczakCNN weighs 63 MB where an ACRNN weighs 8: such a checkpoint serves whoever trained
    it, but none comes with the project, whose results have its figures alone.

    Parameters
    ----------
    root : Path, optional
        Another folder than the user's, where it keeps the name without the seed: a maintainer's way into the
        repository.
    force : bool
        Replace another checkpoint of that name. One with the same weights is replaced without.

    Raises
    ------
    RunError
        If the run is not finished, or is an inner validation, which only compares recipes, or if another checkpoint
        has the name.
    CheckpointError
        If the run's own checkpoint is damaged; what was published before is then there still.
    FolderError
        If the folder cannot be written.
    """
    if run.config.sealed:
        raise RunError(f"{run.path} compares recipes on training folds; a run without a sealed fold can be published.")
    source = run.path / run.config.name
    if run.summary is None or not source.is_dir():
        raise RunError(f"{run.path} is not finished; train it to its last epoch first (train … --resume).")
    draft = find(str(source.resolve()))
    name = published_name(run, root)
    if root is None and name in names(shipped_checkpoints()):
        raise RunError(f"{name} is the name of a checkpoint that comes with the project; --into takes another folder.")
    folder = make_writable(root or user_checkpoints(), "--into" if root else "ACRNN_CHECKPOINTS or --into")
    there = published(run, root)
    is_same = there is not None and there.config.weights_sha256 == draft.config.weights_sha256
    if (folder / name).exists() and not is_same and not force:
        told = "cannot be read" if there is None else describe(there.config)
        raise RunError(f"{folder / name} is there already ({told}); --force replaces it.")
    try:
        return publish_copy(draft, name, card(replace(draft.config, name=name)), folder)
    except OSError as error:
        raise FolderError(f"{folder / name} cannot be written ({error.strerror or error}).") from error


def published_name(run: Run, root: Path | None = None) -> str:
    """Name that `publish` gives: the run's, such as `esc10-l10-paper-fold1-seed0`; without the seed in a `root`."""
    return run.config.name if root else f"{run.config.name}-seed{run.config.seed}"


def published(run: Run, root: Path | None = None) -> Checkpoint | None:
    """Find what `publish` would replace; None if nothing is there, or nothing that can be read."""
    try:
        return find(published_name(run, root), root or user_checkpoints())
    except CheckpointError:
        return None


def describe(config: CheckpointConfig) -> str:
    """Say in a few words what would be overwritten: `70.0% of 80 clips, 60 epochs, seed 0`."""
    scored = f"{config.scores['accuracy']:.1%} of {config.scores['n_clips']} clips, " if config.scores else ""
    return f"{scored}{config.recipe['epochs']} epochs, seed {config.seed}"


def predictions_csv(scores: Scores) -> str:
    """One line a clip: file, fold, class, predicted class and every class's probability.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    labels = [guarded(label) for label in scores.labels]
    writer.writerow(["filename", "fold", "label", "predicted", *labels])
    for clip, best, row in zip(scores.clips, scores.predicted, scores.probabilities, strict=True):
        names = guarded(clip.filename), clip.fold, guarded(clip.label), labels[best]
        writer.writerow([*names, *(f"{p:.6f}" for p in row)])
    return text.getvalue()


def _checkpoint_config(run: Run, model: Network, dataset: Dataset) -> CheckpointConfig:
    config, metrics = run.config, run.metrics()
    recipe = config.recipe
    return CheckpointConfig(
        name=config.name,
        network=config.network,
        front_end=config.front_end,
        labels=dataset.labels,
        normalisation={"mean": model.mean.tolist(), "std": model.std.tolist()},
        dataset=config.dataset,
        data_title=config.data_title,
        data_fingerprint=config.data_fingerprint,
        fold=config.fold,
        recipe=recipe.as_dict(),
        seed=config.seed,
        protocol=_protocol(config),
        scores={},
        provenance={
            "code": config.code,
            "device": config.device,
            "machine": platform.machine(),
            "precision": config.precision,
            "torch": torch.__version__,
            "steps": sum(row["steps"] for row in metrics),
            "learning_rate_sum": round(sum(row["learning_rate_sum"] for row in metrics), 4),
            "movement": metrics[-1]["movement"],
            **({"initial": config.initial, "initial_sha256": config.initial_sha256} if config.initial else {}),
        },
    )


def _protocol(config: RunConfig) -> str:
    recipe, whose = config.recipe, "training folds"
    begun = f"Trained on the {_FOLDS[is_own(config.dataset)]} other than {_listed((config.fold, *config.sealed))}"
    if config.initial:
        name = Path(config.initial).name
        begun += f", from the weights of {name} but for the output layer,"
        whose = f"training of {name}"
    return (
        f"{begun} for {recipe.epochs} epochs, a number fixed beforehand; {_WEIGHTS[recipe.average_epochs > 0]}; fold "
        f"{config.fold} scored once, a clip's class being the highest {_VOTE[recipe.vote]} of its segments' "
        f"probabilities. Mean and standard deviation are of the {whose}."
    )


def card(config: CheckpointConfig) -> str:
    """Model card of a checkpoint, in Markdown."""
    scores, recipe = config.scores, config.recipe
    low, high = scores["interval"]
    rows = {
        "Data": f"{config.data_title}, {len(config.labels)} classes",
        "Held-out fold": f"{config.fold}: {scores['n_correct']} of {scores['n_clips']} clips correct",
        "Accuracy": f"**{scores['accuracy']:.1%}** (95% Wilson interval over clips {low:.1%} to {high:.1%})",
        "Attention": config.placement if config.has_attention else "none",
        "Recipe": f"{recipe['name']}, {recipe['epochs']} epochs (the paper: 300), {Recipe(**recipe).describe()}",
        **({"Started from": Path(start).name} if (start := config.provenance.get("initial")) else {}),
        "Seed": f"{config.seed}, one run",
        "Front end": f"{config.front_end.rate_hz} Hz, {config.front_end.n_bands} {config.front_end.filters} bands from "
        f"{config.front_end.min_hz:g} Hz, window {config.front_end.window_samples} samples, floor "
        f"{config.front_end.floor_db:g} dB",
        **_optimisation(config),
        "Trained with": ", ".join(
            f"{key} {config.provenance[key]}" for key in _TRAINED_WITH if key in config.provenance
        ),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    paper = "*Learning Frame Level Attention for Environmental Sound Classification*"
    limits = f"Limits: it knows {len(config.labels)} classes and must choose one of them for any sound. "
    if config.placement == PICZAK:
        what = f"PiczakCNN (K. J. Piczak, 2015), the baseline of {paper}, §4.2."
        limits += "One fold and one seed: see the interval."
    else:
        what = f"ACRNN ({paper}) with attention at `{config.placement}`."
        limits += "Attention shows which frames\nthe network weighed, not why. One fold and one seed: see the interval."
    return f"""# {config.name}

{what}

| | |
|---|---|
{table}

{config.protocol}

Reproduce the figure: `python -m acrnn evaluate --checkpoint {config.name} --data ROOT`

{limits}

{_licence(config)}
"""


def _licence(config: CheckpointConfig) -> str:
    if is_own(config.dataset):
        return "Licence of the weights: trained on recordings of its maker's, whose terms hold for them."
    terms = _DATA_LICENCE[config.dataset]
    return f"Licence of the weights: trained on ESC-50 / ESC-10 by K. J. Piczak, {terms}; see LICENSE."


def _optimisation(config: CheckpointConfig) -> dict[str, str]:
    """Rows of a card: how much work the optimiser did, beside the paper's, and which layers it moved."""
    made = config.provenance
    if "steps" not in made:  # trained by an earlier version
        return {}
    moved = ", ".join(f"{layer} {distance:.2f}" for layer, distance in made["movement"].items())
    work = f"{made['steps']:,} steps, learning rates adding up to {made['learning_rate_sum']:.3g}"
    kernels = f"{moved} (distance from their initial values, relative to those)"
    if is_own(config.dataset):
        return {"Optimisation": work, "Kernels moved": kernels}
    readings = " or ".join(
        f"{steps:,} steps and {total:.0f}" for steps, total in paper_optimisation(config.dataset).values()
    )
    return {
        "Optimisation": f"{work} (the paper, of SGD: {readings}, if an epoch sees each clip once or all its augmented "
        "copies)",
        "Kernels moved": kernels,
    }


_TRAINED_WITH = ("code", "device", "machine", "precision", "torch")


def _listed(folds: tuple[int, ...]) -> str:
    return " and ".join(map(str, sorted(folds)))


_FOLDS = {False: "official folds", True: "folds"}
_WEIGHTS = {False: "the last epoch's weights", True: "the average weights of the last epochs"}
_VOTE = {"mean": "mean", "sounding": "mean, weighted by their shares of sound,"}
_DATA_LICENCE = {
    "esc10": "CC BY 3.0; these weights are under CC BY 4.0",
    "esc50": "CC BY-NC 3.0; these weights are under CC BY-NC 4.0",
}
