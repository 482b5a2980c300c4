import numpy as np
import pytest

from acrnn.audio import (
    Shift,
    Stretch,
    add_noise,
    draw_augmentation,
    gain_db,
    pitch_shift,
    scale_frames,
    time_stretch,
)
from acrnn.errors import BadSamplesError, OptionError
from tests.audio.audio_files import noise, sine

RATE_HZ = 16_000


def peak_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * RATE_HZ / (8 * len(samples))


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 3.0, 20.0])
def test_noise_has_exactly_the_asked_power_ratio(snr_db):
    clip, hiss = sine(440, RATE_HZ, 1.0), noise(RATE_HZ)
    added = add_noise(clip, hiss, snr_db).astype(np.float64) - clip
    ratio_db = 10 * np.log10(np.mean(clip.astype(np.float64) ** 2) / np.mean(added**2))
    assert ratio_db == pytest.approx(snr_db, abs=1e-3)


def test_short_noise_is_repeated_and_long_noise_is_cut():
    clip = sine(440, RATE_HZ, 0.5)
    for n_noise in (100, 3 * len(clip)):
        added = add_noise(clip, noise(n_noise), 10.0).astype(np.float64) - clip
        ratio_db = 10 * np.log10(np.mean(clip.astype(np.float64) ** 2) / np.mean(added**2))
        assert len(added) == len(clip)
        assert ratio_db == pytest.approx(10.0, abs=1e-3)


def test_silence_has_no_ratio():
    silence, clip = np.zeros(100, np.float32), noise(100)
    for pair in ((silence, clip), (clip, silence)):
        with pytest.raises(BadSamplesError, match="silent"):
            add_noise(*pair, 0.0)


def test_six_decibels_down_halves():
    clip = sine(440, RATE_HZ, 0.1)
    np.testing.assert_allclose(gain_db(clip, -20 * np.log10(2)), clip / 2, rtol=1e-6)
    np.testing.assert_array_equal(gain_db(clip, 0.0), clip)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_a_stretch_changes_the_length_and_not_the_pitch(factor):
    clip = sine(1000, RATE_HZ, 1.0)
    stretched = time_stretch(clip, RATE_HZ, factor)
    assert len(stretched) == round(len(clip) / factor)
    assert stretched.dtype == np.float32
    assert peak_hz(stretched) == pytest.approx(1000, abs=4)


@pytest.mark.parametrize("semitones", [-3.5, 0.0, 3.5])
def test_a_shift_changes_the_pitch_and_not_the_length(semitones):
    clip = sine(1000, RATE_HZ, 1.0)
    shifted = pitch_shift(clip, RATE_HZ, semitones)
    assert len(shifted) == len(clip)
    assert shifted.dtype == np.float32
    assert peak_hz(shifted) == pytest.approx(1000 * 2 ** (semitones / 12), rel=0.005)


def test_the_values_of_a_draw_are_what_is_applied():
    clip = noise(RATE_HZ)
    np.testing.assert_array_equal(Stretch(1.2).apply(clip, RATE_HZ), time_stretch(clip, RATE_HZ, 1.2))
    np.testing.assert_array_equal(Shift(-2.0).apply(clip, RATE_HZ), pitch_shift(clip, RATE_HZ, -2.0))


def test_draws_are_even_within_the_papers_ranges_and_repeat_with_the_seed():
    rng = np.random.default_rng(0)
    draws = [draw_augmentation(rng) for _ in range(2000)]
    factors = np.array([d.factor for d in draws if isinstance(d, Stretch)])
    semitones = np.array([d.semitones for d in draws if isinstance(d, Shift)])
    assert len(factors) + len(semitones) == 2000
    assert abs(len(factors) - 1000) < 100
    assert 0.8 <= factors.min() < 0.81
    assert 1.29 < factors.max() <= 1.3
    assert -3.5 <= semitones.min() < -3.45
    assert 3.45 < semitones.max() <= 3.5
    again = np.random.default_rng(0)
    assert [draw_augmentation(again) for _ in range(20)] == draws[:20]


def test_weights_are_interpolated_normalised_and_held_at_the_ends():
    ones = np.ones(1000, np.float32)  # 1 s at 1 kHz
    curve = scale_frames(ones, 1000, np.array([0.2, 0.6]), np.array([1.0, 4.0]))
    np.testing.assert_allclose(curve[:201], 0.25, atol=1e-6)
    assert curve[400] == pytest.approx((0.25 + 1.0) / 2, abs=1e-6)
    np.testing.assert_allclose(curve[600:], 1.0, atol=1e-6)


def test_equal_weights_change_nothing_and_zero_weights_are_silence():
    clip, times_s = noise(500), np.array([0.0, 0.1])
    np.testing.assert_array_equal(scale_frames(clip, 1000, times_s, np.array([0.3, 0.3])), clip)
    assert not scale_frames(clip, 1000, times_s, np.zeros(2)).any()


@pytest.mark.parametrize(
    ("times_s", "weights"),
    [([0.0, 0.0], [1, 1]), ([0.1, 0.0], [1, 1]), ([0.0], [1, 1]), ([], []), ([0, 1], [1, -1]), ([0, 1], [1, np.nan])],
)
def test_weights_that_make_no_curve_are_refused(times_s, weights):
    with pytest.raises(OptionError, match="accepted"):
        scale_frames(noise(100), 1000, np.array(times_s), np.array(weights))


def test_what_is_no_waveform_is_refused():
    for bad in (noise(10, 2), np.zeros(0, np.float32), np.zeros(5, np.int16), np.array([0.0, np.nan])):
        with pytest.raises(BadSamplesError, match="accepted"):
            gain_db(bad, 1.0)
    for call in (lambda: time_stretch(noise(100), 8000, 0.0), lambda: pitch_shift(noise(100), 8000, 99.0)):
        with pytest.raises(OptionError, match="accepted"):
            call()


def test_very_short_clips_and_untouched_inputs():
    for n_samples in (4, 5, 100):
        clip = noise(n_samples)
        before = clip.copy()
        assert len(time_stretch(clip, 44_100, 0.8)) == round(n_samples / 0.8)
        assert len(pitch_shift(clip, 44_100, 2.0)) == n_samples
        np.testing.assert_array_equal(clip, before)
