"""Scale, offset and channels: what is put right on the way into the network, and what is refused."""

import numpy as np
import pytest

from acrnn.audio import decode, from_array, stream
from acrnn.errors import BadSamplesError, OptionError
from tests.audio.audio_files import noise, sine, soundfile_bytes

RATE_HZ = 16_000


def array(samples, **how):
    return from_array(samples, RATE_HZ, RATE_HZ, **how)


def bursts(n_samples=5 * RATE_HZ, seed=0):
    """Noise in the second half of every half second, digital silence in the first."""
    on = (np.arange(n_samples) // (RATE_HZ // 4)) % 2
    return noise(n_samples, seed=seed) * on.astype(np.float32)


class TestDrift:
    @pytest.mark.parametrize(
        "drift",
        [
            lambda t_s: 0.2 * np.sin(2 * np.pi * 0.2 * t_s),
            lambda t_s: 0.3 * np.exp(-t_s),
            lambda t_s: np.where(t_s > 2.5, 0.15, -0.15),
            lambda t_s: 0.06 * t_s,
        ],
        ids=["wave", "settling", "step", "ramp"],
    )
    def test_it_is_filtered_out_with_a_note(self, drift):
        t_s = np.arange(5 * RATE_HZ) / RATE_HZ
        clip = 0.3 * sine(440, RATE_HZ, 5.0)
        audio = array((clip + drift(t_s)).astype(np.float32))
        later = slice(RATE_HZ // 2, 2 * RATE_HZ)
        assert np.abs(audio.samples[later] - clip[later]).max() < 0.01
        (note,) = audio.notes
        assert "drifts" in note

    def test_drift_alone_leaves_nothing_to_hear(self):
        t_s = np.arange(12 * RATE_HZ) / RATE_HZ
        audio = array((0.3 * np.sin(2 * np.pi * 0.2 * t_s)).astype(np.float32))
        assert np.abs(audio.samples[RATE_HZ // 5 :]).max() < 1e-4

    def test_blocks_and_array_give_the_same_bits(self):
        n = 23 * RATE_HZ
        clip = (noise(n) * 0.3 + np.linspace(-0.5, 0.5, n)).astype(np.float32)
        file = soundfile_bytes(clip, RATE_HZ, "WAV", "FLOAT")
        np.testing.assert_array_equal(decode(file, RATE_HZ).samples, array(clip).samples)
        np.testing.assert_array_equal(np.concatenate(list(stream(file, RATE_HZ))), array(clip).samples)


def test_channels_that_cancel_later_are_told_to_do_so_from_then_on():
    left = noise(20 * RATE_HZ, seed=3)
    right = -left
    right[: 10 * RATE_HZ] = noise(10 * RATE_HZ, seed=4)
    (note,) = array(np.stack([left, right], axis=1)).notes
    assert "cancel each other in the mix from 10 s on" in note


class TestOffset:
    @pytest.mark.parametrize("offset", [0.3, -0.07, 0.005])
    @pytest.mark.parametrize("make", [bursts, lambda: noise(5 * RATE_HZ), lambda: sine(440, RATE_HZ, 1.7)])
    def test_it_is_taken_off_with_a_note(self, offset, make):
        clip = 0.5 * make()
        audio = array(clip + np.float32(offset))
        np.testing.assert_allclose(audio.samples, clip, atol=1.2e-3)
        (note,) = audio.notes
        assert "offset" in note
        assert float(note.split()[6]) == pytest.approx(offset, abs=1.2e-3)

    def test_silence_with_an_offset_in_between_becomes_digital_silence(self):
        clip = bursts()
        audio = array(np.float32(0.25) + np.round(clip * 32767) / np.float32(32768))
        assert not audio.samples[: RATE_HZ // 4].any()

    def test_digital_silence_in_a_recording_with_an_offset_stays_silence(self):
        clip = noise(5 * RATE_HZ) * np.float32(0.3) + np.float32(0.2)
        clip[2 * RATE_HZ + 7 : 3 * RATE_HZ + 9] = 0
        samples = array(clip).samples
        silent = clip == 0
        assert not samples[silent].any()
        assert abs(samples[~silent].mean()) < 1e-3

    @pytest.mark.parametrize(
        "clip",
        [
            noise(5 * RATE_HZ),
            noise(700),
            bursts(),
            sine(60, RATE_HZ, 0.55),
            np.pad(sine(25, RATE_HZ, 0.1) * np.exp(-np.arange(1600) / 400), (20_000, 60_000)),
            np.array([0.0, 0.5, -0.25]),
            sine(3, RATE_HZ, 5),  # wind
        ],
        ids=["noise", "44 ms", "bursts", "hum", "thump", "three samples", "wind"],
    )
    def test_what_has_none_is_left_bit_for_bit(self, clip):
        audio = array(clip.astype(np.float32))
        np.testing.assert_array_equal(audio.samples, clip.astype(np.float32))
        assert audio.notes == ()

    @pytest.mark.parametrize("n_samples", [100, 5000, 12 * RATE_HZ])
    def test_an_offset_alone_is_silence(self, n_samples):
        assert not array(np.full(n_samples, 0.3, np.float32)).samples.any()

    @pytest.mark.parametrize("seconds", [9.99, 10.0, 23.7])
    def test_file_blocks_and_array_give_the_same_bits(self, seconds):
        clip = np.stack([noise(round(seconds * RATE_HZ)) * 0.4 + 0.1, noise(round(seconds * RATE_HZ), seed=1)], axis=1)
        file = soundfile_bytes(clip.astype(np.float32), RATE_HZ, "WAV", "FLOAT")
        for rate_hz in (RATE_HZ, 22_050):
            whole = decode(file, rate_hz).samples
            np.testing.assert_array_equal(whole, from_array(clip.astype(np.float32), RATE_HZ, rate_hz).samples)
            np.testing.assert_array_equal(whole, np.concatenate(list(stream(file, rate_hz))))

    def test_one_that_comes_later_is_found_in_its_window(self):
        clip = noise(40 * RATE_HZ)
        clip[20 * RATE_HZ :] += np.float32(0.2)
        samples = array(clip).samples
        np.testing.assert_array_equal(samples[: 20 * RATE_HZ], clip[: 20 * RATE_HZ])
        assert abs(samples[30 * RATE_HZ :].mean()) < 5e-3

    def test_a_channels_own_offset_does_not_make_it_sound(self):
        stereo = np.stack([noise(RATE_HZ), np.full(RATE_HZ, 0.4, np.float32)], axis=1)
        audio = array(stereo)
        np.testing.assert_array_equal(audio.samples, stereo[:, 0])
        assert "Channel 2 of 2 is empty" in audio.notes[0]


class TestScale:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    @pytest.mark.parametrize("bits", [16, 24])
    def test_whole_numbers_held_as_floats_are_scaled_with_a_note(self, dtype, bits):
        ints = np.rint(noise(RATE_HZ).astype(np.float64) * 2**bits * 0.9)
        audio = array(ints.astype(dtype))
        np.testing.assert_allclose(audio.samples, ints / 2 ** (bits - 1), rtol=1e-6)
        assert f"{bits}-bit" in audio.notes[0]

    def test_a_float_file_and_its_integers_are_the_same_sound(self):
        ints = np.rint(noise(RATE_HZ) * 60_000).astype(np.int16)
        of_floats = decode(soundfile_bytes(ints.astype(np.float32), RATE_HZ, "WAV", "FLOAT"), RATE_HZ)
        np.testing.assert_array_equal(of_floats.samples, array(ints).samples)

    def test_a_list_of_16_bit_values_is_scaled(self):
        ints = np.rint(noise(2000) * 60_000).astype(int)
        np.testing.assert_array_equal(array(ints.tolist()).samples, array(ints.astype(np.int16)).samples)

    def test_large_numbers_on_no_certain_scale_are_refused_and_the_remedy_named(self):
        with pytest.raises(BadSamplesError, match=r"take has samples up to 9\d+.*divide them by 32768.*\[-1, 1\]"):
            array(noise(RATE_HZ) * np.float32(20_000 * np.pi / 3.14159), name="take")

    @pytest.mark.parametrize("value", [1e3, -1e9, 1e30, 3e38])
    def test_a_lone_huge_sample_is_refused_with_its_time(self, value):
        clip = noise(RATE_HZ)
        clip[4000] = value
        with pytest.raises(BadSamplesError, match=r"take has a sample far beyond full scale \(1\.0\) at 0\.250 s"):
            array(clip, name="take")

    def test_a_lone_huge_sample_in_silence_is_no_16_bit_recording(self):
        clip = np.zeros(RATE_HZ, np.float32)
        clip[4000] = 20_000
        with pytest.raises(BadSamplesError):
            array(clip)

    def test_what_is_merely_too_loud_is_taken_as_it_is_with_a_note(self):
        clip = noise(RATE_HZ) * 10
        audio = array(clip)
        np.testing.assert_array_equal(audio.samples, clip)
        assert "5.0 times full scale" in audio.notes[0]

    def test_a_scale_that_changes_midway_is_refused(self):
        clip = noise(30 * RATE_HZ)
        clip[15 * RATE_HZ :] = np.rint(clip[15 * RATE_HZ :] * 60_000)
        with pytest.raises(BadSamplesError, match="full scale"):
            array(clip)


class TestChannels:
    @pytest.mark.parametrize("gains", [(1.0, -1.0), (0.5, -0.3), (-0.8, 0.8, 0.0)])
    def test_channels_that_cancel_give_the_loudest(self, gains):
        tone = sine(1000, RATE_HZ, 1.0)
        frames = np.stack([np.float32(gain) * tone for gain in gains], axis=1)
        audio = array(frames)
        np.testing.assert_array_equal(audio.samples, frames[:, int(np.argmax(np.abs(gains)))])
        assert any("cancel" in note for note in audio.notes)

    def test_wide_stereo_is_mixed_without_a_note(self):
        frames = noise(RATE_HZ, 2)
        audio = array(frames)
        np.testing.assert_array_equal(audio.samples, frames.mean(axis=1))
        assert audio.notes == ()

    @pytest.mark.parametrize("others", [0.0, 1e-5, 0.2], ids=["zeros", "dither", "an offset"])
    def test_empty_channels_are_left_out(self, others):
        frames = np.full((RATE_HZ, 8), others, np.float32)
        if others == 1e-5:
            frames = noise(RATE_HZ, 8) * np.float32(others)
        frames[:, 2] = noise(RATE_HZ)
        audio = array(frames)
        np.testing.assert_array_equal(audio.samples, frames[:, 2])
        assert audio.n_channels == 8
        assert "Channels 1, 2, 4, 5, 6, 7, 8 of 8 are empty" in audio.notes[0]

    def test_a_channel_that_begins_later_is_heard(self):
        frames = np.zeros((30 * RATE_HZ, 2), np.float32)
        frames[:, 0] = noise(30 * RATE_HZ)
        frames[20 * RATE_HZ :, 1] = noise(10 * RATE_HZ, seed=1)
        audio = array(frames)
        np.testing.assert_array_equal(audio.samples[: 20 * RATE_HZ], frames[: 20 * RATE_HZ, 0])
        np.testing.assert_array_equal(audio.samples[20 * RATE_HZ :], frames[20 * RATE_HZ :].mean(axis=1))
        assert audio.notes == ()

    def test_a_channel_is_chosen(self):
        frames = noise(1000, 3)
        file = soundfile_bytes(frames, RATE_HZ, "WAV", "FLOAT")
        for channel in (1, 2, 3):
            chosen = decode(file, RATE_HZ, channel=channel)
            np.testing.assert_array_equal(chosen.samples, frames[:, channel - 1])
            np.testing.assert_array_equal(chosen.samples, array(frames, channel=channel).samples)
            assert chosen.notes == ()

    @pytest.mark.parametrize("channel", [0, -1, 4, 1.5])
    def test_one_that_is_not_there_is_refused(self, channel):
        with pytest.raises(OptionError, match=rf"take has no channel {channel}; 1 to 3 are accepted"):
            decode(soundfile_bytes(noise(100, 3), RATE_HZ, "WAV"), RATE_HZ, channel=channel, name="take")
