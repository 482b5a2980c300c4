"""The command that predicts many recordings: folders and files in, one table out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, errors
from acrnn.cli.recordings import require_files
from acrnn.errors import FolderError, OptionError
from acrnn.paths import DEFAULT_CHECKPOINTS

if TYPE_CHECKING:
    from acrnn.scan import Scan

STDOUT = "-"


def scan(
    paths: Annotated[
        list[Path], typer.Argument(help=f"Folders, files, or - for standard input; {ACCEPTED}.", readable=False)
    ],
    out: Annotated[
        Path, typer.Option(help="A .csv, .parquet or .jsonl file; - prints JSON lines as they come.")
    ] = Path(STDOUT),
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    segments: Annotated[bool, typer.Option("--segments", help="A row a window in place of a row a file.")] = False,
    events: Annotated[bool, typer.Option("--events", help="A row an event, found as `events` does.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core, if memory allows.")] = None,
    device: Device = "auto",
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of files that are cut short.")] = False,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Longest recording; default: a day.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there.")] = False,
) -> None:
    """Predict every recording in folders and files: one row each, with all classes, or a row a window or an event.

    A scan into a file can be stopped at any moment; the same command goes on. A file that cannot be used becomes a row
    with its reason, and the exit code is 2.
    """
    from acrnn.audio import Limits
    from acrnn.devices import describe_device
    from acrnn.inference import load
    from acrnn.scan import Options, Scan, default_jobs, find_files

    require_files(paths)
    if str(out) != STDOUT and out.exists() and not overwrite:
        raise OptionError(f"{out} is there already; --overwrite replaces it.")
    limits = Limits.of_environment()
    if segments and events:
        raise OptionError("--segments and --events are two kinds of rows; one of them is accepted.")
    if max_seconds is not None:
        limits = replace(limits, max_duration_s=max_seconds)
    unread: list[FolderError] = []
    files = find_files(paths, unread.append)
    for error in unread:
        errors.print(f"error: {error}", markup=False)
    if not files:
        raise OptionError(f"There is no recording in {', '.join(map(str, paths))}; {ACCEPTED}.")
    predictor = load(checkpoint, device)
    jobs = jobs or default_jobs(predictor.device, len(files))
    where = describe_device(predictor.device)
    errors.print(f"{predictor.checkpoint.name} on {where}, {len(files)} files, {jobs} at a time", markup=False)
    options = Options("segments" if segments else "events" if events else "files", limits, channel, partial)
    with _bar() as on_file:
        scanned = Scan(predictor, options, files, jobs, on_file)
        interrupted = _run(scanned, out)
    errors.print(scanned.tally.sentence(), markup=False)
    if interrupted:
        again = "" if str(out) == STDOUT else "; the same command goes on"
        errors.print(f"stopped{again}", markup=False)
        raise typer.Exit(130)
    if unread or scanned.tally.failed:
        raise typer.Exit(2)


def _run(scanned: "Scan", out: Path) -> bool:
    """Scan to a file or standard output; gives whether it was interrupted."""
    from acrnn.scan.write import json_line

    try:
        if str(out) != STDOUT:
            scanned.write(out)
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
