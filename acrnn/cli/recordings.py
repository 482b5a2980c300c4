"""The command that predicts recordings: files of any container, pipes, and recordings of many hours."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial as partial_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acrnn.audio.containers import ACCEPTED
from acrnn.cli.options import Checkpoint, Device, Force, errors, harmless
from acrnn.errors import AcrnnError, OptionError, TruncatedAudioError
from acrnn.paths import DEFAULT_CHECKPOINTS

if TYPE_CHECKING:
    from acrnn.audio import Limits
    from acrnn.inference import Prediction, Predictor


def predict(
    paths: Annotated[list[Path], typer.Argument(help=f"Files, or - for standard input; {ACCEPTED}.", readable=False)],
    checkpoint: Checkpoint = DEFAULT_CHECKPOINTS[0],
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout, one object a clip.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="A page to write too: picture, sound and prediction of each clip.")
    ] = None,
    force: Force = False,
    device: Device = "auto",
    channel: Annotated[int | None, typer.Option(min=1, help="Use this channel; default: the mean of all.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Use what is there of a file that is cut short.")] = False,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Longest recording; default: a day.")] = None,
) -> None:
    """Name the class of each clip, and say which frames the network attended to.

    Notes on a recording go to stderr. Files that cannot be used are named there, the others are still done, and the
    exit code is 2. Recordings of many hours are streamed, but for --html, whose page holds their sound. Ctrl-C ends a
    batch with what is done, and exit code 130.
    """
    from acrnn.audio import Limits
    from acrnn.devices import describe_device
    from acrnn.inference import load

    require_files(paths)
    if html is not None:
        require_free(html, paths, force=force)
    limits = Limits.of_environment()
    if max_seconds is not None:
        limits = replace(limits, max_duration_s=max_seconds)
    predictor = load(checkpoint, device)
    errors.print(f"{predictor.checkpoint.name} on {describe_device(predictor.device)}", markup=False)
    if html is not None:
        limits = _for_page(html, limits)
    telling = _json_list() if as_json else nullcontext(lambda prediction: _print_prediction(prediction, top))
    hearing = nullcontext(predictor) if html is None else _page(html, predictor, several=len(paths) > 1)
    with telling as tell, hearing as hear:
        exit_code = _predict_each(
            paths,
            partial_of(hear, limits=limits, channel=channel, partial=partial),
            lambda prediction: tell(prediction.as_dict(top) if as_json else prediction),
        )
    if exit_code:
        raise typer.Exit(exit_code)


def require_free(out: Path, inputs: list[Path], *, force: bool) -> None:
    """Make sure that a file to write is no recording that is read, and replaces nothing unasked.

    Raises
    ------
    OptionError
    """
    if any(out == path or (out.exists() and path.exists() and out.samefile(path)) for path in inputs):
        raise OptionError(f"{out} is one of the recordings, and would be overwritten; another name is needed.")
    if out.is_file() and not force:
        raise OptionError(f"{out} is there already; --force replaces it.")


def _predict_each(paths: list[Path], hear: Callable[..., "Prediction"], tell: Callable[["Prediction"], object]) -> int:
    """Predict files and tell each prediction; gives the exit code."""
    exit_code = 0
    try:
        for path in paths:
            source, name = (sys.stdin.buffer, "standard input") if str(path) == "-" else (path, str(path))
            try:
                prediction = hear(source, name=name)
            except AcrnnError as error:
                exit_code = 2
                hint = " --partial uses what is there." if _is_cut(error) and not hear.keywords["partial"] else ""
                errors.print(f"error: {error}{hint}", markup=False)
                continue
            _print_notes(prediction, name)
            tell(prediction)
    except KeyboardInterrupt:
        exit_code = 130
        errors.print("stopped; the recordings from here on are not done", markup=False)
    return exit_code


def _for_page(path: Path, limits: "Limits") -> "Limits":
    """Make sure that a page can be written, and bound the recordings whose sound goes into it.

    Raises
    ------
    OptionError
    """
    from acrnn.figures.finding import LONGEST_S

    if path.is_dir():
        raise OptionError(f"--html is {path}, a folder; the name of a file such as finding.html is accepted.")
    if limits.max_duration_s <= LONGEST_S:
        return limits
    return replace(limits, max_duration_s=LONGEST_S, raised_by="predict without --html, whose page holds the sound,")


@contextmanager
def _page(path: Path, predictor: "Predictor", *, several: bool) -> Iterator[Callable[..., "Prediction"]]:
    """Write a page of what is predicted; gives a function that predicts as `predictor` does and adds a section."""
    from acrnn.audio import decode
    from acrnn.figures.finding import Finding, write_findings

    checkpoint = predictor.checkpoint

    def hear(source: Any, *, name: str, **how: Any) -> "Prediction":
        audio = decode(source, checkpoint.config.front_end.rate_hz, name=name, **how)
        prediction = predictor(audio, name=name)
        page.add(Finding(prediction, audio.samples, checkpoint))
        return prediction

    with write_findings(path, several=several) as page:
        yield hear
    if page.n_findings:
        errors.print(f"{path}: {page.n_findings} finding{'s' * (page.n_findings != 1)}", markup=False)


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
