"""The command line, `python -m acrnn …`: parsing and printing alone; every command is a call into the package."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table

from acrnn.cli import measures, outcomes
from acrnn.cli.audit import audit
from acrnn.cli.check import check
from acrnn.cli.events import events
from acrnn.cli.export import export
from acrnn.cli.measures import count_bar, opened
from acrnn.cli.options import (
    Checkpoint,
    DataRoot,
    DatasetName,
    Device,
    GroupPattern,
    Ray,
    Sealed,
    errors,
    sheet,
    with_address,
    writable,
)
from acrnn.cli.recordings import predict
from acrnn.cli.scan import scan
from acrnn.errors import AcrnnError, OptionError

if TYPE_CHECKING:
    from acrnn.runs.start import Options
    from acrnn.runs.sweep import Outcome

app = typer.Typer(
    help="See what a sound classifier listens to: predict, train and evaluate ACRNN.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; an error of the user's, or of a disk, is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # what an encoding such as cp1252 lacks, or is no text, is written as \\x
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.argv[1:] = with_address(sys.argv[1:])
    try:
        app()
    except AcrnnError as error:
        told = str(error)
    except OSError as error:
        where = f"{error.filename} cannot be used: " if error.filename else ""
        told = f"{where}{error.strerror or error}."
    else:
        return
    errors.print(f"error: {told}", markup=False)
    sys.exit(2)


for _of_files in (predict, scan, events):
    app.command(context_settings={"ignore_unknown_options": True})(_of_files)  # -x.wav is a file


@app.command()
def train(
    data: DataRoot,
    dataset: DatasetName,
    fold: Annotated[int, typer.Option(help="The fold that is held out, 1 to 5.")],
    network: Annotated[str, typer.Option(help="acrnn, or piczakcnn, the baseline of §4.2.")] = "acrnn",
    placement: Annotated[str | None, typer.Option(help="Of acrnn: none, l2-sigmoid, …, l8-softmax or l10.")] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="paper: §3.4 and §4.1 to the letter; plain: no augmentation; best, mixed: see docs/training.md."
        ),
    ] = "paper",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's own number.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's own size.")] = None,
    seed: Annotated[int, typer.Option(help="0 or more.")] = 0,
    sealed: Sealed = "",
    group_pattern: GroupPattern = None,
    start_from: Annotated[
        str | None,
        typer.Option("--from", "--start-from", help="Checkpoint to fine-tune: all its weights but the output layer's."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(help="Where the run's folder is made; default ACRNN_RUNS, else runs.", callback=writable),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is there.")] = False,
) -> None:
    """Train a network on the other folds, then score it once on the fold held out."""
    from acrnn.checkpoints import find
    from acrnn.cli.terminal import run_bar
    from acrnn.model import placement_of
    from acrnn.paths import runs_root
    from acrnn.runs.run import Run
    from acrnn.runs.start import Options, configure
    from acrnn.runs.work import work
    from acrnn.training.machine import keep_memory

    row = placement_of(network, placement)
    if start_from is not None and placement is None:
        row = find(start_from).config.placement
    apart = tuple(_numbers(sealed, "sealed"))
    wanted = Options(
        data, dataset, fold, row, recipe, epochs, batch_size, seed, device, apart, group_pattern, start_from
    )
    config, clips = configure(wanted)
    run = Run.create(out or runs_root(), config, resume=resume)
    if run.summary is not None:
        print(f"{run.path} is finished already.")
    else:
        keep_memory()  # this process does nothing but train
        try:
            with run_bar(errors, config.recipe.epochs) as on_status:
                summary = work(run, clips, on_status)
        except KeyboardInterrupt:
            errors.print(f"stopped; the same command with --resume continues {run.path}", markup=False)
            raise typer.Exit(130) from None
        if summary is None:
            print(f"stopped on request; the same command with --resume continues {run.path}")
            return
    _print_scores(run.summary)
    print(f"python -m acrnn publish {run.path}   offers it to the app")


@app.command()
def sweep(
    name: Annotated[str, typer.Argument(help="table1, table3, table4: the paper's rows; ablation, probes: recipes.")],
    data: DataRoot,
    dataset: DatasetName,
    placements: Annotated[str, typer.Option(help="Some of the rows, such as l10,l2-sigmoid; default: all.")] = "",
    folds: Annotated[str, typer.Option(help="Folds held out, one a run.")] = "1,2,3,4,5",
    sealed: Sealed = "",
    seeds: Annotated[str, typer.Option(help="Seeds, one a run.")] = "0",
    recipe: Annotated[str, typer.Option(help="For rows that name none; see `train`.")] = "paper",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's own number.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time; default: one per core, if they fit.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the runs' folders are made; default as `train`.", callback=writable)
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds after which to stop; the same command continues.")
    ] = None,
    ray: Ray = None,
    cores: Annotated[int, typer.Option(min=1, help="With --ray: cores of each run.")] = 1,
    gpus: Annotated[float, typer.Option(min=0, help="With --ray: GPUs of each run, or a share of one.")] = 0,
) -> None:
    """Train a grid of runs. Finished ones are skipped, interrupted ones continue, a failing one stops no other."""
    from acrnn.cli.terminal import sweep_bar
    from acrnn.paths import make_writable, runs_root
    from acrnn.runs.start import Options
    from acrnn.runs.sweep import Ending, grid

    apart = tuple(_numbers(sealed, "sealed"))
    base = Options(data, dataset, fold=0, recipe=recipe, epochs=epochs, device=device, sealed=apart)
    listed = [item for item in placements.split(",") if item]
    runs = grid(name, base, listed, _numbers(folds, "folds"), _numbers(seeds, "seeds"))
    if ray is not None and jobs is not None:
        raise OptionError("--jobs is for this machine; with --ray --cores and --gpus say what a run takes.")
    root = make_writable(out or runs_root(), "--out or ACRNN_RUNS")
    outcomes = _sweep_here(device, jobs) if ray is None else _sweep_on_cluster(ray, device, cores, gpus)
    states = []
    with sweep_bar(errors, [run.name for run in runs]) as (on_status, on_outcome):
        for outcome in outcomes(runs, root, time_limit_s=time_limit, on_status=on_status):
            states.append(outcome.state)
            on_outcome(outcome.name)
            errors.print(f"{outcome.name}: {outcome.state} {outcome.message}", markup=False)
    print(", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)))
    if Ending.FAILED in states:
        raise typer.Exit(2)


def _sweep_here(device: str, jobs: int | None) -> Callable[..., Iterator["Outcome"]]:
    from acrnn.devices import training_device
    from acrnn.runs.sweep import run_sweep
    from acrnn.training.machine import default_jobs

    return partial(run_sweep, jobs=jobs or default_jobs(training_device(device).type))


def _sweep_on_cluster(address: str, device: str, cores: int, gpus: float) -> Callable[..., Iterator["Outcome"]]:
    from acrnn.cluster.session import connected, require_ray

    require_ray()
    from acrnn.cluster.sweep import sweep_on_cluster
    from acrnn.cluster.tasks import Needs

    device = ("cuda" if gpus else "cpu") if device == "auto" else device
    needs = Needs(cores, gpus or float(device == "cuda"))

    def sweep_it(runs: list["Options"], root: Path, **more: Any) -> Iterator["Outcome"]:
        with connected(address):
            yield from sweep_on_cluster([replace(run, device=device) for run in runs], root, needs, **more)

    return sweep_it


def _numbers(text: str, option: str) -> list[int]:
    try:
        return [int(item) for item in text.split(",")] if text else []
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of whole numbers such as 1,2,3", param_hint=option) from None


RunName = Annotated[str, typer.Argument(help="A run's folder, or its name in the folder of runs.")]


@app.command()
def watch(run: RunName) -> None:
    """Watch a run until it ends, whoever started it: the training page, another terminal, a sweep."""
    from acrnn.cli.terminal import movement, watch_run
    from acrnn.runs.watch import State, find_run

    view = watch_run(find_run(run), errors)
    print(f"{view.run.path}: {view.sentence()}")
    if told := movement(view):
        print(told)
    if view.state in (State.FAILED, State.DEAD):
        raise typer.Exit(2)


@app.command()
def stop(
    run: RunName,
    after_epoch: Annotated[bool, typer.Option("--after-epoch", help="Once the epoch under way is done.")] = False,
) -> None:
    """Ask the process that trains a run to stop at its next step; `train … --resume` continues it.

    The epoch under way is lost, and begun anew by `--resume`; `--after-epoch` waits for its end.
    """
    from acrnn.errors import RunError
    from acrnn.runs.watch import find_run, look

    view = look(find_run(run))
    if not view.is_running:
        raise RunError(f"{view.run.path} is not running ({view.sentence()}).")
    view.run.request_stop(after_epoch=after_epoch)
    print(f"{view.run.path} stops {'after this epoch' if after_epoch else 'at its next step'}")


@app.command()
def runs(
    folder: Annotated[Path | None, typer.Argument(help="Folder of runs; default ACRNN_RUNS, else runs.")] = None,
) -> None:
    """List runs with their state, epochs and accuracy."""
    from acrnn.cli.terminal import runs_table
    from acrnn.runs.watch import list_runs

    views, damaged = list_runs(folder)
    for message in damaged:
        errors.print(f"note: {message}", markup=False)
    sheet(160).print(runs_table(views))


@app.command()
def evaluate(checkpoint: Checkpoint, data: DataRoot, device: Device = "auto") -> None:
    """Score a checkpoint on the fold that was held out of its training.

    Clips that cannot be used are named on stderr and not counted, and the exit code is 2.
    """
    from acrnn.measures.crossval import score_fold

    predictor, dataset = opened(checkpoint, data, device)
    config = predictor.checkpoint.config
    damaged: list[AcrnnError] = []
    with count_bar("clips") as on_clip:
        scores = score_fold(predictor, dataset, config.fold, on_clip=on_clip, on_damaged=damaged.append)
    for error in damaged:
        errors.print(f"error: {error}", markup=False)
    _print_scores(scores.summary())
    recorded = config.scores
    if recorded:
        print(f"its card says {recorded['accuracy']:.2%} ({recorded['n_correct']} of {recorded['n_clips']})")
    if damaged:
        n_clips = len(damaged) + len(scores.clips)
        errors.print(f"{len(damaged)} of the fold's {n_clips} clips could not be used, and are not in the accuracy.")
        raise typer.Exit(2)


def _print_scores(scores: dict) -> None:
    low, high = scores["interval"]
    print(
        f"accuracy {scores['accuracy']:.2%} ({scores['n_correct']} of {scores['n_clips']} clips), "
        f"95% Wilson interval {low:.2%} to {high:.2%}"
    )


@app.command()
def complexity(
    classes: Annotated[int, typer.Option(help="Classes of the output.")] = 50,
    layers: Annotated[str | None, typer.Option(help="A placement or piczakcnn: print it layer by layer.")] = None,
) -> None:
    """Print what each network costs: parameters, multiply-accumulates and the paper's own counting (Table 2)."""
    from acrnn.model import PICZAK, PLACEMENTS, network_config
    from acrnn.model import complexity as cost_of

    if layers is not None:
        cost = cost_of(network_config(layers, classes))
        rows = [(layer.name, layer.parameters, layer.multiply_accumulates) for layer in cost.layers]
        rows.append(("all", cost.parameters, cost.multiply_accumulates))
        _print_counts(("layer", "parameters", "multiply-accumulates a segment"), rows)
        return
    costs = {name: cost_of(network_config(name, classes)) for name in (PICZAK, *PLACEMENTS)}
    rows = [(name, cost.parameters, cost.multiply_accumulates, cost.paper_flops) for name, cost in costs.items()]
    _print_counts(("network", "parameters", "multiply-accumulates a segment", "counted as the paper's FLOPs"), rows)
    print(
        "The paper prints 31.53 M parameters and 63.27 M FLOPs for PiczakCNN, which it has with ten classes; for its\n"
        "own networks 3.81 M and 9.17 M (9.18 M with attention), which the text's layers have on 96 bands with ten\n"
        "classes. Those FLOPs count initial values and L2 terms, no convolution: by multiply-accumulates a segment of\n"
        "ACRNN (1.5 s) costs 11 times one of PiczakCNN (1.0 s), not a seventh."
    )


def _print_counts(columns: tuple[str, ...], rows: list[tuple]) -> None:
    table = Table(columns[0], *(Column(name, justify="right") for name in columns[1:]))
    for name, *counts in rows:
        table.add_row(name, *(f"{count:,}" for count in counts))
    sheet(120).print(table)


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="esc50, or esc10 for its subset of 400 clips.")],
    to: Annotated[
        Path | None, typer.Option(help="The dataset becomes a folder in this one; default ACRNN_DATA, else data.")
    ] = None,
) -> None:
    """Download ESC-50 or its ESC-10 subset from the public archive (about 600 MB); an interrupted one resumes."""
    from acrnn.data.download import download as fetch
    from acrnn.paths import data_root

    columns = TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(name, total=None)
        root = fetch(
            name, to or data_root(), on_progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    print(root)


for _command in (check, audit, export, *outcomes.COMMANDS, *measures.COMMANDS):
    app.command()(_command)
