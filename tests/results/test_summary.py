from dataclasses import replace

import numpy as np
import pytest

from acrnn.errors import RunError
from acrnn.measures.crossval import Scores
from acrnn.results.settings import load_settings
from acrnn.results.summary import finished_runs, report, write_report
from acrnn.runs.finish import predictions_csv
from acrnn.runs.run import Run


@pytest.fixture
def finished(tiny_dataset, tiny_run_config, tmp_path):
    """finished(fold, n_right, seed) → a finished run that named the first `n_right` clips of its fold correctly."""

    def make(fold: int, n_right: int, seed: int = 0, **changes) -> Run:
        run = Run.create(
            tmp_path / f"runs{len(list(tmp_path.iterdir()))}", replace(tiny_run_config, fold=fold, seed=seed, **changes)
        )
        clips = tiny_dataset.fold(fold)
        targets = tiny_dataset.targets(clips)
        named = np.where(np.arange(len(clips)) < n_right, targets, (targets + 1) % 10)
        scores = Scores(clips, tiny_dataset.labels, targets, np.eye(10, dtype=np.float32)[named])
        (run.path / "predictions.csv").write_text(predictions_csv(scores))
        run.finish(scores.summary())
        return run

    return make


def test_the_mean_is_over_folds_and_the_interval_over_clips(finished):
    (setting,) = report([finished(1, 9), finished(2, 2)])
    assert setting["accuracy"] == pytest.approx((0.9 + 0.5) / 2)
    assert setting["n_clips"] == 14
    assert setting["interval"][0] < 11 / 14 < setting["interval"][1]


def test_a_damaged_run_is_left_out_and_told(finished, tmp_path):
    good, without_config, garbled = finished(1, 9), finished(2, 2), finished(2, 2, seed=1)
    (without_config.path / "config.json").unlink()
    (garbled.path / "predictions.csv").write_bytes(b"\xa1\xff")
    told = []
    assert [run.path for run in finished_runs(tmp_path, told.append)] == [good.path]
    assert sorted("config.json" in str(error) for error in told) == [False, True]
    with pytest.raises(RunError):
        finished_runs(tmp_path)


def test_seeds_of_a_clip_are_no_new_clips(finished):
    (setting,) = report([finished(1, 10, seed=0), finished(1, 0, seed=1)])
    assert (setting["seeds"], setting["n_clips"], setting["accuracy"]) == ([0, 1], 10, 0.5)
    assert sum(setting["clips"][0]["probabilities"]) == pytest.approx(1)


def test_a_cross_validation_reported_in_parts_is_that_reported_at_once(finished, tmp_path):
    first, second = finished(1, 9), finished(2, 2)
    write_report(report([first]), tmp_path / "results")
    assert report([second], tmp_path / "results") == report([first, second])


def test_a_fold_that_was_run_again_replaces_the_earlier_one(finished, tmp_path):
    write_report(report([finished(1, 9), finished(2, 2)]), tmp_path / "results")
    (setting,) = report([finished(1, 5)], tmp_path / "results")
    assert [run["accuracy"] for run in setting["runs"]] == [0.5, 0.5]


def test_runs_of_other_files_are_not_mixed(finished, tmp_path):
    write_report(report([finished(1, 9, data_fingerprint="0" * 64)]), tmp_path / "results")
    (setting,) = report([finished(2, 2)], tmp_path / "results")
    assert setting["folds"] == [2]
    with pytest.raises(RunError, match="different files"):
        report([finished(1, 9), finished(2, 2, data_fingerprint="0" * 64)])


def test_a_damaged_earlier_report_is_named(finished, tmp_path):
    (name,) = (setting["name"] for setting in report([finished(1, 9)]))
    (tmp_path / f"{name}.json").write_text("{")
    with pytest.raises(RunError, match=name):
        report([finished(1, 9)], tmp_path)


def test_an_inner_validation_is_reported_apart(finished, tmp_path):
    settings = report([finished(1, 9), finished(2, 5, sealed=(1,))])
    assert [setting["name"] for setting in settings] == ["ablation/esc10-l10-paper-3-sealed1", "esc10-l10-paper-3"]
    write_report(settings, tmp_path / "results")
    (setting,) = load_settings(tmp_path / "results")
    assert setting.folds == (1,)
    (inner,) = load_settings(tmp_path / "results" / "ablation")
    assert (inner.folds, inner.name) == ((2,), "ablation/esc10-l10-paper-3-sealed1")


def test_a_report_of_an_earlier_version_that_knew_less_of_recipes_is_gone_on_with(finished, tmp_path):
    (setting,) = report([finished(1, 9)])
    del setting["recipe"]["schedule"], setting["sealed"]
    write_report([setting], tmp_path / "results")
    (both,) = report([finished(2, 2)], tmp_path / "results")
    assert both["folds"] == [1, 2]
