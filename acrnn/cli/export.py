"""The command that writes a checkpoint as a model for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from acrnn.cli.options import CHECKPOINT_HELP, errors, writable
from acrnn.errors import OptionError


def export(
    checkpoint: Annotated[str, typer.Argument(help=CHECKPOINT_HELP)],
    out: Annotated[Path | None, typer.Option(help="The file to write.", readable=False)] = None,
    hub_folder: Annotated[
        Path | None,
        typer.Option(help="A folder to write instead, to be uploaded to the Hugging Face Hub.", callback=writable),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="onnx, or pt2 for torch.export.load.")] = "onnx",
    int8: Annotated[bool, typer.Option("--int8", help="Store the network's weights in 8 bits.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
) -> None:
    """Write a checkpoint, spectrogram included, as a model that takes waveforms and runs without this package.

    Or, with --hub-folder, write its own files with a model card.
    """
    from acrnn.checkpoints import find
    from acrnn.export import write_hub_folder

    if (out is None) == (hub_folder is None):
        raise OptionError("--out names a file for other programs, --hub-folder a folder for the Hub; one is accepted.")
    if hub_folder is None:
        _write_file(checkpoint, out, form, int8=int8, force=force)
        return
    if hub_folder.exists() and any(hub_folder.iterdir()) and not force:
        raise OptionError(f"{hub_folder} is not empty; --force writes into it.")
    write_hub_folder(find(checkpoint), hub_folder)
    print(hub_folder)


def _write_file(checkpoint: str, out: Path, form: str, *, int8: bool, force: bool) -> None:
    from acrnn.checkpoints import find
    from acrnn.export import require_format, write_model

    if out.is_dir():
        raise OptionError(f"{out} is a folder; a file is accepted.")
    if out.exists() and not force:
        raise OptionError(f"{out} is there already; --force replaces it.")
    writable(out.parent)
    require_format(form, int8=int8)
    found = find(checkpoint)
    errors.print(f"{found.name}: this takes about half a minute", markup=False)
    write_model(found, out, form, int8=int8)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB")
