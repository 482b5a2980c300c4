"""Damaged folders of runs: each is listed as damaged, and the others are as before."""

from pathlib import Path

import pytest
import torch

from acrnn.cli.main import main
from acrnn.errors import AcrnnError, RunError
from acrnn.runs.loop import train
from acrnn.runs.run import Run
from acrnn.runs.watch import State, find_run, list_runs, log_tail
from tests.hostile_runs import spoil


@pytest.fixture(scope="module")
def root(tmp_path_factory, finished) -> Path:
    """Folder of runs: one good, one stopped after its first epoch, and each of the damaged ones."""
    root = tmp_path_factory.mktemp("many")
    spoil(root, finished.path)
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
