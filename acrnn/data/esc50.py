"""ESC-50 and ESC-10 as the official release lays them out: `meta/esc50.csv` beside `audio/`.

The csv of the release names .wav files; a folder may hold the same clips as .ogg, .flac or any other
format, which are then matched by stem. Needs neither pandas nor torch, so that training runs on a bare machine.
"""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from acrnn.audio import open_audio
from acrnn.data.names import OWN, TITLES
from acrnn.errors import AudioError, DatasetError, OptionError
from acrnn.labels import CLASSES, ESC10, ESC50
from acrnn.paths import data_root
from acrnn.untrusted import read_bytes

CSV = Path("meta") / "esc50.csv"
"""Where the metadata stands in a dataset's folder."""

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
N_FOLDS = 5
MAX_CSV_BYTES = 4 * 2**20
"""Of the metadata; the release has 93 kB in 2000 lines."""
CLIPS_PER_FOLD_AND_CLASS = 8
AUDIO_SUFFIXES = frozenset(
    {".wav", ".ogg", ".oga", ".opus", ".flac", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf", ".w64"}
)


@dataclass(frozen=True)
class Clip:
    """One recording of about 5 s: a row of the csv, and where its audio is."""

    filename: str
    """As the csv names it; the file at `path` may have another extension."""
    path: Path
    fold: int
    """1 to 5, as the release assigns it."""
    label: str
    """One of `acrnn.labels.ESC50`."""
    source: str
    """Freesound id of the recording it was cut from (`src_file`)."""
    take: str
    in_esc10: bool
    key: str = ""
    """Hash of its content, where folds are kept by it (`acrnn.data.own`)."""


@dataclass(frozen=True)
class Dataset:
    """The clips of ESC-50 or of its ESC-10 subset in the csv's order, or those of a folder of one's own classes."""

    root: Path
    name: str
    """`esc10`, `esc50`, or `own-` and the folder's."""
    title: str
    """For people: folder and dataset, such as "esc10-44k · ESC-10"."""
    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    """Class names; a network's class index is the position here."""
    rate_hz: int | None = None
    """Sampling rate that a network should hear at; None for that of the first clip."""

    @property
    def folds(self) -> tuple[int, ...]:
        """Fold numbers that have clips, ascending."""
        return tuple(sorted({clip.fold for clip in self.clips}))

    def fold(self, k: int) -> tuple[Clip, ...]:
        """Clips of fold `k`; raises OptionError if there is no such fold."""
        self._require_fold(k)
        return tuple(clip for clip in self.clips if clip.fold == k)

    def training(self, k: int) -> tuple[Clip, ...]:
        """Clips of every fold but `k`; raises OptionError if there is no such fold."""
        self._require_fold(k)
        return tuple(clip for clip in self.clips if clip.fold != k)

    def targets(self, clips: Iterable[Clip]) -> np.ndarray:
        """Class indices of `clips`: (clip,) int64, 0 to `len(labels) - 1`.

        Raises
        ------
        OptionError
            If a clip's class is not one of this dataset's.
        """
        index = {label: i for i, label in enumerate(self.labels)}
        try:
            return np.array([index[clip.label] for clip in clips], dtype=np.int64)
        except KeyError as error:
            raise OptionError(f"Class {error} is not one of the {len(index)} of {self.title}.") from None

    def fingerprint(self) -> str:
        """SHA-256 (hex) over every clip's name without extension, fold, class and size in bytes, or its `key`.

        It is computed once: two datasets with one fingerprint hold the same clips in the same folds.

        Raises
        ------
        DatasetError
            If an audio file is not there.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        lines = []
        for clip in self.clips:
            if clip.key:
                lines.append(f"{clip.filename},{clip.fold},{clip.label},{clip.key}\n")
                continue
            try:
                n_bytes = clip.path.stat().st_size
            except OSError as error:
                raise DatasetError(f"{clip.path} cannot be read ({error.strerror}); {self.title} names it.") from error
            lines.append(f"{Path(clip.filename).stem},{clip.fold},{clip.label},{n_bytes}\n")
        return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()

    def _require_fold(self, k: int) -> None:
        if k not in self.folds:
            raise OptionError(f"{self.title} has no fold {k}; its folds are {_listed(map(str, self.folds))}.")


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
    _require_known(name)
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
        state = "holds ESC-10 only" if only_esc10 else f"has no clip of {_listed(missing)}"
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


@dataclass(frozen=True)
class WrongCount:
    """A class that has not 8 clips in a fold."""

    fold: int
    label: str
    n_clips: int

    def __str__(self) -> str:
        return f"{self.label} in fold {self.fold} ({self.n_clips})"


@dataclass(frozen=True)
class Leak:
    """A recording whose clips stand in more than one fold, so that a test fold is not unseen."""

    source: str
    folds: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.source} (folds {_listed(map(str, self.folds))})"


RELEASE_LEAKS = frozenset(
    {Leak("131943", (2, 3)), Leak("134049", (2, 3)), Leak("209698", (4, 5)), Leak("234879", (4, 5))}
)
"""Four recordings that the release itself cuts into two classes, in two folds: 9 of 2000 clips, none of them in
two folds of one class. ESC-10 holds one side of each and has no leak."""


@dataclass(frozen=True)
class Report:
    """What `check` found in a dataset's folder."""

    title: str
    n_clips: int
    missing: tuple[str, ...]
    """Named in the csv, not in `audio/`."""
    empty: tuple[str, ...]
    """Audio files of zero bytes."""
    damaged: tuple[str, ...]
    """Audio files that cannot be decoded to their end; none if they were not decoded."""
    extra: tuple[str, ...]
    """Audio files that the csv does not name: told, but harmless, as nothing reads them."""
    wrong_counts: tuple[WrongCount, ...]
    leaks: tuple[Leak, ...]

    @property
    def ok(self) -> bool:
        """Whether every clip of the release is there, and no recording is in two folds but `RELEASE_LEAKS`."""
        lacking = self.missing or self.empty or self.damaged or self.wrong_counts
        return not (lacking or set(self.leaks) - RELEASE_LEAKS)

    def sentence(self) -> str:
        """One sentence for people: names up to five of each finding and counts the rest."""
        kinds = (
            ("missing from audio/", self.missing),
            ("empty", self.empty),
            ("damaged", self.damaged),
            (f"not {CLIPS_PER_FOLD_AND_CLASS} clips", self.wrong_counts),
            ("in two folds", [leak for leak in self.leaks if leak not in RELEASE_LEAKS]),
            ("in two folds in the release, too", [leak for leak in self.leaks if leak in RELEASE_LEAKS]),
            ("not in the csv", self.extra),
        )
        findings = [f"{what}: {_listed(map(str, found))}" for what, found in kinds if found]
        state = "complete" if self.ok else "not as the release has it"
        return f"{self.title} is {state} ({self.n_clips} clips){'; '.join(['', *findings])}."

    def __str__(self) -> str:
        return self.sentence()


def check(
    root: Path | str,
    name: str | None = None,
    *,
    decode: bool = False,
    on_clip: Callable[[int, int], None] | None = None,
) -> Report:
    """Compare the dataset in `root` with the official release: files, counts and folds.

    Parameters
    ----------
    root : Path or str
        A folder with `meta/esc50.csv`.
    name : {"esc10", "esc50"}, optional
        What it should be; by default ESC-50 if the csv has any class that is not of ESC-10.
    decode : bool
        Decode every clip to its end as well, which takes some ten seconds for a thousand.
    on_clip : callable, optional
        Told (clips decoded, clips in all).

    Raises
    ------
    DatasetError
        If the csv is missing or not as the release has it.
    OptionError
        If `name` is no dataset's.
    """
    _require_known(name)
    root = Path(root).expanduser()
    rows = read_clips(root)
    name = name or ("esc10" if all(clip.in_esc10 for clip in rows) else "esc50")
    clips = [clip for clip in rows if clip.label in CLASSES[name]]
    bytes_of = {clip.filename: _n_bytes(clip.path) for clip in clips}
    stems = {Path(clip.filename).stem for clip in rows}
    counts = Counter((clip.fold, clip.label) for clip in clips)
    every = [(fold, label) for fold in range(1, N_FOLDS + 1) for label in CLASSES[name]]
    folds_of = defaultdict(set)
    for clip in clips:
        folds_of[clip.source].add(clip.fold)
    return Report(
        title=title_of(root, name),
        n_clips=len(clips),
        missing=tuple(filename for filename, n_bytes in bytes_of.items() if n_bytes is None),
        empty=tuple(filename for filename, n_bytes in bytes_of.items() if n_bytes == 0),
        damaged=_damaged([clip for clip in clips if bytes_of[clip.filename]], on_clip) if decode else (),
        extra=tuple(sorted(path.name for path in audio_files(root) if path.stem not in stems)),
        wrong_counts=tuple(WrongCount(*key, counts[key]) for key in every if counts[key] != CLIPS_PER_FOLD_AND_CLASS),
        leaks=tuple(Leak(src, tuple(sorted(folds))) for src, folds in sorted(folds_of.items()) if len(folds) > 1),
    )


def _damaged(clips: list[Clip], on_clip: Callable[[int, int], None] | None) -> tuple[str, ...]:
    """Decode clips to their ends; gives the names of those that cannot be."""
    found = []
    for done, clip in enumerate(clips, start=1):
        try:
            with open_audio(clip.path) as file:
                for _ in file.blocks(file.rate_hz):
                    pass
        except AudioError:
            found.append(clip.filename)
        if on_clip is not None:
            on_clip(done, len(clips))
    return tuple(found)


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
                f"{table} has no column {_listed(absent)}; a header with {','.join(COLUMNS)} is expected."
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


def _require_known(name: str | None) -> None:
    if name is not None and name not in CLASSES:
        raise OptionError(f"Dataset {name!r} is not known; accepted are {_listed([*CLASSES, OWN])}.")


def _n_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


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


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
