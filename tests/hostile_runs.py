"""Folders of runs that were damaged, file by file and field by field."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

from acrnn.errors import AcrnnError
from acrnn.runs.run import STATE
from acrnn.runs.watch import find_run, list_runs

VALUES = ("", "{", "5", "null", "[]", "{}", '"x"', "[" * 100_000, "\x00", '{"epoch": "x"}')
FILES = ("config.json", "summary.json", "metrics.jsonl", "progress.json", "process.json", "log.txt", STATE)
FIELDS = (
    "dataset", "data_root", "fold", "network", "network.n_classes", "network.n_hidden", "front_end",
    "front_end.rate_hz", "recipe", "recipe.epochs", "recipe.batch_size", "recipe.schedule", "seed", "device",
    "precision", "sealed",
)  # fmt: skip
STRANGE = (None, "x", -1, 1.5, 10**30, [], {}, True)


def spoil_file(path: Path, how: str | bytes) -> None:
    path.unlink(missing_ok=True)
    if how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "zero":
        path.symlink_to("/dev/zero")
    elif how == "terabyte":
        with path.open("wb") as file:
            file.truncate(2**40)
    else:
        path.write_bytes(how.encode() if isinstance(how, str) else how)


def spoil_field(path: Path, field: str, value) -> None:
    values = json.loads(path.read_text())
    *parents, last = field.split(".")
    part = values
    for name in parents:
        part = part[name]
    part[last] = value
    path.unlink()
    path.write_text(json.dumps(values))


ATTACKS = [(f"{name} is {how!r:.12}", name, how) for name in FILES for how in
           (*VALUES, b"\xff\xfe", "folder", "pipe", "zero", "terabyte")]  # fmt: skip
ATTACKS += [
    (
        f"process.json has pid {pid}",
        "process.json",
        json.dumps({"pid": pid, "began_s": 0.0, "host": os.uname().nodename}),
    )
    for pid in (-1, 0, 2**31, 10**30, "x", None)
]


def _copy(source: Path, target: Path) -> None:
    """Copy a folder by links to its files, which are replaced and not changed."""
    shutil.copytree(source, target, copy_function=os.link)


def spoil(root: Path, good: Path) -> None:
    """Make in `root` one good run, one stopped after its first epoch, and each of the damaged ones."""
    shutil.copytree(good, root / "good")
    stopped = root / "stopped"
    shutil.copytree(good, stopped)
    (stopped / "summary.json").unlink()
    for i, (_, name, how) in enumerate(ATTACKS):
        source = root / ("good" if i % 2 else "stopped")
        _copy(source, root / f"bad-file{i}")
        spoil_file(root / f"bad-file{i}" / name, how)
    for i, field in enumerate(FIELDS):
        for j, value in enumerate(STRANGE):
            folder = root / f"bad-field{i}-{j}"
            _copy(root / "good", folder)
            spoil_field(folder / "config.json", field, value)


def outcomes(root: Path) -> Counter:
    """List the runs of a folder and open each; gives what came of them."""
    views, damaged = list_runs(root)
    came_of = Counter({"listed": len(views), "listed as damaged, in one sentence": len(damaged)})
    for folder in root.iterdir():
        try:
            find_run(str(folder)).load_state()
        except AcrnnError:
            continue
        except Exception as error:  # noqa: BLE001
            came_of[f"a traceback ({type(error).__name__})"] += 1
    return +came_of
