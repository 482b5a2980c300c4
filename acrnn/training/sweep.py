"""A grid of runs, several side by side: resumable, skipping what is finished, going on past a run that fails."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

from acrnn.errors import AcrnnError, OptionError
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.training.loop import Progress
from acrnn.training.machine import keep_memory, use_threads_of
from acrnn.training.runs import Run
from acrnn.training.start import Options, configure, prepare
from acrnn.training.status import Status
from acrnn.training.work import work


class Row(NamedTuple):
    """What a row of a table trains; None is the sweep's own choice."""

    placement: str
    recipe: str | None = None


SWEEPS: dict[str, tuple[Row, ...]] = {
    "table1": (Row("l10"), Row(PICZAK)),
    "table3": tuple(Row(placement, recipe) for recipe in ("plain", "paper") for placement in ("none", "l10")),
    "table4": tuple(Row(placement) for placement in PLACEMENTS),
}
"""Name → its rows: the paper's Table 1 (ACRNN and its baseline), 3 (with and without attention and augmentation) and 4
(every placement)."""

Finish = Callable[..., object]  # (run, network, dataset, on_clip=…)


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
    known = dict.fromkeys(row.placement for row in SWEEPS[sweep])
    if strange := [p for p in placements if p not in known]:
        raise OptionError(f"{', '.join(strange)} is no row of {sweep}, which has {', '.join(known)}.")
    rows = [row for row in SWEEPS[sweep] if row.placement in (placements or known)]
    return [
        replace(base, fold=fold, seed=seed, placement=row.placement, recipe=row.recipe or base.recipe)
        for seed, row, fold in product(seeds, rows, folds)
    ]


def run_sweep(
    runs: list[Options],
    out: Path,
    finish: Finish,
    *,
    jobs: int = 1,
    time_limit_s: float | None = None,
    on_clip: Callable[[int, int], None] | None = None,
    on_step: Callable[[int, Progress], None] | None = None,
) -> Iterator[Outcome]:
    """Train the runs, each in a process of its own and `jobs` at a time, and tell of each how it went.

    A run whose process dies (out of memory, say) has failed; the others go on. If this process dies, the others end
    within a step, and the same sweep goes on from each run's last whole epoch.

    Parameters
    ----------
    finish : callable
        Scores a trained run and ends it: `acrnn.evaluation.publish.finish_run`. It is sent to the processes, so it is
        a function of a module.
    jobs : int
        Each gets its share of the cores.
    time_limit_s : float, optional
        The step that passes it is a run's last; the same sweep goes on from there.
    on_clip, on_step : callable, optional
        Told of features computed, and of steps with the position of their run.

    Yields
    ------
    Outcome
        In the order in which runs end.
    """
    deadline = None if time_limit_s is None else time.time() + time_limit_s
    waiting = list(enumerate(runs))
    working: dict[Connection, tuple[int, SpawnProcess]] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                position, options = waiting.pop(0)
                ready = _make_ready(options, out, deadline, on_clip)
                if ready is not None:
                    yield ready
                    continue
                ours, theirs = multiprocessing.get_context("spawn").Pipe()
                given = options, out, finish, jobs, deadline, theirs
                process = multiprocessing.get_context("spawn").Process(target=_train_one, args=given, daemon=True)
                process.start()
                theirs.close()
                working[ours] = (position, process)
            for pipe in wait(list(working)) if working else ():  # waiting for none would never end
                position, process = working[pipe]
                told = _receive(pipe)
                if isinstance(told, Progress):
                    if on_step is not None:
                        on_step(position, told)
                    continue
                process.join()
                pipe.close()
                del working[pipe]
                died = Outcome(runs[position].name, "failed", f"its process ended with code {process.exitcode}")
                yield told or died
    finally:
        for pipe, (_, process) in working.items():
            pipe.close()  # a process whose sweep is gone ends at its next step
            process.terminate()
            process.join()


def _make_ready(options: Options, out: Path, deadline: float | None, on_clip) -> Outcome | None:
    """Compute the features that a run needs; gives its outcome if there is nothing to train."""
    if deadline is not None and time.time() > deadline:
        return Outcome(options.name, "stopped", "not begun")
    try:
        config, dataset = configure(options)
        run = Run.create(out, config, resume=True)
        if run.summary is not None:
            return Outcome(options.name, "skipped", _accuracy(run))
        prepare(config, dataset, on_clip)
    except (AcrnnError, OSError, RuntimeError) as error:  # a run's own trouble: disk, a bad clip
        return Outcome(options.name, "failed", f"{type(error).__name__}: {error}")
    return None


def _train_one(
    options: Options, out: Path, finish: Finish, jobs: int, deadline: float | None, pipe: Connection
) -> None:
    """Train one run to its end in this process, telling of each step and at last of the outcome through `pipe`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the sweep, which ends its processes itself
    keep_memory()
    use_threads_of(jobs)
    try:
        config, dataset = configure(options)
        run = Run.create(out, config, resume=True)

        def told(status: Status) -> None:
            try:
                if status.progress is not None:
                    pipe.send(status.progress)
            except BrokenPipeError:  # the sweep is gone; the run goes on with the next one
                run.request_stop()
            if deadline is not None and time.time() > deadline:
                run.request_stop()

        if work(run, dataset, finish, told) is None:
            pipe.send(Outcome(options.name, "stopped", "goes on with the same command"))
            return
        pipe.send(Outcome(options.name, "finished", _accuracy(run)))
    except BrokenPipeError:
        return
    except (AcrnnError, OSError, RuntimeError) as error:  # a run's own trouble: memory, disk, a bad clip
        pipe.send(Outcome(options.name, "failed", f"{type(error).__name__}: {error}"))


def _receive(pipe: Connection) -> Progress | Outcome | None:
    """Wait for what a process says next; None if it ended without a word."""
    try:
        return pipe.recv()
    except (EOFError, ConnectionResetError):
        return None


def _accuracy(run: Run) -> str:
    return f"{run.summary['accuracy']:.1%} ({run.summary['n_correct']} of {run.summary['n_clips']})"
