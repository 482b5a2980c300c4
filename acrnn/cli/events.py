"""The command that finds the events of recordings, as files that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, Force, errors
from acrnn.cli.recordings import require_files, require_free
from acrnn.errors import AcrnnError, OptionError
from acrnn.paths import DEFAULT_CHECKPOINTS

if TYPE_CHECKING:
    from acrnn.events import EventSettings
    from acrnn.inference import Predictor

SUFFIXES = {"audacity": ".txt", "raven": ".selections.txt", "csv": ".csv", "json": ".json"}


def events(
    paths: Annotated[list[Path], typer.Argument(help=f"Recordings; {ACCEPTED}.", readable=False)],
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    form: Annotated[str, typer.Option("--format", help="audacity, raven, csv or json.")] = "csv",
    min_probability: Annotated[float, typer.Option(help="Mean probability that an event reaches somewhere.")] = 0.5,
    classes: Annotated[str, typer.Option(help="Some of the classes, such as dog,rain; default: all.")] = "",
    min_length: Annotated[float, typer.Option(min=0, help="Seconds; shorter events are dropped.")] = 0.1,
    min_gap: Annotated[float, typer.Option(min=0, help="Seconds; shorter pauses are closed.")] = 1.0,
    smoothing: Annotated[int, typer.Option(min=1, help="Windows of the running median, an odd number.")] = 1,
    out: Annotated[Path | None, typer.Option(help="A file; for several recordings, a folder with one each.")] = None,
    truth: Annotated[Path | None, typer.Option(help="True events of one recording, to compare with.")] = None,
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of a file that is cut short.")] = False,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Say what sounds from when to when in recordings, as a file of Audacity's or Raven's, CSV or JSON.

    Files that cannot be used are named on stderr, the others are still done, and the exit code is 2. Ctrl-C ends with
    what is done, and exit code 130.
    """
    from acrnn.events import EventSettings, wanted_classes
    from acrnn.events.formats import read_events
    from acrnn.inference import load

    require_files(paths)
    _require_places(paths, form, out, truth)
    if out is not None:
        places = [_place(out, path, form) for path in paths] if _is_folder(out, paths) else [out]
        for place in places:
            require_free(place, paths, force=force)
    true = [found.event for found in read_events(truth)] if truth else []
    settings = EventSettings(
        onset=min_probability, offset=min(EventSettings.offset, min_probability), smoothing=smoothing,
        min_length_s=min_length, min_gap_s=min_gap, classes=tuple(name for name in classes.split(",") if name) or None,
    )  # fmt: skip
    predictor = load(checkpoint, device)
    wanted_classes(predictor.checkpoint.config.labels, settings.classes)
    done, exit_code = _find(paths, predictor.for_events(), settings, channel=channel, partial=partial)
    _tell(done, form, out, predictor.checkpoint.config.front_end.rate_hz / 2, in_folder=_is_folder(out, paths))
    if truth and done:
        labels = predictor.checkpoint.config.labels
        if strange := sorted({event.label for event in true} - set(labels)):
            told = f"{', '.join(strange[:5])}{' and more' if len(strange) > 5 else ''}"
            errors.print(f"note: {truth} has labels that {checkpoint} lacks; they were left out: {told}", markup=False)
        wanted = settings.classes or labels
        _compare(done[0][1], [event for event in true if event.label in wanted])
    if exit_code:
        raise typer.Exit(exit_code)


def _is_folder(out: Path | None, paths: list[Path]) -> bool:
    return out is not None and (len(paths) > 1 or out.is_dir())


def _require_places(paths: list[Path], form: str, out: Path | None, truth: Path | None) -> None:
    """Make sure, before any work, that what is found can be written, each recording's events to a place of their own.

    Raises
    ------
    OptionError
    """
    from acrnn.events.formats import FORMATS

    if form not in FORMATS:
        raise OptionError(f"There is no format {form!r}; {', '.join(FORMATS)} are accepted.")
    if len(paths) > 1 and truth:
        raise OptionError("--truth has the events of one recording, and several are given.")
    if len(paths) > 1 and form in ("audacity", "raven") and out is None:
        raise OptionError(f"A file of {form} has the events of one recording; --out names a folder for several.")
    stems = [path.stem for path in paths]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if out is not None and twice is not None:
        raise OptionError(f"Two recordings are called {twice}, and would have one file in {out}; do them apart.")


def _find(
    paths: list[Path], predictor: "Predictor", settings: "EventSettings", **how: Any
) -> tuple[list[tuple[str, list]], int]:
    """Find the events of each recording; gives those that are done, and the exit code."""
    from acrnn.events import find_events

    done, exit_code = [], 0
    try:
        for path in paths:
            try:
                prediction = predictor(path, name=str(path), **how)
            except AcrnnError as error:
                exit_code = 2
                errors.print(f"error: {error}", markup=False)
            else:
                done.append((str(path), find_events(prediction, settings)))
    except KeyboardInterrupt:
        exit_code = 130
        errors.print("stopped; the recordings from here on are not done", markup=False)
    return done, exit_code


def _tell(done: list[tuple[str, list]], form: str, out: Path | None, top_hz: float, *, in_folder: bool) -> None:
    """Write the events: a file each in a folder, or all of them in one file or on standard output."""
    from acrnn.events.formats import write_text

    if in_folder:
        for name, found in done:
            _write(_place(out, Path(name), form), write_text([(name, found)], form, top_hz))
    elif done or form in ("csv", "json"):
        text = write_text(done, form, top_hz)
        print(text, end="") if out is None else _write(out, text)


def _place(folder: Path, recording: Path, form: str) -> Path:
    return folder / f"{recording.stem}{SUFFIXES[form]}"


def _write(path: Path, text: str) -> None:
    from acrnn.data import atomic_write_bytes

    atomic_write_bytes(path, text.encode())
    print(path)


def _compare(found: list, true: list) -> None:
    """Say on stderr which true events no event of their class overlaps, and the other way round."""
    from acrnn.events.score import overlapping, tell_found

    missed, false = overlapping(found, true)
    errors.print(tell_found(len(true) - len(missed), len(true), len(false)))
    for kind, rows in (("missed", missed), ("false alarm", false)):
        for event in rows:
            errors.print(f"  {kind}: {event.label}, {event.start_s:.2f} to {event.end_s:.2f} s", markup=False)
