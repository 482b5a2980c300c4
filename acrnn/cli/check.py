"""The command that reads a dataset before anything is trained on it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from acrnn.cli.measures import count_bar
from acrnn.cli.options import DataRoot, GroupPattern
from acrnn.errors import OptionError


def check(
    data: DataRoot,
    dataset: Annotated[
        str | None, typer.Option(help="esc10, esc50 or own; by default own if a class is not one of ESC-50's.")
    ] = None,
    group_pattern: GroupPattern = None,
    every: Annotated[
        bool, typer.Option("--every", help="Of own classes: name all that is wrong, a line each.")
    ] = False,
) -> None:
    """Read every file of a dataset to its end, and say what is there and what is wrong with which.

    ESC-50 and ESC-10 are compared with the official release. Of your own classes the folds are drawn and kept. If
    anything is wrong, the exit code is 2.
    """
    from acrnn.data import is_own
    from acrnn.data.own import is_release

    if dataset is None and not is_release(data):
        dataset = "own"
    if group_pattern is not None and not is_own(dataset):
        raise OptionError(f"--group-pattern is for your own classes, and {data} has ESC-50's, which have their folds.")
    is_fine = _own(data, dataset, group_pattern, every) if is_own(dataset) else _release(data, dataset)
    if not is_fine:
        raise typer.Exit(2)


def _release(data: Path, name: str | None) -> bool:
    from acrnn.data import check as compare
    from acrnn.data.esc50 import read_clips
    from acrnn.data.own import describe_sounds, survey

    report = compare(data, name)
    clips = [(clip.path, clip.filename) for clip in read_clips(data.expanduser()) if clip.path.is_file()]
    with count_bar("clips") as on_clip:
        facts = survey(data, clips, on_clip)
    damaged = [name for path, name in clips if facts[path].problem and facts[path].n_bytes]
    report = replace(report, damaged=tuple(damaged))
    print(report.sentence())
    for line in describe_sounds([of_file for of_file in facts.values() if not of_file.problem]):
        print(line)
    if silent := [name for path, name in clips if facts[path].silent]:
        print(f"wrong: {len(silent)} silent: {', '.join(silent[:5])}")
    return report.ok


def _own(data: Path, name: str | None, group_pattern: str | None, every: bool) -> bool:
    from acrnn.data.own import describe, inspect

    with count_bar("files") as on_file:
        made = inspect(data, name, group_pattern=group_pattern, on_file=on_file)
    print("\n".join(describe(made, every=every)))
    return made.is_clean
