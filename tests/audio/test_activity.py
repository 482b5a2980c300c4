import numpy as np
import pytest

from acrnn.audio.activity import find_events, frames_inside, sounding_blocks, sounding_power
from acrnn.errors import BadSamplesError
from tests.audio.audio_files import noise, sine

RATE_HZ = 16_000


def padded(before_s: float, sound: np.ndarray, after_s: float) -> np.ndarray:
    def silence(duration_s):
        return np.zeros(round(duration_s * RATE_HZ), np.float32)

    return np.concatenate([silence(before_s), sound, silence(after_s)])


@pytest.mark.parametrize(("before_s", "after_s"), [(0, 0), (1, 3), (0, 4)])
def test_power_of_a_sine_is_half_its_squared_amplitude_however_much_silence_is_around_it(before_s, after_s):
    clip = padded(before_s, sine(500, RATE_HZ, 0.5, amplitude=0.4), after_s)
    assert sounding_power(clip, RATE_HZ) == pytest.approx(0.4**2 / 2, rel=1e-3)


def test_events_are_where_the_sound_is_to_a_block():
    tone = sine(500, RATE_HZ, 0.5)
    clip = np.concatenate([padded(0.3, tone, 0.4), padded(0.2, tone, 1.0)])
    assert np.ravel(find_events(clip, RATE_HZ)) == pytest.approx([0.3, 0.8, 1.4, 1.9], abs=0.0101)


def test_a_pause_shorter_than_150_ms_is_part_of_the_event():
    tone = sine(500, RATE_HZ, 0.2)
    for pause_s, n_events in ((0.1, 1), (0.2, 2)):
        clip = np.concatenate([tone, padded(pause_s, tone, 0.5)])
        assert len(find_events(clip, RATE_HZ)) == n_events


def test_what_is_more_than_30_db_down_does_not_sound():
    loud = sine(500, RATE_HZ, 0.5)
    for below_db, counted in ((29, True), (31, False)):
        quiet = loud * np.float32(10 ** (-below_db / 20))
        blocks = sounding_blocks(np.concatenate([loud, quiet]), RATE_HZ)
        assert blocks[:50].all()
        assert (blocks[50:] == counted).all()


def test_a_continuous_sound_is_one_event_to_its_last_sample():
    assert find_events(noise(12_345), RATE_HZ) == ((0.0, 12_345 / RATE_HZ),)


def test_digital_silence_has_no_level():
    for call in (sounding_power, find_events):
        with pytest.raises(BadSamplesError, match="silence"):
            call(np.zeros(100, np.float32), RATE_HZ)


def test_a_frame_is_inside_if_its_time_is():
    times_s = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    assert frames_inside(times_s, ((0.1, 0.3),)).tolist() == [False, True, True, False, False]
    assert frames_inside(times_s, ((0.1, 0.3),), 0.05).tolist() == [False, True, True, True, False]
    assert not frames_inside(times_s, ()).any()
