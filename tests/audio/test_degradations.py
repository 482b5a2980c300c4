import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import welch

from acrnn.audio.activity import sounding_power
from acrnn.audio.degradations import (
    CONDITIONS,
    KINDS,
    NOISES,
    Degradation,
    clip_peaks,
    impulse_response,
    low_pass,
    parse_conditions,
    reverberate,
    rng_of,
)
from acrnn.errors import BadSamplesError, OptionError
from tests.audio.audio_files import noise, sine

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def short_event():
    """Half a second of tone in two seconds of digital silence, as clips of ESC-50 are padded."""
    clip = np.zeros(2 * RATE_HZ, np.float32)
    clip[8000:16_000] = sine(700, RATE_HZ, 0.5)
    return clip


def power_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("snr_db", [20, 0, -5])
@pytest.mark.parametrize("kind", NOISES)
def test_the_ratio_is_the_one_asked_for_over_what_sounds(short_event, kind, snr_db):
    background = noise(RATE_HZ // 2, seed=3)  # shorter than the clip: it is repeated
    noisy = Degradation(kind, snr_db).apply(short_event, RATE_HZ, "clip", background)
    added = noisy.astype(np.float64) - short_event
    realised_db = 10 * np.log10(sounding_power(short_event, RATE_HZ)) - power_db(added)
    assert realised_db == pytest.approx(snr_db, abs=0.1)
    assert power_db(short_event[8000:16_000]) - power_db(added) == pytest.approx(snr_db, abs=0.1)


def test_the_same_noise_comes_at_every_level(short_event):
    loud, quiet = (Degradation("pink", snr).apply(short_event, RATE_HZ, "clip") - short_event for snr in (0, 20))
    np.testing.assert_allclose(loud, 10 * quiet, atol=2e-5)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.key)
def test_a_condition_keeps_length_and_type_and_leaves_its_input(short_event, condition):
    before = short_event.copy()
    degraded = condition.apply(short_event, RATE_HZ, "clip", noise(RATE_HZ))
    assert degraded.shape == short_event.shape
    assert degraded.dtype == np.float32
    assert np.isfinite(degraded).all()
    assert not np.array_equal(degraded, short_event)
    np.testing.assert_array_equal(short_event, before)


def test_what_is_random_depends_on_the_clips_name_alone(short_event):
    for kind in ("white", "pink", "babble", "reverberation"):
        condition = next(c for c in CONDITIONS if c.kind == kind)
        first = condition.apply(short_event, RATE_HZ, "a")
        other = condition.apply(short_event, RATE_HZ, "b")
        np.testing.assert_array_equal(condition.apply(short_event, RATE_HZ, "a"), first)
        assert not np.array_equal(first, other)


def test_another_process_draws_the_same():
    program = "from acrnn.audio.degradations import rng_of; print(rng_of('white', '1-100032-A-0').random())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) == rng_of("white", "1-100032-A-0").random()


@pytest.mark.parametrize("cutoff_hz", [1000, 2000, 4000])
def test_a_low_pass_keeps_what_is_below_halves_the_amplitude_at_and_takes_what_is_above(cutoff_hz):
    def gain_db(freq_hz):
        clip = sine(freq_hz, RATE_HZ, 1.0)
        middle = slice(RATE_HZ // 4, -RATE_HZ // 4)
        return power_db(low_pass(clip, RATE_HZ, cutoff_hz)[middle]) - power_db(clip[middle])

    assert gain_db(cutoff_hz / 2) == pytest.approx(0, abs=0.01)
    assert gain_db(cutoff_hz) == pytest.approx(-20 * np.log10(2), abs=0.1)
    assert gain_db(1.5 * cutoff_hz) < -50


def test_a_low_pass_delays_nothing():
    click = np.zeros(4001, np.float32)
    click[2000] = 1
    filtered = low_pass(click, RATE_HZ, 2000)
    assert np.argmax(filtered) == 2000
    np.testing.assert_allclose(filtered, filtered[::-1], atol=1e-6)


@pytest.mark.parametrize("below_db", [6, 24])
def test_peaks_are_cut_at_the_level_asked_for_and_the_rest_is_left(below_db):
    clip = sine(440, RATE_HZ, 0.5, amplitude=0.8)
    cut = clip_peaks(clip, below_db)
    limit = 10 ** (-below_db / 20) * np.abs(clip).max()
    assert np.abs(cut).max() == pytest.approx(limit, rel=1e-6)
    kept = np.abs(clip) < limit * 0.999
    np.testing.assert_array_equal(cut[kept], clip[kept])


def test_gain_scales_by_decibels(short_event):
    quiet = Degradation("gain", -20).apply(short_event, RATE_HZ, "clip")
    np.testing.assert_allclose(quiet, short_event / 10, rtol=1e-6)


@pytest.mark.parametrize("rt60_s", [0.3, 0.8, 1.6])
def test_a_room_decays_by_60_db_in_its_reverberation_time(rt60_s):
    response = impulse_response(np.random.default_rng(0), RATE_HZ, rt60_s)
    assert response[0] == 1
    assert np.sum(response[1:] ** 2) == pytest.approx(1)
    tail = response[1:]
    left_db = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1])  # Schroeder's integral
    kept = (left_db < -5) & (left_db > -35)
    slope_db_per_s = np.polyfit(np.flatnonzero(kept) / RATE_HZ, left_db[kept], 1)[0]
    assert -60 / slope_db_per_s == pytest.approx(rt60_s, rel=0.05)


def test_reverberation_keeps_the_power_and_moves_nothing_earlier(short_event):
    wet = reverberate(short_event, impulse_response(np.random.default_rng(0), RATE_HZ, 0.8))
    assert power_db(wet) == pytest.approx(power_db(short_event), abs=1e-4)
    assert np.abs(wet[:7999]).max() < 1e-6 * np.abs(wet).max()
    assert np.abs(wet[16_000:20_000]).max() > 0.01 * np.abs(wet).max()  # it rings on


def test_a_response_of_one_changes_nothing(short_event):
    np.testing.assert_allclose(reverberate(short_event, np.ones(1)), short_event, atol=1e-6)


def test_white_noise_is_added_at_every_frequency(short_event):
    added = Degradation("white", 0).apply(short_event, RATE_HZ, "clip") - short_event
    _, density = welch(added, RATE_HZ, nperseg=256)
    assert np.ptp(10 * np.log10(density[2:-2])) < 4


def test_options_name_kinds_or_single_conditions():
    assert parse_conditions("") == CONDITIONS
    assert [c.amount for c in parse_conditions("mp3")] == list(KINDS["mp3"].amounts)
    assert parse_conditions("white=3, gain") == (Degradation("white", 3), *(c for c in CONDITIONS if c.kind == "gain"))
    assert len(parse_conditions("white,white=10")) == len(KINDS["white"].amounts)
    for wrong in ("hum", "white=loud"):
        with pytest.raises(OptionError, match="accepted"):
            parse_conditions(wrong)


def test_what_cannot_be_done_is_one_sentence(short_event):
    with pytest.raises(OptionError, match="background"):
        Degradation("background", 0).apply(short_event, RATE_HZ, "clip")
    with pytest.raises(OptionError, match="'hum'"):
        Degradation("hum", 0).apply(short_event, RATE_HZ, "clip")
    with pytest.raises(OptionError, match="cut-off"):
        low_pass(short_event, RATE_HZ, 9000)
    with pytest.raises(BadSamplesError, match="silence"):
        Degradation("white", 0).apply(np.zeros(100, np.float32), RATE_HZ, "clip")


def test_titles_are_for_people():
    assert Degradation("white", -5).title == "white noise, −5 dB"
    assert Degradation("low-pass", 4000).title == "low-pass filter, 4000 Hz"
    assert Degradation("reverberation", 0.3).key == "reverberation=0.3"
