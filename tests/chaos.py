"""Trainings that are killed, starved and cheated at random, and end with the very weights of an unbroken one.

    python -m tests.chaos [TIMES]      # 20 kills; writes what came of them to docs/reliability.md

Each round starts a small run as a process, kills it at a random moment, sometimes does something worse to its folder,
and goes on with it, until it has been killed so often; then it is let end.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from acrnn.runs.launch import command
from acrnn.runs.run import STATE, Run
from acrnn.runs.start import Options
from tests.hostile_runs import outcomes, spoil
from tests.reliability import Row, record

N_EPOCHS = 6


def half_a_line(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')


def a_strange_line(run: Path) -> None:
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"null\n\xff\xfe\n5\n")


def half_a_state_beside_it(run: Path) -> None:
    (run / ".0123456789abcdef.tmp.safetensors").write_bytes(b"half a state")


def half_a_state_of_the_library(run: Path) -> None:
    (run / ".tmpAbCdEf").write_bytes(b"half a state, as safetensors names what it writes to")


def the_clock_set_back(run: Path) -> None:
    for path in run.iterdir():
        if path.is_file():
            os.utime(path, (1e9, 1e9))


def a_stale_stop(run: Path) -> None:
    (run / "stop").touch()
    os.utime(run / "stop", (1e9, 1e9))


def a_process_that_is_none(run: Path) -> None:
    (run / "process.json").write_text('{"pid": -1, "began_s": 0.0, "host": "elsewhere"}')


HARMS: tuple[Callable[[Path], None], ...] = (
    half_a_line, a_strange_line, half_a_state_beside_it, half_a_state_of_the_library, the_clock_set_back,
    a_stale_stop, a_process_that_is_none,
)  # fmt: skip


def run_to_the_end(options: Options, root: Path) -> None:
    subprocess.run(command(options, root), check=True, capture_output=True)


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
        process = subprocess.Popen(command(options, root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + rng.uniform(0.3, 1) * longest_s
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
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


def main() -> None:
    """Torment one run, and print what came of it."""
    from acrnn.labels import ESC10
    from tests.conftest import write_dataset

    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["ACRNN_CACHE"] = str(root / "cache")
        clips = [(1, label) for label in ESC10] + [(2, label) for label in ESC10[:4]]
        options = Options(write_dataset(root / "tiny", clips), "esc10", 1, epochs=N_EPOCHS, batch_size=2, device="cpu")
        run_to_the_end(options, root / "unbroken")
        began = time.monotonic()
        run_to_the_end(options, root / "again")  # its features are there, as they are for those that follow
        whole_s = time.monotonic() - began
        (unbroken,) = (root / "unbroken").iterdir()
        n_kills, n_harms, n_runs, wrong = 0, 0, 0, []
        while n_kills < times:
            killed = root / f"killed{n_runs}"
            run = killed / unbroken.name
            kills, harms = torment(options, killed, run, times - n_kills, whole_s, seed=n_runs)
            if not (run / "summary.json").exists():
                run_to_the_end(options, killed)
            wrong += differences(run, unbroken)
            whole_s *= 1.0 if kills else 0.8  # a run that was never killed: the machine has become faster
            n_kills, n_harms, n_runs = n_kills + kills, n_harms + len(harms), n_runs + 1
        same = "runs that ended with the weights and accuracy of an unbroken one, and nothing left over"
        told = f"differences ({', '.join(wrong)})" if wrong else same
        killed = Row(
            f"a training killed at a random moment, its folder damaged {n_harms} times", n_kills, {told: n_runs}
        )
        spoil(root / "many", unbroken)
        came_of = outcomes(root / "many")
        record("python -m tests.chaos", [killed, Row("a damaged folder of a run", came_of.total(), dict(came_of))])


if __name__ == "__main__":
    main()
