"""What the command line draws: the bar of a run that trains here, one watched from elsewhere, and lists."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from acrnn.checkpoints import Checkpoint
from acrnn.runs.run import Run
from acrnn.runs.status import Phase, Status, clock
from acrnn.runs.watch import RunView, look

POLL_S = 0.5


@contextmanager
def run_bar(console: Console, n_epochs: int) -> Iterator[Callable[[Status], None]]:
    """Progress bar of a run in this process; gives a function that is told each `Status`."""
    columns = TextColumn("{task.description:34}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1, told="")

        def on_status(status: Status) -> None:
            if (now := status.progress) is not None:
                progress.update(
                    task, total=n_epochs, completed=now.epoch + now.step / now.n_steps, told=speed(status),
                    description=f"epoch {now.epoch + 1}/{n_epochs} step {now.step}/{now.n_steps}",
                )  # fmt: skip
            elif status.total and not status.ended:
                what = {Phase.FEATURES: "features of clips", Phase.SCORING: "scoring held-out clips"}[status.phase]
                told = f"{status.done}/{status.total}"
                progress.update(task, description=what, completed=status.done, total=status.total, told=told)

        yield on_status


@contextmanager
def sweep_bar(
    console: Console, names: list[str]
) -> Iterator[tuple[Callable[[int, Status], None], Callable[[str], None]]]:
    """One bar for a sweep and one for each of its runs under way.

    Gives two functions: one is told the position of a run and its `Status`, the other the name of a run that ended.
    """
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[told]}")
    with Progress(*columns, console=console, transient=True) as progress:
        whole = progress.add_task(f"{len(names)} runs", total=len(names), told="")
        tasks: dict[str, int] = {}
        shares = dict.fromkeys(names, 0.0)

        def on_status(position: int, status: Status) -> None:
            name = names[position]
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=1, told="")
            if (now := status.progress) is not None:
                shares[name] = (now.epoch + now.step / now.n_steps) / now.n_epochs
                told = f"epoch {now.epoch + 1}/{now.n_epochs}  {speed(status)}"
            else:
                told = f"{status.phase} {status.done}/{status.total}" if status.total else status.phase
            progress.update(tasks[name], completed=shares[name], told=told)
            progress.update(whole, completed=sum(shares.values()))

        def on_end(name: str) -> None:
            shares[name] = 1.0
            if name in tasks:
                progress.remove_task(tasks.pop(name))
            progress.update(whole, completed=sum(shares.values()))

        yield on_status, on_end


class _Watching(Progress):
    """A bar with a line below it."""

    below = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Give the bar, and the line if there is one."""
        yield self.make_tasks_table(self.tasks)
        if self.below:
            yield Text(self.below, style="dim")


def watch_run(run: Run, console: Console) -> RunView:
    """Show how a run stands until it ends, whoever trains it, and how far its layers moved; gives its last state."""
    columns = TextColumn("{task.description:44}"), BarColumn(), TextColumn("{task.fields[told]}")
    with _Watching(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0, told="")
        while True:
            view = look(run)
            told = speed(view.status) if view.is_running else ""
            progress.below = movement(view)
            progress.update(task, description=view.sentence(), completed=view.share, told=told)
            if not view.is_running:
                return view
            time.sleep(POLL_S)


def movement(view: RunView) -> str:
    """Say how far each layer's kernels are from their initial values, relative to those; "" before the first epoch.

    Such as `moved: l1 0.41  l2 0.38  output 0.90`.
    """
    moved = view.metrics[-1].get("movement") if view.metrics else None
    if not isinstance(moved, dict) or not all(isinstance(value, int | float) for value in moved.values()):
        return ""
    return "moved: " + "  ".join(f"{layer} {value:.2f}" for layer, value in moved.items())


def runs_table(views: list[RunView]) -> Table:
    """List runs with state, epochs and accuracy."""
    table = Table("run", "state", "epochs", "loss", "accuracy", "95% interval", "now")
    for view in views:
        summary = view.run.summary or {}
        low, high = summary.get("interval", (None, None))
        table.add_row(
            view.name,
            view.state,
            f"{len(view.metrics)}/{view.n_epochs}",
            f"{view.metrics[-1]['loss']:.3f}" if view.metrics else "",
            f"{summary['accuracy']:.1%}" if summary else "",
            f"{low:.1%} – {high:.1%}" if summary else "",
            speed(view.status) if view.is_running else view.message,
        )
    return table


def checkpoints_table(checkpoints: list[Checkpoint]) -> Table:
    """List checkpoints with what they were trained on and the accuracy on the fold that each never saw."""
    table = Table("name", "data", "attention", "fold", "epochs", "accuracy", "95% interval", "MB")
    for checkpoint in checkpoints:
        config = checkpoint.config
        low, high = config.scores.get("interval", (math.nan, math.nan))
        table.add_row(
            checkpoint.name,
            config.data_title,
            config.placement,
            str(config.fold),
            str(config.recipe["epochs"]),
            f"{config.scores.get('accuracy', math.nan):.1%}",
            f"{low:.1%} – {high:.1%}",
            f"{checkpoint.n_bytes / 1e6:.1f}",
        )
    return table


def speed(status: Status | None) -> str:
    """Say how a run that trains gets on, such as `loss 1.204  88 segments/s  3:05 left`; "" for any other."""
    if status is None or (now := status.progress) is None:
        return ""
    return f"loss {now.loss:.3f}  {now.segments_per_s:.0f} segments/s  {clock(now.seconds_left)} left"


def print_faithfulness(values: Mapping[str, Any], console: Console) -> None:
    """Print what a study of faithfulness found: a table a fill, a line a map, each figure with its 95% interval."""
    from acrnn.measures.faithfulness import MAPS, MEASURES  # pandas comes with it, which a training does not need
    from acrnn.report.words import tell_estimate

    for fill, found in values["summary"].items():
        table = Table("order of frames", *(name for name, _ in MEASURES.values()), title=f"removed frames: {fill}")
        for name, of_measure in found["maps"].items():
            table.add_row(MAPS[name], *(tell_estimate(of_measure[measure], ".3f") for measure in MEASURES))
        console.print(table)
    if values["randomisation"] is not None:
        stages = values["randomisation"]["stages"]
        told = ", ".join(
            f"{stage} {tell_estimate({**found, 'interval': None}, '.3f')}" for stage, found in stages.items()
        )
        console.print(f"rank correlation with the trained attention, re-initialised from the output down: {told}")
