import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from acrnn.errors import OptionError, RunError
from acrnn.model import PLACEMENTS
from acrnn.results.summary import finished_runs, report, write_report
from acrnn.runs import sweep
from acrnn.runs.finish import publish
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import Process
from acrnn.runs.sweep import grid, run_sweep
from acrnn.runs.work import work
from acrnn.training.config import RunConfig
from acrnn.training.recipe import ABLATIONS, PROBES
from tests.chaos import FORKED
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def forked(monkeypatch):
    """Let processes of a sweep in this process be forked from one that has loaded torch; the command spawns them."""
    monkeypatch.setattr(sweep, "_SPAWN", FORKED)


@pytest.fixture
def base(tiny_root):
    return Options(tiny_root, "esc10", fold=0, epochs=1, batch_size=10, device="cpu")


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_table4_is_every_placement_on_every_fold_and_seeds_come_last(base):
    runs = grid("table4", base, [], [1, 2], [0, 7])
    assert [(r.seed, r.placement, r.fold) for r in runs] == [
        (seed, placement, fold) for seed in (0, 7) for placement in PLACEMENTS for fold in (1, 2)
    ]


@pytest.mark.parametrize(("sweep", "placements"), [("table9", []), ("table4", ["l3"])])
def test_what_is_no_sweep_is_refused_with_what_is(base, sweep, placements):
    with pytest.raises(OptionError, match="table4"):
        grid(sweep, base, placements, [1], [0])


@pytest.mark.slow
def test_a_sweep_goes_past_a_failing_run_stops_at_its_limit_and_does_nothing_twice(base, tmp_path):
    runs = grid("table4", base, ["l10"], [1, 2], [0])
    runs.insert(1, replace(runs[0], data_root=tmp_path / "nowhere"))
    assert states(run_sweep(runs, tmp_path, time_limit_s=-1)) == ["stopped"] * 3
    outcomes = list(run_sweep(runs, tmp_path))
    assert states(outcomes) == ["finished", "failed", "finished"]
    assert "nowhere" in outcomes[1].message
    before = [run.summary for run in finished_runs(tmp_path)]
    assert states(run_sweep(runs, tmp_path)) == ["skipped", "failed", "skipped"]
    assert [run.summary for run in finished_runs(tmp_path)] == before

    (setting,) = report(finished_runs(tmp_path))
    assert (setting["folds"], setting["seeds"], setting["n_clips"]) == ([1, 2], [0], 14)
    assert setting["accuracy"] == pytest.approx(sum(s["accuracy"] for s in before) / 2)
    assert setting["interval"][0] <= setting["accuracy"] <= setting["interval"][1]
    assert [path.name for path in write_report([setting], tmp_path / "results")] == ["esc10-l10-paper-1.json"]


def test_a_clock_that_is_set_meanwhile_ends_no_sweep(base, tmp_path, monkeypatch):
    runs = grid("table4", replace(base, data_root=tmp_path / "nowhere"), ["l10"], [1], [0])
    now = iter((1e9, 2e9, 3e9))
    monkeypatch.setattr("time.time", lambda: next(now))
    assert states(run_sweep(runs, tmp_path, time_limit_s=100)) == ["failed"]  # and not out of time


@pytest.mark.slow
def test_a_run_that_is_out_of_time_goes_on_where_it_was(base, tmp_path):
    (options,) = grid("table4", replace(base, epochs=4), ["none"], [1], [0])
    run_folder = tmp_path / "esc10-none-paper-fold1-seed0"

    def stop(position, status):
        """What the step that passes the limit does."""
        if status.phase == "training":
            Run(run_folder).request_stop()

    assert states(run_sweep([options], tmp_path, on_status=stop)) == ["stopped"]
    seen = []
    outcomes = run_sweep([options], tmp_path, on_status=lambda position, status: seen.append(status))
    assert states(outcomes) == ["finished"]
    assert [status.progress.epoch for status in seen if status.progress][-1] == 3
    assert seen[-1].phase == "scoring"


def results_of(out):
    """Predictions of every finished run below `out`, by the run's name."""
    return {path.parent.name: path.read_text() for path in out.rglob("predictions.csv")}


@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_loses_and_repeats_nothing_and_ends_in_the_same_results(tiny_root, tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    options = ["--dataset", "esc10", "--placements", "l10,none", "--folds", "1", "--epochs", "3", "--jobs", "2"]
    command = [sys.executable, "-m", "acrnn", "sweep", "table4", "--data", tiny_root, *options, "--out", broken]
    runs = grid("table4", Options(tiny_root, "esc10", fold=0, epochs=3), ["l10", "none"], [1], [0])  # the same

    def epochs_of(out):
        return {path.parent.name: Run(path.parent).metrics() for path in out.rglob("metrics.jsonl")}

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(epochs_of(broken).values()))
    process.kill()
    process.wait()
    wait_until(lambda: not any(locked(path.parent) for path in broken.rglob("config.json")))
    done_before = epochs_of(broken)
    assert results_of(broken).keys() < {"esc10-l10-paper-fold1-seed0", "esc10-none-paper-fold1-seed0"}
    assert sorted(states(run_sweep(runs, broken, jobs=2))) in (["finished"] * 2, ["finished", "skipped"])
    for name, rows in done_before.items():
        kept = epochs_of(broken)[name][: len(rows) - 1]
        assert kept == rows[:-1], "an epoch that was done was done again"

    for options_of_run in runs:  # in this process, as an unbroken sweep would in two of its own
        config, dataset = configure(options_of_run)
        work(Run.create(whole, config), dataset)
    assert results_of(broken) == results_of(whole)


def locked(run_folder) -> bool:
    try:
        with Run(run_folder).locked():
            return False
    except RunError:
        return True


@pytest.mark.slow
def test_a_run_whose_process_dies_has_failed_and_the_others_go_on(base, tmp_path):
    runs = grid("table4", base, ["l10"], [1, 2], [0])
    killed = []

    def kill_the_first(position, status):
        if position == 0 and not killed:
            config, _ = configure(runs[0])
            killed.append(Process.read(Run(tmp_path / f"{config.name}-seed0")).pid)
            os.kill(killed[0], signal.SIGKILL)

    outcomes = run_sweep(runs, tmp_path, jobs=2, on_status=kill_the_first)
    assert sorted(states(outcomes)) == ["failed", "finished"]


def test_table1_is_acrnn_and_its_baseline(base):
    assert [r.placement for r in grid("table1", base, [], [1], [0])] == ["l10", "piczakcnn"]
    assert [r.name for r in grid("table1", base, ["piczakcnn"], [2], [0])] == ["esc10 piczakcnn paper fold 2 seed 0"]


def test_table3_is_four_rows(base):
    rows = [(r.placement, r.recipe) for r in grid("table3", base, [], [1], [0])]
    assert rows == [("none", "plain"), ("l10", "plain"), ("none", "paper"), ("l10", "paper")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
@pytest.mark.parametrize("at_most", ["", "128 * 2**20"])
def test_memory_that_is_kept_is_not_faulted_in_again(at_most):
    # in a process of its own: the setting cannot be taken back
    code = f"""if True:
        import resource, torch
        from acrnn.training.machine import keep_memory
        def faults():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for _ in range(20):
                torch.empty(7_000_000).fill_(1)
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        given_back = faults()
        assert keep_memory({at_most})
        faults()
        print(given_back, faults())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < given_back / 20


def test_an_ablation_is_best_without_each_ingredient_and_needs_a_sealed_fold(base):
    with pytest.raises(OptionError, match="--sealed"):
        grid("ablation", base, [], [2], [0])
    runs = grid("ablation", replace(base, sealed=(1,)), [], [2], [0])
    assert [run.recipe for run in runs] == ["paper", "best", *ABLATIONS]
    probes = grid("probes", replace(base, sealed=(1,)), [], [2], [0])
    assert [run.recipe for run in probes] == ["paper", *PROBES]
    assert {(run.placement, run.fold, run.sealed) for run in runs} == {("l10", 2, (1,))}


def test_a_sealed_fold_is_neither_trained_on_nor_scored_and_makes_no_checkpoint(base, tiny_dataset, tmp_path):
    apart = replace(base, fold=2, sealed=(1,), epochs=1)
    with pytest.raises(OptionError, match="no fold is left to train on"):
        configure(apart)  # the tiny dataset has two folds
    config, _ = configure(replace(base, fold=2))
    sealed = replace(config, sealed=(1,))
    assert [fold for fold in range(1, 6) if sealed.trains_on(fold)] == [3, 4, 5]
    assert (config.name, sealed.name) == ("esc10-l10-paper-fold2", "esc10-l10-paper-fold2-sealed1")
    assert RunConfig.from_dict(json.loads(json.dumps(sealed.as_dict()))) == sealed
    assert "sealed" in sealed.differences(config)
    with pytest.raises(RunError, match="compares recipes"):
        publish(Run.create(tmp_path, sealed))
