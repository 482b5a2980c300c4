"""Where in frequency? Listen's section, asked and not asked."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import streamlit as st

from acrnn.checkpoints import find
from acrnn.inference import Predictor
from acrnn.measures.maps import METHODS, Mapper
from acrnn.results.studies import write_study
from acrnn.web.listen import where
from acrnn.web.shared.analysis import Analysis
from acrnn.web.shared.clips import scene_clip

NAME = "esc10-l10-paper-fold1"


@pytest.fixture
def asked(monkeypatch, tiny_checkpoints, tmp_path, nothing_shipped):
    """The tiny checkpoints, no dataset, no results, and a list that gets the method and class of each map made."""
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path))
    monkeypatch.setenv("ACRNN_RESULTS", str(tmp_path / "results"))
    done = []
    original = Mapper.__call__

    def counted(self, prediction, method, **options):
        done.append((method, options["label"]))
        return original(self, prediction, method, **options)

    monkeypatch.setattr(Mapper, "__call__", counted)
    st.cache_resource.clear()  # what other tests had made
    return done


def toggle(page):
    (found,) = [toggle for toggle in page.toggle if toggle.key == "where"]
    return found


def group(page, key: str):
    (found,) = [group for group in page.get("button_group") if group.key == key]
    return found


def captions(page) -> str:
    return " ".join(caption.value for caption in page.caption)


def test_nothing_is_made_before_it_is_asked_and_nothing_twice(asked, open_page):
    page = open_page("listen")
    assert not asked
    toggle(page).set_value(True).run()
    assert not page.exception
    predicted = asked[0][1]
    assert asked == [("integrated_gradients", predicted)]
    assert "Not measured for this checkpoint" in captions(page)
    toggle(page).set_value(False).run()
    toggle(page).set_value(True).run()
    assert len(asked) == 1
    for method in list(METHODS)[1:]:
        group(page, "map").set_value(method).run()
        assert not page.exception
    assert asked[1:] == [(method, predicted) for method in list(METHODS)[1:]]


def test_another_class_can_be_asked_for(asked, open_page):
    page = open_page("listen", where="true", map="grad_cam")
    (choice,) = [box for box in page.selectbox if box.key == "mapof"]
    assert choice.value is None  # as predicted
    other = next(label for label in choice.options if label.replace(" ", "_") != asked[0][1])
    choice.set_value(other.replace(" ", "_")).run()
    assert not page.exception
    assert asked[1:] == [("grad_cam", other.replace(" ", "_"))]
    assert "of others it says nothing" in captions(page)


def test_what_was_measured_of_these_very_weights_is_told(asked, open_page, tiny_checkpoints, tmp_path):
    config = find(NAME, tiny_checkpoints).config
    orders = {"integrated_gradients": 0.2, "occlusion": 0.5, "grad_cam": 0.6, "random": 0.6, "energy": 0.5}
    rows = [
        {"filename": f"{i}.wav", "recording": str(i), "measures": {
            fill: {order: [0.0, 0.0, area + 0.001 * (i % 7), 0.0] for order, area in orders.items()}
            for fill in ("silence", "mean")}}
        for i in range(20)
    ]  # fmt: skip
    values = {
        "checkpoint": NAME, "weights_sha256": config.weights_sha256, "dataset": "esc10", "data_title": "ESC-10",
        "placement": "l10", "recipe": "paper", "epochs": 60, "fold": 1, "n_clips": 20, "n_recordings": 20,
        "summary": {"silence": {"maps": {}}, "mean": {"maps": {}}}, "clips": rows,
    }  # fmt: skip
    write_study("maps", values, tmp_path / "results" / "maps")
    page = open_page("listen", where="true", map="grad_cam")
    assert "On 20 held-out clips, removing first the tiles that Grad-CAM at l8 marks lowers" in captions(page)
    assert "Integrated gradients costs more than all controls" in captions(page)
    write_study("maps", values | {"weights_sha256": "0" * 64}, tmp_path / "results" / "maps")
    page = open_page("listen", where="true", map="grad_cam")
    assert "Not measured for this checkpoint" in captions(page)


@pytest.fixture(scope="module")
def analysis(tiny_checkpoints):
    """A scene as the tiny network hears it."""
    predictor = Predictor(find(NAME, tiny_checkpoints), "cpu")
    content = scene_clip("dog").content
    prediction = predictor(content)
    samples, rate_hz = soundfile.read(io.BytesIO(content))
    wav = io.BytesIO()
    soundfile.write(wav, samples[:: rate_hz // 16_000], rate_hz // (rate_hz // 16_000), format="WAV")
    return Analysis(prediction, prediction.source_rate_hz, wav.getvalue(), ("key",)), Mapper(predictor)


def test_what_is_kept_and_the_rest_are_the_clip(analysis):
    analysis, mapper = analysis
    found = mapper(analysis.prediction, "integrated_gradients")
    kept, rest, whole = (
        soundfile.read(io.BytesIO(where.sound_of(analysis, found, 0.2, which)))[0] for which in ("kept", "rest", "clip")
    )
    assert kept + rest == pytest.approx(whole, abs=2e-3)  # in steps of 16 bits
    assert 0 < np.square(kept).sum() < np.square(whole).sum()


def test_the_sentence_says_in_which_bands_the_tiles_lie(analysis):
    analysis, mapper = analysis
    found = mapper(analysis.prediction, "occlusion")
    values = np.zeros_like(found.values)
    values[8:16] = 1
    edges_hz = found.grid.edges_hz(analysis.prediction.centres_hz)
    low, high = (where._hertz(hz) for hz in edges_hz[1:3])
    told = where.describe(replace(found, values=values), analysis, 0.1, 0.7, 0.25)
    assert told.startswith(f"Four fifths of the tiles kept lie between **{low} and {high}**. The probability of ")
    assert "is **0.70** with these tiles alone and **0.25** without them; with all it is " in told
    nothing = where.describe(replace(found, values=-values), analysis, 0.1, 0, 0)
    assert nothing.startswith("Nothing in this clip speaks for ")


def test_the_map_is_saved_tile_by_tile(asked, open_page, downloads):
    open_page("listen", where="true", map="occlusion")
    rows = list(csv.DictReader(io.StringIO(downloads("Map (CSV)"))))
    columns = len({row["start_s"] for row in rows})
    assert len(rows) == 4 * columns
    assert {row["kept"] for row in rows} == {"True", "False"}
    assert rows[0]["low_hz"] == "0"
    assert float(rows[0]["end_s"]) == float(rows[1]["start_s"])
    assert json.loads(rows[0]["score"]) is not None
