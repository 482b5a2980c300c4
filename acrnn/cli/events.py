"""The command that finds the events of recordings, as files that other programs open."""

from pathlib import Path
from typing import Annotated

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, errors
from acrnn.cli.recordings import require_files
from acrnn.errors import AcrnnError, OptionError
from acrnn.paths import DEFAULT_CHECKPOINTS

SUFFIXES = {"audacity": ".txt", "raven": ".selections.txt", "csv": ".csv", "json": ".json"}


def events(
    paths: Annotated[list[Path], typer.Argument(help=f"Recordings; {ACCEPTED}.", readable=False)],
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    form: Annotated[str, typer.Option("--format", help="audacity, raven, csv or json.")] = "csv",
    min_probability: Annotated[float, typer.Option(help="An event's windows reach this somewhere.")] = 0.5,
    classes: Annotated[str, typer.Option(help="Some of the classes, such as dog,rain; default: all.")] = "",
    min_length: Annotated[float, typer.Option(min=0, help="Seconds; shorter events are dropped.")] = 0.1,
    min_gap: Annotated[float, typer.Option(min=0, help="Seconds; shorter pauses are closed.")] = 1.0,
    smoothing: Annotated[int, typer.Option(min=1, help="Windows of the running median, an odd number.")] = 1,
    out: Annotated[Path | None, typer.Option(help="A file; for several recordings, a folder with one each.")] = None,
    truth: Annotated[Path | None, typer.Option(help="True events of one recording, to compare with.")] = None,
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of a file that is cut short.")] = False,
    device: Device = "auto",
) -> None:
    """Say what sounds from when to when in recordings, in a format of Audacity's, Raven's, CSV or JSON.

    Files that cannot be used are named on stderr, the others are still done, and the exit code is 2.
    """
    from acrnn.events import EventSettings, find_events
    from acrnn.events.formats import FORMATS, read_events, write_text
    from acrnn.inference import load

    require_files(paths)
    if form not in FORMATS:
        raise OptionError(f"There is no format {form!r}; {', '.join(FORMATS)} are accepted.")
    if len(paths) > 1 and (truth or (form in ("audacity", "raven") and out is None)):
        raise OptionError("Several recordings need --out with a folder in these formats, and --truth takes one.")
    true = [found.event for found in read_events(truth)] if truth else []
    wanted = tuple(name for name in classes.split(",") if name) or None
    settings = EventSettings(
        onset=min_probability, offset=min(EventSettings.offset, min_probability), smoothing=smoothing,
        min_length_s=min_length, min_gap_s=min_gap, classes=wanted,
    )  # fmt: skip
    predictor = load(checkpoint, device)
    top_hz = predictor.checkpoint.config.front_end.rate_hz / 2
    done, failed = [], False
    for path in paths:
        try:
            prediction = predictor(path, name=str(path), channel=channel, partial=partial)
        except AcrnnError as error:
            failed = True
            errors.print(f"error: {error}", markup=False)
            continue
        done.append((str(path), find_events(prediction, settings)))
    if out is not None and len(paths) > 1:
        for name, found in done:
            _write(out / f"{Path(name).stem}{SUFFIXES[form]}", write_text([(name, found)], form, top_hz))
    elif done or form in ("csv", "json"):
        text = write_text(done, form, top_hz)
        print(text, end="") if out is None else _write(out, text)
    if truth and done:
        _compare(done[0][1], true)
    if failed:
        raise typer.Exit(2)


def _write(path: Path, text: str) -> None:
    from acrnn.data import atomic_write_bytes

    atomic_write_bytes(path, text.encode())
    print(path)


def _compare(found: list, true: list) -> None:
    """Say on stderr which true events no event of their class overlaps, and the other way round."""
    from acrnn.events.score import overlapping

    missed, false = overlapping(found, true)
    errors.print(f"{len(true) - len(missed)} of {len(true)} true events found, {len(false)} found that are not true")
    for kind, rows in (("missed", missed), ("not true", false)):
        for event in rows:
            errors.print(f"  {kind}: {event.label}, {event.start_s:.2f} to {event.end_s:.2f} s", markup=False)
