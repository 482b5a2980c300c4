"""A sweep on a cluster: each run is one task; what its machine did not finish another one resumes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from acrnn.cluster.tasks import Lost, Needs, run_on_cluster
from acrnn.errors import AcrnnError
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import Status
from acrnn.runs.sweep import Ending, Outcome, begin, train_to_outcome
from acrnn.training.machine import keep_memory

LOCK_WAIT_S = 60.0
"""For so long the lock of a process that died may outlive it on a shared disk."""
_LOCK_POLL_S = 0.5


def sweep_on_cluster(
    runs: list[Options],
    out: Path,
    needs: Needs,
    *,
    time_limit_s: float | None = None,
    on_status: Callable[[int, Status], None] | None = None,
) -> Iterator[Outcome]:
    """Train the runs on a cluster that the caller is connected to, and tell of each how it went.

    All machines have the data and `out` at the same paths. A run whose machine dies goes on from its last whole epoch
    on another one.

    Parameters
    ----------
    needs : Needs
        Of each run; results depend on the number of cores in their last digits, as sums are split among threads.
    time_limit_s : float, optional
        The step that passes it is a run's last; the same sweep goes on from there.
    on_status : callable, optional
        Told the position of a run and what it is doing, often.

    Yields
    ------
    Outcome
        In the order in which runs end.
    """
    import ray

    out = out.absolute()
    given = [replace(options, data_root=options.data_root.absolute()) for options in runs]
    deadline = None if time_limit_s is None else time.time() + time_limit_s
    of_machine = ray.remote(num_cpus=needs.cores, num_gpus=needs.gpus, max_retries=0, max_calls=1)
    task = of_machine(train_on_machine)
    poll = None if on_status is None else partial(_tell, _Watch(given, out), on_status)

    def submit(position: int, attempt: int) -> ray.ObjectRef:
        return task.remote(given[position], out, needs.cores, deadline)

    for position, told in run_on_cluster(range(len(given)), submit, poll or (lambda working: None)):
        yield Outcome(runs[position].name, Ending.FAILED, told.reason) if isinstance(told, Lost) else told


def train_on_machine(options: Options, out: Path, cores: int, deadline: float | None) -> Outcome:
    """Train one run in this process, from where it stands."""
    keep_memory()
    torch.set_num_threads(cores)
    if deadline is not None:  # of the wall clock, which machines share; from here on no clock that can be set
        deadline += time.monotonic() - time.time()
    begun = begin(options, out, deadline)
    if isinstance(begun, Outcome):
        return begun
    _wait_for_lock(begun)
    return train_to_outcome(options, out, deadline)


def _wait_for_lock(run: Run) -> None:
    until_s = time.monotonic() + LOCK_WAIT_S
    while run.is_locked and time.monotonic() < until_s:
        time.sleep(_LOCK_POLL_S)


class _Watch:
    """Where the folders of runs are, as soon as they are there."""

    def __init__(self, runs: list[Options], out: Path) -> None:
        self._runs, self._out = runs, out
        self._paths: dict[int, Path | None] = {}

    def status(self, position: int) -> Status | None:
        """Read what the run of a position last said; None if it has said nothing yet."""
        if position not in self._paths:
            self._paths[position] = self._path_of(self._runs[position])
        path = self._paths[position]
        try:
            return None if path is None else Status.read(Run(path))
        except AcrnnError:  # it has no folder yet
            return None

    def _path_of(self, options: Options) -> Path | None:
        try:
            config, _ = configure(replace(options, device="cpu"))  # whatever this machine has
        except (AcrnnError, OSError):  # the run itself says why
            return None
        return self._out / f"{config.name}-seed{config.seed}"


def _tell(watch: _Watch, on_status: Callable[[int, Status], None], working: list[int]) -> None:
    for position in working:
        if (status := watch.status(position)) is not None:
            on_status(position, status)
