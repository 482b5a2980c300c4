"""How runs stand, read from their folders and from the processes that train them; nothing here changes a run."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from acrnn.errors import RunError
from acrnn.paths import glob, runs_root
from acrnn.runs.run import Run
from acrnn.runs.status import Phase, Process, Status
from acrnn.untrusted import require_regular


class State(StrEnum):
    """How a run stands."""

    PREPARING = "preparing"
    """Starting, or computing features."""
    TRAINING = "training"
    SCORING = "scoring"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    DEAD = "dead"
    """Its process was killed."""


RUNNING = (State.PREPARING, State.TRAINING, State.SCORING, State.STOPPING)
"""States in which a process is at work."""
STARTED = "started: "
"""What the log's line begins with, after its date, before the output of a process."""


@dataclass(frozen=True)
class RunView:
    """A run as it stands now.

    Attributes
    ----------
    run : Run
    state : State
    status : Status or None
        What its process last said.
    message : str
        Why it failed.
    """

    run: Run
    state: State
    status: Status | None = None
    message: str = ""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.run.path.name

    @property
    def is_running(self) -> bool:
        """Whether a process is at work on it."""
        return self.state in RUNNING

    @property
    def n_epochs(self) -> int:
        """Length of the schedule."""
        return self.run.config.recipe.epochs

    @cached_property
    def metrics(self) -> list[dict[str, float]]:
        """One row a finished epoch: `Run.metrics`."""
        return self.run.metrics()

    @property
    def share(self) -> float:
        """Share of the present phase that is done, 0 to 1: of all epochs, or of the clips."""
        if self.state is State.FINISHED:
            return 1.0
        if self.is_running and self.status is not None:
            if (now := self.status.progress) is not None:
                return (now.epoch + now.step / now.n_steps) / now.n_epochs
            if self.status.total:
                return self.status.done / self.status.total
            if self.status.phase is Phase.FEATURES:
                return 0.0
        return len(self.metrics) / self.n_epochs

    @property
    def seconds(self) -> float:
        """Time that its finished epochs took, without features and scoring."""
        return sum(row.get("seconds", 0.0) for row in self.metrics)

    @property
    def lost(self) -> tuple[int, int] | None:
        """Steps done, and all, of the epoch that a stop broke off, which Resume begins anew; None if none was."""
        if self.state is not State.STOPPED or self.status is None or not 0 < self.status.done < self.status.total:
            return None
        return self.status.done, self.status.total

    def sentence(self) -> str:
        """Say how it stands in a line, such as `training: epoch 3 of 60, step 4 of 30`."""
        return f"{self.state}: {self.progress()}" + (f"; {self.message}" if self.message else "")

    def progress(self) -> str:
        """Say how far it is, or what came out, such as `epoch 3 of 60, step 4 of 30`."""
        if self.state is State.FINISHED:
            summary = self.run.summary
            return f"{summary['accuracy']:.1%} ({summary['n_correct']} of {summary['n_clips']})"
        done = f"{len(self.metrics)} of {self.n_epochs} epochs"
        if not self.is_running:
            return done
        if self.status is None:
            return "starting"
        if (now := self.status.progress) is not None:
            return f"epoch {now.epoch + 1} of {now.n_epochs}, step {now.step} of {now.n_steps}"
        if self.status.total:
            what = "features" if self.status.phase is Phase.FEATURES else "held-out clips"
            return f"{what} of {self.status.done} of {self.status.total} clips"
        return done


def look(run: Run) -> RunView:
    """Find out how a run stands."""
    if run.summary is not None:
        return RunView(run, State.FINISHED)
    status = Status.read(run)
    if status is not None and status.ended:
        return RunView(run, State(status.phase), status, status.message)
    process = Process.read(run)
    if (process is not None and process.is_alive) or run.is_locked:
        if run.stop_requested:
            return RunView(run, State.STOPPING, status)
        return RunView(run, _state_of(run, status), status)
    if process is None:
        return RunView(run, State.STOPPED, status)
    status = Status.read(run)  # its last word may have come meanwhile
    if status is not None and status.ended:
        return RunView(run, State(status.phase), status, status.message)
    message = _last_error(run)
    return RunView(run, State.FAILED if message else State.DEAD, status, message)


def _state_of(run: Run, status: Status | None) -> State:
    if status is not None:
        return State.PREPARING if status.phase is Phase.FEATURES else State(status.phase)
    # a process of an earlier version says nothing, but leaves its epochs
    return State.PREPARING if Process.read(run) is not None else State.TRAINING


def list_runs(root: Path | None = None) -> tuple[list[RunView], list[str]]:
    """Look at every run in a folder, the one that was begun last first.

    Returns
    -------
    views : list of RunView
    damaged : list of str
        A sentence for each folder that should be a run and cannot be read.
    """
    views, damaged = [], []
    for path in glob(root or runs_root(), "*/config.json"):
        if path.parent.name.startswith("."):
            continue
        try:
            view = look(Run(path.parent))
            _ = view.progress(), view.metrics  # the rest of what is shown
            views.append((-path.stat().st_mtime, view.name, view))
        except RunError as error:
            damaged.append(str(error))
        except OSError:  # deleted meanwhile
            continue
    return [view for *_, view in sorted(views, key=lambda one: one[:2])], damaged


def find_run(name: str) -> Run:
    """Open a run by its folder, or by its name in `runs_root`.

    Raises
    ------
    RunError
        If there is none.
    """
    path = Path(name)
    if not path.is_dir() and path.name == name:
        path = runs_root() / name
    return Run(path)


def log_tail(run: Run, n_lines: int = 12) -> str:
    """Give the last lines of what the run and its process wrote."""
    try:
        return "\n".join(_text(run).splitlines()[-n_lines:])
    except OSError:
        return ""


def _last_error(run: Run) -> str:
    """Find what the last process printed as its error; "" if it ended without a word."""
    try:
        lines = _text(run).splitlines()
    except OSError:
        return ""
    begun = max((i for i, line in enumerate(lines) if STARTED in line), default=-1)
    printed = [line for line in lines[begun + 1 :] if line.strip()]
    errors = [line.removeprefix("error: ") for line in printed if line.startswith("error: ")]
    if errors:
        return errors[-1]
    return printed[-1] if any(line.startswith("Traceback") for line in printed) else ""


def _text(run: Run) -> str:
    path = run.path / "log.txt"
    try:
        require_regular(path)
    except ValueError as error:
        raise OSError(str(error)) from error
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 100_000))
        return file.read().decode("utf-8", "replace")
