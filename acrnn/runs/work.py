"""All the work of one run, from features to score, in the process that does it; its folder says how far it is.

Whoever trains a run goes through here (`train`, `sweep`, the training page by way of `train`), so all of them can be
watched and stopped in the same way.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from acrnn.data import Dataset, cache_dir
from acrnn.errors import AcrnnError, RunError
from acrnn.runs.finish import finish_run
from acrnn.runs.loop import Progress, train
from acrnn.runs.run import Run
from acrnn.runs.status import Phase, Process, Status, StatusWriter
from acrnn.training import Split, prepare
from acrnn.training.corpus import Corpus


class _Stopped(Exception):  # noqa: N818 - not an error
    """Somebody asked the run to stop."""


def work(run: Run, dataset: Dataset, on_status: Callable[[Status], None] | None = None) -> dict[str, Any] | None:
    """Compute features, train from where the run stands, and score it.

    A request to stop is noticed in every phase: at the next clip or step.

    Parameters
    ----------
    on_status : callable, optional
        Told what the run is doing, often.

    Returns
    -------
    dict or None
        The run's summary, or None if it was asked to stop.

    Raises
    ------
    RunError
        If another process trains the run, its state is damaged, or a disk is full.
    AcrnnError
        If a clip cannot be used.
    """
    with run.locked():
        last: list[Progress] = []

        def remember(status: Status) -> None:
            last[:] = [status.progress] if status.progress else []
            if on_status is not None:
                on_status(status)

        tell = StatusWriter(run, remember)
        Process.of(os.getpid()).write(run)
        _forget_stale_stop(run)
        try:
            return _work(run, dataset, tell)
        except (_Stopped, KeyboardInterrupt) as stop:
            run.clear_stop()
            run.log("stopped")
            tell(Status(Phase.STOPPED, *((last[0].step, last[0].n_steps) if last else ())))
            if isinstance(stop, KeyboardInterrupt):
                raise
            return None
        except (OSError, SafetensorError) as error:
            told = RunError(f"{run.path} cannot go on: {_reason(error)}.")
            _note_failure(run, tell, told)
            raise told from error
        except BaseException as error:
            _note_failure(run, tell, error)
            raise


def _work(run: Run, dataset: Dataset, tell: StatusWriter) -> dict[str, Any]:
    def on_clip(phase: Phase) -> Callable[[int, int], None]:
        def told(done: int, total: int) -> None:
            tell(Status(phase, done, total))
            _heed_stop(run)

        return told

    def on_step(progress: Progress) -> None:
        tell(Status(Phase.TRAINING, progress=progress))

    corpus, split = _features(run, dataset, on_clip(Phase.FEATURES))
    tell(Status(Phase.TRAINING))
    _heed_stop(run)
    model = train(run, corpus, split, on_step=on_step)
    if model is None:
        raise _Stopped
    return finish_run(run, model, dataset, corpus, split, on_clip=on_clip(Phase.SCORING))


def _features(run: Run, dataset: Dataset, on_clip: Callable[[int, int], None]) -> tuple[Corpus, Split]:
    """Compute or read the features; of several runs that need them at once, one computes and the others wait."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_dir() / f"features-{run.config.data_fingerprint[:16]}.lock")
    while True:
        on_clip(0, 0)
        try:
            with lock.acquire(timeout=1):
                return prepare(run.config, dataset, on_clip)
        except Timeout:
            continue


def _heed_stop(run: Run) -> None:
    if run.stop_requested:
        raise _Stopped


def _forget_stale_stop(run: Run) -> None:
    """Take back a stop that was meant for an earlier process; one asked for while this one was starting counts."""
    try:
        asked_s = (run.path / "stop").stat().st_mtime
    except FileNotFoundError:
        return
    if asked_s < psutil.Process().create_time() - 1:
        run.clear_stop()


def _note_failure(run: Run, tell: StatusWriter, error: BaseException) -> None:
    """Leave a trace of what ended the run, as far as the disk takes it."""
    message = str(error) if isinstance(error, AcrnnError) else f"{type(error).__name__}: {error}"
    with suppress(OSError):
        tell(Status(Phase.FAILED, message=message))
        run.log(f"failed: {message}")


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"
