"""Runs as the command line shows them: `runs`, `watch` and `stop`."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
from rich.console import Console

from acrnn.cli.terminal import movement, speed, watch_run
from acrnn.runs.loop import Progress
from acrnn.runs.run import Run
from acrnn.runs.status import Phase, Status, clock
from acrnn.runs.watch import look
from acrnn.runs.work import work
from tests.command_line import run_command


@pytest.fixture(scope="module")
def runs_folder(tmp_path_factory, tiny_run_config, tiny_dataset):
    """A finished run, and one that was stopped in its second epoch."""
    folder = tmp_path_factory.mktemp("runs")
    work(Run.create(folder, tiny_run_config), tiny_dataset)
    stopped = Run.create(folder, replace(tiny_run_config, seed=1))

    def stop(status):
        if status.progress and status.progress.epoch == 1:
            stopped.request_stop()

    work(stopped, tiny_dataset, stop)
    return folder


@pytest.fixture
def command(monkeypatch, capsys, runs_folder):
    """command(argument, …) → exit code, stdout, stderr."""
    monkeypatch.setenv("ACRNN_RUNS", str(runs_folder))

    return partial(run_command, monkeypatch, capsys)


def test_runs_are_listed_with_state_epochs_and_accuracy(command, runs_folder):
    code, out, err = command("runs")
    assert (code, err) == (0, "")
    lines = {line.split()[1]: line for line in out.splitlines() if "esc10-" in line}
    finished, stopped = lines["esc10-l10-paper-fold2-seed0"], lines["esc10-l10-paper-fold2-seed1"]
    accuracy = Run(runs_folder / "esc10-l10-paper-fold2-seed0").summary["accuracy"]
    assert all(part in finished for part in ("finished", "3/3", f"{accuracy:.1%}"))
    assert all(part in stopped for part in ("stopped", "1/3"))
    assert command("runs", runs_folder)[1] == out


def test_watching_a_run_that_has_ended_says_how(command, runs_folder):
    code, out, _ = command("watch", "esc10-l10-paper-fold2-seed1")
    told, moved = out.splitlines()
    assert (code, told) == (0, f"{runs_folder / 'esc10-l10-paper-fold2-seed1'}: stopped: 1 of 3 epochs")
    assert re.fullmatch(r"moved: l1 \d\.\d\d  l2 .*  output \d\.\d\d", moved)
    code, _, err = command("watch", "nothing")
    assert code == 2
    assert err.startswith("error: ")


def test_a_terminal_shows_below_the_bar_how_far_the_layers_have_moved(runs_folder):
    run = Run(runs_folder / "esc10-l10-paper-fold2-seed0")
    screen = io.StringIO()
    view = watch_run(run, Console(file=screen, force_terminal=True, width=160))
    assert movement(view) in re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue())
    assert movement(view).startswith(f"moved: l1 {view.metrics[-1]['movement']['l1']:.2f}  l2 ")
    view.metrics[-1]["movement"] = "of a stranger"
    assert movement(view) == ""


def test_a_run_that_stops_after_its_epoch_loses_nothing(tmp_path, tiny_run_config, tiny_dataset):
    def stop_at(status, at, after_epoch):
        if status.progress and status.progress.epoch == at:
            run.request_stop(after_epoch=after_epoch)

    run = Run.create(tmp_path, tiny_run_config)
    work(run, tiny_dataset, lambda status: stop_at(status, 0, True))
    view = look(run)
    assert (view.state, len(view.metrics), view.lost) == ("stopped", 1, None)
    assert view.seconds > 0
    work(run, tiny_dataset, lambda status: stop_at(status, 1, False))
    view = look(run)
    assert len(view.metrics) == 1
    done, of = view.lost
    assert 1 == done < of


@pytest.mark.slow
def test_a_run_is_watched_and_stopped_from_another_terminal(command, runs_folder, tiny_root):
    options = ["--data", tiny_root, "--dataset", "esc10", "--fold", "1", "--recipe", "plain", "--epochs", "500"]
    arguments = [sys.executable, "-m", "acrnn", "train", *options, "--device", "cpu", "--out", runs_folder]
    trained = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    folder = runs_folder / "esc10-l10-plain-fold1-seed0"
    try:
        while not (folder / "metrics.jsonl").exists():
            assert trained.poll() is None
        assert "is being trained" in command(*arguments[3:], "--resume")[2]
        code, out, _ = command("stop", folder)
        assert (code, out.strip()) == (0, f"{folder} stops at its next step")
        code, out, _ = command("watch", folder)
        assert code == 0
        assert out.startswith(f"{folder}: stopped: ")
        assert "--resume continues" in trained.communicate(timeout=60)[0]
    finally:
        trained.kill()
        trained.wait()
    code, _, err = command("stop", folder)
    assert code == 2
    assert "is not running (stopped" in err


def test_the_pace_of_a_run_is_a_line():
    step = Progress(epoch=0, n_epochs=3, step=1, n_steps=4, loss=1.2, segments_per_s=88.4, seconds_left=3725)
    assert speed(Status(Phase.TRAINING, progress=step)) == "loss 1.200  88 segments/s  1:02:05 left"
    assert speed(Status(Phase.FEATURES, 1, 2)) == speed(None) == ""
    assert clock(59.6) == "1:00"
