"""A sweep on two nodes, one of which is killed: its run is resumed on the other, and ends as on one machine."""

from acrnn.cluster.sweep import sweep_on_cluster
from acrnn.cluster.tasks import Needs
from acrnn.runs.run import Run
from acrnn.runs.start import Options
from acrnn.runs.status import Process
from acrnn.runs.sweep import grid, run_sweep


def results_of(out):
    """Predictions and epochs of every finished run below `out`, by the run's name."""
    return {
        path.parent.name: (path.read_text(), [row["loss"] for row in Run(path.parent).metrics()])
        for path in out.rglob("predictions.csv")
    }


def test_a_run_whose_node_is_killed_goes_on_from_its_last_epoch(nodes, tiny_root, tmp_path):
    base = Options(tiny_root, "esc10", fold=0, recipe="plain", epochs=3, batch_size=10, device="cpu")
    runs = grid("table4", base, ["l10", "none"], [1], [0])
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    killed = []

    def kill_one(position, status):
        run = Run(broken / ("esc10-l10-plain-fold1-seed0", "esc10-none-plain-fold1-seed0")[position])
        if not killed and run.epochs_done >= 1 and run.summary is None:
            killed.append(run)
            nodes.kill_that_of(Process.read(run).pid)

    outcomes = list(sweep_on_cluster(runs, broken, Needs(), on_status=kill_one))
    assert [outcome.state for outcome in outcomes] == ["finished"] * 2
    (run,) = killed
    log = (run.path / "log.txt").read_text()
    assert log.count("training from epoch") == 2
    assert log.count("training from epoch 0") == 1
    assert [outcome.state for outcome in sweep_on_cluster(runs, broken, Needs())] == ["skipped"] * 2

    assert [outcome.state for outcome in run_sweep(runs, whole, jobs=2)] == ["finished"] * 2
    assert results_of(broken) == results_of(whole)
