"""Is this attention right? On Listen and Compare, asked and not asked."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from acrnn.measures.faithfulness import MAPS, MEASURES, Curve
from acrnn.measures.faithfulness.measures import SHARES
from acrnn.web.shared import faithfulness

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture
def measured(monkeypatch, tiny_checkpoints, tmp_path, nothing_shipped):
    """The tiny checkpoints, no dataset, and a list that gets the checkpoint and fill of each clip that is measured."""
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path))
    done = []
    original = faithfulness.FaithfulnessMeter.__call__

    def counted(self, prediction, **options):
        done.append((prediction.checkpoint, *options["fills"]))
        return original(self, prediction, n_draws=2, **options)

    monkeypatch.setattr(faithfulness.FaithfulnessMeter, "__call__", counted)
    st.cache_resource.clear()  # what other tests had measured
    return done


def page(name: str) -> AppTest:
    return AppTest.from_file(str(PAGES / name), default_timeout=120)


def toggle(app: AppTest):
    (found,) = [toggle for toggle in app.toggle if toggle.key == "right"]
    return found


def told(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if text.value.startswith("The probability of ")]


def test_listen_measures_when_asked_and_never_twice(measured):
    app = page("listen.py").run()
    assert not app.exception
    assert not measured
    assert not told(app)
    toggle(app).set_value(True).run()
    assert not app.exception
    assert measured == [("esc10-l10-paper-fold1", "silence")]
    (sentence,) = told(app)
    for part in ("most-attended first", "loudest first", "by integrated gradients", "at random"):
        assert part in sentence
    (table,) = [frame.value for frame in app.dataframe if "comprehensiveness" in frame.value]
    assert table["order of frames"].tolist() == list(MAPS.values())
    toggle(app).set_value(False).run()
    toggle(app).set_value(True).run()
    assert len(measured) == 1
    assert told(app) == [sentence]
    (fill,) = [group for group in app.get("button_group") if group.key == "fill"]
    fill.set_value("mean").run()
    assert measured[1:] == [("esc10-l10-paper-fold1", "mean")]


def test_compare_measures_the_attention_that_is_chosen(measured):
    app = page("compare.py").run()
    assert not app.exception
    toggle(app).set_value(True).run()
    assert not app.exception
    assert len(measured) == 1
    (choice,) = [box for box in app.selectbox if box.key == "rightof"]
    assert len(choice.options) == 3  # those with attention
    other = next(option for option in choice.options if option != choice.value)
    choice.set_value(other).run()
    assert not app.exception
    assert len(measured) == 2
    assert len(told(app)) == 1


def straight() -> Curve:
    shares = np.array(SHARES)
    return Curve(shares, 0.8 * (1 - shares), 0.8 * shares)


def test_the_sentence_has_the_cost_of_a_tenth_of_the_frames():
    curves = dict.fromkeys(MAPS, straight())
    assert faithfulness.describe(curves, "crying_baby") == (
        "The probability of crying baby is 0.80. Removing 10% of the frames costs **0.08** most-attended first, "
        "**0.08** loudest first, **0.08** by integrated gradients, **0.08** at random."
    )
    del curves["attention"]
    assert "attended" not in faithfulness.describe(curves, "dog")


def test_tables_for_export_have_every_map_and_point():
    curves = dict.fromkeys(MAPS, straight())
    points = faithfulness.curves_frame(curves)
    assert len(points) == len(MAPS) * len(SHARES)
    assert points.loc[points["map"] == "loudness", "deletion"].iloc[0] == pytest.approx(0.8)
    figures = faithfulness.measures_frame(curves)
    assert list(figures.columns) == ["map", *MEASURES, "cost_10"]
    assert figures["cost_10"].tolist() == pytest.approx([0.08] * len(MAPS))
