"""Events: found in windows made by hand, written and read back, and compared with true ones."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrnn.cli import main as cli
from acrnn.errors import OptionError
from acrnn.events import Event, EventSettings, find_events
from acrnn.events.formats import FORMATS, read_events, write_text
from acrnn.events.score import overlapping, score_events
from tests.figures.test_clip import prediction_of

LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@st.composite
def events(draw):
    start = draw(st.integers(0, 10**9)) / 10**5
    return Event(start, start + draw(st.integers(1, 10**6)) / 10**5, draw(LABELS), 0.75, 0.5)


@pytest.mark.parametrize("form", FORMATS)
@given(found=st.lists(events(), min_size=1, max_size=5))
def test_what_is_written_is_read_back(form, found, tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "file"
    path.write_text(write_text([("a.wav", found)], form), encoding="utf-8")
    back = [one.event for one in read_events(path)]
    assert [event.label for event in back] == [event.label for event in found]
    for read, written in zip(back, found, strict=True):
        assert (read.start_s, read.end_s) == pytest.approx((written.start_s, written.end_s), abs=1e-6)


@pytest.mark.parametrize(
    ("content", "line"),
    [("0.5\tx\tdog\n", 1), ("1.0\t2.0\tdog\n2.0\t1.0\train\n", 2), ("path,start_s,end_s,label\na.wav,one,2,dog\n", 2)],
)
def test_a_line_that_is_no_event_is_named(content, line, tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text(content)
    with pytest.raises(OptionError, match=rf"labels\.txt, line {line}: "):
        read_events(path)


def test_labels_with_frequencies_as_audacity_writes_them(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("1.500000\t2.250000\tdog\n\\\t200.000000\t4000.000000\n3.000000\t3.000000\tclick\n")
    assert [one.event.label for one in read_events(path)] == ["dog", "click"]


def test_a_sound_in_the_middle_is_one_event_of_its_class():
    prediction = prediction_of()
    probabilities = np.full_like(prediction.segment_probabilities, 0.01)
    probabilities[:2, 0] = 0.91
    spectrogram = np.full_like(prediction.spectrogram, -80)
    spectrogram[:, 70:110] = -20
    heard = replace(prediction, segment_probabilities=probabilities, spectrogram=spectrogram)
    found = find_events(heard)
    assert [event.label for event in found] == ["dog"]
    (event,) = found
    hop_s = prediction.times_s[1]
    assert (event.start_s, event.end_s) == pytest.approx((70 * hop_s, 110 * hop_s), abs=0.1)
    assert find_events(prediction, EventSettings(classes=("rain",))) == []


def test_settings_that_make_no_events_are_refused():
    with pytest.raises(OptionError, match="two thresholds"):
        EventSettings(onset=0.2, offset=0.5)
    with pytest.raises(OptionError, match="dgo"):
        find_events(prediction_of(), EventSettings(classes=("dgo",)))


def test_scores_are_sed_evals():
    pytest.importorskip("sed_eval")
    true = [Event(1, 2, "dog"), Event(5, 6, "dog")]
    found = [Event(1.1, 2.1, "dog"), Event(5.5, 6, "dog"), Event(8, 9, "rain")]
    scores = score_events(found, true)
    assert (scores["dog"].events.right, scores["dog"].events.found, scores["dog"].events.true) == (1, 2, 2)
    missed, false = overlapping(found, true)
    assert (missed, [event.label for event in false]) == ([], ["rain"])


def test_the_command_writes_and_compares(monkeypatch, capsys, tiny_checkpoints, nothing_shipped, tmp_path, write_wav):
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    path = write_wav(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.3, 0.3, 110_250), 22_050)
    truth = tmp_path / "labels.txt"
    truth.write_text("0.5\t1.0\tdog\n1.5\t2.0\train\n3.0\t4.0\tkettle\n")
    arguments = ["events", path, "--checkpoint", "esc10-l10-paper-fold1", "--device", "cpu", "--truth", truth]
    arguments += ["--classes", "dog"]  # and what else is in the labels has not been asked for
    monkeypatch.setattr(sys, "argv", ["acrnn", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    assert not stop.value.code
    assert out.splitlines()[0].startswith("path,start_s,end_s,label")
    assert "of 1 true events found" in err
    assert f"{truth} has labels that esc10-l10-paper-fold1 lacks; they were left out: kettle" in err


def test_two_recordings_of_one_name_do_not_share_a_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["acrnn", "events", "a/x.wav", "b/x.wav", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "Two recordings are called x" in capsys.readouterr().err


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), st.sampled_from("ab")), max_size=12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), st.sampled_from("ab")), max_size=12),
)
def test_what_overlaps_is_what_each_pair_says(one, other):
    found, true = ([Event(a, a + length, label, 1.0, 1.0) for a, length, label in rows] for rows in (one, other))

    def met(event, others):
        return any(o.label == event.label and o.start_s < event.end_s and event.start_s < o.end_s for o in others)

    missed, false = overlapping(found, true)
    assert missed == [event for event in true if not met(event, found)]
    assert false == [event for event in found if not met(event, true)]
