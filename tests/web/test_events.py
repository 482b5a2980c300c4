"""Events of a long recording on Listen: what is said, chosen and played."""

import pytest
import streamlit as st

from acrnn.events import Event, EventSettings
from acrnn.web.shared import events as sounding

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
