"""A scan on a cluster: parts of a table, each written once, whatever dies meanwhile."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch

from acrnn.checkpoints import Checkpoint, read_files, unpack
from acrnn.cluster.parts import FILES_A_PART, Item, Part, cut
from acrnn.cluster.store import Folder
from acrnn.cluster.tasks import MOST_ATTEMPTS, Lost, run_on_cluster
from acrnn.data import sha256_of
from acrnn.errors import OptionError, RunError, StoreError
from acrnn.inference import Predictor
from acrnn.paths import PACKAGE, cache_dir
from acrnn.scan import Layout, Options, Tally
from acrnn.scan.batch import settings_of
from acrnn.scan.pool import scan_in_processes
from acrnn.scan.rows import Row
from acrnn.scan.work import Result, Scanner
from acrnn.scan.write import write_rows

PLAN, COMPLETE = "_scan.json", "_SUCCESS"
"""Files beside the parts: what the scan depends on, and that it came to its end. Readers pass over such names."""
_SCHEMA = 1
_KEPT_AT_ONCE = 32
"""Parts of an earlier start that are read side by side, for the count of what failed."""
GPU_SHARE = 0.25
"""Of one process: the CPU decodes and analyses while the GPU serves three others."""


@dataclass(frozen=True)
class Job:
    """What all parts of a scan have in common, sent to each machine once.

    Attributes
    ----------
    key : str
        The checkpoint's.
    name : str
        The checkpoint's.
    files : dict
        The checkpoint's, name → bytes.
    device : str
    options : Options
    out : Folder
    code : str
        `code_digest()` of the driver.
    """

    key: str
    name: str
    files: dict[str, bytes]
    device: str
    options: Options
    out: Folder
    code: str


@dataclass(frozen=True)
class Done:
    """What came of a part: files by kind of error, and seconds of sound."""

    failed: Counter[str] = field(default_factory=Counter)
    sound_s: float = 0.0


class ClusterScan:
    """Recordings, a checkpoint and a folder for the parts of the table; the caller is connected to a cluster.

    Parameters
    ----------
    checkpoint : Checkpoint
    options : Options
    items : list of Item
        As `list_items` gives them.
    out : Folder
    device : str
        `cpu`, or `cuda` on machines that have it.
    files_a_part : int
    on_file : callable, optional
        Told how many files are done, and of how many.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        options: Options,
        items: list[Item],
        out: Folder,
        *,
        device: str = "cpu",
        files_a_part: int = FILES_A_PART,
        on_file: Callable[[int, int], object] = lambda done, total: None,
    ) -> None:
        config = checkpoint.config
        self._settings = settings_of(config, options) | {
            "schema": _SCHEMA, "device": device, "files_a_part": files_a_part, "code": code_digest(),
        }  # fmt: skip
        self._parts = cut(items, self._settings, files_a_part)
        self._job = Job(config.key, config.name, read_files(checkpoint), device, options, out, code_digest())
        self._out, self._on_file = out, on_file
        self.tally = Tally(len(items))

    def write(self, *, overwrite: bool = False) -> None:
        """Write all parts; a scan that was stopped or killed goes on where it was.

        Raises
        ------
        OptionError
            If the scan that is there is complete and `overwrite` is not asked for, or is of other settings.
        RunError
            If a part failed `MOST_ATTEMPTS` times; the others are there then.
        FolderError, OSError
            If the folder cannot be written.
        """
        there = self._prepare(overwrite=overwrite)
        kept = [part for part in self._parts if part.name in there]
        missing = [part for part in self._parts if part.name not in there]
        self._count_kept(kept)
        self._on_file(self.tally.n_kept, self.tally.n_files)
        lost = list(self._complete(missing))
        if lost:
            raise RunError(
                f"{len(lost)} of {len(self._parts)} parts failed {MOST_ATTEMPTS} times, the first for this reason: "
                f"{lost[0].reason}. The same command tries them again."
            )
        self._tidy()
        self._out.write(COMPLETE, Path.touch)

    def _tidy(self) -> None:
        """Remove parts of recordings that have changed since, and what a process that died had begun to write."""
        names = {part.name for part in self._parts}
        for name in self._out.names():
            is_stale = name.startswith("part-") and name not in names
            if is_stale or (name.startswith(".") and name.endswith(".tmp.parquet")):
                self._out.remove(name)

    def _prepare(self, *, overwrite: bool) -> set[str]:
        """Make sure that what is in the folder is of this scan; gives the names of its files."""
        there = self._out.names()
        if COMPLETE in there:
            if not overwrite:
                raise OptionError(f"{self._out.where} holds a complete scan already; --overwrite replaces it.")
            parts = sorted(name for name in there if name.startswith("part-"))
            for name in (COMPLETE, *parts, *({PLAN} & there)):  # in this order: a kill in between leaves no lie
                self._out.remove(name)
                there.remove(name)
        if PLAN in there:
            self._require_same(json.loads(self._out.read(PLAN)))
        else:
            self._out.write(PLAN, lambda path: path.write_text(json.dumps(self._settings, indent=2)))
        return there

    def _require_same(self, before: dict[str, Any]) -> None:
        for name, value in self._settings.items():
            if before.get(name) != value:
                raise OptionError(
                    f"{self._out.where} was begun with other settings: {name} is {before.get(name)!r} there and "
                    f"{value!r} now. Name another folder with --out, or delete it to begin anew."
                )

    def _count_kept(self, kept: list[Part]) -> None:
        self.tally.n_kept = sum(len(part.items) for part in kept)
        with ThreadPoolExecutor(_KEPT_AT_ONCE) as pool:
            for kinds in pool.map(self._failed_of, kept):
                self.tally.failed.update(kinds)

    def _failed_of(self, part: Part) -> Counter[str]:
        from pyarrow.parquet import read_table

        with self._out.open(part.name) as file:
            kinds = read_table(file, columns=["error_kind"])["error_kind"].drop_null()
        return Counter(kinds.to_pylist())

    def _complete(self, parts: list[Part]) -> Iterator[Lost]:
        """Do parts; gives what became of those that failed."""
        import ray

        gpus = GPU_SHARE if self._job.device == "cuda" else 0
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0, max_calls=0)(
            scan_part
        )  # processes go on to the next
        job = ray.put(self._job)
        for part, told in run_on_cluster(parts, lambda part, attempt: task.remote(job, part, attempt)):
            if isinstance(told, Lost):
                yield told
                continue
            self.tally.n_new += len(part.items)
            self.tally.sound_s += told.sound_s
            self.tally.failed.update(told.failed)
            self._on_file(self.tally.n_kept + self.tally.n_new, self.tally.n_files)


def scan_part(job: Job, part: Part, attempt: int) -> Done:
    """Do one part in this process, and write its file.

    In a second attempt each recording is read in a process beside this one: should that die, it is the recording's
    own row that says so.

    Raises
    ------
    OptionError
        If this machine has another version of the package.
    ConnectionError
        If a store did not give a recording and there is another attempt.
    """
    if code_digest() != job.code:
        raise OptionError("A machine of the cluster has another version of acrnn than this one; install the same.")
    torch.set_num_threads(1)
    predictor = _predictor(job.key, job.name, job.device, lambda: job.files)
    done = Done()
    sound_s = 0.0

    def rows() -> Iterator[Row]:
        nonlocal sound_s
        for result in _results(part, predictor, job.options, careful=attempt > 0):
            if result.error_kind == StoreError.__name__ and attempt + 1 < MOST_ATTEMPTS:
                raise ConnectionError(result.rows[0][-1])
            if result.error_kind is not None:
                done.failed[result.error_kind] += 1
            sound_s += result.duration_s
            yield from result.rows

    columns = Layout(job.options.rows, predictor.checkpoint.config.labels).columns
    job.out.write(part.name, lambda path: write_rows(path, columns, rows()))
    return Done(done.failed, sound_s)


def _results(part: Part, predictor: Predictor, options: Options, *, careful: bool) -> Iterator[Result]:
    named = [(item.source, item.name) for item in part.items]
    if careful:
        yield from scan_in_processes(named, predictor, options, 1)
        return
    scanner = Scanner(predictor, options)
    yield from (scanner(*one) for one in named)


_loaded: dict[tuple[str, str], Predictor] = {}
"""Of this process, which does one part after another."""


def _predictor(key: str, name: str, device: str, files: Callable[[], dict[str, bytes]]) -> Predictor:
    """Load the checkpoint that was sent here, once a process; its folder stays in the cache."""
    if (key, device) not in _loaded:
        folder = cache_dir() / "sent" / key[:32]
        _loaded[key, device] = Predictor(unpack(files(), folder, name), device)
    return _loaded[key, device]


@cache
def code_digest() -> str:
    """Tell one version of this package from another: two of one digest give the same rows."""
    files = sorted(PACKAGE.rglob("*.py"))
    return sha256_of("".join(f"{path.relative_to(PACKAGE)} {sha256_of(path)}\n" for path in files).encode())[:16]
