"""The one reader and writer of files of results."""

import json
from pathlib import Path

import pytest

from acrnn.errors import RunError
from acrnn.paths import result_files, shipped_results
from acrnn.results.collection import load_results
from acrnn.results.files import read_file, read_files, require_replaceable, write_file
from acrnn.results.settings import load_settings, read_settings, recording_of

SETTING = {
    "name": "esc10-l10-paper-60",
    "dataset": "esc10",
    "data_title": "ESC-10",
    "data_fingerprint": "0" * 64,
    "placement": "l10",
    "recipe": {"name": "paper", "epochs": 60},
    "labels": ["dog", "rain"],
    "folds": [1],
    "seeds": [0],
    "accuracy": 0.5,
    "interval": [0.1, 0.9],
    "runs": [{"fold": 1, "seed": 0, "accuracy": 0.5, "device": "cpu"}],
    "clips": [{"filename": "1-7-A-0.wav", "fold": 1, "label": "dog", "probabilities": [0.75, 0.25], "hit_rate": 1.0}],
}


def clip(**changes) -> dict:
    return SETTING | {"clips": [SETTING["clips"][0] | changes]}


def test_what_is_written_is_read_back_with_fields_that_no_schema_names(tmp_path):
    path = write_file(tmp_path / "a.json", SETTING, "setting")
    assert read_file(path, "setting") == {"schema": 1} | SETTING
    (setting,) = load_settings(tmp_path)
    assert setting.runs[0]["device"] == "cpu"
    assert setting.hit_rates.tolist() == [1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({k: v for k, v in SETTING.items() if k != "clips"}, "field clips is missing; `report` writes such files"),
        ({k: v for k, v in clip().items() if k != "recipe"}, "field recipe is missing"),
        (SETTING | {"accuracy": "high"}, "field accuracy is not as expected (input should be a valid number)"),
        (SETTING | {"recipe": {"epochs": 60}}, "recipe: .* missing 1 required"),
        (SETTING | {"dataset": "esc7"}, "field dataset is not as expected"),
        (clip(label="cat"), "1-7-A-0.wav is of class 'cat', which is not among the labels"),
        (clip(probabilities=[1.0]), "1-7-A-0.wav has 1 probabilities"),
        (clip(hit_rate=2.0), "field clips.0.hit_rate is not as expected"),
    ],
)
def test_a_field_that_is_missing_or_garbled_is_named_with_its_file(tmp_path, values, told):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"schema": 1} | values))
    with pytest.raises(RunError, match=told.replace("(", r"\(").replace(")", r"\)")) as error:
        read_file(path, "setting")
    assert str(error.value).startswith(f"{path}: ")
    with pytest.raises(RunError):
        write_file(tmp_path / "b.json", values, "setting")
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not a file of results"),
        ("[]", "holds no fields"),
        ('{"schema": 9}', "has schema 9; this version"),
    ],
)
def test_what_is_no_file_of_results_is_told_so(tmp_path, content, told):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(RunError, match=rf"a\.json.* {told}|a\.json {told}"):
        read_file(tmp_path / "a.json", "setting")


def test_a_damaged_file_is_told_and_the_rest_is_used(tmp_path):
    write_file(tmp_path / "good.json", SETTING, "setting")
    (tmp_path / "bad.json").write_text('{"schema": 1}')
    (tmp_path / "robustness").mkdir()
    (tmp_path / "robustness" / "bad.json").write_text("{")
    found = read_settings(tmp_path)
    assert [setting.name for setting in found.items] == [SETTING["name"]]
    assert "bad.json" in str(found.damaged[0])
    results = load_results(tmp_path)
    assert len(results.settings) == 1
    assert len(results.damaged) == 2
    with pytest.raises(RunError, match=r"bad\.json"):
        load_settings(tmp_path)


def test_a_file_of_more_clips_or_conditions_is_not_replaced(tmp_path):
    path = tmp_path / "x.json"
    study = {
        "checkpoint": "x", "weights_sha256": "0", "dataset": "esc10", "data_title": "ESC-10", "placement": "l10",
        "recipe": "paper", "epochs": 1, "fold": 1, "n_clips": 10, "n_conditions": 3, "clips": [],
    }  # fmt: skip
    require_replaceable(path, "robustness", {"n_clips": 1, "n_conditions": 1})
    write_file(path, study, "robustness")
    require_replaceable(path, "robustness", {"n_clips": 10, "n_conditions": 3})
    for size in ((9, 3), (10, 2)):
        with pytest.raises(RunError, match="of 10 clips under 3 conditions, this would be of"):
            require_replaceable(path, "robustness", dict(zip(("n_clips", "n_conditions"), size, strict=True)))


def test_an_absent_folder_has_no_files(tmp_path):
    assert read_files(result_files("", tmp_path / "none"), Path).items == ()


def test_a_recording_is_the_freesound_id_of_a_clips_name():
    assert recording_of("1-100032-A-0.wav") == recording_of("1-100032-B-0.ogg") == "100032"
    assert recording_of("door.wav") == "door.wav"


def test_an_accuracy_by_recording_contains_it_and_every_published_one_has_it():
    settings = load_settings(shipped_results())
    assert settings
    for setting in settings:
        low, high = setting.interval_by_recording
        assert low < setting.hit_rates.mean() < high
