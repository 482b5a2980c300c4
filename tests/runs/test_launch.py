"""Runs in processes of their own: real tiny trainings, started, stopped, killed and resumed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from acrnn.errors import AudioError, RunError
from acrnn.runs.launch import command, delete, options_of, require_space, resume, space_of, start
from acrnn.runs.loop import Progress
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import WRITE_EVERY_S, Phase, Process, Status, StatusWriter
from acrnn.runs.watch import find_run, list_runs, look
from acrnn.runs.work import work
from acrnn.training.corpus import is_cached
from tests.waiting import wait_until


@pytest.fixture
def options(tiny_root):
    """One step an epoch of the full network, and no copies to compute."""
    return Options(tiny_root, "esc10", fold=1, recipe="plain", epochs=12, device="cpu")


@pytest.fixture
def run(tmp_path, tiny_run_config):
    return Run.create(tmp_path, tiny_run_config)


def wait_for(run, holds, timeout_s=600):
    """Wait until holds(view) of the run as it stands; gives that view."""

    def found():
        view = look(run)
        return view if holds(view) else None

    return wait_until(found, timeout_s, lambda: f"{look(run).sentence()}\n{(run.path / 'log.txt').read_text()}")


def trainers_of(run) -> list[int]:
    """Processes of this machine that train the run, by their command line."""
    lines = {process.pid: process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])}
    return [pid for pid, line in lines.items() if {"train", str(run.path.parent)} <= set(line)]


START_TWICE = """
import sys, threading
from pathlib import Path
from acrnn.errors import RunError
from acrnn.runs.start import Options
from acrnn.runs.launch import start

def once():
    try:
        start(Options(Path(sys.argv[1]), "esc10", fold=1, recipe="plain", epochs=12, device="cpu"), Path(sys.argv[2]))
        print("started", flush=True)
    except RunError as error:
        print(error, flush=True)

threads = [threading.Thread(target=once) for _ in range(2)]
print("ready", flush=True)
sys.stdin.readline()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.slow
def test_of_four_starts_at_once_one_makes_a_run_that_can_be_stopped_resumed_killed_and_finished(options, tmp_path):
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START_TWICE, options.data_root, tmp_path], stdin=-1, stdout=-1, text=True
        )
        for _ in range(2)
    ]
    assert [starter.stdout.readline() for starter in starters] == ["ready\n"] * 2
    for starter in starters:  # both have everything imported
        starter.stdin.write("\n")
        starter.stdin.flush()
    told = [line for starter in starters for line in starter.communicate(timeout=600)[0].splitlines()]
    assert sorted(line == "started" for line in told) == [False, False, False, True]
    assert sum("is running already" in line for line in told) == 3

    (path,) = tmp_path.glob("*/config.json")
    run = Run(path.parent)
    wait_for(run, lambda view: view.state == "training" and view.metrics)  # whoever started it is gone
    assert trainers_of(run) == [Process.read(run).pid]
    with pytest.raises(RunError, match="stop it before deleting"):
        delete(run)
    run.request_stop()
    stopped = wait_for(run, lambda view: not view.is_running)
    assert (stopped.state, run.stop_requested) == ("stopped", False)
    assert 1 <= len(stopped.metrics) < 12

    resume(run)
    wait_for(run, lambda view: len(view.metrics) > len(stopped.metrics))
    os.kill(Process.read(run).pid, signal.SIGKILL)
    dead = wait_for(run, lambda view: not view.is_running)
    assert dead.state == "dead"

    resume(run)
    finished = wait_for(run, lambda view: not view.is_running)
    assert (finished.state, len(finished.metrics), finished.share) == ("finished", 12, 1.0)
    with pytest.raises(RunError, match="is finished already"):
        start(options, tmp_path)
    with pytest.raises(RunError, match=r"epochs \(12 there, 5 asked for\)"):
        start(replace(options, epochs=5), tmp_path)
    delete(run)
    assert list_runs(tmp_path) == ([], [])


def test_a_run_that_fails_says_why_and_goes_on_when_that_is_mended(options, tmp_path):
    root = shutil.copytree(options.data_root, tmp_path / "broken")
    clip = sorted((root / "audio").iterdir())[3]
    clip.write_bytes(clip.read_bytes()[:3000])  # after its header, so that it is found while decoding
    run = start(replace(options, data_root=root), tmp_path / "runs")
    failed = wait_for(run, lambda view: not view.is_running)
    assert failed.state == "failed"
    assert clip.name in failed.message
    assert failed.message.count("\n") == 0


def test_a_command_line_has_the_options_it_was_made_of(options, tmp_path):
    config, _ = configure(options)
    assert configure(options_of(config))[0] == config
    arguments = command(replace(options, seed=7), tmp_path)
    assert arguments[:4] == [sys.executable, "-m", "acrnn", "train"]
    assert arguments[arguments.index("--seed") + 1] == "7"
    assert "--batch-size" not in arguments  # the recipe's own
    assert "--sealed" not in arguments
    arguments = command(replace(options, sealed=(1, 3)), tmp_path)
    assert arguments[arguments.index("--sealed") + 1] == "1,3"


def test_the_estimate_of_the_cache_is_what_is_written(tiny_dataset, tiny_run_config, cache_folder):
    config = replace(tiny_run_config, front_end=replace(tiny_run_config.front_end, n_bands=16))
    assert not is_cached(tiny_dataset, config.front_end, 0)
    expected = space_of(config, tiny_dataset).features
    before = set((cache_folder / "features").glob("*.f16"))
    from acrnn.training import prepare

    prepare(config, tiny_dataset)
    (written,) = set((cache_folder / "features").glob("*.f16")) - before
    assert written.stat().st_size == expected
    assert space_of(config, tiny_dataset).features == 0


def test_too_full_a_disk_is_told_before_anything_is_made(tiny_dataset, tiny_run_config, tmp_path):
    many = replace(tiny_run_config, recipe=replace(tiny_run_config.recipe, n_copies=10**9))
    with pytest.raises(RunError, match=r"has [\d,]+ MB free; this run needs [\d,]+ MB for features"):
        require_space(many, tiny_dataset, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from acrnn.cli import main as cli
sys.argv = ["acrnn", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX'")
def test_a_disk_that_fills_up_ends_in_a_sentence_and_the_run_goes_on_later(options, tmp_path):
    arguments = command(options, tmp_path)[3:]
    done = subprocess.run([sys.executable, "-c", FULL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (view,) = list_runs(tmp_path)[0]
    assert (view.state, len(view.metrics)) == ("failed", 0)  # no weights could be kept
    assert "cannot go on" in view.message
    assert "too large" in view.message
    assert view.message in done.stderr
    assert [path.name for path in view.run.path.iterdir() if path.name.startswith(".")] == []  # nothing half-written


def test_work_is_told_phase_by_phase_and_ends_with_a_summary(run, tiny_dataset):
    told = []
    summary = work(run, tiny_dataset, told.append)
    assert summary == run.summary
    assert list(dict.fromkeys(status.phase for status in told)) == ["features", "training", "scoring"]
    steps = [status.progress for status in told if status.progress]
    assert (steps[-1].epoch, steps[-1].step) == (2, steps[-1].n_steps)
    assert (told[-1].done, told[-1].total) == (4, 4)
    assert look(run).state == "finished"


@pytest.mark.parametrize("phase", ["features", "training", "scoring"])
def test_a_stop_is_noticed_in_every_phase_and_the_run_goes_on_from_there(run, tiny_dataset, phase):
    def stop(status):
        if status.phase == phase:
            run.request_stop()

    assert work(run, tiny_dataset, stop) is None
    view = look(run)
    assert (view.state, run.stop_requested) == ("stopped", False)
    assert len(view.metrics) == {"features": 0, "training": 0, "scoring": 3}[phase]
    assert work(run, tiny_dataset)["n_clips"] == 4


def test_a_stop_meant_for_an_earlier_process_is_forgotten(run, tiny_dataset):
    run.request_stop()
    long_ago = time.time() - 10_000
    os.utime(run.path / "stop", (long_ago, long_ago))
    assert work(run, tiny_dataset) is not None


def test_a_run_is_held_from_features_to_score(run, tiny_dataset):
    held, refused = [], []

    def try_to_take_it():
        try:
            work(Run(run.path), tiny_dataset)
        except RunError as error:
            refused.append(str(error))

    def on_status(status):
        if status.phase not in held:
            held.append(status.phase)
            other = threading.Thread(target=try_to_take_it)
            other.start()
            other.join()

    work(run, tiny_dataset, on_status)
    assert held == ["features", "training", "scoring"]
    assert len(refused) == 3
    assert all("is being trained by another process" in message for message in refused)


def test_what_a_failing_run_says_is_kept_for_whoever_looks(run, tiny_dataset):
    def on_status(status):
        if status.phase is Phase.SCORING:
            raise AudioError("dog.wav is cut short")

    with pytest.raises(AudioError):
        work(run, tiny_dataset, on_status)
    view = look(run)
    assert (view.state, view.message) == ("failed", "dog.wav is cut short")
    assert "3 of 3 epochs; dog.wav is cut short" in view.sentence()


def test_ctrl_c_is_a_stop(run, tiny_dataset):
    def interrupt(status):
        if status.progress:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(run, tiny_dataset, interrupt)
    assert look(run).state == "stopped"


def test_a_status_is_written_at_most_once_a_second_and_a_new_phase_at_once(run, monkeypatch):
    assert WRITE_EVERY_S == 1
    tell = StatusWriter(run)
    step = Progress(epoch=0, n_epochs=3, step=1, n_steps=4, loss=2.0, segments_per_s=80.0, seconds_left=9.0)
    tell(Status(Phase.TRAINING, progress=step))
    tell(Status(Phase.TRAINING, progress=replace(step, step=2)))
    assert Status.read(run).progress == step
    monkeypatch.setattr("acrnn.runs.status.WRITE_EVERY_S", 0)  # as if that time had passed
    tell(Status(Phase.TRAINING, progress=replace(step, step=3)))
    assert Status.read(run).progress.step == 3
    tell(Status(Phase.SCORING, 1, 4))
    assert Status.read(run) == Status(Phase.SCORING, 1, 4)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"phase": "training"}', '{"phase": 1, "progress": {"a": 2}}'])
def test_a_damaged_status_is_no_status(run, text):
    (run.path / "progress.json").write_text(text)
    assert Status.read(run) is None
    (run.path / "process.json").write_text(text)
    assert Process.read(run) is None


def test_another_process_under_the_same_number_is_not_the_one_that_trained(run):
    mine = Process.of(os.getpid())
    assert mine.is_alive
    replace(mine, began_s=mine.began_s - 100).write(run)
    assert not Process.read(run).is_alive
    assert look(run).state == "dead"
    assert not replace(mine, host="elsewhere").is_alive


@pytest.mark.skipif(sys.platform == "win32", reason="zombies are POSIX'")
def test_a_zombie_is_dead(run):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process.of(child.pid)
    process.write(run)
    assert look(run).state == "preparing"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it ended, and nobody took note
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert look(run).state == "dead"
    child.stdin.close()
    child.wait()
    assert not process.is_alive


def test_a_run_that_another_program_holds_is_training_even_if_it_says_nothing(run):
    """A process of an earlier version, or of another container, whose number means nothing here."""
    code = (
        "import sys; from acrnn.runs.run import Run\nwith Run(sys.argv[1]).locked(): print('held', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code, run.path], stdin=-1, stdout=-1, text=True) as other:
        other.stdout.readline()
        assert look(run).state == "training"
        run.request_stop()
        assert look(run).state == "stopping"
        other.kill()
    run.clear_stop()
    assert look(run).state == "stopped"


def test_runs_are_listed_the_last_begun_first_and_damaged_ones_named(tmp_path, tiny_run_config):
    for seed in range(3):
        run = Run.create(tmp_path, replace(tiny_run_config, seed=seed))
        os.utime(run.path / "config.json", (seed, seed))
    (tmp_path / "other").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{")
    views, damaged = list_runs(tmp_path)
    assert [view.run.config.seed for view in views] == [2, 1, 0]
    assert len(damaged) == 1
    assert "bad" in damaged[0]
    assert list_runs(tmp_path / "nowhere") == ([], [])


def test_a_run_is_found_by_folder_and_by_name(run, monkeypatch):
    monkeypatch.setenv("ACRNN_RUNS", str(run.path.parent))
    assert find_run(run.path.name).path == find_run(str(run.path)).path == run.path
    with pytest.raises(RunError, match="is no run"):
        find_run("nothing")
