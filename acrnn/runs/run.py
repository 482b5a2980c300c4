"""A run is a folder, so that a page, a command line and a crash all see the same thing.

`config.json` (what is trained), `metrics.jsonl` (a line an epoch, append-only), `log.txt`, `state.safetensors`
(weights and optimiser after the last whole epoch, with the lines of all epochs until then, replaced atomically), `stop`
(present: stop soon, or after the epoch) and, last of all, `summary.json`.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from pydantic import BaseModel, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from acrnn.data import atomic_path, atomic_write_bytes
from acrnn.errors import OptionError, RunError
from acrnn.training import RunConfig
from acrnn.untrusted import parse_json, read_bytes, read_json, require_model, require_regular

STATE = "state.safetensors"
AFTER_EPOCH = "after epoch"
"""In the file `stop`: stop once the epoch under way is done."""
MAX_CONFIG_BYTES, MAX_METRICS_BYTES = 2**20, 2**26


class _Summary(BaseModel):
    n_clips: int = Field(ge=1)
    n_correct: int = Field(ge=0)
    accuracy: float = Field(ge=0, le=1)
    interval: list[float] = Field(min_length=2, max_length=2)


def _metrics_rows(lines: str) -> dict[int, dict[str, Any]]:
    """Parse lines of metrics.jsonl: epoch → its last line. What is none is passed over."""
    rows = (_metrics_row(line) for line in lines.splitlines())
    return {row["epoch"]: row for row in rows if row is not None}


def _lines(rows: dict[int, dict[str, Any]], epochs_done: int) -> str:
    """Give the lines of the first so many epochs."""
    return "".join(json.dumps(rows[epoch]) + "\n" for epoch in sorted(rows) if epoch < epochs_done)


def _metrics_row(line: str) -> dict[str, Any] | None:
    """Parse a line of metrics.jsonl; None if it is none."""
    try:
        row = parse_json(line)
        epoch, numbers = row["epoch"], [row[key] for key in ("loss", "accuracy", "learning_rate", "segments_per_s")]
    except (ValueError, TypeError, KeyError):
        return None
    is_one = type(epoch) is int and epoch >= 0 and all(isinstance(n, int | float) for n in numbers)
    return row if is_one else None


def _checksum(tensors: dict[str, Tensor]) -> str:
    """Hash of all tensors' names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _epochs_of(file: Any) -> int:
    epochs_done = int((file.metadata() or {})["epochs_done"])
    if epochs_done < 1:
        raise ValueError(f"epochs_done is {epochs_done}")
    return epochs_done


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
            self.config = RunConfig.from_dict(read_json(self.path / "config.json", MAX_CONFIG_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(f"{self.path} is no run: it has no config.json.") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, OptionError) as error:
            told = " ".join(str(error).split())[:300]
            raise RunError(f"{self.path / 'config.json'} is not the configuration of a run ({told}).") from error

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
        """Whether somebody asked this run to stop, at its next step or after its epoch."""
        return (self.path / "stop").exists()

    @property
    def stops_at_once(self) -> bool:
        """Whether somebody asked this run to stop at its next step."""
        try:
            return (self.path / "stop").read_text() != AFTER_EPOCH
        except FileNotFoundError:
            return False

    def request_stop(self, *, after_epoch: bool = False) -> None:
        """Ask the process that trains this run to stop; `clear_stop` takes it back.

        Parameters
        ----------
        after_epoch : bool
            Once the epoch under way is done and kept. Without it, at the next step: the epoch is lost.
        """
        atomic_write_bytes(self.path / "stop", AFTER_EPOCH.encode() if after_epoch else b"")

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
        """One row an epoch whose weights are kept, in order.

        A process killed between writing its line and its state leaves the line of an epoch that the resumed run does
        again: it does not count. A line that is cut short or damaged is taken from the state.

        Raises
        ------
        RunError
            If the file or the state's cannot be read.
        """
        done, rows = self._rows()
        return [rows[epoch] for epoch in sorted(rows) if epoch < done]

    def _rows(self) -> tuple[int, dict[int, dict[str, Any]]]:
        """Give the epochs done, and epoch → row of all that are known; raises as `metrics`."""
        path = self.path / "metrics.jsonl"
        try:
            rows = _metrics_rows(read_bytes(path, MAX_METRICS_BYTES).decode("utf-8", "replace"))
        except FileNotFoundError:
            rows = {}
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({error}).") from error
        is_finished, done, kept = self.summary is not None, 0, {}
        try:
            done, kept = self._noted()
        except RunError:
            if not is_finished:  # whose state is not needed any more
                raise
        return (self.config.recipe.epochs if is_finished else done), rows | kept

    def take_back(self, epochs_done: int) -> None:
        """Remove what a killed process left behind: lines of epochs that are done again, and temporary files.

        Lines that are damaged or missing come back from the state.

        Only for the process that holds the run.
        """
        lines = _lines(self._rows()[1], epochs_done)
        if lines or (self.path / "metrics.jsonl").exists():
            atomic_write_bytes(self.path / "metrics.jsonl", lines.encode())
        for left in self.path.rglob(".*tmp*"):  # ours, and those that safetensors writes to
            left.unlink(missing_ok=True)

    def save_state(self, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Replace the state by this one, atomically, with a checksum and the lines of its epochs in it."""
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        try:
            lines = _lines(self._rows()[1], epochs_done)
        except RunError:  # the damaged state is replaced now
            lines = ""
        noted = {"epochs_done": str(epochs_done), "sha256": _checksum(tensors), "metrics": lines}
        with atomic_path(self.path / STATE) as part:
            save_file(tensors, part, noted)

    @property
    def epochs_done(self) -> int:
        """Epochs whose weights are kept; raises RunError if the state is damaged."""
        return self._noted()[0]

    def _noted(self) -> tuple[int, dict[int, dict[str, Any]]]:
        """Give the epochs done, and epoch → row, as the state notes them; raises RunError if it is damaged."""
        if not (self.path / STATE).exists():
            return 0, {}
        with self._state() as file:
            epochs_done = _epochs_of(file)
            lines = file.metadata().get("metrics", "")  # earlier versions noted none
            return epochs_done, _metrics_rows(lines[:MAX_METRICS_BYTES])

    @contextmanager
    def _state(self) -> Iterator[Any]:
        """Open the state; raises RunError if it is damaged."""
        path = self.path / STATE
        try:
            require_regular(path)
            with safe_open(path, "pt") as file:
                yield file
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path} is damaged ({error}); delete it to begin this run anew.") from error

    def load_state(self) -> tuple[dict[str, Tensor], int] | None:
        """Tensors and epochs done, or None before the first epoch's end.

        Raises
        ------
        RunError
            If the file is damaged.
        """
        if not (self.path / STATE).exists():
            return None
        with self._state() as file:
            epochs_done = _epochs_of(file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            wanted = file.metadata().get("sha256")  # earlier versions noted none
            if wanted is not None and wanted != _checksum(tensors):
                raise ValueError("its checksum is not that of its content")
        return tensors, epochs_done

    @property
    def summary(self) -> dict[str, Any] | None:
        """What came out, or None while the run is not finished; raises RunError if it is damaged."""
        path = self.path / "summary.json"
        try:
            values = read_json(path)
            require_model(_Summary, values)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            told = " ".join(str(error).split())[:300]
            raise RunError(
                f"{path} is damaged ({told}); delete it, and `train --resume` scores the run again."
            ) from error
        return values

    def finish(self, summary: dict[str, Any]) -> None:
        """Write `summary.json`: the run is done."""
        atomic_write_bytes(self.path / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
