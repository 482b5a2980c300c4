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
    np.testing.assert_array_equal(found.samples, decode(io.BytesIO(found.wav), found.rate_hz).samples)
    assert found.prediction.name == "a.wav"
    assert analysis.analyse(CLIP, checkpoint, lambda share: None) is found


def test_an_upload_takes_what_the_command_line_takes():
    assert {"3gp", "mov", "amr", "wma"} <= set(SUFFIXES)
