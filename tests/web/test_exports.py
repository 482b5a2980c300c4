"""What the buttons of the pages save is what the pages show."""

import csv
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from acrnn.checkpoints import find
from acrnn.inference import Predictor
from acrnn.labels import pretty
from acrnn.measures.attention import measure_attention
from acrnn.results.confusion import cell, clip_table, confidently_wrong, confusion_of
from acrnn.results.label_errors import label_errors
from acrnn.results.settings import load_settings
from acrnn.web.shared.clips import scene_clip


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tiny_checkpoints, tmp_path):
    """The tiny checkpoints, and no dataset."""
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path))


def rows_of(saved: str | bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(saved if isinstance(saved, str) else saved.decode())))


def test_listen_saves_the_prediction_that_it_shows(nothing_shipped, open_page, downloads, tiny_checkpoints):
    page = open_page("listen", sample="rooster")
    shown = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")(scene_clip("rooster").content)
    rows = rows_of(downloads("Attention (CSV)"))
    assert [float(row["time_s"]) for row in rows] == pytest.approx(shown.attention.times_s, abs=1e-6)
    assert [float(row["weight"]) for row in rows] == pytest.approx(shown.attention.weights, abs=1e-6)
    saved = json.loads(downloads("Prediction (JSON)"))
    assert saved["checkpoint"] == "esc10-l10-paper-fold1"
    assert saved["top"][0]["label"] == shown.label
    assert page.title[0].value == f"{pretty(shown.label)}, {shown.probabilities.max():.0%}"
    assert "plotly" in downloads("Figure (HTML)")
    finding = downloads("Finding (HTML)")
    assert "<h2>rooster.wav</h2>" in finding
    assert f"{100 * shown.probabilities.max():.1f} %</td>" in finding
    assert "it is rooster." in finding


def test_what_is_too_long_for_a_page_is_not_offered_as_one(nothing_shipped, open_page, monkeypatch):
    monkeypatch.setattr("acrnn.web.shared.exports.LONGEST_S", 4.0)
    page = open_page("listen", sample="rooster")
    disabled = {button.label: button.proto.disabled for button in page.get("download_button")}
    assert disabled["Finding (HTML)"]
    assert not disabled["Figure (HTML)"]


def test_confusions_saves_the_labels_that_are_in_question(open_page, downloads):
    setting = max(load_settings(), key=lambda setting: len(setting.folds))
    page = open_page("confusions", setting=setting.name, view="labels")
    rows = rows_of(downloads("These clips (CSV)"))
    expected = label_errors(setting)
    assert [row["filename"] for row in rows] == expected["filename"].tolist()
    assert [row["suspected"] for row in rows] == expected["suspected"].astype(str).tolist()
    assert any("Ranked by self-confidence" in element.value for element in page.markdown)


def test_collection_saves_the_pairs_that_are_alike(
    nothing_shipped, open_page, downloads, monkeypatch, tmp_path, tiny_root
):
    shutil.copytree(tiny_root, tmp_path / "doubled")
    dogs = sorted((tmp_path / "doubled" / "audio").glob("*-A-0.wav"))
    shutil.copy(dogs[0], dogs[1])
    page = open_page("collection", of="dataset", data="doubled", folds=["1", "2"], **{"as": "pairs"})
    assert not page.error
    (copy,) = (row for row in rows_of(downloads("Pairs (CSV)")) if row["copies"] == "True")
    assert (copy["first"], copy["second"]) == (dogs[0].name, dogs[1].name)
    assert (copy["across_folds"], copy["same_sound"]) == ("True", "True")
    box = page.selectbox(key="pair")
    box.select_index(box.options.index(f"{dogs[0].name} and {dogs[1].name}")).run()
    assert not page.exception
    assert any("Their waveforms hold the same sound" in element.value for element in page.caption)
    assert downloads("Finding (HTML)").count("<audio") == 2


def test_compare_saves_the_strips_and_the_measures_of_each(nothing_shipped, open_page, downloads):
    open_page("compare", sample="rooster")
    strips = pd.read_csv(io.StringIO(downloads("Strips (CSV)")))
    measures = pd.read_csv(io.StringIO(downloads("Measures (CSV)")))
    assert len(strips) == pytest.approx(5 * 16_000 / 186, abs=1)
    assert list(strips.columns) == ["time_s", "l2-softmax", "l4-sigmoid", "l10"]
    heard = measures[measures["top_class"].notna()]
    assert heard["attention"].tolist() == list(strips.columns)[1:]
    for row in heard.itertuples():
        again = measure_attention(strips[row.attention].to_numpy(), np.arange(len(strips)))
        assert (again.entropy, again.top_tenth) == pytest.approx((row.entropy, row.top_tenth), abs=1e-4)
    assert heard["accuracy"].eq(0.1).all()
    assert heard["loudness_correlation"].between(-1, 1).all()
    assert "l4 sigmoid" in downloads("Figure (HTML)")


def test_confusions_saves_matrix_cell_and_pairs_of_the_setting(open_page, downloads):
    setting = max(load_settings(), key=lambda setting: len(setting.folds))
    clips = clip_table(setting)
    mistake = confidently_wrong(clips).iloc[0]
    query = {"true": mistake["true"], "predicted": mistake["predicted"]}
    open_page("confusions", setting=setting.name, **query)
    confusion = confusion_of(clips, setting.labels)
    matrix = rows_of(downloads("Matrix (CSV)"))
    assert [row["true"] for row in matrix] == [setting.labels[i] for i in confusion.order("class")]
    assert sum(int(row[label]) for row in matrix for label in setting.labels) == len(clips)
    of_cell = rows_of(downloads("These clips (CSV)"))
    expected = cell(clips, mistake["true"], mistake["predicted"])
    assert [row["filename"] for row in of_cell] == expected["filename"].tolist()
    assert float(of_cell[0]["confidence"]) == pytest.approx(mistake["confidence"], abs=1e-5)
    assert len(rows_of(downloads("All pairs (CSV)"))) == len(confusion.pairs())


def test_confusions_saves_its_classes_and_its_calibration(open_page, downloads):
    setting = max(load_settings(), key=lambda setting: len(setting.folds))
    clips = clip_table(setting)
    open_page("confusions", setting=setting.name, view="class")
    correct = {row["label"]: int(row["correct"]) for row in rows_of(downloads("CSV"))}
    confusion = confusion_of(clips, setting.labels)
    assert correct == dict(zip(setting.labels, np.diag(confusion.counts).tolist(), strict=True))
    open_page("confusions", setting=setting.name, view="calibration")
    assert sum(int(row["clips"]) for row in rows_of(downloads("CSV"))) == len(clips)
