import io

import numpy as np
import pytest

from acrnn.audio import decode
from acrnn.audio.containers import SUFFIXES
from acrnn.checkpoints import find
from acrnn.errors import AudioTooLargeError, OptionError
from acrnn.web.shared import analysis
from acrnn.web.shared.clips import ChosenClip
from tests.audio.audio_files import noise, soundfile_bytes

CLIP = ChosenClip("a.wav", soundfile_bytes(noise(16_000, 2), 16_000, "WAV"), "key of a")


def test_a_pages_limit_is_beyond_a_recorders_hour_and_a_setting(monkeypatch):
    assert analysis.page_limits().max_duration_s > 3601
    monkeypatch.setenv(analysis.PAGE_SECONDS, "0.5")
    with pytest.raises(AudioTooLargeError, match="ACRNN_PAGE_SECONDS"):
        decode(CLIP.content, 16_000, limits=analysis.page_limits())
    monkeypatch.setenv(analysis.PAGE_SECONDS, "long")
    with pytest.raises(OptionError, match="ACRNN_PAGE_SECONDS is 'long'"):
        analysis.page_limits()


def test_a_clip_is_decoded_once_and_its_samples_are_what_is_played(tiny_checkpoints, monkeypatch):
    decoded = []
    monkeypatch.setattr(analysis, "decode", lambda *args, **how: decoded.append(how) or decode(*args, **how))
    checkpoint = find("esc10-l10-paper-fold1", tiny_checkpoints)
    found = analysis.analyse(CLIP, checkpoint, lambda share: None)
    assert [how["name"] for how in decoded] == ["a.wav"]
    np.testing.assert_array_equal(found.samples, decode(io.BytesIO(found.sound), found.rate_hz).samples)
    assert found.prediction.name == "a.wav"
    assert analysis.analyse(CLIP, checkpoint, lambda share: None) is found


def test_a_long_recording_is_streamed_and_is_what_the_whole_of_it_is(tiny_checkpoints, monkeypatch):
    checkpoint = find("esc10-l10-paper-fold1", tiny_checkpoints)
    content = soundfile_bytes(noise(13 * 16_000, 4), 16_000, "WAV")
    whole = analysis.analyse(ChosenClip("long.wav", content, "whole"), checkpoint, lambda share: None)
    monkeypatch.setattr(analysis, "LONG_S", 12.0)
    streamed = analysis.analyse(ChosenClip("long.wav", content, "streamed"), checkpoint, lambda share: None)
    assert (whole.sound[:4], streamed.sound[:4]) == (b"RIFF", b"fLaC")
    np.testing.assert_array_equal(streamed.samples, whole.samples)
    for name in ("segment_probabilities", "spectrogram"):
        np.testing.assert_array_equal(getattr(streamed.prediction, name), getattr(whole.prediction, name))
    attended = [
        decode(io.BytesIO(analysis.attended_sound(found)), found.rate_hz).samples for found in (whole, streamed)
    ]
    np.testing.assert_array_equal(*attended)
    drawn, rate_hz = streamed.outline
    assert len(drawn) / rate_hz == pytest.approx(13.0, abs=0.01)
    assert (drawn.min(), drawn.max()) == (whole.samples.min(), whole.samples.max())
    span = round(2 * whole.rate_hz / rate_hz)
    np.testing.assert_array_equal(
        drawn[2000:2002], [f(whole.samples[1000 * span : 1001 * span]) for f in (np.min, np.max)]
    )


def test_a_long_recording_without_a_length_in_its_header_is_found_out_while_it_is_decoded(
    tiny_checkpoints, monkeypatch
):
    monkeypatch.setattr(analysis, "LONG_S", 1.0)
    opened = analysis._open

    def unannounced(clip):
        file = opened(clip)
        file.announced_s = None
        return file

    monkeypatch.setattr(analysis, "_open", unannounced)
    clip = ChosenClip("open.wav", soundfile_bytes(noise(3 * 16_000, 5), 16_000, "WAV"), "key of open")
    told = []
    found = analysis.analyse(clip, find("esc10-l10-paper-fold1", tiny_checkpoints), told.append)
    assert found.sound.startswith(b"fLaC")
    assert 0 < told[-1] < 1


def test_what_a_page_still_shows_is_not_analysed_again(tiny_checkpoints, monkeypatch):
    checkpoint = find("esc10-l10-paper-fold1", tiny_checkpoints)
    shown = ChosenClip("shown.wav", soundfile_bytes(noise(16_000, 6), 16_000, "WAV"), "key of shown")
    found = analysis.analyse(shown, checkpoint, lambda share: None)
    monkeypatch.setattr(analysis, "_kept", lambda: analysis.Kept(1.0))  # all of it pushed out
    monkeypatch.setattr(analysis, "_short", lambda *args: pytest.fail("it is analysed again"))
    assert analysis.analyse(shown, checkpoint, lambda share: None) is found


def test_a_small_file_of_many_channels_at_a_high_rate_is_bounded_by_its_work(monkeypatch):
    content = soundfile_bytes(np.zeros((384_000, 8), np.float32), 384_000, "FLAC")
    monkeypatch.setenv(analysis.PAGE_SECONDS, "2")
    with pytest.raises(AudioTooLargeError, match=r"8 channels at 384000 Hz, and of that up to 0 s .* ACRNN_PAGE_SECON"):
        decode(content, 16_000, limits=analysis.page_limits(), name="many.flac")
    monkeypatch.setenv(analysis.PAGE_SECONDS, "10")
    assert decode(content, 16_000, limits=analysis.page_limits()).n_channels == 8


class Gone(Exception):  # noqa: N818 - what a page raises when its visitor has left
    pass


def test_who_leaves_while_a_clip_is_decoded_ends_it(tiny_checkpoints, monkeypatch):
    told = []

    def on_progress(share):
        told.append(share)
        if len(told) == 3:
            raise Gone

    long = ChosenClip("long.wav", soundfile_bytes(noise(60 * 16_000, 2), 16_000, "WAV"), "key of long")
    monkeypatch.setattr(analysis, "predictor_of", lambda checkpoint: None)  # which is not asked
    with pytest.raises(Gone):
        analysis.analyse(long, find("esc10-l10-paper-fold1", tiny_checkpoints), on_progress)
    assert told == sorted(told)
    assert 0 < told[-1] < analysis.DECODING
    with analysis.turns().take(lambda ahead: pytest.fail("it holds its turn still")):
        pass


def test_a_long_recording_waits_for_long_ones_and_leaves_its_turn_to_others(tiny_checkpoints, monkeypatch):
    monkeypatch.setattr(analysis, "LONG_S", 1.0)
    began = []

    def on_progress(share):
        began.append(analysis.turns()._free)

    checkpoint = find("esc10-l10-paper-fold1", tiny_checkpoints)
    three_s = ChosenClip("three.wav", soundfile_bytes(noise(3 * 16_000, 3), 16_000, "WAV"), "key of three")
    n_free = analysis.turns()._free
    found = analysis.analyse(three_s, checkpoint, on_progress)
    assert found.prediction.duration_s == 3.0
    assert {began[0], began[-1]} == {n_free - 1, n_free}
    again = ChosenClip("again.wav", three_s.content, "key of again")
    monkeypatch.setattr(analysis.st, "empty", lambda: Waiting())
    with analysis.long_turns().take(), pytest.raises(Gone):
        analysis.analyse(again, checkpoint, lambda share: None)
    with analysis.long_turns().take(lambda ahead: pytest.fail("it holds its turn still")):
        pass


class Waiting:
    """A place on the page whose visitor leaves when told to wait."""

    def empty(self):
        pass

    def info(self, text, icon):
        assert text == "One analysis is ahead of yours …"
        raise Gone


def test_an_upload_takes_what_the_command_line_takes():
    assert {"3gp", "mov", "amr", "wma"} <= set(SUFFIXES)
