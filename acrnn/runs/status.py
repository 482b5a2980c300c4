"""What a run is doing, kept in its folder, so that any page and any terminal can watch any process that trains it."""

import json
import os
import platform
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from acrnn.runs.loop import Progress
from acrnn.runs.run import Run
from acrnn.untrusted import read_json, require_fields

STATUS_FILE, PROCESS_FILE = "progress.json", "process.json"
WRITE_EVERY_S = 1.0


class Phase(StrEnum):
    """What the process of a run is doing, or how it ended; a finished run has a summary instead."""

    FEATURES = "features"
    TRAINING = "training"
    SCORING = "scoring"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Status:
    """What a run's process last said.

    Attributes
    ----------
    phase : Phase
    done, total : int
        Clips, in `features` and `scoring`; a total of 0 is not known yet. In `stopped`, the steps that were done of the
        epoch that was under way, and all that it has.
    progress : Progress or None
        The last step, in `training`.
    message : str
        Why it failed.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    progress: Progress | None = None
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether this was the last word of its process."""
        return self.phase in (Phase.STOPPED, Phase.FAILED)

    @classmethod
    def read(cls, run: Run) -> "Status | None":
        """Read it from the run's folder; None if nobody wrote there or it cannot be understood."""
        values = _read_json(run.path / STATUS_FILE)
        try:
            require_fields(cls, values, others=("phase", "progress"))
            progress, phase = values.pop("progress"), Phase(values.pop("phase"))
            if progress is not None:
                require_fields(Progress, progress)
                if min(progress["n_epochs"], progress["n_steps"]) < 1:
                    return None
                progress = Progress(**progress)
            return cls(phase, **values, progress=progress)
        except (KeyError, TypeError, ValueError):
            return None


class StatusWriter:
    """Passes on what a run is doing to a listener, and to the run's folder at most once a second.

    Parameters
    ----------
    run : Run
    listener : callable, optional
        Told every `Status`.
    """

    def __init__(self, run: Run, listener: Callable[[Status], None] | None = None) -> None:
        self._run = run
        self._listener = listener or (lambda status: None)
        self._phase, self._written_s = "", 0.0

    def __call__(self, status: Status) -> None:
        """Tell of a status; a new phase is written at once."""
        self._listener(status)
        now_s = time.monotonic()
        if status.phase == self._phase and now_s - self._written_s < WRITE_EVERY_S:
            return
        self._phase, self._written_s = status.phase, now_s
        _replace_json(self._run.path / STATUS_FILE, asdict(status))


@dataclass(frozen=True)
class Process:
    """The process that trains a run, or did: its number alone may since have gone to another."""

    pid: int
    began_s: float
    """Unix time."""
    host: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Describe a process of this machine, which may be a zombie by now."""
        return cls(pid, psutil.Process(pid).create_time(), platform.node())

    @classmethod
    def read(cls, run: Run) -> "Process | None":
        """Who last trained the run; None if that is not known."""
        values = _read_json(run.path / PROCESS_FILE)
        try:
            require_fields(cls, values)
        except ValueError:
            return None
        return cls(**values)

    def write(self, run: Run) -> None:
        """Note in the run's folder that this process trains it."""
        _replace_json(run.path / PROCESS_FILE, asdict(self))

    @property
    def is_here(self) -> bool:
        """Whether it was started on this machine."""
        return self.host == platform.node()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs on this machine: a zombie does not, nor another one under the same number."""
        if not self.is_here:
            return False
        try:
            process = psutil.Process(self.pid)
            # The system's clock may be set meanwhile; a number is not given out again within two seconds.
            return abs(process.create_time() - self.began_s) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ValueError, OverflowError):  # there is no such number
            return False


def forget_status(run: Run) -> None:
    """Remove what an earlier process said."""
    (run.path / STATUS_FILE).unlink(missing_ok=True)


def _read_json(path: Path) -> Any:
    try:
        return read_json(path, 2**20)
    except (OSError, ValueError):
        return None


def _replace_json(path: Path, values: dict[str, Any]) -> None:
    """Replace a small file as a whole. It need not outlive a power cut, so no time is spent on waiting for the disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        part.write_text(json.dumps(values), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def clock(seconds: float) -> str:
    """Give a duration as `m:ss` or `h:mm:ss`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
