"""A sweep on two nodes, one of which is killed: its run is resumed on the other, and ends as on one machine."""

import sys
from contextlib import nullcontext

import pytest

from acrnn.cli import main as cli
from acrnn.cluster import session, sweep
from acrnn.cluster.sweep import sweep_on_cluster
from acrnn.cluster.tasks import Needs
from acrnn.runs.run import Run
from acrnn.runs.start import Options
from acrnn.runs.status import Process
from acrnn.runs.sweep import Ending, Outcome, grid, train_to_outcome

NAME = "esc10-l10-plain-fold1-seed0"


def test_a_run_whose_node_is_killed_goes_on_from_its_last_epoch(nodes, tiny_root, tmp_path):
    base = Options(tiny_root, "esc10", fold=0, recipe="plain", epochs=8, batch_size=10, device="cpu")
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


@pytest.mark.parametrize(
    ("options", "device", "needs"),
    [
        (("--cores", "4"), "cpu", Needs(4, 0)),
        (("--gpus", "0.5"), "cuda", Needs(1, 0.5)),
        (("--device", "cuda"), "cuda", Needs(1, 1)),
    ],
)
def test_the_command_gives_each_run_its_cores_and_gpus(monkeypatch, capsys, tmp_path, options, device, needs):
    given = []

    def fake(runs, out, needs, **more):
        given.append(({run.device for run in runs}, out, needs, more["time_limit_s"]))
        yield from (Outcome(run.name, Ending.FINISHED) for run in runs)

    monkeypatch.setattr(session, "connected", lambda address: nullcontext(given.append(address)))
    monkeypatch.setattr(session, "require_ray", lambda: None)
    monkeypatch.setattr(sweep, "sweep_on_cluster", fake)
    command = ["sweep", "table1", "--data", "a", "--dataset", "esc10", "--out", str(tmp_path), "--time-limit", "9"]
    monkeypatch.setattr(sys, "argv", ["acrnn", *command, *options, "--ray"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    assert given == ["auto", ({device}, tmp_path, needs, 9)]
    assert capsys.readouterr().out == "10 finished\n"
