"""Commands for what came out of runs: checkpoints published and listed, results summed up and put in tables."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from acrnn.cli.options import DataRoot, errors, sheet, writable


def publish(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    into: Annotated[
        Path | None, typer.Option(help="Another folder than yours: checkpoints, for the project's.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another checkpoint of that name.")] = False,
) -> None:
    """Make a finished run's checkpoint one that the app offers, among your own."""
    from acrnn.runs.finish import publish as publish_run
    from acrnn.runs.run import Run

    print(publish_run(Run(run), into, force=force).path)


def report(
    runs: Annotated[Path, typer.Argument(help="Folder of runs; finished ones in it or below it count.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to; default your results, ACRNN_RESULTS.", callback=writable),
    ] = None,
) -> None:
    """Sum up finished runs by setting: mean over folds, interval over clips, out-of-fold probabilities of each clip.

    Folds that an earlier report holds and these runs do not are kept. Among your results, the name of the folder of
    runs is added to a setting's, to tell it from the project's.
    """
    from acrnn.paths import make_writable, user_results
    from acrnn.results.settings import user_suffix
    from acrnn.results.summary import finished_runs, write_report
    from acrnn.results.summary import report as sum_up

    found = finished_runs(runs, lambda error: errors.print(f"left out: {error}", markup=False))
    folder = make_writable(out, "--out") if out else make_writable(user_results(), "ACRNN_RESULTS or --out")
    settings = sum_up(found, folder, "" if out else user_suffix(runs))
    _print_settings(settings)
    for path in write_report(settings, folder):
        print(path)


def _print_settings(settings: list[dict]) -> None:
    table = Table("setting", "data", "folds", "seeds", "accuracy", "95% interval")
    for s in settings:
        low, high = s["interval"]
        folds, seeds = (", ".join(map(str, s[key])) for key in ("folds", "seeds"))
        table.add_row(s["name"], s["data_title"], folds, seeds, f"{s['accuracy']:.1%}", f"{low:.1%} – {high:.1%}")
    sheet(140).print(table)


def classical(
    data: DataRoot,
    dataset: Annotated[str | None, typer.Option(help="esc10, esc50 or own; default what the folder holds.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to; default your results, ACRNN_RESULTS.", callback=writable),
    ] = None,
) -> None:
    """Train and score Table 1's classical methods over all folds: k-NN, linear SVM and random forest on MFCCs."""
    from acrnn.cli.measures import count_bar
    from acrnn.data import load
    from acrnn.paths import make_writable, user_results
    from acrnn.results.classical import classical_settings
    from acrnn.results.summary import write_report

    folder = make_writable(out, "--out") if out else make_writable(user_results(), "ACRNN_RESULTS or --out")
    with count_bar("clips") as on_clip:
        settings = classical_settings(load(data, dataset), on_clip=on_clip)
    _print_settings(settings)
    for path in write_report(settings, folder):
        print(path)


def tables(
    results: Annotated[Path | None, typer.Option(help="The only folder to read and write.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write them as README.md of your results, or --results.")
    ] = False,
    readme: Annotated[Path | None, typer.Option(help="Replace this file's marked tables too, with --write.")] = None,
) -> None:
    """Print the paper's Tables 1 to 4 and Figure 4 beside what was measured, or write them into a document.

    What was measured is the project's results and yours, unless --results names a folder; the project's own documents
    are made by --write --results results --readme README.md.
    """
    from acrnn.checkpoints import listed
    from acrnn.paths import make_writable, shipped_checkpoints, user_results
    from acrnn.report.document import documents
    from acrnn.report.document import write as write_documents
    from acrnn.results.collection import load_results

    found = load_results(results)
    for error in found.damaged:
        errors.print(f"left out: {error}", markup=False)
    root = shipped_checkpoints() if results else None  # the project's results are of its checkpoints
    checkpoints, damaged = listed(root)
    for error in damaged:
        errors.print(f"left out: {error}", markup=False)
    if not write:
        print("\n".join(documents(found, checkpoints).values()), end="")
        return
    folder = make_writable(results or user_results(), "ACRNN_RESULTS or --results")
    for path in write_documents(found, checkpoints, folder, readme):
        print(path)


def checkpoints(as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout.")] = False) -> None:
    """List the checkpoints, each with its accuracy on its held-out fold; a damaged one is named on stderr."""
    from acrnn.checkpoints import hidden, listed
    from acrnn.paths import is_installed

    found, damaged = listed()
    for error in damaged:
        errors.print(f"error: {error}", markup=False)
    for path in hidden():
        errors.print(f"note: {path} has the name of one that comes with the project; only its path finds it.")
    if is_installed():
        errors.print(
            "note: the project's other checkpoints are in the folder checkpoints of its repository; "
            "ACRNN_SHIPPED naming a clone offers them here."
        )
    if as_json:
        keys = ("name", "dataset", "placement", "fold", "recipe", "seed", "scores", "protocol", "data_title")
        more = ("n_bytes", "is_shipped")
        rows = [{k: getattr(c.config, k) for k in keys} | {k: getattr(c, k) for k in more} for c in found]
        print(json.dumps(rows))
    else:
        sheet(140).print(_checkpoints_table(found))
    if damaged:
        raise typer.Exit(2)


def _checkpoints_table(found: list) -> Table:
    table = Table("name", "data", "attention", "fold", "epochs", "accuracy", "95% interval", "MB", "origin")
    for c in found:
        low, high = c.config.scores.get("interval", (float("nan"), float("nan")))
        table.add_row(
            c.name,
            c.config.data_title,
            c.config.placement,
            str(c.config.fold),
            str(c.config.recipe["epochs"]),
            f"{c.config.scores.get('accuracy', float('nan')):.1%}",
            f"{low:.1%} – {high:.1%}",
            f"{c.n_bytes / 1e6:.1f}",
            "shipped" if c.is_shipped else "yours",
        )
    return table


COMMANDS = (publish, report, classical, tables, checkpoints)
