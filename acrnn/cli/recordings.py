"""The command that predicts recordings: files of any container, pipes, and recordings of many hours."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, errors, harmless
from acrnn.errors import AcrnnError, OptionError, TruncatedAudioError
from acrnn.paths import DEFAULT_CHECKPOINTS

if TYPE_CHECKING:
    from acrnn.inference import Prediction


def predict(
    paths: Annotated[list[Path], typer.Argument(help=f"Files, or - for standard input; {ACCEPTED}.", readable=False)],
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout, one object a clip.")] = False,
    device: Device = "auto",
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of a file that is cut short.")] = False,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Longest recording; default: a day.")] = None,
) -> None:
    """Name the class of each clip, and say which frames the network attended to.

    Notes on a recording go to stderr. Files that cannot be used are named there, the others are still done, and the
    exit code is 2. Recordings of many hours are streamed. Ctrl-C ends a batch with what is done, and exit code 130.
    """
    from acrnn.audio import Limits
    from acrnn.devices import describe_device
    from acrnn.inference import load

    require_files(paths)
    limits = Limits.of_environment()
    if max_seconds is not None:
        limits = replace(limits, max_duration_s=max_seconds)
    predictor = load(checkpoint, device)
    errors.print(f"{predictor.checkpoint.name} on {describe_device(predictor.device)}", markup=False)
    exit_code = 0
    with _json_list() if as_json else nullcontext(lambda prediction: _print_prediction(prediction, top)) as tell:
        try:
            for path in paths:
                source, name = (sys.stdin.buffer, "standard input") if str(path) == "-" else (path, str(path))
                try:
                    prediction = predictor(source, name=name, limits=limits, channel=channel, partial=partial)
                except AcrnnError as error:
                    exit_code = 2
                    hint = " --partial uses what is there." if _is_cut(error) and not partial else ""
                    errors.print(f"error: {error}{hint}", markup=False)
                    continue
                _print_notes(prediction, name)
                tell(prediction.as_dict(top) if as_json else prediction)
        except KeyboardInterrupt:
            exit_code = 130
            errors.print("stopped; the recordings from here on are not done", markup=False)
    if exit_code:
        raise typer.Exit(exit_code)


@contextmanager
def _json_list() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Print a JSON list on stdout as it comes; gives a function that prints one object, on a line of its own.

    ASCII alone: it passes every encoding, and names that are not text come back whole.
    """
    comma = ""

    def tell(values: dict[str, Any]) -> None:
        nonlocal comma
        print(f"{comma}{json.dumps(values)}", flush=True)
        comma = ","

    print("[", end="", flush=True)
    try:
        yield tell
    finally:
        print("]", flush=True)


def require_files(paths: list[Path]) -> None:
    """Tell a misspelt option from a file whose name begins with a dash: options that are unknown are taken for files.

    Raises
    ------
    OptionError
    """
    for path in paths:
        if str(path).startswith("--") and not os.path.lexists(path):
            raise OptionError(f"There is no option {path}, and no file of that name; --help lists the options.")


def _is_cut(error: AcrnnError) -> bool:
    return isinstance(error, TruncatedAudioError)


def _print_notes(prediction: "Prediction", name: str) -> None:
    for note in prediction.notes:
        errors.print(f"note: {name}: {note}", markup=False)
    if prediction.known_up_to_hz is not None:
        told = f"{prediction.known_up_to_hz:.0f} Hz; the bands above are estimated."
        errors.print(f"note: {name} has nothing above {told}", markup=False)


def _print_prediction(prediction: "Prediction", top: int) -> None:
    print(f"{harmless(prediction.name)}  ({prediction.duration_s:.2f} s)")
    if prediction.known is False:
        print(f"  none of its {len(prediction.labels)} classes; the nearest are")
    elif prediction.unsure:
        print("  unsure; the most likely are")
    for label, probability in prediction.top(top):
        print(f"  {probability:6.1%}  {label}")
    attention = prediction.attention
    if attention is not None:
        print(
            f"  attends most around {attention.most_at_s:.2f} s "
            f"({attention.placement}, a step is {1000 * attention.step_s:.1f} ms)"
        )
