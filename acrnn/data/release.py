"""A folder compared with the official release of ESC-50: its files, counts and folds."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acrnn.audio import open_audio
from acrnn.data.dataset import Clip, listed
from acrnn.data.esc50 import N_FOLDS, audio_files, read_clips, require_known, title_of
from acrnn.errors import AudioError
from acrnn.labels import CLASSES

CLIPS_PER_FOLD_AND_CLASS = 8


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
        return f"{self.source} (folds {listed(map(str, self.folds))})"


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
        findings = [f"{what}: {listed(map(str, found))}" for what, found in kinds if found]
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
    require_known(name)
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


def _n_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
