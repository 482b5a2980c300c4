"""Table 1's classical methods: features by hand, folds kept apart, a setting that the tables and pages can read."""

import numpy as np
import pytest
from typer.testing import CliRunner

from acrnn.cli.main import app
from acrnn.measures.classical import METHODS, N_FEATURES, dataset_statistics, score_method, statistics
from acrnn.report.tables.accuracy import reproduced_rows, tell_run
from acrnn.results.collection import load_results
from acrnn.results.paper import TABLE_1
from acrnn.results.settings import load_settings
from acrnn.web.confusions.view import describe_setting

RATE_HZ = 44_100


def test_a_tone_crosses_zero_twice_a_period():
    t_s = np.arange(RATE_HZ) / RATE_HZ
    found = statistics(np.sin(2 * np.pi * 1000 * t_s + 0.1).astype(np.float32), RATE_HZ)
    assert found.shape == (N_FEATURES,)
    mean, deviation = found[12], found[25]  # of the rate, after twelve MFCCs
    assert mean == pytest.approx(2 * 1000 / RATE_HZ, rel=0.02)
    assert deviation < 0.01


def test_the_0th_coefficient_is_left_out_so_that_level_hardly_counts():
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(RATE_HZ)).astype(np.float32)
    assert statistics(noise, RATE_HZ) == pytest.approx(statistics(noise / 4, RATE_HZ), abs=1e-3)


@pytest.fixture(scope="module")
def rows(tiny_dataset):
    return dataset_statistics(tiny_dataset)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_never_sees_the_fold_it_is_scored_on(tiny_dataset, rows, method):
    scores = score_method(tiny_dataset, rows, method, fold=1)
    assert [clip.fold for clip in scores.clips] == [1] * len(scores.clips)
    assert scores.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    others = rows.copy()
    held_out = np.array([clip.fold == 1 for clip in tiny_dataset.clips])
    others[np.flatnonzero(held_out)[1:]] = 0  # all held-out clips but the first
    again = score_method(tiny_dataset, others, method, fold=1)
    assert (again.probabilities[0] == scores.probabilities[0]).all()


def test_the_command_writes_settings_that_tables_and_pages_read(tiny_dataset, tmp_path):
    command = ["classical", "--data", str(tiny_dataset.root), "--dataset", "esc10", "--out", str(tmp_path)]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    settings = load_settings(tmp_path)
    assert [setting.placement for setting in settings] == ["forest", "knn", "svm"]
    for setting in settings:
        assert setting.accuracy == np.mean([run["accuracy"] for run in setting.runs])
        assert (setting.predicted == setting.targets).mean() == setting.hit_rates.mean()
        assert "MFCC statistics, seed 0" in tell_run(setting)
        assert METHODS[setting.placement] in describe_setting(setting)
        assert "epochs" not in describe_setting(setting)
    quoted = {row.model for row in reproduced_rows(TABLE_1, "esc10", load_results(tmp_path)) if row.settings}
    assert quoted == {"KNN [21]", "SVM [21]", "Random Forest [21]"}
