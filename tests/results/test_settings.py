"""A run's result written where the Confusions page reads."""

from dataclasses import replace

import pytest

from acrnn.errors import RunError
from acrnn.results.settings import load_settings, record
from acrnn.runs.run import Run
from acrnn.runs.work import work

NAME = "esc10-l10-paper-1"


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_run_config, tiny_dataset):
    """Both folds of one setting, one epoch each."""
    folder = tmp_path_factory.mktemp("mine")
    recipe = replace(tiny_run_config.recipe, epochs=1)
    found = [Run.create(folder, replace(tiny_run_config, recipe=recipe, fold=fold)) for fold in (1, 2)]
    for run in found:
        work(run, tiny_dataset)
    return found


def test_a_run_and_its_finished_siblings_become_a_setting(runs, tmp_path):
    assert record(runs[0], tmp_path) == NAME
    (setting,) = load_settings(tmp_path)
    assert (setting.name, setting.folds, len(setting.filenames)) == (NAME, (1, 2), 14)
    assert record(runs[1], tmp_path) == NAME  # again: the same
    assert len(load_settings(tmp_path)) == 1


def test_results_of_other_runs_are_left_as_they_are(runs, tmp_path):
    record(runs[0], tmp_path)
    path = tmp_path / f"{NAME}.json"
    other = path.read_text().replace('"seed": 0', '"seed": 5')
    path.write_text(other)
    name = f"{NAME}-{runs[0].path.parent.name}"
    assert record(runs[0], tmp_path) == name
    assert record(runs[1], tmp_path) == name
    assert path.read_text() == other
    assert [setting.name for setting in load_settings(tmp_path)] == [NAME, name]


def test_an_unfinished_run_has_no_result(tiny_run_config, tmp_path):
    with pytest.raises(RunError, match="is not finished"):
        record(Run.create(tmp_path, tiny_run_config), tmp_path / "results")
