"""Damaged folders of runs: each is listed as damaged, and the others are as before."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from acrnn.cli.main import main
from acrnn.errors import AcrnnError, RunError
from acrnn.runs.loop import train
from acrnn.runs.run import STATE, Run
from acrnn.runs.watch import State, find_run, list_runs, log_tail

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


@pytest.fixture(scope="module")
def root(tmp_path_factory, finished) -> Path:
    """Folder of runs: one good, one stopped after its first epoch, and each of the damaged ones."""
    root = tmp_path_factory.mktemp("many")
    shutil.copytree(finished.path, root / "good")
    stopped = root / "stopped"
    shutil.copytree(finished.path, stopped)
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
    return root


def test_every_folder_is_a_view_or_a_sentence_and_the_good_ones_are_as_before(root):
    views, damaged = list_runs(root)
    by_name = {view.name: view for view in views}
    assert by_name["good"].state is State.FINISHED
    assert by_name["stopped"].state is not State.FINISHED
    assert len(views) + len(damaged) <= len(list(root.iterdir()))
    assert len(damaged) > 100
    assert all("\n" not in told and len(told) < 1000 for told in damaged)
    for view in views:
        assert view.sentence()
        assert 0 <= view.share <= 1


def test_each_can_be_opened_or_says_why_not(root):
    for folder in root.iterdir():
        told = str(folder)
        try:
            run = find_run(str(folder))
            run.load_state()
            run.metrics()
            log_tail(run)
            _ = run.summary
        except AcrnnError as error:
            told = str(error)
        assert str(folder) in told


def test_the_command_lists_them_all(root, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["acrnn", "runs", str(root)])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capsys.readouterr()
    assert exit_.value.code in (0, 2), err
    assert "good" in out
    assert "Traceback" not in out + err
    assert err.count("damaged") + err.count("is not the configuration") > 50


def test_a_state_of_another_network_is_named(finished, tmp_path, tiny_corpus, tiny_split):
    run = Run.create(tmp_path, finished.config)
    run.save_state({"model.other": torch.zeros(3)}, 1)
    with pytest.raises(RunError, match=r"state\.safetensors is not of this network"):
        train(run, tiny_corpus, tiny_split)
