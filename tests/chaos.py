"""Trainings that are killed, starved and cheated at random, and end with the very weights of an unbroken one.

    python -m tests.chaos [TIMES]      # 20 kills; writes what came of them to docs/reliability.md

Each round starts a small run as a process, kills it at a random moment, sometimes does something worse to its folder,
and goes on with it, until it has been killed so often; then it is let end. Each of `TRIALS` then has a run of its own.
"""

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file

from acrnn.runs.launch import command
from acrnn.runs.run import STATE, Run
from acrnn.runs.start import Options
from tests.hostile_runs import outcomes, spoil
from tests.reliability import Row, record
from tests.waiting import wait_until

N_EPOCHS = 6
SAME = "runs that ended with the weights and accuracy of an unbroken one, and nothing left over"


def half_a_line(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')


def a_strange_line(run: Path) -> None:
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"null\n\xff\xfe\n5\n")


def a_damaged_line(run: Path) -> None:
    path = run / "metrics.jsonl"
    if path.exists():
        path.write_bytes(path.read_bytes().replace(b'"loss"', b'"lo\xffs"', 1))


def lost_metrics(run: Path) -> None:
    (run / "metrics.jsonl").unlink(missing_ok=True)


def half_a_state_beside_it(run: Path) -> None:
    (run / ".0123456789abcdef.tmp.safetensors").write_bytes(b"half a state")


def half_a_state_of_the_library(run: Path) -> None:
    (run / ".tmpAbCdEf").write_bytes(b"half a state, as safetensors names what it writes to")


def dates_of_long_ago(run: Path) -> None:
    for path in run.iterdir():
        if path.is_file():
            os.utime(path, (1e9, 1e9))


def a_stale_stop(run: Path) -> None:
    (run / "stop").touch()
    os.utime(run / "stop", (1e9, 1e9))


def a_process_that_is_none(run: Path) -> None:
    (run / "process.json").write_text('{"pid": -1, "began_s": 0.0, "host": "elsewhere"}')


HARMS: tuple[Callable[[Path], None], ...] = (
    half_a_line, a_strange_line, a_damaged_line, half_a_state_beside_it, half_a_state_of_the_library,
    dates_of_long_ago, a_stale_stop, a_process_that_is_none, lost_metrics,
)  # fmt: skip


FORKED = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
"""Trainings are processes of their own, forked from one that has loaded torch: else they would mostly load it."""
FORKED.set_forkserver_preload(["acrnn.cli.main", "acrnn.runs.work", "torch._dynamo"])


class Training:
    """A process that does what `acrnn.runs.launch.command` would do in one of its own.

    Parameters
    ----------
    options : Options
    root : Path
        Folder of runs.
    before : callable, optional
        What the process does first.
    """

    def __init__(self, options: Options, root: Path, before: Callable[[], object] | None = None) -> None:
        handle, self._told = tempfile.mkstemp()
        os.close(handle)
        arguments = command(options, root)[3:]  # without python -m acrnn
        self._process = FORKED.Process(target=_train, args=(arguments, self._told, before))
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> tuple[int, str]:
        """Wait for it; gives its code and what it printed."""
        self._process.join()
        told = Path(self._told)
        printed = told.read_text()
        told.unlink()
        return self._process.exitcode, printed


def _train(arguments: list[str], told: str, before: Callable[[], object] | None) -> None:
    with Path(told).open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["acrnn", *arguments]
    if before is not None:
        before()
    from acrnn.cli import main as cli

    cli.main()


def run_to_the_end(options: Options, root: Path, before: Callable[[], object] | None = None) -> None:
    code, told = Training(options, root, before).end()
    assert code == 0, told


def torment(
    options: Options, root: Path, run: Path, times: int, longest_s: float, seed: int = 0
) -> tuple[int, list[str]]:
    """Kill a run up to `times` times at random moments, up to `longest_s` after its start.

    Returns
    -------
    n_kills : int
        Fewer if it ended meanwhile.
    harms : list of str
        What was done to its folder besides.
    """
    rng, harms, n_kills = random.Random(seed), [], 0
    while n_kills < times:
        process = Training(options, root)
        deadline = time.monotonic() + rng.uniform(0.3, 1) * longest_s
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        if (run / "summary.json").exists():
            break
        n_kills += 1
        if run.exists() and rng.random() < 0.5:
            harm = rng.choice(HARMS)
            harm(run)
            harms.append(harm.__name__.replace("_", " "))
    return n_kills, harms


def differences(run: Path, unbroken: Path) -> list[str]:
    """Say in what two finished runs differ that must not; nothing if they are alike."""
    found = []
    ours, expected = (load_file(path / STATE) for path in (run, unbroken))
    if ours.keys() != expected.keys() or not all(torch.equal(ours[name], expected[name]) for name in expected):
        found.append("the weights")
    summaries = [json.loads((path / "summary.json").read_text())["accuracy"] for path in (run, unbroken)]
    if summaries[0] != summaries[1]:
        found.append("the accuracy")
    if [row["epoch"] for row in Run(run).metrics()] != list(range(N_EPOCHS)):
        found.append("the epochs")
    if len((run / "metrics.jsonl").read_bytes().splitlines()) != N_EPOCHS:
        found.append("lines of metrics.jsonl that were left over")
    files = [{path.relative_to(folder).as_posix() for path in folder.rglob("*")} for folder in (run, unbroken)]
    found += sorted(files[0] ^ files[1])
    return found


Trial = Callable[[Options, Path], tuple[Path, list[str]]]
"""Options and a folder of runs → the run that ended, and what was wrong on the way."""


def a_year_back() -> None:
    now, now_ns = time.time, time.time_ns
    time.time, time.time_ns = lambda: now() - 3.2e7, lambda: now_ns() - 32 * 10**15


def refused(process: Training, *words: str) -> list[str]:
    """Wait for a process to end in one line with these words; gives what was wrong with how it did."""
    code, told = process.end()
    last = (told.splitlines() or [""])[-1]
    is_right = code == 2 and "Traceback" not in told and all(word in last for word in words)
    return [] if is_right else [f"code {code} with {last!r}, not {words}"]


def broken_off(options: Options, root: Path) -> Path:
    """Kill a run when it has kept an epoch; gives its folder."""
    process = Training(options, root)
    wait_until(lambda: list(root.glob(f"*/{STATE}")) or process.poll() is not None)
    process.kill()
    return next(root.glob(f"*/{STATE}")).parent


def started_twice_at_the_same_time(options: Options, root: Path) -> tuple[Path, list[str]]:
    both = [Training(options, root) for _ in range(2)]
    wait_until(lambda: any(process.poll() is not None for process in both))
    loser = next(process for process in both if process.poll() is not None)
    wrong = [] if loser.poll() == 0 else refused(loser, "is being trained by another process")
    code, _ = both[1 - both.index(loser)].end()
    return next(root.glob(f"*/{STATE}")).parent, wrong + ([f"code {code}"] if code else [])


def whose_clock_is_set_back_by_a_year(options: Options, root: Path) -> tuple[Path, list[str]]:
    run = broken_off(options, root)
    run_to_the_end(options, root, a_year_back)
    return run, []


def whose_state_is_cut_off(options: Options, root: Path) -> tuple[Path, list[str]]:
    run = broken_off(options, root)
    os.truncate(run / STATE, (run / STATE).stat().st_size * 2 // 3)
    wrong = refused(Training(options, root), STATE, "is damaged", "delete it to begin this run anew")
    (run / STATE).unlink()
    run_to_the_end(options, root)
    return run, wrong


def whose_disk_is_full(options: Options, root: Path) -> tuple[Path, list[str]]:
    """A disk with room for one state and a half; without the right to mount one, no file may be larger than half."""
    run = broken_off(options, root / "before")
    n_bytes = (run / STATE).stat().st_size
    with small_disk(root / "small", n_bytes * 3 // 2) as grow:
        before = None if grow else partial(no_file_beyond, n_bytes // 2)
        wrong = refused(Training(options, root / "small", before), "cannot go on")
        if grow:
            grow()
        run_to_the_end(options, root / "small")
        kept = shutil.copytree(root / "small" / run.name, root / "ended" / run.name)
    return kept, wrong


def no_file_beyond(n_bytes: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Callable[[], None] | None]:
    """Mount a disk of so many bytes; gives what makes it larger, or None if this user may not mount."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    try:
        subprocess.run([*mount, f"size={n_bytes}", "acrnn-chaos", str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield lambda: subprocess.run(
            [*mount, f"remount,size={10 * n_bytes}", "acrnn-chaos", str(folder)], check=True, capture_output=True
        )
    finally:
        subprocess.run(["umount", str(folder)], check=True)


TRIALS: tuple[Trial, ...] = (
    started_twice_at_the_same_time, whose_clock_is_set_back_by_a_year, whose_state_is_cut_off, whose_disk_is_full,
)  # fmt: skip


def tried(trial: Trial, options: Options, root: Path, unbroken: Path, times: int) -> Row:
    """Try one thing so often; gives what came of it."""
    wrong = []
    for i in range(times):
        (root / f"{trial.__name__}{i}").mkdir()
        run, told = trial(options, root / f"{trial.__name__}{i}")
        wrong += told + differences(run, unbroken)
    return Row(f"a training {trial.__name__.replace('_', ' ')}", times, {_told(wrong): times})


def _told(wrong: list[str]) -> str:
    return f"differences ({', '.join(wrong)})" if wrong else SAME


def main() -> None:
    """Torment one run, try each trial with others, and write what came of it."""
    from acrnn.labels import ESC10
    from tests.conftest import write_dataset

    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["ACRNN_CACHE"] = str(root / "cache")
        clips = [(1, label) for label in ESC10] + [(2, label) for label in ESC10[:4]]
        options = Options(write_dataset(root / "tiny", clips), "esc10", 1, epochs=N_EPOCHS, batch_size=2, device="cpu")
        run_to_the_end(options, root / "unbroken")
        (unbroken,) = (root / "unbroken").iterdir()
        rows = [killed(options, root, unbroken, times)]
        rows += [tried(trial, options, root, unbroken, max(1, times // 10)) for trial in TRIALS]
        spoil(root / "many", unbroken)
        came_of = outcomes(root / "many")
        record("python -m tests.chaos", [*rows, Row("a damaged folder of a run", came_of.total(), dict(came_of))])


def killed(options: Options, root: Path, unbroken: Path, times: int) -> Row:
    """Kill runs so many times in all, and let each end after that."""
    began = time.monotonic()
    run_to_the_end(options, root / "again")  # its features are there, as they are for those that follow
    whole_s = time.monotonic() - began
    n_kills, n_harms, n_runs, wrong = 0, 0, 0, []
    while n_kills < times:
        folder = root / f"killed{n_runs}"
        run = folder / unbroken.name
        kills, harms = torment(options, folder, run, times - n_kills, whole_s, seed=n_runs)
        if not (run / "summary.json").exists():
            run_to_the_end(options, folder)
        wrong += differences(run, unbroken)
        whole_s *= 1.0 if kills else 0.8  # a run that was never killed: the machine has become faster
        n_kills, n_harms, n_runs = n_kills + kills, n_harms + len(harms), n_runs + 1
    attack = f"a training killed at a random moment, its folder damaged {n_harms} times"
    return Row(attack, n_kills, {_told(wrong): n_runs})


if __name__ == "__main__":
    main()
