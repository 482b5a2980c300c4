import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from typer.testing import CliRunner

from acrnn.cli import main as cli
from acrnn.errors import RunError
from acrnn.measures.parts import Parts, open_parts
from tests.waiting import wait_until

NAMES = ["a", "b", "c"]


def counted(told):
    def measure(name):
        told.append(name)
        return {"value": ord(name)}

    return measure


def test_parts_come_in_order_and_are_measured_once(tmp_path):
    parts, measured, seen = Parts(tmp_path / "parts.jsonl"), [], []
    values = parts.complete(NAMES, counted(measured), lambda done, total: seen.append((done, total)))
    assert [v["value"] for v in values] == [97, 98, 99]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert parts.complete(NAMES, counted(measured)) == values
    assert measured == NAMES


def test_what_is_finished_survives_and_a_line_that_was_cut_is_measured_again(tmp_path):
    path = tmp_path / "parts.jsonl"
    whole = Parts(path).complete(NAMES, counted([]))
    content = path.read_bytes()
    for n_bytes in range(len(content)):
        path.write_bytes(content[:n_bytes])
        measured = []
        assert Parts(path).complete(NAMES, counted(measured)) == whole
        assert len(measured) == 3 - content[:n_bytes].count(b"\n")
        assert path.read_bytes() == content


def test_parts_of_other_settings_are_other_files_and_go_when_they_have_served(cache_folder):
    def files():
        return {path.name for path in (cache_folder / "test").glob("*.jsonl")}

    def killed():
        with open_parts("test", {"weights": 1}) as parts:
            parts.add("a", {"value": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    left = files()
    assert len(left) == 1
    with open_parts("test", {"weights": 2}) as parts:
        assert not parts.done
    assert files() == left
    with open_parts("test", {"weights": 1}) as parts:
        assert parts.done == {"a": {"value": 1}}
    assert files() == set()


def test_two_processes_do_not_write_the_same_parts(cache_folder):
    with open_parts("test", {"weights": 3}) as parts:
        lock = FileLock(parts.path.with_suffix(".lock"), timeout=0)
        with pytest.raises(Timeout):
            lock.acquire()
        with pytest.raises(RunError, match="Another process"), open_parts("test", {"weights": 3}):
            pass
        with open_parts("test", {"weights": 4}):
            pass  # another measurement is in nobody's way
    with lock:
        pass  # let go
    with open_parts("test", {"weights": 3}) as parts:
        assert parts.done == {}


def arguments(tiny_root, tiny_checkpoints, out):
    name = str(tiny_checkpoints / "esc10-l4-sigmoid-paper-fold1")
    options = ["--checkpoint", name, "--data", str(tiny_root), "--out", str(out), "--device", "cpu"]
    return ["robustness", *options, "--conditions", "white,pink,mp3,opus,reverberation"]


@pytest.mark.slow
def test_a_killed_measurement_goes_on_and_ends_with_the_same_file(tmp_path, tiny_root, tiny_checkpoints, monkeypatch):
    started = subprocess.Popen(
        [sys.executable, "-m", "acrnn", *arguments(tiny_root, tiny_checkpoints, tmp_path / "killed")],
        env=os.environ | {"ACRNN_CACHE": str(tmp_path / "cut"), "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    parts = tmp_path / "cut" / "robustness"

    def three_are_done():
        assert started.poll() is None, "it ended before it could be killed"
        return sum(p.read_bytes().count(b"\n") for p in parts.glob("*.jsonl")) >= 3

    wait_until(three_are_done)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not list((tmp_path / "killed").glob("*"))
    (left,) = parts.glob("*.jsonl")
    n_kept = left.read_bytes().count(b"\n")
    assert 3 <= n_kept < 10
    for folder, cache in (("killed", "cut"), ("straight", "new")):
        monkeypatch.setenv("ACRNN_CACHE", str(tmp_path / cache))
        done = CliRunner().invoke(cli.app, arguments(tiny_root, tiny_checkpoints, tmp_path / folder))
        assert done.exit_code == 0, done.output
    files = [next((tmp_path / folder).glob("*.json")) for folder in ("killed", "straight")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert json.loads(files[0].read_text())["n_clips"] == 10
    assert not list(parts.glob("*.jsonl"))
