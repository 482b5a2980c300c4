"""A dataset: clips, each with its class and fold, whatever layout they were read from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from acrnn.errors import DatasetError, OptionError


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
            raise OptionError(f"Class {error} of {self.title} is not one of the {len(index)} to choose from.") from None

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
            raise OptionError(f"{self.title} has no fold {k}; its folds are {listed(map(str, self.folds))}.")


def listed(names: Iterable[str], most: int = 5) -> str:
    """Join names for a sentence: up to `most`, then how many more."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
