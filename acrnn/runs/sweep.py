"""A grid of runs, several side by side: resumable, skipping what is finished, going on past a run that fails."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

from acrnn.errors import AcrnnError, OptionError
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import Status
from acrnn.runs.work import work
from acrnn.training.machine import keep_memory, use_threads_of
from acrnn.training.recipe import ABLATIONS, PROBES

_SPAWN = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang


class Row(NamedTuple):
    """What a row of a table trains; None is the sweep's own choice."""

    placement: str
    recipe: str | None = None


SWEEPS: dict[str, tuple[Row, ...]] = {
    "table1": (Row("l10"), Row(PICZAK)),
    "table3": tuple(Row(placement, recipe) for recipe in ("plain", "paper") for placement in ("none", "l10")),
    "table4": tuple(Row(placement) for placement in PLACEMENTS),
    "ablation": tuple(Row("l10", recipe) for recipe in ("paper", "best", *ABLATIONS)),
    "probes": tuple(Row("l10", recipe) for recipe in ("paper", *PROBES)),
}
"""Name → its rows: the paper's Table 1 (ACRNN and its baseline), 3 (with and without attention and augmentation) and 4
(every placement); `ablation` is recipe `best` with each of its ingredients left out, `probes` the candidate
`whole` and its variants."""


class Ending(StrEnum):
    """How a run of a sweep ended."""

    FINISHED = "finished"
    SKIPPED = "skipped"
    """It was finished before."""
    STOPPED = "stopped"
    """Time ran out."""
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep stands."""

    name: str
    state: Ending
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
        If the sweep is unknown, a placement is none of its, or `ablation` or `probes` has no sealed fold.
    """
    if sweep not in SWEEPS:
        raise OptionError(f"sweep {sweep!r} is not one of {', '.join(SWEEPS)}.")
    known = dict.fromkeys(row.placement for row in SWEEPS[sweep])
    if strange := [p for p in placements if p not in known]:
        raise OptionError(f"{', '.join(strange)} is no row of {sweep}, which has {', '.join(known)}.")
    if sweep in ("ablation", "probes") and not base.sealed:
        raise OptionError(f"{sweep} compares recipes, which no test fold may decide: --sealed 1, say, keeps one apart.")
    rows = [row for row in SWEEPS[sweep] if row.placement in (placements or known)]
    return [
        replace(base, fold=fold, seed=seed, placement=row.placement, recipe=row.recipe or base.recipe)
        for seed, row, fold in product(seeds, rows, folds)
    ]


def run_sweep(
    runs: list[Options],
    out: Path,
    *,
    jobs: int = 1,
    time_limit_s: float | None = None,
    on_status: Callable[[int, Status], None] | None = None,
) -> Iterator[Outcome]:
    """Train the runs, each in a process of its own and `jobs` at a time, and tell of each how it went.

    A run whose process dies (out of memory, say) has failed; the others go on. If this process dies, the others end
    within a step, and the same sweep goes on from each run's last whole epoch.

    Parameters
    ----------
    jobs : int
        Each gets its share of the cores.
    time_limit_s : float, optional
        The step that passes it is a run's last; the same sweep goes on from there.
    on_status : callable, optional
        Told the position of a run and what it is doing, often.

    Yields
    ------
    Outcome
        In the order in which runs end.
    """
    deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
    waiting = list(enumerate(runs))
    working: dict[Connection, tuple[int, SpawnProcess]] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                position, options = waiting.pop(0)
                begun = begin(options, out, deadline)
                if isinstance(begun, Outcome):
                    yield begun
                    continue
                pipe, process = _start_training(options, out, jobs, deadline)
                working[pipe] = (position, process)
            for pipe in wait(list(working)) if working else ():  # waiting for none would never end
                position, process = working[pipe]
                told = _receive(pipe)
                if isinstance(told, Status):
                    if on_status is not None:
                        on_status(position, told)
                    continue
                process.join()
                pipe.close()
                del working[pipe]
                died = Outcome(runs[position].name, Ending.FAILED, f"its process ended with code {process.exitcode}")
                yield told or died
    finally:
        for pipe, (_, process) in working.items():
            pipe.close()  # a process whose sweep is gone ends at its next step
            process.terminate()
            process.join()


def _start_training(options: Options, out: Path, jobs: int, deadline: float | None) -> tuple[Connection, SpawnProcess]:
    """Start the process of one run; gives it, and the end of the pipe through which it tells what it does."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_train_one, args=(options, out, jobs, deadline, theirs))
    process.start()
    theirs.close()
    return ours, process


def begin(options: Options, out: Path, deadline: float | None) -> Run | Outcome:
    """Give the run to train, its folder made if need be.

    If there is nothing to train, give the outcome instead: the run is finished, out of time or wrong from the start.
    """
    if deadline is not None and time.monotonic() > deadline:
        return Outcome(options.name, Ending.STOPPED, "not begun")
    try:
        config, _ = configure(options)
        run = Run.create(out, config, resume=True)
        return run if run.summary is None else Outcome(options.name, Ending.SKIPPED, _accuracy(run))
    except (AcrnnError, OSError) as error:
        return Outcome(options.name, Ending.FAILED, f"{type(error).__name__}: {error}")


def _train_one(options: Options, out: Path, jobs: int, deadline: float | None, pipe: Connection) -> None:
    """Train one run to its end in this process, telling what it does and at last the outcome through `pipe`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the sweep, which ends its processes itself
    keep_memory()
    use_threads_of(jobs)
    with suppress(BrokenPipeError):  # nobody listens any more
        pipe.send(train_to_outcome(options, out, deadline, pipe.send))


def train_to_outcome(
    options: Options, out: Path, deadline: float | None, tell: Callable[[Status], object] = lambda status: None
) -> Outcome:
    """Train one run to its end in this process, or to its last step before the deadline.

    Parameters
    ----------
    tell : callable, optional
        Told what the run is doing, often; BrokenPipeError says that nobody listens any more, and the run stops.
    """
    try:
        config, dataset = configure(options)
        run = Run.create(out, config, resume=True)

        def on_status(status: Status) -> None:
            is_late = deadline is not None and time.monotonic() > deadline
            try:
                tell(status)
            except BrokenPipeError:  # the sweep is gone; the run goes on with the next one
                is_late = True
            if is_late and not status.ended:  # a request after the last word would stop the next process
                run.request_stop()

        work(run, dataset, on_status)
        if run.summary is None:
            return Outcome(options.name, Ending.STOPPED, "goes on with the same command")
        return Outcome(options.name, Ending.FINISHED, _accuracy(run))
    except (AcrnnError, OSError, RuntimeError) as error:  # a run's own trouble: memory, disk, a bad clip
        return Outcome(options.name, Ending.FAILED, f"{type(error).__name__}: {error}")


def _receive(pipe: Connection) -> Status | Outcome | None:
    """Wait for what a process says next; None if it ended without a word."""
    try:
        return pipe.recv()
    except (EOFError, ConnectionResetError):
        return None


def _accuracy(run: Run) -> str:
    return f"{run.summary['accuracy']:.1%} ({run.summary['n_correct']} of {run.summary['n_clips']})"
