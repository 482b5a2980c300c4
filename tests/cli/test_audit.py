"""`audit`: label errors and near-duplicates of a dataset, on the command line."""

import csv
import shutil
from functools import partial

import pytest

from acrnn.data import load
from acrnn.labels import ESC10
from acrnn.results.settings import record
from acrnn.runs.finish import publish
from acrnn.training import Recipe
from tests.command_line import run_command
from tests.web.test_confusion_words import result, write

NAME = "esc10-l10-paper-300"


@pytest.fixture
def audit(monkeypatch, capsys, tmp_path, nothing_shipped, tiny_root, save_checkpoint):
    """audit(argument, …) → exit code, stdout, stderr, on a dataset with a doubled file in another fold."""
    root = tmp_path / "doubled"
    shutil.copytree(tiny_root, root)
    dogs = sorted((root / "audio").glob("*-A-0.wav"))
    shutil.copy(dogs[0], dogs[1])
    dataset = load(root, "esc10")
    values = result(NAME, dataset.fingerprint()) | {
        "recipe": Recipe("paper").as_dict(),
        "runs": [{"fold": 1, "seed": 0, "accuracy": 0.5, "n_clips": 10, "recall": {}, "device": "cpu", "code": "x"}],
        "clips": [
            {
                "filename": clip.filename, "fold": 1, "label": clip.label,
                "probabilities": [0.91 if label == clip.label else 0.01 for label in ESC10],
            }
            for clip in dataset.fold(1)
        ],
    }  # fmt: skip
    values["clips"][3]["probabilities"].reverse()
    (tmp_path / "results").mkdir()
    write(tmp_path / "results", **values)
    for variable in ("CHECKPOINTS", "RESULTS"):
        monkeypatch.setenv(f"ACRNN_{variable}", str(tmp_path / variable.lower()))
    save_checkpoint(tmp_path / "checkpoints", "l10", data_fingerprint=dataset.fingerprint())
    return partial(run_command, monkeypatch, capsys, "audit", "--data", root, "--device", "cpu")


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_both_lists_are_told_and_saved(audit, tmp_path):
    code, out, err = audit("--out", tmp_path / "lists", "--top", 3)
    assert code == 0, err
    assert "10 of 14 clips" in out
    assert "only fold 1 has a network that never heard it; the other clips are not ranked" in err
    labels = rows(tmp_path / "lists" / "label-errors.csv")
    assert labels[0]["true"] == load(tmp_path / "doubled", "esc10").fold(1)[3].label
    assert len(labels) == 10
    pairs = rows(tmp_path / "lists" / "near-duplicates.csv")
    (copy,) = (pair for pair in pairs if pair["copies"] == "True")
    assert (copy["label_a"], copy["label_b"], copy["across_folds"], copy["same_sound"]) == (
        "dog",
        "dog",
        "True",
        "True",
    )
    assert float(copy["waveform"]) > 0.9
    assert float(copy["similarity"]) == pytest.approx(1, abs=1e-4)


def test_without_a_network_the_labels_are_still_ranked(audit, tmp_path):
    shutil.rmtree(tmp_path / "checkpoints")
    code, out, err = audit()
    assert code == 0
    assert "Ranked by self-confidence" in out
    assert "no pairs are looked for" in err


def test_results_that_are_not_there_are_named(audit, tmp_path):
    code, _, err = audit("--setting", "nothing")
    assert (code, err.count("\n")) == (2, 1)
    assert f"There are no results nothing; {NAME} … are accepted." in err
    (tmp_path / "results" / f"{NAME}.json").unlink()
    code, _, err = audit()
    assert code == 2
    assert "No results hold predictions of doubled · ESC-10" in err


def test_own_classes_are_audited_whatever_they_are_called(
    monkeypatch, capsys, tmp_path, nothing_shipped, own_root, own_run
):
    for variable in ("CHECKPOINTS", "RESULTS", "DATASETS"):
        monkeypatch.setenv(f"ACRNN_{variable}", str(tmp_path / variable.lower()))
    record(own_run)
    publish(own_run)
    code, out, err = run_command(
        monkeypatch, capsys, "audit", "--data", own_root, "--out", tmp_path / "lists", "--device", "cpu"
    )
    assert code == 0, err
    assert "<b>x" in out
    labels = {row["true"] for row in rows(tmp_path / "lists" / "label-errors.csv")}
    assert "'=1+1" in labels  # which no spreadsheet takes for a formula
    assert rows(tmp_path / "lists" / "near-duplicates.csv")
