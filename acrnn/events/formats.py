"""Files of events: Audacity's labels, Raven's selection tables, CSV and JSON, written, and read from anybody.

Times are written to a tenth of a microsecond. A label may hold anything. Where it would break a line of Audacity's or
Raven's, that character is written as a backslash and a letter. One that a spreadsheet would take for a formula gets an
apostrophe before it. Reading takes both away again.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acrnn.errors import OptionError
from acrnn.events.detect import Event
from acrnn.untrusted import parse_json, read_bytes

MAX_BYTES = 64 * 2**20
MAX_EVENTS = 1_000_000
SUFFIXES = {"audacity": ".txt", "raven": ".selections.txt", "csv": ".csv", "json": ".json"}
"""Format → what the name of its file ends in."""
FORMATS = tuple(SUFFIXES)
COLUMNS = ("path", "start_s", "end_s", "label", "peak", "mean")
"""Of CSV; JSON has the same keys."""
RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Label",
    "Score",
)
RAVEN_LABELS = ("Label", "Annotation", "Species", "Tags", "Common Name")
"""Columns that a selection's label may be in, in the order in which they are looked for."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet takes for the beginning of a formula, and the apostrophe that keeps it from that."""
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {escaped: plain for plain, escaped in _ESCAPES.items()}
_LINE_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # str.splitlines would break a line at these, too


@dataclass(frozen=True)
class FileEvent:
    """An event, and the recording that it is of: empty where the file does not say."""

    path: str
    event: Event


def write_text(found: Sequence[tuple[str, Sequence[Event]]], form: str, top_hz: float = 22_050.0) -> str:
    """Lay out the events of recordings.

    Parameters
    ----------
    found : sequence of (path, events)
        One recording alone for `audacity` and `raven`, which cannot name it.
    form : str
        One of `FORMATS`.
    top_hz : float
        The highest frequency that was listened to: Raven draws a selection as a box.

    Raises
    ------
    OptionError
        If there is no such format, or it cannot hold several recordings.
    """
    if form not in FORMATS:
        raise OptionError(f"There is no format {form!r}; {', '.join(FORMATS)} are accepted.")
    if form in ("audacity", "raven"):
        if len(found) != 1:
            raise OptionError(f"A file of {form} has the events of one recording, and these are {len(found)}.")
        events = found[0][1]
        return _audacity(events) if form == "audacity" else _raven(events, top_hz)
    rows = [(path, event) for path, events in found for event in events]
    if form == "csv":
        return _table(COLUMNS, ((guarded(path), *_values(event)) for path, event in rows), ",")
    return json.dumps([_as_dict(path, event) for path, event in rows], indent=1) + "\n"


def read_events(path: Path) -> list[FileEvent]:
    """Read a file of events in any of the formats; which one it is, its beginning tells.

    Columns that are not known are ignored. Events are in the file's order.

    Raises
    ------
    OptionError
        If it cannot be read, is too large, or a line is not as its format has it; the message names file and line.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise OptionError(f"{path} is not a file of events: {error}.") from error
    return parse_events(content, str(path))


def parse_events(content: bytes, name: str) -> list[FileEvent]:
    """Read the content of a file of events, as `read_events` does; `name` is what messages call it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise OptionError(f"{name}, line {line}: it is not text in UTF-8, as files of events are.") from error
    try:
        found = _reader(text)(text)
    except _LineError as error:
        raise OptionError(f"{name}, line {error.line}: {error}.") from None
    if len(found) > MAX_EVENTS:
        raise OptionError(f"{name} has {len(found)} events, and up to {MAX_EVENTS} are accepted.")
    return found


class _LineError(Exception):
    """What is wrong in which line, counted from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def _seconds(value: float) -> str:
    return f"{value:.7f}"


def guarded(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def unguarded(cell: str) -> str:
    """Take that apostrophe away again."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def _cell(text: str) -> str:
    """Keep a text in one cell of one line."""
    escaped = re.sub(r"[\\\t\n\r]", lambda found: _ESCAPES[found[0]], text)
    return guarded(_LINE_BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped))


def _text_of(cell: str) -> str:
    """Give back what `_cell` was given."""
    return re.sub(r"\\(?:[\\tnr]|u[0-9a-f]{4})", _unescaped, unguarded(cell))


def _unescaped(found: re.Match) -> str:
    return _UNESCAPES.get(found[0]) or chr(int(found[0][2:], 16))


def _values(event: Event) -> tuple[str, ...]:
    scores = ("" if math.isnan(value) else repr(value) for value in (event.peak, event.mean))
    return (_seconds(event.start_s), _seconds(event.end_s), guarded(event.label), *scores)


def _as_dict(path: str, event: Event) -> dict[str, Any]:
    times = {"start_s": float(_seconds(event.start_s)), "end_s": float(_seconds(event.end_s))}
    scores = {name: None if math.isnan(value) else value for name, value in _scores(event).items()}
    return {"path": path, **times, "label": event.label, **scores}


def _scores(event: Event) -> dict[str, float]:
    return {"peak": event.peak, "mean": event.mean}


def _audacity(events: Sequence[Event]) -> str:
    lines = ("\t".join((_seconds(e.start_s), _seconds(e.end_s), _cell(e.label))) + "\n" for e in events)
    return "".join(lines)


def _raven(events: Sequence[Event], top_hz: float) -> str:
    rows = []
    for number, event in enumerate(events, start=1):
        score = "" if math.isnan(event.peak) else repr(event.peak)
        times = _seconds(event.start_s), _seconds(event.end_s)
        rows.append((str(number), "Spectrogram 1", "1", *times, "0.0", f"{top_hz:.1f}", _cell(event.label), score))
    return _table(RAVEN_COLUMNS, rows, "\t")


def _table(head: Sequence[str], rows: Any, delimiter: str) -> str:
    text = io.StringIO()
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE  # Raven and Audacity know no quotes
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting, quotechar=_quote(delimiter))
    writer.writerows([head, *rows])
    return text.getvalue()


def _quote(delimiter: str) -> str | None:
    return '"' if delimiter == "," else None


def _reader(text: str) -> Callable[[str], list[FileEvent]]:
    head = text.lstrip()[:1]
    first = text.split("\n", 1)[0].rstrip("\r")
    if head in ("[", "{"):
        return _read_json
    if "\t" in first:
        return _read_raven if "Begin Time (s)" in first.split("\t") else _read_audacity
    return _read_csv if "," in first else _read_audacity


def _read_audacity(text: str) -> list[FileEvent]:
    found = []
    for number, line in _lines(text):
        if line.startswith("\\"):  # the frequencies of the label before
            continue
        start, _, rest = line.partition("\t")
        end, _, label = rest.partition("\t")
        found.append(FileEvent("", _event(number, start, end, _text_of(label))))
    return found


def _read_raven(text: str) -> list[FileEvent]:
    lines = _lines(text)
    _, first = next(lines)
    head = first.split("\t")
    _require_columns(head, ("Begin Time (s)", "End Time (s)"))
    named = next((name for name in RAVEN_LABELS if name in head), None)
    found, seen = [], set()
    for number, line in lines:
        row = dict(zip(head, line.split("\t"), strict=False))
        times = row.get("Begin Time (s)", ""), row.get("End Time (s)", "")
        selection = row.get("Selection"), row.get("Begin File"), *times
        if selection[0] and selection in seen:  # it is listed once for each view that it is drawn in
            continue
        seen.add(selection)
        label = _text_of(row.get(named) or "") if named else ""
        score = row.get("Score") or "nan"
        found.append(FileEvent(row.get("Begin File") or "", _event(number, *times, label, score)))
    return found


def _read_csv(text: str) -> list[FileEvent]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(reader)
        _require_columns(head, ("start_s", "end_s", "label"))
        found = []
        for cells in reader:
            if cells:
                row = dict(zip(head, cells, strict=False))
                label, scores = unguarded(row.get("label", "")), (row.get("peak") or "nan", row.get("mean") or "nan")
                event = _event(reader.line_num, row.get("start_s", ""), row.get("end_s", ""), label, *scores)
                found.append(FileEvent(unguarded(row.get("path", "")), event))
    except csv.Error as error:
        raise _LineError(reader.line_num, f"it is not CSV ({error})") from None
    return found


def _read_json(text: str) -> list[FileEvent]:
    try:
        rows = parse_json(text)
    except json.JSONDecodeError as error:
        raise _LineError(error.lineno, f"it is not JSON ({error.msg.lower()})") from None
    except ValueError as error:
        raise _LineError(1, str(error)) from None
    if not isinstance(rows, list):
        raise _LineError(1, "a JSON file of events is a list of objects")
    found = []
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("label"), str):
            raise _LineError(1, f"entry {place} is no object with a text as its label")
        scores = [row.get(name) if row.get(name) is not None else "nan" for name in ("peak", "mean")]
        values = [row.get("start_s"), row.get("end_s"), *scores]
        if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
            raise _LineError(1, f"entry {place} has no start_s and end_s in seconds")
        start, end, peak, mean = values
        event = _event(1, start, end, row["label"], peak, mean, what=f"entry {place}: ")
        found.append(FileEvent(str(row.get("path") or ""), event))
    return found


def _lines(text: str):
    """Yield (number, line) of those that are not empty; lines end with a line feed, one before it or not."""
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if line.strip():
            yield number, line


def _require_columns(head: Sequence[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in head:
            raise _LineError(1, f"column {name!r} is missing, which a table of events has")


def _event(line: int, start: Any, end: Any, label: str, peak: Any = "nan", mean: Any = "nan", what: str = "") -> Event:
    try:
        start_s, end_s, scores = float(start), float(end), (float(peak), float(mean))
    except (ValueError, OverflowError):
        raise _LineError(line, f"{what}its times are {start!r:.40} and {end!r:.40}; seconds are accepted") from None
    if not (0 <= start_s <= end_s < math.inf):
        raise _LineError(line, f"{what}{start_s:g} to {end_s:g} s is no stretch of a recording")
    return Event(start_s, end_s, label, *scores)
