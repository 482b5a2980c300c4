"""Start, resume, stop and delete runs whose processes outlive whoever started them."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from acrnn.audio import decode
from acrnn.data import Dataset, cache_dir
from acrnn.errors import RunError
from acrnn.features import Segments
from acrnn.model import complexity
from acrnn.paths import runs_root
from acrnn.runs.run import Run, RunConfig
from acrnn.runs.start import Options, configure
from acrnn.runs.status import Process, forget_status
from acrnn.runs.watch import STARTED, State, look
from acrnn.training.corpus import is_cached
from acrnn.training.transfer import SUFFIX


def start(options: Options, root: Path | None = None) -> Run:
    """Begin a run, or go on with the one that is there, in a process of its own.

    The process is `python -m acrnn train … --resume`: it goes on when the caller ends, is killed or restarted. Of
    several starts at the same time, from threads or processes, one makes it and the others are refused.

    Parameters
    ----------
    options : Options
    root : Path, optional
        Folder of runs, default `runs_root()`.

    Raises
    ------
    RunError
        If it is running or finished, if the folder trains something else, or if a disk has too little space.
    OptionError, DatasetError
        As `configure`.
    """
    root = (root or runs_root()).resolve()
    config, dataset = configure(options)
    require_space(config, dataset, root)
    try:
        with _alone(root):
            run = Run.create(root, config, resume=True)
            view = look(run)
            if view.is_running:
                raise RunError(f"{run.path.name} is running already ({view.sentence()}).")
            if view.state is State.FINISHED:
                raise RunError(f"{run.path.name} is finished already; another seed or fold is another run.")
            run.clear_stop()
            forget_status(run)
            process = _spawn(run, command(options, root))
            Process.of(process.pid).write(run)
    except OSError as error:
        raise RunError(f"{error.filename or root} cannot be written ({error.strerror or error}).") from error
    # Whoever started a process has to take note of its end, or it stays a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return run


def resume(run: Run) -> Run:
    """Go on with a run that was stopped, failed or was killed; raises as `start`."""
    return start(options_of(run.config), run.path.parent)


def delete(run: Run) -> None:
    """Remove a run's folder with all that is in it.

    Raises
    ------
    RunError
        If it is running, or cannot be removed.
    """
    try:
        with _alone(run.path.parent):
            if look(run).is_running:
                raise RunError(f"{run.path.name} is running; stop it before deleting it.")
            with run.locked():
                shutil.rmtree(run.path)
    except OSError as error:
        raise RunError(f"{run.path} cannot be removed ({error.strerror or error}).") from error


def options_of(config: RunConfig) -> Options:
    """Options that `configure` turns into this configuration."""
    return Options(
        data_root=Path(config.data_root),
        dataset=config.dataset,
        fold=config.fold,
        placement=config.network.placement,
        recipe=config.recipe.name.removesuffix(SUFFIX),
        epochs=config.recipe.epochs,
        batch_size=config.recipe.batch_size,
        seed=config.seed,
        device=config.device,
        sealed=config.sealed,
        start_from=config.initial or None,
    )


def command(options: Options, root: Path) -> list[str]:
    """Give the command line that trains a run with these options in a folder of runs, or goes on with it."""
    parts = [sys.executable, "-m", "acrnn", "train", "--out", str(root.resolve()), "--resume"]
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name == "data_root":
            parts += ["--data", str(Path(value).resolve())]
        elif field.name == "sealed":
            parts += ["--sealed", ",".join(map(str, value))] if value else []
        elif value is not None:
            parts += [f"--{field.name.replace('_', '-')}", str(value)]
    return parts


@dataclass(frozen=True)
class Space:
    """What a run needs of the disks, in bytes."""

    features: int
    """Of the cache; 0 if they are there."""
    state: int
    """Weights, moments and averages, twice while they are replaced, and the checkpoint."""


def space_of(config: RunConfig, dataset: Dataset) -> Space:
    """Estimate what a run will write, taking every clip for as long as the first."""
    rows = segments_of_a_clip(config, dataset).n_padded_frames
    versions = 1 + config.recipe.n_copies
    features = len(dataset.clips) * versions * rows * 2 * config.front_end.n_bands * 2  # two channels of two bytes
    if is_cached(dataset, config.front_end, config.recipe.n_copies):
        features = 0
    moments = {"sgd": 1, "adamw": 2}[config.recipe.optimiser]
    kept = 1 + moments + (config.recipe.average_epochs > 0)
    return Space(features, complexity(config.network).parameters * (2 * kept * 4 + 2))


def segments_of_a_clip(config: RunConfig, dataset: Dataset) -> Segments:
    """Segments of the dataset's first clip; all clips of ESC-50 last 5 s."""
    n_samples = len(decode(dataset.clips[0].path, config.front_end.rate_hz).samples)
    return Segments.of(config.front_end.n_frames(n_samples), config.front_end)


def require_space(config: RunConfig, dataset: Dataset, root: Path) -> None:
    """Make sure that the disks have room for a run.

    Raises
    ------
    RunError
        If one has too little.
    """
    space = space_of(config, dataset)
    needed: dict[int, list] = {}
    for folder, n_bytes, what in ((cache_dir(), space.features, "features"), (root, space.state, "the run's state")):
        there = _nearest(folder)
        needed.setdefault(there.stat().st_dev, []).append((there, n_bytes, what))
    for parts in needed.values():
        total = sum(n_bytes for _, n_bytes, _ in parts)
        free = shutil.disk_usage(parts[0][0]).free
        if free < total:
            told = " and ".join(f"{n_bytes / 1e6:,.0f} MB for {what}" for _, n_bytes, what in parts if n_bytes)
            raise RunError(f"The disk of {parts[0][0]} has {free / 1e6:,.0f} MB free; this run needs {told}.")


def _nearest(folder: Path) -> Path:
    """Find the folder, or the nearest above it that is there."""
    folder = folder.resolve()
    return next(path for path in (folder, *folder.parents) if path.exists())


def _spawn(run: Run, arguments: list[str]) -> subprocess.Popen:
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    run.log(STARTED + subprocess.list2cmdline(arguments))
    with (run.path / "log.txt").open("a") as log:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
    # It takes every core it gets; whoever looks at a page meanwhile comes first.
    psutil.Process(process.pid).nice(10 if psutil.POSIX else psutil.BELOW_NORMAL_PRIORITY_CLASS)
    return process


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep every other process and thread from starting or deleting runs in this folder."""
    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / ".start.lock").acquire(timeout=30):
            yield
    except Timeout:
        raise RunError(f"Another process has been starting a run in {root} for half a minute; try again.") from None
