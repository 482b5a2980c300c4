"""Many recordings over several processes, each of which may die and then costs one recording.

Each process is an executor of its own with one recording in hand, so that it is known whose death is whose.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from multiprocessing.connection import Connection

import psutil
import torch

from acrnn.checkpoints import Checkpoint
from acrnn.errors import RunError
from acrnn.inference import Predictor
from acrnn.scan.rows import Layout
from acrnn.scan.work import Options, Result, Scanner, Source
from acrnn.training.machine import n_cores

DIED = "WorkerDied"
"""Kind of error of a recording whose process died."""
BYTES_A_WORKER = 1_200_000_000
"""Memory of one process at an hour of sound, measured at 1.1 GB (`benchmarks.hour`); at short clips it is 0.5 GB."""
BYTES_A_WORKER_ON_CUDA = 2_000_000_000
"""The same on a GPU, reckoned, not measured."""
_MOST_FAILED_STARTS = 3
_SPAWN = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang


def default_jobs(device: torch.device, n_files: int) -> int:
    """How many processes to scan with: one a core, as far as there are files and the memory goes."""
    rooms = [psutil.virtual_memory().available // BYTES_A_WORKER]
    if device.type == "cuda":
        rooms.append(torch.cuda.mem_get_info(device)[0] // BYTES_A_WORKER_ON_CUDA)
    if device.type == "mps":
        rooms.append(1)
    return max(1, min(n_cores(), n_files, *rooms))


Named = tuple[Source, str]
"""A recording, and what it is called in its rows."""


def scan_in_processes(files: Iterable[Named], predictor: Predictor, options: Options, jobs: int) -> Iterator[Result]:
    """Scan files in `jobs` processes; gives their results as they come.

    A process that dies (killed, out of memory) gives its file an error of kind `DIED`, and another takes its place. If
    this process dies, or the iterator is closed, they end at once.

    Raises
    ------
    RunError
        If processes die before they have begun, one after another.
    """
    layout = Layout(options.rows, predictor.checkpoint.config.labels)
    leash, hand = _SPAWN.Pipe(duplex=False)
    given = replace(predictor.checkpoint), str(predictor.device), options, leash  # a copy without its weights
    idle = [_Worker(given) for _ in range(jobs)]
    every, working, failed_starts = tuple(idle), {}, 0
    waiting = iter(files)
    try:
        while True:
            while idle and (named := next(waiting, None)) is not None:
                worker = idle.pop()
                working[worker.submit(named)] = worker, named
            if not working:
                return
            results = []
            for future in wait(working, return_when=FIRST_COMPLETED).done:
                worker, named = working.pop(future)
                idle.append(worker)
                result = _result_of(future, named[1], layout)
                if result.error_kind == DIED and not worker.has_begun:
                    failed_starts += 1
                    if failed_starts == _MOST_FAILED_STARTS:
                        raise RunError("Processes end before they have begun; is there memory for so many --jobs?")
                    waiting = chain([named], waiting)
                    continue
                failed_starts = 0
                results.append(result)
            yield from results
    finally:
        hand.close()
        for worker in every:
            worker.close()


def _result_of(future: Future, name: str, layout: Layout) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        told = f"{name}: the process that read it ended abruptly; it was killed, or ran out of memory."
        return Result.failed(name, layout, DIED, told)


class _Worker:
    """A process with a network of its own; one that has died is replaced when a file is given to it."""

    def __init__(self, given: tuple) -> None:
        self._given = given
        self._start()

    def _start(self) -> None:
        self._executor = ProcessPoolExecutor(1, _SPAWN, _begin, self._given)
        with _interrupts_blocked():
            self._ready = self._executor.submit(os.getpid)

    @property
    def has_begun(self) -> bool:
        """Whether the process came as far as its first file."""
        return self._ready.done() and self._ready.exception() is None

    def submit(self, named: Named) -> Future:
        """Give it a file."""
        try:
            return self._executor.submit(_scan, named)
        except BrokenProcessPool:
            self._executor.shutdown()
            self._start()
            return self._executor.submit(_scan, named)

    def close(self) -> None:
        """Wait for its end."""
        self._executor.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let a process that is started here never see Ctrl-C: this one sees it, and ends the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_scanner: Scanner
"""Of a worker process, which has one."""


def _begin(checkpoint: Checkpoint, device: str, options: Options, leash: Connection) -> None:
    """Begin a worker process: one thread, and the network loaded once."""
    global _scanner
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()
    torch.set_num_threads(1)
    _scanner = Scanner(Predictor(checkpoint, device), options)


def _end_with(leash: Connection) -> None:
    """End this process when the other end of a pipe is closed, be it that its process was killed."""
    try:
        leash.recv()
    except (EOFError, OSError):
        os._exit(1)


def _scan(named: Named) -> Result:
    return _scanner(*named)
