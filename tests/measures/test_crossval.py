import csv
import json
import shutil
from math import sqrt

import numpy as np
import pytest

from acrnn.checkpoints import find, names
from acrnn.data import load
from acrnn.errors import AudioError, CheckpointError, OptionError, RunError
from acrnn.inference import Predictor
from acrnn.measures.crossval import Scores, score_fold, wilson_interval
from acrnn.runs.finish import predictions_csv, publish
from acrnn.runs.run import Run


def wilson(n_correct, n, z=1.959963984540054):
    """The textbook's formula."""
    share = n_correct / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


@pytest.mark.parametrize(("n_correct", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (75, 80), (344, 400), (1, 1)])
def test_the_interval_is_wilsons(n_correct, n):
    assert wilson_interval(n_correct, n) == pytest.approx(wilson(n_correct, n), abs=1e-12)


def test_known_values_of_the_interval():
    assert wilson_interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(72, 80) == pytest.approx((0.8149, 0.9482), abs=1e-3)
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)


def test_the_interval_narrows_with_clips_and_widens_with_confidence():
    def width(*arguments):
        low, high = wilson_interval(*arguments)
        return high - low

    assert width(320, 400) < width(64, 80)
    assert width(64, 80, 0.99) > width(64, 80, 0.95) > width(64, 80, 0.5)


@pytest.fixture(scope="module")
def scores(tiny_dataset):
    clips = tiny_dataset.fold(2)
    probabilities = np.full((4, 10), 0.05, np.float32)
    probabilities[np.arange(4), [0, 1, 5, 3]] = 0.55  # the third is wrong
    return Scores(clips, tiny_dataset.labels, tiny_dataset.targets(clips), probabilities)


def test_scores_count_the_clips_whose_top_class_is_the_true_one(scores):
    assert scores.predicted.tolist() == [0, 1, 5, 3]
    assert (scores.n_correct, scores.accuracy) == (3, 0.75)
    assert scores.summary() == {
        "n_clips": 4,
        "n_correct": 3,
        "accuracy": 0.75,
        "interval": list(wilson_interval(3, 4)),
    }


def test_the_csv_has_a_line_a_clip(scores):
    rows = list(csv.DictReader(predictions_csv(scores).splitlines()))
    assert [row["label"] for row in rows] == ["dog", "rooster", "rain", "sea_waves"]
    assert [row["predicted"] for row in rows] == ["dog", "rooster", "crying_baby", "sea_waves"]
    assert {row["fold"] for row in rows} == {"2"}
    assert float(rows[0]["dog"]) == pytest.approx(0.55)
    assert set(rows[0]) == {"filename", "fold", "label", "predicted", *scores.labels}


def test_a_fold_is_scored_clip_by_clip_as_a_user_would(tiny_checkpoints, tiny_dataset):
    predictor, told = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu"), []
    scores = score_fold(predictor, tiny_dataset, 2, on_clip=lambda done, total: told.append((done, total)))
    assert scores.clips == tiny_dataset.fold(2)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for clip, row in zip(scores.clips, scores.probabilities, strict=True):
        np.testing.assert_array_equal(row, predictor(clip.path).probabilities)
    assert scores.targets.tolist() == [0, 1, 2, 3]


def test_a_fold_that_is_not_there_is_refused(tiny_checkpoints, tiny_dataset):
    predictor = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")
    with pytest.raises(OptionError, match="has no fold 3"):
        score_fold(predictor, tiny_dataset, 3)


def test_a_finished_run_is_summarised(finished):
    summary = finished.summary
    assert (summary["name"], summary["epochs"], summary["n_clips"]) == ("esc10-l10-paper-fold2", 1, 4)
    assert summary["accuracy"] == summary["n_correct"] / 4
    assert summary["final_loss"] == finished.metrics()[-1]["loss"]
    rows = list(csv.DictReader((finished.path / "predictions.csv").read_text().splitlines()))
    assert sum(row["label"] == row["predicted"] for row in rows) == summary["n_correct"]


def test_a_published_checkpoint_scores_what_its_card_says(tmp_path, finished, tiny_dataset):
    checkpoint = publish(finished, tmp_path)
    assert names(tmp_path) == ["esc10-l10-paper-fold2"]
    config = checkpoint.config
    assert (config.fold, config.seed, config.labels) == (2, 0, tiny_dataset.labels)
    assert (config.network, config.front_end) == (finished.config.network, finished.config.front_end)
    assert config.data_fingerprint == tiny_dataset.fingerprint()
    again = score_fold(Predictor(find("esc10-l10-paper-fold2", tmp_path), "cpu"), tiny_dataset, 2)
    assert again.summary() == config.scores
    card = (checkpoint.path / "README.md").read_text()
    assert f"{config.scores['n_correct']} of 4 clips correct" in card
    assert "CC BY 4.0" in card


def test_the_normalisation_of_a_checkpoint_is_that_of_its_training_clips(tmp_path, finished, tiny_corpus, tiny_split):
    config = publish(finished, tmp_path).config
    mean, std = tiny_corpus.statistics(tiny_split.clips)
    assert config.normalisation == {"mean": mean.tolist(), "std": std.tolist()}
    model = find(config.name, tmp_path).load_model()
    np.testing.assert_allclose(model.mean, mean, rtol=1e-3, atol=1e-3)  # stored as fp16


def test_publishing_again_replaces_the_one_before_and_leaves_nothing_else(tmp_path, finished):
    first = publish(finished, tmp_path)
    (first.path / "left.txt").write_text("over")
    (tmp_path / ".esc10-l10-paper-fold2.new").mkdir()  # of a process that was killed
    publish(finished, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["esc10-l10-paper-fold2"]
    assert {path.name for path in first.path.iterdir()} == {"model.safetensors", "config.json", "README.md"}


def test_a_published_run_of_the_users_is_called_like_the_run_in_config_and_card(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path))
    name = "esc10-l10-paper-fold2-seed0"
    checkpoint = publish(finished)
    assert checkpoint.path == tmp_path / name
    assert checkpoint.name == find(name).name == name
    card = (checkpoint.path / "README.md").read_text()
    assert card.startswith(f"# {name}\n")
    assert f"--checkpoint {name} " in card


def test_another_checkpoint_is_not_replaced_without_force(finished, tmp_path, save_checkpoint):
    other = save_checkpoint(tmp_path, name="esc10-l10-paper-fold2", seed=7)
    with pytest.raises(
        RunError, match=r"there already \(10\.0% of 10 clips, 300 epochs, seed 7\); --force replaces it"
    ):
        publish(finished, tmp_path)
    assert find(str(other.path)).config.seed == 7
    assert publish(finished, tmp_path, force=True).config.seed == 0
    (other.path / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"there already \(cannot be read\); --force replaces it"):
        publish(finished, tmp_path)


@pytest.mark.parametrize("damage", ["absent", "cut", "another"])
def test_a_damaged_checkpoint_of_a_run_replaces_nothing(finished, tmp_path, save_checkpoint, damage):
    run = Run(shutil.copytree(finished.path, tmp_path / "run"))
    weights = run.path / run.config.name / "model.safetensors"
    if damage == "absent":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1])
    else:
        shutil.copy(save_checkpoint(tmp_path / "other", "none").path / "model.safetensors", weights)
    good = publish(finished, tmp_path / "checkpoints")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        publish(run, tmp_path / "checkpoints", force=True)
    assert find(str(good.path)).load_model().config == finished.config.network
    assert names(tmp_path / "checkpoints") == [good.name]


def test_a_run_does_not_take_the_name_of_a_shipped_checkpoint(finished, tmp_path, monkeypatch, save_checkpoint):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path / "mine"))
    save_checkpoint(tmp_path / "checkpoints", name="esc10-l10-paper-fold2-seed0")
    with pytest.raises(RunError, match="is the name of a checkpoint that comes with the project"):
        publish(finished, force=True)


def test_an_unfinished_run_is_not_published(tmp_path, tiny_run_config):
    run = Run.create(tmp_path / "runs", tiny_run_config)
    with pytest.raises(RunError, match=r"is not finished; train it to its last epoch first"):
        publish(run, tmp_path / "checkpoints")
    assert names(tmp_path / "checkpoints") == []


def test_another_dataset_of_the_same_clips_has_the_same_fingerprint(tiny_root, tiny_dataset, finished):
    assert load(tiny_root, "esc10").fingerprint() == finished.config.data_fingerprint
    assert json.loads((finished.path / "config.json").read_text())["data_fingerprint"] == tiny_dataset.fingerprint()


def test_a_damaged_clip_is_told_and_the_others_are_scored(tiny_checkpoints, tiny_root, tmp_path):
    root = shutil.copytree(tiny_root, tmp_path / "copy")
    predictor, dataset = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu"), load(root)
    whole = score_fold(predictor, dataset, 2)
    whole.clips[1].path.write_bytes(b"RIFF")
    with pytest.raises(AudioError):
        score_fold(predictor, dataset, 2)
    damaged = []
    scores = score_fold(predictor, dataset, 2, on_damaged=damaged.append)
    assert [clip.filename for clip in scores.clips] == [whole.clips[i].filename for i in (0, 2, 3)]
    assert (scores.probabilities == whole.probabilities[[0, 2, 3]]).all()
    assert len(damaged) == 1
    assert str(whole.clips[1].path) in str(damaged[0])
    for clip in whole.clips:
        clip.path.write_bytes(b"")
    with pytest.raises(AudioError):
        score_fold(predictor, dataset, 2, on_damaged=damaged.append)
