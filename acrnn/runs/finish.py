"""From a trained run to a checkpoint: score it once on its held-out fold, write its card, publish it."""

import csv
import io
import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from acrnn.checkpoints import Checkpoint, CheckpointConfig, checkpoint_root, find, save
from acrnn.data import Dataset, atomic_write_bytes
from acrnn.errors import RunError
from acrnn.inference import Predictor
from acrnn.measures.crossval import Scores, score_fold
from acrnn.model import PICZAK, Network
from acrnn.runs.run import Run
from acrnn.training import Corpus, Recipe, Split, components


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
        "final_loss": metrics[-1]["loss"],
        "segments_per_s": sum(row["segments_per_s"] for row in metrics) / len(metrics),
    }
    run.finish(summary)
    run.log(f"scored {scores.n_correct} of {len(scores.clips)} on fold {run.config.fold}")
    return summary


def publish(run: Run, root: Path | None = None) -> Checkpoint:
    """Copy a finished run's checkpoint to where the app finds it, replacing one of the same name.

    One of PiczakCNN weighs 63 MB where an ACRNN weighs 8: such a checkpoint serves whoever trained it, but none comes
    with the project, whose results have its figures alone.

    Raises
    ------
    RunError
        If the run is not finished, or is an inner validation, which only compares recipes.
    """
    if run.config.sealed:
        raise RunError(f"{run.path} compares recipes on training folds; a run without a sealed fold can be published.")
    source = run.path / run.config.name
    if run.summary is None or not source.is_dir():
        raise RunError(f"{run.path} is not finished; train it to its last epoch first (train … --resume).")
    target = (root or checkpoint_root()) / run.config.name
    staged = target.with_name(f".{target.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(source, staged)
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    return find(str(target.resolve()))


def predictions_csv(scores: Scores) -> str:
    """One line a clip: file, fold, class, predicted class and every class's probability."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["filename", "fold", "label", "predicted", *scores.labels])
    for clip, best, row in zip(scores.clips, scores.predicted, scores.probabilities, strict=True):
        writer.writerow([clip.filename, clip.fold, clip.label, scores.labels[best], *(f"{p:.6f}" for p in row)])
    return text.getvalue()


def _checkpoint_config(run: Run, model: Network, dataset: Dataset) -> CheckpointConfig:
    config = run.config
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
        protocol=(
            f"Trained on the official folds other than {_listed((config.fold, *config.sealed))} for {recipe.epochs} "
            f"epochs, a number fixed beforehand; {_WEIGHTS[recipe.average_epochs > 0]}; fold {config.fold} scored "
            f"once, a clip's class being the highest {_VOTE[recipe.vote]} of its segments' probabilities. Mean and "
            "standard deviation are of the training folds."
        ),
        scores={},
        provenance={
            "code": config.code,
            "device": config.device,
            "machine": platform.machine(),
            "precision": config.precision,
            "torch": torch.__version__,
        },
    )


def card(config: CheckpointConfig) -> str:
    """Model card of a checkpoint, in Markdown."""
    scores, recipe = config.scores, config.recipe
    low, high = scores["interval"]
    rows = {
        "Data": f"{config.data_title}, {len(config.labels)} classes",
        "Held-out fold": f"{config.fold}: {scores['n_correct']} of {scores['n_clips']} clips correct",
        "Accuracy": f"**{scores['accuracy']:.1%}** (95 % Wilson interval over clips {low:.1%} to {high:.1%})",
        "Attention": config.placement if config.has_attention else "none",
        "Recipe": f"{recipe['name']}, {recipe['epochs']} epochs (the paper: 300), {Recipe(**recipe).describe()}",
        "Seed": f"{config.seed}, one run",
        "Front end": f"{config.front_end.rate_hz} Hz, {config.front_end.n_bands} {config.front_end.filters} bands from "
        f"{config.front_end.min_hz:g} Hz, window {config.front_end.window_samples} samples, floor "
        f"{config.front_end.floor_db:g} dB",
        "Trained with": ", ".join(f"{key} {value}" for key, value in config.provenance.items()),
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

Licence of the weights: trained on ESC-50 / ESC-10 by K. J. Piczak, {_DATA_LICENCE[config.dataset]}; see LICENSE.
"""


def _listed(folds: tuple[int, ...]) -> str:
    return " and ".join(map(str, sorted(folds)))


_WEIGHTS = {False: "the last epoch's weights", True: "the average weights of the last epochs"}
_VOTE = {"mean": "mean", "sounding": "mean, weighted by their shares of sound,"}
_DATA_LICENCE = {
    "esc10": "CC BY 3.0; these weights are under CC BY 4.0",
    "esc50": "CC BY-NC 3.0; these weights are under CC BY-NC 4.0",
}
