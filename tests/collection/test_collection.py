"""Entries, neighbours and labels, on the bundled scenes and a network of random weights."""

import json

import numpy as np
import pandas as pd
import pytest

from acrnn.audio import Limits, encode_wav
from acrnn.audio.scenes import render
from acrnn.collection import Entry, Label, LabelStore, Listener, Sound, esc50_table, map_of, most_similar, table_of
from acrnn.data.esc50 import COLUMNS
from acrnn.errors import FolderError
from acrnn.inference import Predictor
from acrnn.labels import ESC10
from acrnn.web.collection.rows import verdict

SCENES = ("dog", "rain", "sneezing")


def wav(label: str) -> bytes:
    scene = render(label)
    return encode_wav(scene.samples, scene.rate_hz)


@pytest.fixture(scope="module")
def listener(save_checkpoint, tmp_path_factory):
    return Listener(Predictor(save_checkpoint(tmp_path_factory.mktemp("c"), "l10")), Limits())


@pytest.fixture(scope="module")
def entries(listener):
    return [listener(Sound(f"{label}.wav", content=wav(label), truth=label)) for label in SCENES]


def test_an_entry_says_what_the_network_says(entries, listener):
    entry = entries[0]
    prediction = listener._predictor(wav("dog"))
    assert entry.error is None
    assert entry.likely == tuple(prediction.top(5))
    assert entry.duration_s == prediction.duration_s
    np.testing.assert_array_equal(entry.features, prediction.features)
    assert entry.thumbnail[8:12] == b"WEBP"
    assert len(entry.thumbnail) < 4000


@pytest.mark.parametrize("content", [b"", b"no sound at all", wav("dog")[:30]])
def test_a_recording_that_cannot_be_used_is_an_entry_with_its_reason(listener, content):
    entry = listener(Sound("x.wav", content=content))
    assert entry.error.startswith("x.wav")
    assert entry.likely == ()


def test_a_file_that_is_gone_is_an_entry_with_its_reason(listener, tmp_path):
    gone = Sound("gone.wav", tmp_path / "gone.wav")
    assert listener(gone).error == "gone.wav cannot be read (No such file or directory)."
    assert gone.identity == (str(tmp_path / "gone.wav"), None)


def test_the_table_compares_with_the_listeners_label_before_the_datasets(entries):
    failed = Entry(Sound("bad.wav"), "f" * 64, error="bad.wav is no sound.")
    predicted = entries[0].likely[0][0]
    table = table_of([*entries, failed], {entries[0].key: predicted}, ESC10)
    strange = table_of(entries[:1], {entries[0].key: "goose"}, ESC10)
    assert pd.isna(strange["right"][0])
    assert bool(table["right"][0])
    assert list(table["right"][1:3]) == [entry.likely[0][0] == entry.sound.truth for entry in entries[1:]]
    assert pd.isna(table["right"][3])
    assert table["error"][3] == "bad.wav is no sound."


def test_the_most_similar_are_those_of_the_smallest_angle():
    features = np.array([[1, 0], [0, 1], [2, 0.1], [-1, 0]], np.float32)
    found = most_similar(features, 0, 2)
    assert list(found["row"]) == [2, 1]
    assert found["similarity"][0] == pytest.approx(2 / np.hypot(2, 0.1))


def test_the_map_keeps_groups_together_and_is_the_same_each_time():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(i * 5, 1, (10, 16)) for i in range(2)])
    points = map_of(features)
    apart = np.linalg.norm(points[:10].mean(0) - points[10:].mean(0))
    assert apart > 2 * points[:10].std()
    np.testing.assert_array_equal(points, map_of(features))
    with pytest.raises(ValueError, match="5 recordings or more"):
        map_of(features[:4])


def label(key: str, word: str | None) -> Label:
    return Label(key, "a.wav", word, "rain", "esc10-l10-paper-fold1")


def test_the_last_label_of_a_recording_counts(tmp_path):
    store = LabelStore(tmp_path / "labels")
    assert store.read() == {}
    store.add([label("a", "dog"), label("b", "rain")])
    store.add([label("a", "rooster")])
    store.add([label("b", None)])
    assert store.read() == {"a": "rooster"}


def test_a_damaged_line_spoils_no_other(tmp_path):
    store = LabelStore(tmp_path)
    store.add([label("a", "dog")])
    path = tmp_path / "labels.jsonl"
    path.write_bytes(path.read_bytes() + b'5\nnull\n\xff\n{"sha256": "b"}\n{"sha2')
    store.add([label("c", "rain")])
    assert store.read() == {"a": "dog", "c": "rain"}


def test_labels_that_cannot_be_kept_are_said_to_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="ACRNN_LABELS"):
        LabelStore(tmp_path / "file").add([label("a", "dog")])


def test_what_is_known_is_laid_out_as_esc50_is(entries):
    unknown = Entry(Sound("what.wav"), "e" * 64, entries[0].likely)
    failed = Entry(Sound("bad.wav", truth="dog"), "f" * 64, error="no sound")
    table = esc50_table([*entries, unknown, failed], {entries[0].key: "goose"})
    assert list(table.columns) == list(COLUMNS)
    assert list(table["category"]) == ["goose", "rain", "sneezing"]
    assert list(table["target"]) == [50, 10, 21]
    assert set(table["fold"]) <= {1, 2, 3, 4, 5}
    again = esc50_table(entries[1:2], {})
    assert again["fold"][0] == table["fold"][1]


def test_a_label_is_a_line_of_json_with_its_date(tmp_path):
    LabelStore(tmp_path).add([label("a", "dog")])
    line = json.loads((tmp_path / "labels.jsonl").read_text())
    assert line["label"] == "dog"
    assert line["at"].endswith("+00:00")


def test_a_class_that_is_more_likely_wrong_than_right_is_unsure_in_the_table_and_in_words(entries):
    likely = (("dog", 0.4), ("rain", 0.3))
    sound = Sound("a.wav")
    told = {
        verdict(Entry(sound, "a" * 64, likely, known=known, unsure=unsure))
        for known, unsure in ((True, True), (True, False), (False, False), (None, None))
    }
    assert told == {
        "Unsure; most likely dog (40% calibrated)", "dog, 40% calibrated",
        "None of its classes; nearest: dog (40% calibrated)", "dog, 40%",
    }  # fmt: skip
    table = table_of([Entry(sound, "a" * 64, likely, known=True, unsure=True), entries[0]], {}, ESC10)
    assert table["unsure"].tolist() == [True, pd.NA]
