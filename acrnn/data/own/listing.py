"""Which files of a folder are clips, and of which class: by folders, by a table, or by ESC-50's metadata."""

import csv
import io
import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from acrnn.audio.containers import SUFFIXES
from acrnn.data.esc50 import CSV, audio_files
from acrnn.errors import DatasetError
from acrnn.labels import ESC50
from acrnn.untrusted import read_bytes

MAX_TABLE_BYTES = 64 * 2**20
MAX_LABEL = 200
MAX_FOLD = 100
EXPECTED = (
    f"a folder a class, a table with the columns path and label, or ESC-50's layout ({CSV} beside audio/) is accepted"
)
_PARTS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "eval"}


@dataclass(frozen=True)
class Entry:
    """A clip as it is listed: a file, or a part of one.

    Attributes
    ----------
    path : Path
    name : str
        Path from the dataset's folder, with slashes.
    label : str
    group : str or None
        What it must share a fold with, such as its recording or place; None if nobody said.
    fold : int or None
        Where the table says so.
    span_s : tuple of float, or None for the whole file
        Start and end in seconds.
    """

    path: Path
    name: str
    label: str
    group: str | None = None
    fold: int | None = None
    span_s: tuple[float, float] | None = None


@dataclass(frozen=True)
class Listing:
    """What a folder or table lists.

    Attributes
    ----------
    root : Path
        As it was given: a folder, or a table.
    layout : str
        For people, such as "by folders".
    entries : tuple of Entry
        Sorted by name.
    outside : tuple of str
        Links and paths that lead out of the folder; they were not followed.
    missing : tuple of str
        Files that the table names and the folder does not have.
    ignored : tuple of str
        Files that are no sounds by their suffix, or stand in no class's folder.
    """

    root: Path
    layout: str
    entries: tuple[Entry, ...]
    outside: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def list_clips(root: Path) -> Listing:
    """List the clips in a folder, or in a table.

    Raises
    ------
    DatasetError
        If it is none of the three layouts, cannot be read, or a line of the table is not as expected.
    """
    if root.is_file():
        return _of_table(root, root, _read_table(root))
    if not root.is_dir():
        raise DatasetError(f"{root} is not there; {EXPECTED}.")
    if (root / CSV).is_file():
        return _of_esc50(root)
    try:
        tables = [path for path in sorted(root.glob("*.csv")) if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{root} cannot be read ({error.strerror}).") from error
    readable = {path: rows for path in tables if {"path", "label"} <= set((rows := _read_table(path)).columns)}
    if len(readable) > 1:
        names = ", ".join(path.name for path in readable)
        raise DatasetError(f"{root} has several tables of clips ({names}); name one of them instead of the folder.")
    for table, rows in readable.items():
        return _of_table(root, table, rows)
    return _of_folders(root)


def is_release(root: Path) -> bool:
    """Whether a folder has ESC-50's metadata with its classes alone, or nothing that can be read.

    One clip of another class is taken for a mistake in the release; a class of several is one's own.
    """
    try:
        table = _read_table(root.expanduser() / CSV)
    except DatasetError:
        return (root.expanduser() / CSV).exists()
    counts = Counter(row.get("category") for _, row in table.rows)
    others = [n for category, n in counts.items() if category not in ESC50]
    return "category" not in table.columns or (max(others, default=0) < 2 and sum(others) <= sum(counts.values()) / 2)


def class_name(text: str, where: str) -> str:
    """Take a class's name: without white space around it, and in composed characters (NFC).

    Raises
    ------
    DatasetError
        If it is empty, too long, or has characters that are no text.
    """
    label = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(label) <= MAX_LABEL or any(unicodedata.category(c) in ("Cc", "Cs") for c in label):
        raise DatasetError(
            f"{where} names a class {text!r:.60}; 1 to {MAX_LABEL} characters without control characters are accepted."
        )
    return label


def shown(name: str) -> str:
    """Give a file's name as text: characters that no terminal and no table should be given are escaped."""
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in ("Cc", "Cs") else c for c in name)


def _of_folders(root: Path) -> Listing:
    entries: list[Entry] = []
    outside: list[str] = []
    ignored: list[str] = []
    folders = []
    for item in _items(root):
        if item.is_symlink() and (item.is_dir() or not _is_inside(item, root)):
            outside.append(f"{shown(item.name)} (a link)")
        elif item.is_dir():
            folders.append(item)
        else:
            ignored.append(shown(item.name))
    names = {folder.name.lower() for folder in folders}
    if names and names <= _PARTS:
        raise DatasetError(
            f"{root} holds {', '.join(sorted(names))}, which are parts of a dataset and no classes; name the folder "
            f"that holds a folder a class, such as {root / min(names)}."
        )
    for folder in folders:
        label = class_name(folder.name, str(root))
        for path in _files_below(folder, outside, root):
            name = shown(path.relative_to(root).as_posix())
            if path.is_symlink() and not _is_inside(path, root):
                outside.append(name)
            elif path.suffix[1:].lower() not in SUFFIXES:
                ignored.append(name)
            else:
                entries.append(Entry(path, name, label))
    if not entries and not outside:
        raise DatasetError(f"{root} holds no sounds in folders; {EXPECTED}.")
    return Listing(root, "by folders", _sorted(entries), tuple(outside), (), tuple(ignored))


def _items(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read ({error.strerror}).") from error


def _files_below(folder: Path, outside: list[str], root: Path) -> list[Path]:
    found = []

    def fail(error: OSError) -> None:
        raise DatasetError(f"{error.filename} cannot be read ({error.strerror}).") from error

    for place, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        outside += [f"{shown(link.relative_to(root).as_posix())} (a link)" for link in links]
        found += [Path(place, name) for name in files if not name.startswith(".")]
    return found


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a path, all links followed, stays in the folder."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links; a zero byte
        return False


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.name, entry.span_s or ())))


@dataclass(frozen=True)
class _Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Number of the line, and its values by column."""


def _read_table(path: Path) -> _Table:
    try:
        text = read_bytes(path, MAX_TABLE_BYTES).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = tuple((name or "").strip().lower() for name in reader.fieldnames or ())
        rows = []
        for row in reader:
            values = [value or "" for key, value in row.items() if key is not None]
            rows.append((reader.line_num, {k: v.strip() for k, v in zip(columns, values, strict=False)}))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}).") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is no csv text in UTF-8: {error}.") from error
    except ValueError as error:  # of read_bytes
        raise DatasetError(f"{path} cannot be used: {error}.") from error
    return _Table(columns, tuple(rows))


def _of_table(root: Path, table: Path, content: _Table, folder: Path | None = None) -> Listing:
    """Take a table's lines; their paths begin in `folder`, by default the table's own."""
    if absent := {"path", "label"} - set(content.columns):
        raise DatasetError(
            f"{table} has no column {' and '.join(sorted(absent))}; path,label and, if you like, group, fold, start_s "
            f"and end_s are expected, separated by commas{_other_separator(content)}."
        )
    folder = folder or table.parent
    entries: list[Entry] = []
    outside: list[str] = []
    missing: list[str] = []
    for number, row in content.rows:
        where = f"{table}, line {number}"
        entry = _entry_of(folder, where, row, "fold" in content.columns)
        if PurePosixPath(row["path"]).is_absolute() or not _is_inside(entry.path, folder):
            outside.append(entry.name)
        elif not entry.path.exists():
            missing.append(entry.name)
        else:
            entries.append(entry)
    if not content.rows:
        raise DatasetError(f"{table} lists no clips; one line a clip is expected.")
    return Listing(root, f"by the table {shown(table.name)}", _sorted(entries), tuple(outside), tuple(missing))


def _entry_of(folder: Path, where: str, row: dict[str, str], has_folds: bool) -> Entry:
    name = row["path"]
    if not name or "\0" in name:
        raise DatasetError(f"{where}: path is {name!r}; a file's path from the table's folder is expected.")
    fold = row.get("fold", "")
    if has_folds and not (fold.isascii() and fold.isdigit() and 1 <= int(fold) <= MAX_FOLD):
        raise DatasetError(f"{where}: fold is {fold!r}; a whole number from 1 to {MAX_FOLD} is expected in every line.")
    return Entry(
        path=folder / name,
        name=shown(PurePosixPath(name).as_posix()),
        label=class_name(row["label"], where),
        group=row.get("group") or None,
        fold=int(fold) if has_folds else None,
        span_s=_span_of(where, row.get("start_s", ""), row.get("end_s", "")),
    )


def _span_of(where: str, start: str, end: str) -> tuple[float, float] | None:
    if not start and not end:
        return None
    try:
        span_s = float(start), float(end)
    except ValueError:
        span_s = (0.0, -1.0)
    if not 0 <= span_s[0] < span_s[1] < float("inf"):
        raise DatasetError(
            f"{where}: start_s is {start!r} and end_s {end!r}; seconds with 0 ≤ start_s < end_s, or neither, are "
            "expected."
        )
    return span_s


def _other_separator(content: _Table) -> str:
    """Say which separator a table seems to have instead of commas."""
    names = {";": "semicolons", "\t": "tabs"}
    found = next((names[mark] for mark in names if any(mark in (column or "") for column in content.columns)), None)
    return f"; its first line has {found}" if found else ""


def _of_esc50(root: Path) -> Listing:
    """Read ESC-50's layout with any classes; `fold` and `src_file` (the group) may be missing."""
    table = root / CSV
    content = _read_table(table)
    if absent := {"filename", "category"} - set(content.columns):
        raise DatasetError(f"{table} has no column {' and '.join(sorted(absent))}; filename and category are expected.")
    on_disk: dict[str, Path] = {}
    for path in sorted(audio_files(root), reverse=True):
        on_disk[path.name] = on_disk[path.stem] = path
    rows = []
    for number, row in content.rows:
        found = on_disk.get(row["filename"]) or on_disk.get(Path(row["filename"]).stem)
        path = f"audio/{found.name if found else row['filename']}"
        rows.append((number, row | {"path": path, "label": row["category"], "group": row.get("src_file", "")}))
    columns = (*content.columns, "path", "label", "group")
    return _of_table(root, table, _Table(columns, tuple(rows)), root)
