"""A grid of runs, one after the other: resumable, skipping what is finished, going on past a run that fails."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from acrnn.data import Dataset
from acrnn.errors import AcrnnError, OptionError
from acrnn.model import ACRNN, PLACEMENTS
from acrnn.training.loop import Progress, train
from acrnn.training.runs import Run
from acrnn.training.start import Options, configure, prepare

SWEEPS: dict[str, tuple[str, ...]] = {"table4": PLACEMENTS}
"""Name → the placements of its rows; `table4` is the paper's Table 4."""


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep stands."""

    name: str
    state: str
    """`finished`, `skipped` (finished before), `stopped` (time ran out) or `failed`."""
    message: str = ""


def grid(sweep: str, base: Options, placements: list[str], folds: list[int], seeds: list[int]) -> list[Options]:
    """List every run of a sweep, seeds slowest: a first seed of everything is worth more than a second of little.

    Parameters
    ----------
    sweep : str
        One of `SWEEPS`.
    base : Options
        What the runs have in common.
    placements, folds, seeds : list
        Empty placements: all of the sweep's.

    Raises
    ------
    OptionError
        If the sweep is unknown, or a placement is none of its.
    """
    if sweep not in SWEEPS:
        raise OptionError(f"sweep {sweep!r} is not one of {', '.join(SWEEPS)}.")
    if strange := [p for p in placements if p not in SWEEPS[sweep]]:
        raise OptionError(f"{', '.join(strange)} is no row of {sweep}, which has {', '.join(SWEEPS[sweep])}.")
    rows = product(seeds, placements or SWEEPS[sweep], folds)
    return [
        Options(
            base.data_root, base.dataset, fold, placement, base.recipe, base.epochs, base.batch_size, seed, base.device
        )
        for seed, placement, fold in rows
    ]


def run_sweep(
    runs: list[Options],
    out: Path,
    finish: Callable[[Run, ACRNN, Dataset], object],
    *,
    time_limit_s: float | None = None,
    on_clip: Callable[[int, int], None] | None = None,
    on_step: Callable[[int, Progress], None] | None = None,
) -> Iterator[Outcome]:
    """Train the runs in order, each to its end, and tell of each how it went.

    Parameters
    ----------
    finish : callable
        Scores a trained run and ends it: `acrnn.evaluation.publish.finish_run`.
    time_limit_s : float, optional
        The step that passes it is the last; the same sweep goes on from there.
    on_clip, on_step : callable, optional
        Told of features computed, and of steps with the position of their run.

    Yields
    ------
    Outcome
    """
    deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
    for position, options in enumerate(runs):
        name = f"{options.dataset} {options.placement} fold {options.fold} seed {options.seed}"
        if deadline is not None and time.monotonic() > deadline:
            yield Outcome(name, "stopped", "not begun")
            continue
        try:
            config, dataset = configure(options)
            run = Run.create(out, config, resume=True)
            if run.summary is not None:
                yield Outcome(name, "skipped", _accuracy(run))
                continue
            corpus, split = prepare(config, dataset, on_clip)

            def told(progress: Progress, run: Run = run, position: int = position) -> None:
                if on_step is not None:
                    on_step(position, progress)
                if deadline is not None and time.monotonic() > deadline:
                    run.request_stop()

            model = train(run, corpus, split, on_step=told)
            if model is None:
                yield Outcome(name, "stopped", "goes on with the same command")
                continue
            finish(run, model, dataset)
            yield Outcome(name, "finished", _accuracy(run))
        except (AcrnnError, OSError, RuntimeError) as error:  # a run's own trouble: memory, disk, a bad clip
            yield Outcome(name, "failed", f"{type(error).__name__}: {error}")


def _accuracy(run: Run) -> str:
    return f"{run.summary['accuracy']:.1%} ({run.summary['n_correct']} of {run.summary['n_clips']})"
