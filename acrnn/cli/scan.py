"""The command that predicts many recordings: folders and files in, one table out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, Ray, errors
from acrnn.cli.recordings import require_files
from acrnn.errors import FolderError, OptionError
from acrnn.paths import DEFAULT_CHECKPOINTS

if TYPE_CHECKING:
    from acrnn.scan import Options, Scan, Tally

STDOUT = "-"


def scan(
    paths: Annotated[
        list[str],
        typer.Argument(help=f"Folders, files, or - for standard input; {ACCEPTED}. With --ray, s3:// and gs:// too."),
    ],
    out: Annotated[
        str,
        typer.Option(
            help="A .csv, .parquet or .jsonl file; - prints JSON lines as they come. With --ray, a folder or URI."
        ),
    ] = STDOUT,
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    segments: Annotated[bool, typer.Option("--segments", help="A row a window in place of a row a file.")] = False,
    events: Annotated[bool, typer.Option("--events", help="A row an event, found as `events` does.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core, if memory allows.")] = None,
    device: Device = "auto",
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of files that are cut short.")] = False,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Longest recording; default: a day.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there.")] = False,
    ray: Ray = None,
    part: Annotated[int | None, typer.Option(min=1, help="With --ray: most files in a part; default: 500.")] = None,
) -> None:
    """Predict every recording in folders and files: one row each, with all classes, or a row a window or an event.

    A scan into a file can be stopped at any moment; the same command goes on. A file that cannot be used becomes a row
    with its reason, and the exit code is 2.
    """
    from acrnn.audio import Limits
    from acrnn.scan import Options

    require_files([Path(path) for path in paths])
    limits = Limits.of_environment()
    if segments and events:
        raise OptionError("--segments and --events are two kinds of rows; one of them is accepted.")
    if max_seconds is not None:
        limits = replace(limits, max_duration_s=max_seconds)
    options = Options("segments" if segments else "events" if events else "files", limits, channel, partial)
    if ray is None and part is not None:
        raise OptionError("--part goes with --ray; without it a scan writes one file.")
    if ray is not None and jobs is not None:
        raise OptionError("--jobs is for this machine; with --ray the cluster's cores are used.")
    if ray is not None:
        _scan_on_cluster(paths, out, checkpoint, options, Cluster(ray, device, part, overwrite=overwrite))
        return
    if strange := [path for path in (*paths, out) if "://" in path]:
        raise OptionError(f"{strange[0]} is read and written with --ray alone; without it files are accepted.")
    if out != STDOUT and Path(out).exists() and not overwrite:
        raise OptionError(f"{out} is there already; --overwrite replaces it.")
    _scan_here([Path(path) for path in paths], out, checkpoint, options, device, jobs)


@dataclass(frozen=True)
class Cluster:
    """How a scan goes on a cluster: its address, the device, and how many files make a part."""

    address: str
    device: str
    part: int | None
    overwrite: bool


def _scan_here(paths: list[Path], out: str, checkpoint: str, options: "Options", device: str, jobs: int | None) -> None:
    from acrnn.devices import describe_device
    from acrnn.inference import load
    from acrnn.scan import Scan, default_jobs, find_files

    unread: list[FolderError] = []
    files = find_files(paths, unread.append)
    _tell_of(files, paths, unread)
    predictor = load(checkpoint, device)
    jobs = jobs or default_jobs(predictor.device, len(files))
    where = describe_device(predictor.device)
    errors.print(f"{predictor.checkpoint.name} on {where}, {len(files)} files, {jobs} at a time", markup=False)
    with _bar() as on_file:
        scanned = Scan(predictor, options, files, jobs, on_file)
        interrupted = _run(scanned, out)
    _end(scanned.tally, "" if out == STDOUT else out, unread, interrupted=interrupted)


def _scan_on_cluster(paths: list[str], out: str, checkpoint: str, options: "Options", cluster: Cluster) -> None:
    from acrnn.cluster.session import connected, require_ray

    require_ray()
    from acrnn.checkpoints import find
    from acrnn.cluster.parts import FILES_A_PART, list_items
    from acrnn.cluster.scan import ClusterScan
    from acrnn.cluster.store import Folder

    if out == STDOUT or Path(out).suffix in (".csv", ".jsonl"):
        raise OptionError(f"--ray writes a folder of Parquet files, and --out is {out}; a folder or a URI is accepted.")
    if cluster.device not in ("auto", "cpu", "cuda"):
        raise OptionError(f"--ray works on cpu or cuda, not on {cluster.device}.")
    device = "cpu" if cluster.device == "auto" else cluster.device
    unread: list[FolderError] = []
    items = list_items(paths, unread.append)
    _tell_of(items, paths, unread)
    found, files_a_part = find(checkpoint), cluster.part or FILES_A_PART
    errors.print(f"{found.name} on Ray ({device}), {len(items)} files, up to {files_a_part} a part", markup=False)
    interrupted = False
    with _bar() as on_file, connected(cluster.address):
        scanned = ClusterScan(
            found, options, items, Folder(out), device=device, files_a_part=files_a_part, on_file=on_file
        )
        try:
            scanned.write(overwrite=cluster.overwrite)
            print(out)
        except KeyboardInterrupt:
            interrupted = True
    _end(scanned.tally, out, unread, interrupted=interrupted)


def _tell_of(files: list, paths: list, unread: list[FolderError]) -> None:
    """Tell of folders that cannot be read; OptionError if no recording is left."""
    for error in unread:
        errors.print(f"error: {error}", markup=False)
    if not files:
        raise OptionError(f"There is no recording in {', '.join(map(str, paths))}; {ACCEPTED}.")


def _end(tally: "Tally", out: str, unread: list[FolderError], *, interrupted: bool) -> None:
    """Tell how it went, and exit by it."""
    errors.print(tally.sentence(), markup=False)
    if interrupted:
        errors.print(f"stopped{'; the same command goes on' if out else ''}", markup=False)
        raise typer.Exit(130)
    if unread or tally.failed:
        raise typer.Exit(2)


def _run(scanned: "Scan", out: str) -> bool:
    """Scan to a file or standard output; gives whether it was interrupted."""
    from acrnn.scan.write import json_line

    try:
        if out != STDOUT:
            scanned.write(Path(out))
            print(out)
            return False
        for row in scanned.stream():
            print(json_line(scanned.layout.columns, row), flush=True)
    except KeyboardInterrupt:
        return True
    return False


@contextmanager
def _bar() -> Iterator:
    """Progress with the time left, on stderr, where that is a terminal; gives what is told (done, total)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("files", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
