"""Options that several commands have, and where all of them print what is not their answer."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from acrnn.errors import OptionError

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys: control characters but tab and newline, and those that turn the writing round."""


class Errors(Console):
    """Prints what may name strangers' files: characters that a terminal would obey are shown as in Python's texts."""

    def print(self, *told: object, **how: object) -> None:
        """Print, as `Console.print`."""
        super().print(*(harmless(one) if isinstance(one, str) else one for one in told), **how)


def harmless(text: str) -> str:
    """Show characters that a terminal would obey as Python writes them in its texts."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


errors = Errors(stderr=True, highlight=False, soft_wrap=True, markup=False)
"""Standard error: notes, errors and progress."""

CHECKPOINT_HELP = "A name that `checkpoints` lists, a folder, or hf://user/name on the Hugging Face Hub."
Checkpoint = Annotated[str, typer.Option("--checkpoint", help=CHECKPOINT_HELP)]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray", metavar="[ADDRESS]", help="Work on a Ray cluster: auto, local or host:port; see docs/scale.md."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
DataRoot = Annotated[
    Path,
    typer.Option(
        "--data", help="Folder with meta/esc50.csv and audio/, or of your own classes, or their table.", readable=False
    ),
]
DatasetName = Annotated[str, typer.Option("--dataset", help="esc10, esc50, or own for your own classes.")]
GroupPattern = Annotated[
    str | None,
    typer.Option(help="Of own classes: regular expression whose match in a file name says what belongs together."),
]
Sealed = Annotated[str, typer.Option(help="Folds, such as 1 or 1,3, neither trained on nor scored.")]


def with_address(arguments: list[str]) -> list[str]:
    """Give `--ray` without an address the address `auto`; typer knows no option whose value may be left out."""
    following = [*arguments[1:], "-"]
    return [
        "--ray=auto" if word == "--ray" and after.startswith("-") else word
        for word, after in zip(arguments, following, strict=True)
    ]


def sheet(width: int) -> Console:
    """Give standard output for tables, so many characters wide if it is no terminal; names are printed as they are."""
    return Console(width=None if sys.stdout.isatty() else width, markup=False)


def writable(folder: Path | None) -> Path | None:
    """Check an option, before hours of work: a folder can be made or written to. Nothing is made yet.

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
