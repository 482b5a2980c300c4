"""A whole scan: files → rows, each at once on standard output or all in a file, with what came of it."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acrnn.checkpoints import CheckpointConfig
from acrnn.data import sha256_of
from acrnn.inference import Predictor
from acrnn.scan.find import STDIN
from acrnn.scan.journal import Journal, Stamp, open_journal, stamp_of
from acrnn.scan.pool import DIED, scan_in_processes
from acrnn.scan.rows import Layout, Row
from acrnn.scan.work import Options, Result, Scanner
from acrnn.scan.write import require_format, write_rows


@dataclass
class Tally:
    """How a scan stands; it counts on while it runs.

    Attributes
    ----------
    n_files : int
        All that there are.
    n_kept, n_new : int
        Taken over from an earlier start, and done now; those that failed are counted too.
    failed : Counter of str
        Kind of error → files, of both.
    sound_s : float
        Seconds of sound of those done now.
    """

    n_files: int = 0
    n_kept: int = 0
    n_new: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    sound_s: float = 0.0
    _began_s: float = field(default_factory=time.monotonic)

    def count(self, result: Result) -> None:
        """Count a file that is done."""
        self.n_new += 1
        self.sound_s += result.duration_s
        if result.error_kind is not None:
            self.failed[result.error_kind] += 1

    def sentence(self) -> str:
        """Tell files, failures, time and speed."""
        elapsed_s = max(time.monotonic() - self._began_s, 1e-3)
        n_failed = self.failed.total()
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.failed.most_common())
        parts = [f"{self.n_kept + self.n_new - n_failed} of {self.n_files} files done"]
        parts += [f"{n_failed} failed ({kinds})"] if n_failed else []
        parts += [f"{self.n_kept} of them before"] if self.n_kept else []
        parts.append(
            f"{elapsed_s:.1f} s, {self.n_new / elapsed_s:.1f} files/s, {self.sound_s / elapsed_s:.0f} × real time"
        )
        return "; ".join(parts)


class Scan:
    """Recordings, a loaded network, and how many processes.

    Parameters
    ----------
    predictor : Predictor
        Used in this process where `jobs` is 1, and for standard input.
    options : Options
    files : list of Path
        As `find_files` gives them.
    jobs : int
        Processes; 1 is this one.
    on_file : callable, optional
        Told how many files are done, and of how many.
    """

    def __init__(
        self,
        predictor: Predictor,
        options: Options,
        files: list[Path],
        jobs: int = 1,
        on_file: Callable[[int, int], object] = lambda done, total: None,
    ) -> None:
        self._predictor, self._options, self._files, self._jobs = predictor, options, files, jobs
        self._on_file = on_file
        self.layout = Layout(options.rows, predictor.checkpoint.config.labels)
        self.tally = Tally(len(files))

    def stream(self) -> Iterator[Row]:
        """Give the rows as they come; nothing is kept."""
        with closing(self._results(self._files)) as results:
            for result in results:
                self._count(result)
                yield from result.rows

    def write(self, out: Path) -> None:
        """Write all rows to a file, in the order of the files; a scan that was stopped goes on where it was.

        Raises
        ------
        OptionError
            If the suffix names no format, or a scan of other settings was begun there.
        RunError
            If another process is at the same file.
        FolderError, OSError
            If it cannot be written; what is done is kept.
        """
        require_format(out)
        with open_journal(out.with_name(f"{out.name}.part.jsonl"), self._settings()) as journal:
            self._complete(journal)
            rows = (row for path in self._files for row in journal.rows(str(path)))
            write_rows(out, self.layout.columns, rows)

    def _complete(self, journal: Journal) -> None:
        """Do what is not in the journal yet."""
        stamps: dict[str, Stamp | None] = {}
        missing = []
        for path in self._files:
            entry, stamp = journal.find(str(path)), stamp_of(path)
            if entry is None or stamp is None or entry.stamp != stamp or entry.error_kind == DIED:
                missing.append(path)
                stamps[str(path)] = stamp
            elif entry.error_kind is not None:
                self.tally.failed[entry.error_kind] += 1
        self.tally.n_kept = len(self._files) - len(missing)
        self._on_file(self.tally.n_kept, self.tally.n_files)
        with closing(self._results(missing)) as results:
            for result in results:
                journal.add(result, stamps.get(result.path))
                self._count(result)

    def _count(self, result: Result) -> None:
        self.tally.count(result)
        self._on_file(self.tally.n_kept + self.tally.n_new, self.tally.n_files)

    def _results(self, files: list[Path]) -> Iterator[Result]:
        """Give results as they come; standard input, which no other process has, is read first."""
        here = files if self._jobs == 1 else [path for path in files if str(path) == STDIN]
        others = [path for path in files if path not in set(here)] if len(here) < len(files) else []
        scanner = Scanner(self._predictor, self._options)
        for path in here:
            yield scanner(sys.stdin.buffer if str(path) == STDIN else path, str(path))
        if others:
            named = ((path, str(path)) for path in others)
            yield from scan_in_processes(named, self._predictor, self._options, min(self._jobs, len(others)))

    def _settings(self) -> dict[str, Any]:
        return settings_of(self._predictor.checkpoint.config, self._options)


def settings_of(config: CheckpointConfig, options: Options) -> dict[str, Any]:
    """Name all that the rows depend on, beside the files."""
    return {
        "checkpoint": config.name,
        "weights": config.weights_sha256,
        "open_set": None if config.open_set is None else sha256_of(repr(config.open_set).encode()),
        "rows": options.rows,
        "channel": options.channel,
        "partial": options.partial,
        "max_seconds": options.limits.max_duration_s,
    }
