"""Commands that put a checkpoint to the test on its held-out fold, and `scenes`, which writes what they ask with."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from acrnn.errors import OptionError

errors = Console(stderr=True, highlight=False, soft_wrap=True)

Checkpoint = Annotated[str, typer.Option("--checkpoint", help="A name that `checkpoints` lists, or a folder.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
DataRoot = Annotated[Path, typer.Option("--data", help="Folder with meta/esc50.csv and audio/.")]
Clips = Annotated[int | None, typer.Option("--clips", min=1, help="Fewer than the fold has, for a quick look.")]


def writable(folder: Path | None) -> Path | None:
    """Check before hours of work that a folder can be made or written to; nothing is made yet.

    Raises
    ------
    OptionError
        If not: a file is in its way, or the permission is missing.
    """
    if folder is None:
        return None
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise OptionError(f"{folder} cannot be made: {there} is a file; a folder is accepted.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OptionError(f"{folder} cannot be written: {there} is read-only; a folder that can be is accepted.")
    return folder


Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the JSON file; default results/ and the command's name.", callback=writable),
]


def faithfulness(
    checkpoint: Checkpoint,
    data: DataRoot,
    clips: Clips = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of clips and the random orders.")] = 0,
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Measure on a checkpoint's held-out fold what its probability loses with the frames it attends to.

    Beside reversed and moved attention, random orders, loudness and gradient maps; killed, it goes on.
    """
    from acrnn.cli.terminal import print_faithfulness
    from acrnn.measures.faithfulness.study import Study, run_study
    from acrnn.results.faithfulness import studies_root

    predictor, dataset = opened(checkpoint, data, device)
    study = Study(predictor, dataset, clips, seed)
    folder = out or studies_root()
    with count_bar("clips") as on_clip, count_bar("randomised layers") as on_stage:
        values = run_study(study, folder, on_clip, on_stage)
    print_faithfulness(values, Console(width=None if sys.stdout.isatty() else 140))
    print(folder / f"{values['checkpoint']}.json")


def robustness(
    checkpoint: Checkpoint,
    data: DataRoot,
    clips: Clips = None,
    conditions: Annotated[str, typer.Option(help="Some kinds, as white,mp3 or white=10; default all.")] = "",
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Score a checkpoint on its held-out fold under noise, codecs, filters and rooms; killed, it goes on.

    Told of its attention: does it stay where the clean clip sounds?
    """
    from acrnn.audio.degradations import parse_conditions
    from acrnn.measures.robustness import measure_robustness, thinned

    wanted = parse_conditions(conditions)
    predictor, dataset = opened(checkpoint, data, device)
    config = predictor.checkpoint.config
    size = len(thinned(dataset.fold(config.fold), clips)), len(wanted)
    with _writing("robustness", predictor, dataset, size, out) as write, count_bar("clips") as on_clip:
        values = measure_robustness(predictor, dataset, wanted, clips, on_clip)
        path = write(values)
    table = Table("condition", "correct", "accuracy", "95 % interval", "attention: correlation", "share on the sound")
    for row in values["conditions"]:
        low, high = row["interval"] or (float("nan"), float("nan"))
        told = [_tell(row[name]) for name in ("correlation", "mass")]
        accuracy = "–" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        table.add_row(row["key"], f"{row['n_correct']} of {row['n']}", accuracy, f"{low:.1%} – {high:.1%}", *told)
    _print(table)
    print(path)


def localisation(
    checkpoint: Checkpoint, data: DataRoot, clips: Clips = None, out: Out = None, device: Device = "auto"
) -> None:
    """Ask whether a checkpoint's attention points at events whose times are known; killed, it goes on.

    Told beside the frames' level, which costs nothing, and a random map.
    """
    from acrnn.measures.localisation import measure_localisation
    from acrnn.measures.robustness import thinned
    from acrnn.measures.scenes import SCENE_KINDS

    predictor, dataset = opened(checkpoint, data, device)
    size = len(thinned(dataset.fold(predictor.checkpoint.config.fold), clips)), len(SCENE_KINDS)
    with _writing("localisation", predictor, dataset, size, out) as write, count_bar("clips") as on_clip:
        values = measure_localisation(predictor, dataset, clips, on_clip)
        path = write(values)
    head = (
        "placement",
        "scenes",
        "AUC of attention",
        "of level",
        "of level at its steps",
        "of random",
        "less level at its steps",
    )
    table = Table(*head)
    for row in values["placements"]:
        told = [_tell(maps["auc"]) for maps in row["maps"].values()]
        table.add_row(row["placement"], str(row["n"]), *told, _tell(row["gain_at_steps"]["auc"]))
    _print(table)
    print(f"{len(values['left_out'])} of {size[0]} clips left out: their event is too short or too long.")
    print(path)


def scenes(
    data: DataRoot,
    fold: Annotated[int, typer.Option(help="Fold whose clips the events and backgrounds are taken from, 1 to 5.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.", callback=writable)],
    dataset: Annotated[str | None, typer.Option(help="esc10 or esc50; default what the folder holds.")] = None,
    rate: Annotated[int, typer.Option(help="Sampling rate in hertz.")] = 44_100,
) -> None:
    """Write scenes whose event times are known: audio/*.wav, and events.tsv with DESED's columns."""
    from acrnn.data import load
    from acrnn.measures.scenes import write_scenes

    clips = load(data, dataset).fold(fold)
    with count_bar("clips") as on_clip:
        n_scenes, left_out = write_scenes(clips, rate, out, on_clip)
    print(f"{n_scenes} scenes; {len(left_out)} of {len(clips)} clips left out: their event is too short or too long.")
    print(out / "events.tsv")


COMMANDS = (faithfulness, robustness, localisation, scenes)


def opened(checkpoint: str, data: Path, device: str):
    """Load a predictor and the dataset that its checkpoint is of, and say what is there."""
    from acrnn.data import load as load_data
    from acrnn.inference import describe_device, load
    from acrnn.training.machine import keep_memory

    keep_memory()  # this process does nothing but ask networks
    predictor = load(checkpoint, device)
    config = predictor.checkpoint.config
    dataset = load_data(data, config.dataset)
    errors.print(f"{config.name} on {describe_device(predictor.device)}, {dataset.title}, fold {config.fold}")
    if dataset.fingerprint() != config.data_fingerprint:
        errors.print(f"note: these are not the very files it was trained and scored on ({config.data_title}).")
    return predictor, dataset


@contextmanager
def _writing(kind: str, predictor, dataset, size: tuple[int, int], out: Path | None) -> Iterator:
    """Check before hours of work that the result can be written; gives the function that writes it."""
    from acrnn.results.settings import results_root
    from acrnn.results.studies import header_of, require_replaceable, write_probe

    folder = out or results_root() / kind
    require_replaceable(folder / f"{predictor.checkpoint.config.name}.json", size)
    header = header_of(predictor, dataset, kind, size)
    yield lambda values: write_probe(header, values, folder)


def _tell(measured: dict | None) -> str:
    if measured is None:
        return "–"
    low, high = measured["interval"] or (float("nan"), float("nan"))
    return f"{measured['mean']:.3f} ({low:.3f} – {high:.3f})"


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@contextmanager
def count_bar(what: str) -> Iterator:
    """Progress bar on stderr; gives a function that is told (done, total)."""
    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
