"""One run, epoch by epoch, its state kept in its folder after each.

Whatever is drawn in an epoch is drawn from a generator seeded by (seed, epoch), so a run that was killed and resumed
does exactly what an unbroken one does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from acrnn.errors import RunError
from acrnn.model import Network
from acrnn.runs.run import STATE, Run
from acrnn.runs.start import starting_network
from acrnn.training import Corpus, Split, Trainer, draw_epoch

TELL_EVERY_S = 0.2
"""Between two tellings of where a training stands, on a device that would have to be waited for."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step."""

    epoch: int
    """0 for the first."""
    n_epochs: int
    step: int
    """Steps done in this epoch."""
    n_steps: int
    loss: float
    """Mean over this epoch's steps so far."""
    segments_per_s: float
    seconds_left: float


def train(
    run: Run, corpus: Corpus, split: Split, *, on_step: Callable[[Progress], None] | None = None
) -> Network | None:
    """Train a run to its last epoch, from where it stands.

    Returns
    -------
    Network or None
        The network after the last epoch, in evaluation mode on the run's device; None if the run was asked to stop.

    Raises
    ------
    RunError
        If another process trains it, or its state is damaged.
    CheckpointError
        If the checkpoint that it starts from cannot be read, or is another one now.
    """
    with run.locked(), torch.random.fork_rng(), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run.clear_stop()
        initial = starting_network(run.config)
        trainer = Trainer(run.config, corpus, split, on_choice=run.log, initial=initial)
        epochs_done = 0
        if (saved := run.load_state()) is not None:
            tensors, epochs_done = saved
            try:
                trainer.restore(tensors)
            except (KeyError, RuntimeError) as error:
                told = str(error).splitlines()[0][:200]
                raise RunError(
                    f"{run.path / STATE} is not of this network ({told}); delete it to begin anew."
                ) from error
        run.take_back(epochs_done)
        run.log(f"training from epoch {epochs_done} of {run.config.recipe.epochs}")
        for epoch in range(epochs_done, run.config.recipe.epochs):
            row = _train_epoch(trainer, run, epoch, on_step or (lambda progress: None))
            if row is None:
                run.log(f"stopped in epoch {epoch}")
                return None
            run.append_metrics(row)
            run.save_state(trainer.state(), epoch + 1)
            if run.stop_requested:
                run.log(f"stopped after epoch {epoch}")
                return None
        run.log("trained")
        return trainer.result()


def _train_epoch(trainer: Trainer, run: Run, epoch: int, on_step: Callable[[Progress], None]) -> dict | None:
    """One epoch; its line for metrics.jsonl, or None if asked to stop."""
    config, device = trainer.config, trainer.device
    drawn = draw_epoch(config, trainer.corpus, trainer.split, epoch).to(device)
    torch.manual_seed(config.seed * 1_000_003 + epoch)  # what dropout draws from
    recipe = config.recipe
    total_rate = 0.0
    total_loss = torch.zeros((), device=device)
    total_hits = torch.zeros((), device=device)
    began, told = time.perf_counter(), 0.0
    for step in range(len(drawn)):
        if run.stops_at_once:
            return None
        rate = recipe.learning_rate_at(epoch, step / len(drawn))
        total_rate += rate
        trainer.set_rate(rate, epoch)
        loss, hits = trainer.step(drawn.step(step))
        if recipe.average_epochs:
            trainer.average(recipe.average_epochs * len(drawn))
        total_loss += loss
        total_hits += hits
        done = step + 1
        if device.type != "cpu" and done < len(drawn) and time.perf_counter() - began < told + TELL_EVERY_S:
            continue
        mean_loss = total_loss.item() / done  # waits for the device
        told = took = time.perf_counter() - began
        steps_left = len(drawn) * (recipe.epochs - epoch) - done
        on_step(
            Progress(
                epoch=epoch,
                n_epochs=recipe.epochs,
                step=done,
                n_steps=len(drawn),
                loss=mean_loss,
                segments_per_s=done * drawn.rows.shape[1] / took,
                seconds_left=steps_left * took / done,
            )
        )
    seconds = time.perf_counter() - began
    return {
        "epoch": epoch,
        "loss": total_loss.item() / len(drawn),
        "accuracy": total_hits.item() / len(drawn),
        "learning_rate": recipe.learning_rate_at(epoch),
        "segments_per_s": drawn.n_segments / seconds,
        "seconds": seconds,
        "steps": len(drawn),
        "learning_rate_sum": total_rate,
        "movement": trainer.movement(),
        "time": time.time(),
    }
