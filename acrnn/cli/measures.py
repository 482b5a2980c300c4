"""Commands that put a checkpoint to the test on its held-out fold, and `scenes`, which writes what they ask with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from acrnn.cli.options import Checkpoint, DataRoot, Device, errors, sheet, writable

if TYPE_CHECKING:
    from acrnn import checkpoints
    from acrnn import data as datasets
    from acrnn.inference import Predictor
    from acrnn.measures.open_set.study import Chooser
    from acrnn.training.config import RunConfig

Clips = Annotated[int | None, typer.Option("--clips", min=1, help="Fewer than the fold has, for a quick look.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the JSON file; default one of your results, ACRNN_RESULTS.", callback=writable),
]


def faithfulness(
    checkpoint: Checkpoint,
    data: DataRoot,
    clips: Clips = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of clips and the random orders.")] = 0,
    randomisation: Annotated[
        bool, typer.Option("--randomisation", help="Of a study that is there, the randomisation check alone.")
    ] = False,
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Measure on a checkpoint's held-out fold what its probability loses with the frames it attends to.

    Controls: reversed and shifted attention, random orders, loudness and gradient maps. If it is killed, the same
    command continues.
    """
    from acrnn.cli.terminal import print_faithfulness
    from acrnn.measures.faithfulness.study import Study, measure_faithfulness, measure_randomisation
    from acrnn.results.files import read_file, require_replaceable
    from acrnn.results.studies import write_study

    predictor, dataset = opened(checkpoint, data, device)
    study = Study(predictor, dataset, clips, seed)
    folder = _writable("faithfulness", out)
    path = folder / f"{predictor.checkpoint.config.name}.json"
    if randomisation:
        values = read_file(path, "faithfulness")
        study.require_same(values)
        with count_bar("re-initialised layers") as on_stage:
            values["randomisation"] = measure_randomisation(study, on_stage)
        write_study("faithfulness", values, folder)
        print(path)
        return
    require_replaceable(path, "faithfulness", {"n_clips": len(study.clips)})
    with count_bar("clips") as on_clip, count_bar("re-initialised layers") as on_stage:
        values = measure_faithfulness(
            study, on_clip, on_stage, save=lambda values: write_study("faithfulness", values, folder)
        )
    print_faithfulness(values, sheet(140))
    print(path)


def maps(
    checkpoint: Checkpoint,
    data: DataRoot,
    clips: Clips = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of clips and the random orders.")] = 0,
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Measure on a checkpoint's held-out fold what its probability loses with the tiles that a map names first.

    Maps over time and frequency: integrated gradients, occlusion and Grad-CAM, beside random tiles, the loudest, and
    frame attention. If it is killed, the same command continues.
    """
    from acrnn.measures.faithfulness.study import Study
    from acrnn.measures.maps.clip import N_DRAWS
    from acrnn.measures.maps.study import measure_maps
    from acrnn.report.tables.maps import maps_table, sentences
    from acrnn.results.files import require_replaceable
    from acrnn.results.studies import read_study, write_study

    predictor, dataset = opened(checkpoint, data, device)
    study = Study(predictor, dataset, clips, seed, N_DRAWS)
    folder = _writable("maps", out)
    path = folder / f"{predictor.checkpoint.config.name}.json"
    require_replaceable(path, "maps", {"n_clips": len(study.clips)})
    with count_bar("clips") as on_clip:
        measure_maps(study, on_clip, save=lambda values: write_study("maps", values, folder))
    found = read_study(path, "maps")
    table = maps_table([found])
    shown = Table(*(column.title for column in table.columns))
    for row in table.records:
        shown.add_row(*(column.tell(row) for column in table.columns))
    _print(shown)
    for sentence in sentences(found):
        print(sentence)
    print(path)


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
    from acrnn.report.words import tell_estimate

    wanted = parse_conditions(conditions)
    predictor, dataset = opened(checkpoint, data, device)
    config = predictor.checkpoint.config
    size = {"n_clips": len(thinned(dataset.fold(config.fold), clips)), "n_conditions": len(wanted)}
    path, save = _place_of("robustness", predictor, dataset, size, out)
    with count_bar("clips") as on_clip:
        values = measure_robustness(predictor, dataset, wanted, clips, on_clip, save)
    table = Table("condition", "correct", "accuracy", "95% interval", "attention: correlation", "share on the sound")
    for row in values["conditions"]:
        low, high = row["interval"] or (float("nan"), float("nan"))
        told = [tell_estimate(row[name], ".3f") for name in ("correlation", "mass")]
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
    from acrnn.report.words import tell_estimate

    predictor, dataset = opened(checkpoint, data, device)
    n_clips = len(thinned(dataset.fold(predictor.checkpoint.config.fold), clips))
    size = {"n_clips": n_clips, "n_conditions": len(SCENE_KINDS)}
    path, save = _place_of("localisation", predictor, dataset, size, out)
    with count_bar("clips") as on_clip:
        values = measure_localisation(predictor, dataset, clips, on_clip, save)
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
        told = [tell_estimate(maps["auc"], ".3f") for maps in row["maps"].values()]
        gain = tell_estimate(row["gain_at_steps"]["auc"], "+.3f")
        table.add_row(row["placement"], str(row["n"]), *told, gain)
    _print(table)
    print(f"{len(values['left_out'])} of {n_clips} clips left out: their event is too short or too long.")
    print(path)


def scenes(
    data: DataRoot,
    fold: Annotated[int, typer.Option(help="Fold whose clips the events and backgrounds are taken from, 1 to 5.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.", callback=writable)],
    dataset: Annotated[str | None, typer.Option(help="esc10, esc50 or own; default what the folder holds.")] = None,
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


def open_set(
    checkpoint: Checkpoint,
    data: DataRoot,
    inner: Annotated[Path, typer.Option(help="Finished run of the same recipe that seals the checkpoint's fold.")],
    others: Annotated[Path | None, typer.Option(help="Dataset that has classes beyond the checkpoint's.")] = None,
    choose_with: Annotated[
        Path | None,
        typer.Option(help="Finished run of the same recipe on some classes of --data, where --others has no others."),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(help="Of strangeness, such as mahalanobis; default: chosen on --others, or by --choose-with."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Write what was fitted into the checkpoint.")] = False,
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Fit calibration and the score of strangeness inside the training folds, and measure them on the held-out fold."""
    from acrnn.checkpoints import keep_open_set
    from acrnn.data import load as load_data
    from acrnn.measures.open_set.study import Study, fit_open_set, measure, own_statistics
    from acrnn.results.studies import header_of, write_study

    predictor, dataset = opened(checkpoint, data, device)
    inside, _ = _inner(predictor.checkpoint, inner, device)
    chooser = choose_with and _chooser(predictor.checkpoint, choose_with, dataset, device)
    study = Study(predictor, inside, dataset, others and load_data(others), chooser)
    folder = _writable("open_set", out)
    with count_bar("inner split") as on_clip:
        fitted, said = fit_open_set(study, score, on_clip)
    with count_bar("training clips") as on_clip:
        statistics = own_statistics(study, fitted.score, on_clip)
    with count_bar("held-out fold") as on_clip:
        fitted, measured = measure(study, fitted, statistics, on_clip)
    header = header_of(predictor, dataset, "open_set", {"n_clips": measured["own"]["n"]})
    path = write_study("open_set", header | {"fit": said, "open_set": fitted.as_dict(), **measured}, folder)
    if keep:
        keep_open_set(predictor.checkpoint, fitted, statistics)
    print_open_set(measured)
    print(path)


def _inner(checkpoint: "checkpoints.Checkpoint", folder: Path, device: str) -> "tuple[Predictor, RunConfig]":
    """Open the network of a run that sealed the checkpoint's fold, and the run's configuration."""
    from acrnn.checkpoints import find
    from acrnn.inference import Predictor
    from acrnn.measures.open_set.study import require_inner
    from acrnn.runs.run import Run

    config = Run(folder).config
    require_inner(checkpoint, config.fold, config.sealed)
    return Predictor(find(str((folder / config.name).resolve())), device), config


def _chooser(checkpoint: "checkpoints.Checkpoint", folder: Path, whole: "datasets.Dataset", device: str) -> "Chooser":
    """Open a run on some classes of a dataset, with the clips that it was trained on."""
    from acrnn.data import load as load_data
    from acrnn.measures.open_set.study import Chooser

    predictor, config = _inner(checkpoint, folder, device)
    return Chooser(predictor, load_data(config.data_root, config.dataset), whole, config.sealed)


def event_scores(checkpoint: Checkpoint, data: DataRoot, out: Out = None, device: Device = "auto") -> None:
    """Score the events that a checkpoint finds in soundscapes of its held-out fold, whose events are known.

    The settings to find them with are chosen on a training fold, and scored beside the defaults.
    """
    from acrnn.measures.events import f1_with_interval, measure_events
    from acrnn.results.studies import header_of, write_study

    predictor, dataset = opened(checkpoint, data, device)
    folder = _writable("events", out)
    with count_bar("soundscapes") as on_scene:
        values = measure_events(predictor, dataset, on_scene)
    n_clips = len(dataset.fold(predictor.checkpoint.config.fold))
    path = write_study("events", header_of(predictor, dataset, "events", {"n_clips": n_clips}) | values, folder)
    table = Table("settings", "onset", "offset", "smoothing", "event-based F1", "segment-based F1")
    for name in ("default", "chosen"):
        f1 = [f1_with_interval([scene[name][by] for scene in values["scenes"]])[0] for by in ("events", "segments")]
        table.add_row(name, *map(str, values[name].values()), *("–" if one is None else f"{one:.1%}" for one in f1))
    _print(table)
    print(path)


def print_open_set(measured: dict) -> None:
    """Print what was measured: calibration in a sentence, known against unknown in a table."""
    own, reliability = measured["own"], measured["reliability"]
    before, after = (reliability[key]["ece"] for key in ("before", "after"))
    print(f"expected calibration error {before:.1%} before, {after:.1%} after")
    print(f"{own['n_known']} of {own['n']} held-out clips are known; {own['n_right_known']} of these are right")
    table = Table("unknown sounds", "n", "AUROC", "95% interval", "let in where 95% of the known are", "called known")
    for row in measured["groups"]:
        if row["auroc"] is None:
            table.add_row(row["kind"], f"{row['n']} ({row['n_refused']} refused as silent)", "–", "–", "–", "–")
            continue
        low, high = row["interval"]
        shares = f"{row['false_known']:.0%}", f"{row['n_known']} of {row['n']}"
        table.add_row(row["kind"], str(row["n"]), f"{row['auroc']:.3f}", f"{low:.3f} – {high:.3f}", *shares)
    _print(table)


COMMANDS = (faithfulness, maps, robustness, localisation, open_set, event_scores, scenes)


def opened(checkpoint: str, data: Path, device: str):
    """Load a predictor and the dataset that its checkpoint is of, and say what is there."""
    from acrnn.data import load as load_data
    from acrnn.devices import describe_device
    from acrnn.inference import load
    from acrnn.training.machine import keep_memory

    keep_memory()  # this process does nothing but ask networks
    predictor = load(checkpoint, device)
    config = predictor.checkpoint.config
    dataset = load_data(data, config.dataset)
    if dataset.labels != config.labels:  # of one's own classes, which may have become more
        dataset = replace(dataset, labels=config.labels)
    errors.print(f"{config.name} on {describe_device(predictor.device)}, {dataset.title}, fold {config.fold}")
    if dataset.fingerprint() != config.data_fingerprint:
        errors.print(f"note: these are not the very files it was trained and scored on ({config.data_title}).")
    return predictor, dataset


def _place_of(kind: str, predictor, dataset, size: dict[str, int], out: Path | None) -> tuple[Path, Callable]:
    """Check before hours of work that the result can be written; gives its path and the function that writes it."""
    from acrnn.results.files import require_replaceable
    from acrnn.results.studies import header_of, write_study

    folder = _writable(kind, out)
    path = folder / f"{predictor.checkpoint.config.name}.json"
    require_replaceable(path, kind, size)
    header = header_of(predictor, dataset, kind, size)
    return path, lambda values: write_study(kind, header | values, folder)


def _writable(kind: str, out: Path | None) -> Path:
    """Folder for the results of a kind, made and tried before anything is measured."""
    from acrnn.paths import make_writable, user_results

    return make_writable(out, "--out") if out else make_writable(user_results() / kind, "ACRNN_RESULTS or --out")


def _print(table: Table) -> None:
    sheet(160).print(table)


@contextmanager
def count_bar(what: str) -> Iterator:
    """Progress bar on stderr; gives a function that is told (done, total)."""
    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
