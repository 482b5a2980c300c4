"""A sweep on two nodes, one of which is killed: its run is resumed on the other, and ends as on one machine."""

from acrnn.cluster.sweep import sweep_on_cluster
from acrnn.cluster.tasks import Needs
from acrnn.runs.run import Run
from acrnn.runs.start import Options
from acrnn.runs.status import Process
from acrnn.runs.sweep import grid, train_to_outcome

NAME = "esc10-l10-plain-fold1-seed0"


def test_a_run_whose_node_is_killed_goes_on_from_its_last_epoch(nodes, tiny_root, tmp_path):
    base = Options(tiny_root, "esc10", fold=0, recipe="plain", epochs=3, batch_size=10, device="cpu")
    runs = grid("table4", base, ["l10"], [1], [0])
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    killed = []

    def kill_its_node(position, status):
        run = Run(broken / NAME)
        if not killed and run.epochs_done >= 1 and run.summary is None:
            killed.append(Process.read(run).pid)
            nodes.kill_that_of(killed[0])

    (outcome,) = sweep_on_cluster(runs, broken, Needs(), on_status=kill_its_node)
    assert (outcome.state, len(killed)) == ("finished", 1)
    began = [line for line in (broken / NAME / "log.txt").read_text().splitlines() if "training from epoch" in line]
    assert [" epoch 0 " in line for line in began] == [True, False]

    assert train_to_outcome(runs[0], whole, None).state == "finished"
    assert results_of(broken / NAME) == results_of(whole / NAME)


def results_of(folder):
    """Give a run's predictions, and the loss of each epoch."""
    return (folder / "predictions.csv").read_text(), [row["loss"] for row in Run(folder).metrics()]
