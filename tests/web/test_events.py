"""Events of a long recording on Listen: what is said, chosen and played."""

import pytest
import streamlit as st

from acrnn.errors import OptionError
from acrnn.events import Event, EventSettings
from acrnn.web.shared import events as sounding
from acrnn.web.shared import truth

TRUE = b"0.5\t1.5\tDog\n8.0\t9.0\tdog\n20.5\t21.0\tRain\n30\t31\tspeech\n"
BARKS = [Event(1, 2, "dog", 0.9, 0.8), Event(4, 5, "dog", 0.9, 0.8), Event(20, 21, "rain", 0.9, 0.8)]


@pytest.fixture(autouse=True)
def state(monkeypatch):
    kept = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


def test_the_headline_counts_the_events_of_the_most_frequent_classes():
    assert sounding.headline([]) == "No event found"
    assert sounding.headline(BARKS) == "2 × dog, 1 × rain"
    assert sounding.headline(BARKS, n_named=1) == "2 × dog and 1 more class"


def test_each_choice_of_an_event_is_asked_anew_and_a_loop_is_told(state):
    assert sounding.stretch(BARKS) is None
    sounding._choose(1)
    first = sounding.stretch(BARKS)
    assert (first.start_s, first.end_s, first.loop) == (4, 5, False)
    state["event_how"] = [sounding.LOOP]
    sounding._choose(1)
    again = sounding.stretch(BARKS)
    assert again.loop
    assert again.asked == first.asked + 1


def test_zoom_shows_what_is_around_the_event_within_the_recording(state):
    class Recording:
        duration_s = 22.0

    sounding._choose(0)
    assert sounding.choose_span(Recording, BARKS) is None
    state["event_how"] = [sounding.ZOOM]
    assert sounding.choose_span(Recording, BARKS) == (0, 2 + sounding.CONTEXT_S)
    sounding._choose(2)
    assert sounding.choose_span(Recording, BARKS) == (20 - sounding.CONTEXT_S, 22)


def test_another_recording_or_other_settings_let_go_of_the_event(state):
    sounding.forget("a", EventSettings())
    sounding._choose(1)
    sounding.forget("a", EventSettings())
    assert sounding.stretch(BARKS) is not None
    sounding.forget("a", EventSettings(onset=0.7))
    assert sounding.stretch(BARKS) is None


def test_true_events_are_matched_by_class_and_time_whoever_spelt_them():
    true, unknown = truth.true_events(TRUE, "labels.txt", "yard.wav", ["dog", "rain"])
    assert [event.label for event in true] == ["dog", "dog", "rain"]
    assert unknown == ("speech",)
    table = truth.outcomes(BARKS, true)
    assert list(table["outcome"]) == [truth.FOUND, truth.FALSE_ALARM, truth.MISSED, truth.FOUND]
    assert list(table["start (s)"]) == [0.5, 4.0, 8.0, 20.5]


def test_of_a_file_of_several_recordings_only_this_ones_events_count():
    rows = b"path,start_s,end_s,label\na/yard.wav,1,2,crying baby\nb/street.wav,3,4,dog\n"
    true, _ = truth.true_events(rows, "all.csv", "yard.wav", ["dog", "crying_baby"])
    assert [(event.start_s, event.label) for event in true] == [(1, "crying_baby")]
    with pytest.raises(OptionError, match=r"all\.csv has events of 2 recordings, and none of them is called wood\.wav"):
        truth.true_events(rows, "all.csv", "wood.wav", ["dog"])


@pytest.mark.parametrize(("content", "told"), [(b"\xff\xfe", "UTF-8"), (b"1\ttwo\tdog\n", "line 1: its times are")])
def test_what_is_no_file_of_events_is_told_by_its_name(content, told):
    with pytest.raises(OptionError, match=f"labels.txt, .*{told}"):
        truth.true_events(content, "labels.txt", "yard.wav", ["dog"])
