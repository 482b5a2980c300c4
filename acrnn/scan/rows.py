"""What is told of a recording: a row a file, a row a window, or a row an event."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from acrnn.errors import OptionError
from acrnn.events import find_events
from acrnn.inference import Prediction

KINDS = ("files", "segments", "events")
_DIGITS = 6
"""Of probabilities; times have three, which are milliseconds."""
_OF_FILES = {
    "path": str, "duration_s": float, "rate_hz": int, "label": str, "probability": float, "calibrated": float,
    "strangeness": float, "known": bool, "most_at_s": float, "notes": str,
}  # fmt: skip
_OF_SEGMENTS = {
    "path": str, "start_s": float, "end_s": float, "label": str, "probability": float, "calibrated": float,
    "strangeness": float, "known": bool, "silent": bool,
}  # fmt: skip
_OF_EVENTS = {"path": str, "start_s": float, "end_s": float, "label": str, "peak": float, "mean": float}
_FIRST = {"files": _OF_FILES, "segments": _OF_SEGMENTS, "events": _OF_EVENTS}
_OF_ERRORS = {"error_kind": str, "error": str}

Row = list[Any]
"""Plain values in the order of `Layout.columns`; None where there is none."""


@dataclass(frozen=True)
class Layout:
    """The columns, and what stands in them.

    Attributes
    ----------
    kind : str
        One of `KINDS`: a row a file, a row a window, or a row an event, of which a recording may have none.
    labels : tuple of str
        The checkpoint's classes, a column `p_<class>` each, unless rows are events.
    """

    kind: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"rows of {self.kind!r} are asked for; {' or '.join(KINDS)} are accepted.")

    @property
    def columns(self) -> dict[str, type]:
        """Name → str, float, int or bool. `error` and its kind are last, and empty where all is well."""
        classes = {} if self.kind == "events" else {f"p_{label}": float for label in self.labels}
        return _FIRST[self.kind] | classes | _OF_ERRORS

    def rows(self, prediction: Prediction) -> list[Row]:
        """Give the rows of one recording."""
        if self.kind == "events":
            return _of_events(prediction)
        return [_of_file(prediction)] if self.kind == "files" else _of_segments(prediction)

    def error_row(self, path: str, kind: str, message: str) -> Row:
        """Give the row of a recording that could not be used."""
        told = {"path": path, "error_kind": kind, "error": message}
        return [told.get(name) for name in self.columns]


def _of_file(prediction: Prediction) -> Row:
    best = int(prediction.probabilities.argmax())
    calibrated, attention = prediction.calibrated, prediction.attention
    return [
        prediction.name,
        _rounded(prediction.duration_s, 3),
        prediction.source_rate_hz,
        prediction.label,
        _rounded(prediction.probabilities[best]),
        None if calibrated is None else _rounded(calibrated[best]),
        _rounded(prediction.strangeness),
        prediction.known,
        None if attention is None else _rounded(attention.most_at_s, 3),
        " ".join(_notes(prediction)) or None,
        *_rounded(prediction.probabilities),
        None,
        None,
    ]


def _notes(prediction: Prediction) -> tuple[str, ...]:
    if prediction.known_up_to_hz is None:
        return prediction.notes
    return (*prediction.notes, f"Nothing is above {prediction.known_up_to_hz:.0f} Hz; the bands there are estimated.")


def _of_segments(prediction: Prediction) -> list[Row]:
    probabilities = _rounded(prediction.segment_probabilities)
    return [
        [
            prediction.name,
            _rounded(segment.start_s, 3),
            _rounded(segment.end_s, 3),
            segment.label,
            _rounded(segment.probability),
            _rounded(segment.calibrated),
            _rounded(segment.strangeness),
            segment.known,
            segment.silent,
            *of_classes,
            None,
            None,
        ]
        for segment, of_classes in zip(prediction.segments, probabilities, strict=True)
    ]


def _of_events(prediction: Prediction) -> list[Row]:
    return [
        [
            prediction.name,
            _rounded(event.start_s, 3),
            _rounded(event.end_s, 3),
            event.label,
            _rounded(event.peak),
            _rounded(event.mean),
            None,
            None,
        ]
        for event in find_events(prediction)
    ]


def _rounded(value: Any, digits: int = _DIGITS) -> Any:
    """Round a number or an array to plain Python numbers; None stays None."""
    return None if value is None else np.round(np.asarray(value, np.float64), digits).tolist()
