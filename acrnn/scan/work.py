"""One recording at a time, in this process: its rows, or the reason why there are none."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from acrnn.audio import Limits
from acrnn.errors import AcrnnError
from acrnn.inference import Predictor
from acrnn.scan.rows import Layout, Row

Source = Path | BinaryIO | Callable[[], AbstractContextManager[BinaryIO]]
"""A recording: a path, an open file, or what opens one and can be sent to another process."""


@dataclass(frozen=True)
class Options:
    """How recordings are predicted.

    Attributes
    ----------
    rows : str
        `files`, `segments` or `events`: see `acrnn.scan.rows.Layout`.
    limits : Limits
    channel : int or None
        Counted from 1; None is the mean of those with sound.
    partial : bool
        Use what is there of a recording that is cut short.
    """

    rows: str
    limits: Limits
    channel: int | None = None
    partial: bool = False


@dataclass(frozen=True)
class Result:
    """What came of one recording.

    Attributes
    ----------
    path : str
    rows : list of Row
    duration_s : float
        Seconds of sound; 0 if it could not be used.
    error_kind : str or None
        Name of the error's class.
    """

    path: str
    rows: list[Row]
    duration_s: float = 0.0
    error_kind: str | None = None

    @classmethod
    def failed(cls, path: str, layout: Layout, kind: str, message: str) -> "Result":
        """Make the result of a recording that gave none."""
        return cls(path, [layout.error_row(path, kind, message)], error_kind=kind)


class Scanner:
    """A loaded network that turns recordings into rows, and never raises for what is wrong with one.

    Parameters
    ----------
    predictor : Predictor
    options : Options
    """

    def __init__(self, predictor: Predictor, options: Options) -> None:
        self._predictor = predictor.for_events() if options.rows == "events" else predictor
        self._options = options
        self.layout = Layout(options.rows, predictor.checkpoint.config.labels)

    def __call__(self, source: Source, name: str) -> Result:
        """Predict one recording; an error becomes its row, whatever it is."""
        options = self._options
        how = {"limits": options.limits, "channel": options.channel, "partial": options.partial}
        try:
            with source() if callable(source) else nullcontext(source) as file:
                prediction = self._predictor(file, name=name, **how)
            return Result(name, self.layout.rows(prediction), prediction.duration_s)
        except AcrnnError as error:
            return Result.failed(name, self.layout, type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - one recording ends no batch of a million
            told = f"{name} could not be predicted ({type(error).__name__}: {error})."
            return Result.failed(name, self.layout, type(error).__name__, told)
