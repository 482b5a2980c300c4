"""A run is a folder, so that a page, a command line and a crash all see the same thing.

`config.json` (what is trained), `metrics.jsonl` (a line an epoch, append-only), `log.txt`, `state.safetensors`
(weights and optimiser after the last whole epoch, replaced atomically), `stop` (present: stop soon) and, last of all,
`summary.json`.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from acrnn.data import atomic_path, atomic_write_bytes
from acrnn.errors import OptionError, RunError
from acrnn.training import RunConfig


class Run:
    """A run's folder.

    Parameters
    ----------
    path : Path
        An existing run's folder; `Run.create` makes a new one.

    Raises
    ------
    RunError
        If the folder is no run.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self.config = RunConfig.from_dict(json.loads((self.path / "config.json").read_text()))
        except FileNotFoundError:
            raise RunError(f"{self.path} is no run: it has no config.json.") from None
        except (ValueError, TypeError, KeyError, AttributeError, OptionError) as error:
            raise RunError(f"{self.path / 'config.json'} is not the configuration of a run ({error}).") from error

    @classmethod
    def create(cls, out: Path | str, config: RunConfig, *, resume: bool = False) -> "Run":
        """Make the folder of a new run in `out`, or with `resume` go on with the one that is there.

        Raises
        ------
        RunError
            If the folder is there and `resume` is not asked for, or if it trains something else.
        """
        path = Path(out) / f"{config.name}-seed{config.seed}"
        if not (path / "config.json").exists():
            atomic_write_bytes(path / "config.json", (json.dumps(config.as_dict(), indent=2) + "\n").encode())
            return cls(path)
        run = cls(path)
        if not resume:
            raise RunError(f"{path} is there already; --resume goes on with it, another --out begins anew.")
        if told := run.config.differences(config):
            raise RunError(f"{path} trains something else: {told}.")
        return run

    @cached_property
    def _lock(self) -> FileLock:
        return FileLock(self.path / "lock")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; the lock goes with the process, however it ends.

        Raises
        ------
        RunError
            If another process is training it.
        """
        try:
            with self._lock.acquire(timeout=1):  # `is_locked` of another process holds it for a moment
                yield
        except Timeout:
            raise RunError(f"{self.path} is being trained by another process.") from None

    @property
    def is_locked(self) -> bool:
        """Whether a process holds the run; it is told from another look like this one by asking for 50 ms."""
        if not (self.path / "lock").exists():
            return False
        try:
            with FileLock(self.path / "lock").acquire(timeout=0.05, poll_interval=0.01):
                return False
        except Timeout:
            return True

    @property
    def stop_requested(self) -> bool:
        """Whether somebody asked this run to stop at its next step."""
        return (self.path / "stop").exists()

    def request_stop(self) -> None:
        """Ask the process that trains this run to stop; `clear_stop` takes it back."""
        (self.path / "stop").touch()

    def clear_stop(self) -> None:
        """Take back `request_stop`."""
        (self.path / "stop").unlink(missing_ok=True)

    def log(self, message: str) -> None:
        """Add a dated line to `log.txt`."""
        with (self.path / "log.txt").open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}\n")

    def append_metrics(self, row: dict[str, float]) -> None:
        """Add the line of one epoch; `row` has the key `epoch`."""
        with (self.path / "metrics.jsonl").open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a kill cut the last line short: this one must not be joined to it
                    file.write(b"\n")
            file.write(json.dumps(row).encode() + b"\n")

    def metrics(self) -> list[dict[str, float]]:
        """One row an epoch, in order.

        A process killed between writing its line and its state leaves a line that the resumed run writes again: the
        later one counts. A line cut short by the kill is passed over.
        """
        rows: dict[int, dict[str, float]] = {}
        try:
            lines = (self.path / "metrics.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            rows[row["epoch"]] = row
        return [rows[epoch] for epoch in sorted(rows)]

    def save_state(self, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Replace the state by this one, atomically."""
        with atomic_path(self.path / "state.safetensors") as part:
            save_file({name: t.contiguous() for name, t in tensors.items()}, part, {"epochs_done": str(epochs_done)})

    def load_state(self) -> tuple[dict[str, Tensor], int] | None:
        """Tensors and epochs done, or None before the first epoch's end.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        path = self.path / "state.safetensors"
        if not path.exists():
            return None
        try:
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, int(file.metadata()["epochs_done"])  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path} is damaged ({error}); delete it to begin this run anew.") from error

    @property
    def summary(self) -> dict[str, Any] | None:
        """What came out, or None while the run is not finished."""
        try:
            return json.loads((self.path / "summary.json").read_text())
        except FileNotFoundError:
            return None

    def finish(self, summary: dict[str, Any]) -> None:
        """Write `summary.json`: the run is done."""
        atomic_write_bytes(self.path / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
