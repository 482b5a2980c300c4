"""What the Confusions page tells and offers, without a browser."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from acrnn.data import load
from acrnn.labels import ESC10
from acrnn.model import PICZAK
from acrnn.results.confusion import clip_table, confusion_of, reliability
from acrnn.web.confusions import view as web
from acrnn.web.confusions.clip_list import tell_clips
from acrnn.web.shared.results import known_settings

PAGE = str(Path(__file__).parents[2] / "pages" / "confusions.py")


def result(name: str, fingerprint: str = "0" * 64, clips: int = 4) -> dict:
    """What `report` writes of a setting whose odd clips are right and whose even ones are taken for the next class."""
    return {
        "schema": 1, "name": name, "dataset": "esc10", "data_title": "ESC-10 16 kHz", "data_fingerprint": fingerprint,
        "placement": "l10", "recipe": {"name": "paper", "epochs": 60}, "labels": list(ESC10), "folds": [1],
        "seeds": [0], "accuracy": 0.5, "interval": [0.2, 0.8], "n_clips": clips, "n_correct_of_mean": clips // 2,
        "runs": [],
        "clips": [
            {
                "filename": f"1-{i}-A-0.wav", "fold": 1, "label": ESC10[i],
                "probabilities": [0.91 if k == (i if i % 2 else i + 1) else 0.01 for k in range(10)],
            }
            for i in range(clips)
        ],
    }  # fmt: skip


@pytest.fixture
def results(tmp_path, monkeypatch, nothing_shipped):
    """An empty folder that is taken for `results/`, where no dataset is."""
    monkeypatch.setenv("ACRNN_RESULTS", str(tmp_path))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "nothing"))
    return tmp_path


def write(folder: Path, **values) -> None:
    (folder / f"{values['name']}.json").write_text(json.dumps(values))


def test_without_results_one_sentence_says_how_to_get_some(results):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert [info.value for info in page.info] == [web.NO_RESULTS]


def test_a_damaged_file_of_results_is_named_and_the_others_are_shown(results):
    write(results, **{key: value for key, value in result("esc10-l10-paper-60").items() if key != "recipe"})
    write(results, **result("good"))
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert "esc10-l10-paper-60.json: field recipe is missing" in page.error[0].value.replace("\\", "")
    assert page.selectbox(key="setting").options == ["good"]


def test_results_are_read_once_and_again_when_a_file_changes(results):
    write(results, **result("a"))
    (first,) = known_settings()
    assert known_settings()[0] is first
    write(results, **result("a", clips=6))
    path = results / "a.json"
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))
    assert len(known_settings()[0].filenames) == 6


def test_the_protocol_says_that_one_fold_is_no_cross_validation(results):
    write(results, **result("a"))
    told = web.describe_setting(known_settings()[0])
    assert "**50.0% correct** on 4 clips (95% interval over clips 20.0% to 80.0%, over recordings " in told
    assert "fold 1 only, not a cross-validation" in told
    assert "60 epochs, seed 0" in told


@pytest.mark.parametrize(
    ("placement", "told"), [("none", "no attention"), (PICZAK, "PiczakCNN"), ("l4-softmax", "attention at l4-softmax")]
)
def test_a_network_is_told_by_its_attention_or_its_name(results, placement, told):
    write(results, **result("a"))
    setting = replace(known_settings()[0], placement=placement)
    assert f", {told}, recipe" in web.describe_setting(setting)


def test_filters_can_leave_nothing_and_say_so(results):
    write(results, **result("a"))
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.session_state["confidence"] = (0, 50)
    page.run()
    assert not page.exception
    assert "No clip passes the filters." in [info.value for info in page.info]


def test_recordings_are_those_of_the_same_files_or_else_told_to_be_others(results, tiny_root, monkeypatch):
    assert web.sounds_of(setting_in(results, "0" * 64)) is None
    monkeypatch.setenv("ACRNN_DATA", str(tiny_root.parent))
    others = setting_in(results, "0" * 64)
    assert "not the files that these predictions were made from" in web.describe_sounds(others, web.sounds_of(others))
    same = setting_in(results, load(tiny_root, "esc10").fingerprint())
    assert web.describe_sounds(same, web.sounds_of(same)) is None


def setting_in(folder: Path, fingerprint: str):
    write(folder, **result(f"s{fingerprint[:4]}", fingerprint))
    return next(one for one in known_settings() if one.data_fingerprint == fingerprint)


def test_the_matrix_as_a_table_is_in_the_shown_order(results):
    write(results, **result("a"))
    setting = known_settings()[0]
    table = web.matrix_table(confusion_of(clip_table(setting), setting.labels), "class", recall=False)
    assert table["true"].tolist() == list(table.columns[1:]) == sorted(ESC10)
    assert table.drop(columns="true").to_numpy().sum() == 4


def test_calibration_is_told_with_its_direction(results):
    write(results, **result("a"))
    told = web.describe_reliability(reliability(clip_table(known_settings()[0])))
    assert "error 41.0% over 10 bins" in told
    assert "overconfident: mean confidence 91.0%, accuracy 50.0% on 4 clips" in told


def test_clips_are_told_with_their_recordings_where_these_are_known():
    clips = pd.DataFrame({"recording": ["7", "7", "8"]})
    assert tell_clips(clips) == "3 clips, 2 recordings"
    assert tell_clips(clips.iloc[:1]) == "1 clip, 1 recording"
    assert tell_clips(clips.assign(recording=None)) == "3 clips"
    assert tell_clips(clips.iloc[:0]) == "0 clips"
