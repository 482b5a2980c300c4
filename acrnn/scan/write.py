"""Rows → a CSV, Parquet or JSONL file, written as a whole or not at all, in memory that does not grow with it."""

import csv
import json
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from acrnn.data import atomic_path
from acrnn.errors import OptionError
from acrnn.report.table import spreadsheet_safe
from acrnn.scan.rows import Row

_ROWS_A_GROUP = 10_000


def require_format(path: Path) -> None:
    """Raise OptionError if a file's suffix names no format that is written."""
    if path.suffix.lower() not in WRITERS:
        raise OptionError(f"{path} has no suffix that is known; {', '.join(WRITERS)} and - are accepted.")


def write_rows(path: Path, columns: dict[str, type], rows: Iterable[Row]) -> None:
    r"""Write rows in the format that the suffix names.

    Names that are not text are whole in JSONL; the others have their bytes as `\udcff`. In a CSV, a text that a
    spreadsheet would take for a formula gets an apostrophe before it.

    Raises
    ------
    OptionError
        If the suffix names none.
    OSError
        If the file cannot be written; what was there is there still.
    """
    require_format(path)
    with atomic_path(path) as part:
        WRITERS[path.suffix.lower()](part, columns, rows)


def json_line(columns: Iterable[str], row: Row) -> str:
    """Give a row as one line of JSON, in ASCII."""
    return json.dumps(dict(zip(columns, row, strict=True)))


def _write_jsonl(path: Path, columns: dict[str, type], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{json_line(columns, row)}\n" for row in rows)


def _write_csv(path: Path, columns: dict[str, type], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(spreadsheet_safe, columns))
        writer.writerows([spreadsheet_safe(_as_text(value)) for value in row] for row in rows)


def _write_parquet(path: Path, columns: dict[str, type], rows: Iterable[Row]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with ParquetWriter(path, schema) as writer:
        rows = iter(rows)
        while group := list(islice(rows, _ROWS_A_GROUP)):
            values = [list(map(_as_text, of_column)) for of_column in zip(*group, strict=True)]
            arrays = [pa.array(of_column, kind) for of_column, kind in zip(values, schema.types, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))


def _as_text(value: Any) -> Any:
    """Escape what is no text in a name, which neither UTF-8 nor Arrow holds."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


WRITERS: dict[str, Callable[[Path, dict[str, type], Iterable[Row]], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
"""Suffix → what writes it."""
