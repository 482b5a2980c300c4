import time
from dataclasses import replace

import pytest

from acrnn.errors import OptionError
from acrnn.evaluation.publish import finish_run
from acrnn.evaluation.report import finished_runs, report, write_report
from acrnn.model import PLACEMENTS
from acrnn.training import Options
from acrnn.training.sweep import grid, run_sweep


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


def test_a_sweep_goes_past_a_failing_run_stops_at_its_limit_and_does_nothing_twice(base, tmp_path):
    runs = grid("table4", base, ["l10"], [1, 2], [0])
    runs.insert(1, replace(runs[0], data_root=tmp_path / "nowhere"))
    assert states(run_sweep(runs, tmp_path, finish_run, time_limit_s=-1)) == ["stopped"] * 3
    outcomes = list(run_sweep(runs, tmp_path, finish_run))
    assert states(outcomes) == ["finished", "failed", "finished"]
    assert "nowhere" in outcomes[1].message
    before = [run.summary for run in finished_runs(tmp_path)]
    assert states(run_sweep(runs, tmp_path, finish_run)) == ["skipped", "failed", "skipped"]
    assert [run.summary for run in finished_runs(tmp_path)] == before

    (setting,) = report(finished_runs(tmp_path))
    assert (setting["folds"], setting["seeds"], setting["n_clips"]) == ([1, 2], [0], 14)
    assert setting["accuracy"] == pytest.approx(sum(s["accuracy"] for s in before) / 2)
    assert setting["interval"][0] <= setting["accuracy"] <= setting["interval"][1]
    assert [path.name for path in write_report([setting], tmp_path / "results")] == ["esc10-l10-paper-1.json"]


def test_a_run_that_is_out_of_time_goes_on_where_it_was(base, tmp_path):
    (run,) = grid("table4", replace(base, epochs=2), ["none"], [1], [0])
    seen = []

    def slow(position, progress):
        seen.append(progress.epoch)
        time.sleep(0.3)

    assert states(run_sweep([run], tmp_path, finish_run, time_limit_s=0.2, on_step=slow)) == ["stopped"]
    assert states(run_sweep([run], tmp_path, finish_run, on_step=slow)) == ["finished"]
    assert seen[-1] == 1
