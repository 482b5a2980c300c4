"""Options that several commands have, and where all of them print what is not their answer."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True, highlight=False, soft_wrap=True)
"""Standard error: notes, errors and progress."""

Checkpoint = Annotated[str, typer.Option("--checkpoint", help="A name that `checkpoints` lists, or a folder.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
DataRoot = Annotated[Path, typer.Option("--data", help="Folder with meta/esc50.csv and audio/.")]
Sealed = Annotated[str, typer.Option(help="Folds, such as 1 or 1,3, neither trained on nor scored.")]
