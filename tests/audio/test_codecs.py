import numpy as np
import pytest

from acrnn.audio import codecs
from acrnn.audio.codecs import roundtrip
from acrnn.audio.degradations import CONDITIONS
from acrnn.errors import OptionError
from tests.audio.audio_files import noise, sine

CODED = [(c.kind, int(c.amount)) for c in CONDITIONS if c.kind in codecs.CODECS]


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
@pytest.mark.parametrize(("codec", "kbit"), CODED)
def test_a_click_comes_back_where_it_was(codec, kbit, rate_hz):
    clip = np.zeros(2 * rate_hz, np.float32)
    at = round(0.91 * rate_hz)
    clip[at : at + rate_hz // 2000] = 0.9  # half a millisecond
    heard = roundtrip(clip, rate_hz, codec, kbit)
    assert len(heard) == len(clip)
    assert abs(int(np.abs(heard).argmax()) - at) < 0.004 * rate_hz  # a frame of the spectrogram is 11.6 ms
    power = heard.astype(np.float64) ** 2
    centre = np.sum(np.arange(len(power)) * power) / power.sum()
    assert abs(centre - at) < 0.006 * rate_hz


@pytest.mark.parametrize(("codec", "kbit"), [("mp3", 64), ("opus", 32)])
def test_a_tone_keeps_its_pitch_its_phase_and_its_level(codec, kbit):
    clip = sine(1000, 44_100, 1.0)
    heard = roundtrip(clip, 44_100, codec, kbit)
    middle = slice(8820, -8820)
    assert np.corrcoef(heard[middle], clip[middle])[0, 1] > 0.95
    assert np.std(heard[middle]) == pytest.approx(np.std(clip[middle]), rel=0.1)


def test_mp3_below_32_kbit_is_coded_at_16_khz():
    clip = sine(1000, 44_100, 1.0, amplitude=0.3) + sine(9000, 44_100, 1.0, amplitude=0.3)

    def level_at(kbit, freq_hz):
        heard = roundtrip(clip, 44_100, "mp3", kbit)[8820:-8820]
        return np.abs(np.fft.rfft(heard))[round(freq_hz * len(heard) / 44_100)] / len(heard)

    assert level_at(16, 1000) == pytest.approx(level_at(64, 1000), rel=0.2)
    assert level_at(64, 9000) > 100 * level_at(16, 9000)


def test_what_a_codec_cannot_do_is_refused():
    with pytest.raises(OptionError, match=r"'aac'.*mp3, opus"):
        roundtrip(noise(100), 16_000, "aac", 64)
    with pytest.raises(OptionError, match="6 to 256"):
        roundtrip(noise(100), 16_000, "opus", 1)
