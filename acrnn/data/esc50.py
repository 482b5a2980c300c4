"""ESC-50 and ESC-10 as the official release lays them out: `meta/esc50.csv` beside `audio/`.

The csv of the release names .wav files; a folder may hold the same clips as .ogg, .flac or any other
format, which are then matched by stem. Needs neither pandas nor torch, so that training runs on a bare machine.
"""

import csv
import io
from pathlib import Path

from acrnn.data.dataset import Clip, Dataset, listed
from acrnn.data.names import OWN, TITLES
from acrnn.errors import DatasetError, OptionError
from acrnn.labels import CLASSES, ESC10, ESC50
from acrnn.paths import data_root
from acrnn.untrusted import read_bytes

CSV = Path("meta") / "esc50.csv"
"""Where the metadata stands in a dataset's folder."""

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
N_FOLDS = 5
MAX_CSV_BYTES = 4 * 2**20
"""Of the metadata; the release has 93 kB in 2000 lines."""
AUDIO_SUFFIXES = frozenset(
    {".wav", ".ogg", ".oga", ".opus", ".flac", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf", ".w64"}
)


def load(root: Path | str, name: str | None = None) -> Dataset:
    """Read the dataset in `root`.

    Parameters
    ----------
    root : Path or str
        A folder with `meta/esc50.csv` and `audio/`.
    name : {"esc10", "esc50"}, optional
        `esc10` selects that subset of an ESC-50 folder. By default ESC-50 if all its classes are
        there, else ESC-10.

    Raises
    ------
    DatasetError
        If the csv or `audio/` is missing, the csv is not as the release has it, or a class of the
        dataset has no clip. A single audio file that is not there is for `check` to find.
    OptionError
        If `name` is no dataset's.
    """
    require_known(name)
    root = Path(root).expanduser()
    clips = read_clips(root)
    audio = root / "audio"
    if not _is_dir(audio):
        raise DatasetError(f"{audio} is not there; the clips of {root / CSV} are expected in it.")
    present = {clip.label for clip in clips}
    if name is None:
        name = "esc50" if present >= set(ESC50) else "esc10"
    if missing := [label for label in CLASSES[name] if label not in present]:
        only_esc10 = name == "esc50" and present <= set(ESC10)
        state = "holds ESC-10 only" if only_esc10 else f"has no clip of {listed(missing)}"
        raise DatasetError(f"{root / CSV} {state}; {TITLES[name]} has {len(CLASSES[name])} classes.")
    selected = tuple(clip for clip in clips if clip.label in CLASSES[name])
    return Dataset(root, name, title_of(root, name), selected, CLASSES[name])


def discover(root: Path | str | None = None) -> list[Path]:
    """Dataset folders (those with `meta/esc50.csv`) at or directly under `root`, by default `data_root()`, sorted.

    Hidden folders are passed over; a
    folder that is missing or may not be read holds none.
    """
    root = data_root() if root is None else Path(root).expanduser()
    try:
        inside = [folder for folder in root.iterdir() if not folder.name.startswith(".")]
    except OSError:
        return []
    return sorted(folder for folder in [root, *inside] if _is_file(folder / CSV))


def title_of(root: Path, name: str) -> str:
    """Name a dataset for people: "esc10-44k · ESC-10"."""
    return f"{root.resolve().name} · {TITLES[name]}"


def read_clips(root: Path) -> tuple[Clip, ...]:
    """Read every row of `root`'s csv, whether its audio is there or not.

    Raises
    ------
    DatasetError
        If the csv is missing or a row is not as the release has it; the message names the line.
    """
    table = root / CSV
    try:
        text = read_bytes(table, MAX_CSV_BYTES).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if absent := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise DatasetError(
                f"{table} has no column {listed(absent)}; a header with {','.join(COLUMNS)} is expected."
            )
        rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise DatasetError(
            f"{table} is not there; a folder in ESC-50's layout has it, beside audio/. "
            f"A dataset of your own classes is called {OWN}."
        ) from None
    except OSError as error:
        raise DatasetError(f"{table} cannot be read ({error.strerror}).") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{table} is no csv text in UTF-8: {error}.") from error
    except ValueError as error:  # of read_bytes
        raise DatasetError(f"{table} cannot be used: {error}.") from error
    if not rows:
        raise DatasetError(f"{table} lists no clips; one line a clip is expected.")
    return _clips_of(root, rows)


def _clips_of(root: Path, rows: list[tuple[int, dict[str, str]]]) -> tuple[Clip, ...]:
    on_disk = {}
    # sorted, so that of two files with one stem the same one is taken on every machine
    for path in sorted(audio_files(root), reverse=True):
        on_disk[path.name] = on_disk[path.stem] = path
    clips, line_of = [], {}
    for number, row in rows:
        where = f"{root / CSV}, line {number}"
        clip = _clip_of(root, where, row, on_disk)
        stem = Path(clip.filename).stem
        if stem in line_of:
            raise DatasetError(
                f"{where}: {clip.filename} is already in line {line_of[stem]}; one line a clip is expected."
            )
        line_of[stem] = number
        clips.append(clip)
    return tuple(clips)


def _clip_of(root: Path, where: str, row: dict[str, str], on_disk: dict[str, Path]) -> Clip:
    def expect(accepted: bool, column: str, what: str) -> None:
        if not accepted:
            raise DatasetError(f"{where}: {column} is {row[column]!r}; {what} is expected.")

    for column in COLUMNS:
        expect(bool(row[column]), column, "a value")
    filename, label = row["filename"], row["category"]
    bare = not set(filename) & set("/\\\0") and Path(filename).stem.strip(".") != ""
    expect(bare, "filename", "the bare name of a file in audio/")
    expect(row["fold"] in {str(k) for k in range(1, N_FOLDS + 1)}, "fold", f"1 to {N_FOLDS}")
    expect(label in ESC50, "category", "one of ESC-50's 50 classes")
    expect(row["target"] == str(ESC50.index(label)), "target", f"{ESC50.index(label)}, the number of {label},")
    # spreadsheets write TRUE where the release has True
    expect(
        row["esc10"].lower() == str(label in ESC10).lower(), "esc10", f"{label in ESC10}, as {label} is in the release,"
    )
    path = on_disk.get(filename) or on_disk.get(Path(filename).stem) or root / "audio" / filename
    return Clip(filename, path, int(row["fold"]), label, row["src_file"], row["take"], label in ESC10)


def audio_files(root: Path) -> list[Path]:
    """Files in `root`'s `audio/` with the extension of an audio format; none if the folder is not there."""
    try:
        return [path for path in (root / "audio").iterdir() if path.suffix.lower() in AUDIO_SUFFIXES]
    except OSError:
        return []


def require_known(name: str | None) -> None:
    """Raise OptionError unless a name is None or of a released dataset."""
    if name is not None and name not in CLASSES:
        raise OptionError(f"Dataset {name!r} is not known; accepted are {listed([*CLASSES, OWN])}.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # pathlib passes on that a folder on the way may not be entered
        return False


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
