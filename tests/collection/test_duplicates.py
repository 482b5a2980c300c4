"""Near-duplicates: pairs by features, checked by waveforms whose answers are known."""

import numpy as np
import pytest

from acrnn.audio import encode_wav
from acrnn.collection.duplicates import (
    COMPARED_S,
    RATE_HZ,
    Agreement,
    Member,
    agreement,
    check_waveforms,
    named_pairs,
    near_duplicates,
    tell_pairs,
    waveform_of,
)

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal(5 * RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("sign", [1, -0.01])
def test_a_sound_agrees_with_itself_wherever_it_begins(sign):
    later = np.concatenate([np.zeros(RATE_HZ, np.float32), sign * NOISE]).astype(np.float32)
    for one, other, lag_s in (
        (NOISE, sign * NOISE, 0), (NOISE, later, 1), (later, NOISE, -1), (NOISE[RATE_HZ:], NOISE[: 3 * RATE_HZ], 1),
    ):  # fmt: skip
        found = agreement(one, other)
        assert found.is_same
        assert (found.correlation, found.lag_s) == (pytest.approx(1, abs=0.01), lag_s)


def test_strangers_do_not_agree_even_if_they_share_a_hum_or_are_clicks():
    t_s = np.arange(len(NOISE)) / RATE_HZ
    hum = 20 * np.sin(2 * np.pi * 440 * t_s).astype(np.float32)
    other = RNG.standard_normal(len(NOISE)).astype(np.float32)
    assert agreement(NOISE, other).correlation < 0.1
    assert agreement(NOISE + hum, other + hum).correlation < 0.1
    assert agreement(NOISE, np.zeros(100, np.float32)) == Agreement(0.0, 0.0, 0.0)
    clicks = np.zeros((2, len(NOISE)), np.float32)
    clicks[:, 1000:1400] = RNG.standard_normal((2, 400)) * np.exp(-np.arange(400) / 50)
    assert agreement(*clicks).phases > 0.15  # which one measure alone would not tell from the same sound
    assert not agreement(*clicks).is_same


def test_the_same_sound_is_known_through_noise():
    noisy = NOISE + 0.5 * RNG.standard_normal(len(NOISE)).astype(np.float32)
    found = agreement(NOISE, noisy)
    assert found.is_same
    assert found.correlation == pytest.approx(1 / np.sqrt(1.25), abs=0.05)


MEMBERS = [
    Member("k0", "a1.wav", "dog", 1, "A"),
    Member("k1", "a2.wav", "dog", 1, "A"),  # another cut of A, in its fold
    Member("k2", "b.wav", "dog", 2, "B"),
    Member("k3", "a3.wav", "rain", 2, "A"),  # and one in another fold
    Member("k0", "copy.wav", None, None, None),
]
FEATURES = np.array([[1, 0], [1, 0.01], [1, 0.1], [0, 1], [1, 0]], np.float32)


def test_pairs_are_of_different_recordings_or_across_a_folds_border():
    found = near_duplicates(MEMBERS, FEATURES)
    pairs = {(row.a, row.b): row for row in found.itertuples()}
    assert (0, 1) not in pairs
    assert found["similarity"].is_monotonic_decreasing
    assert pairs[0, 2].similarity == pytest.approx(1 / np.hypot(1, 0.1), abs=1e-5)
    assert (pairs[0, 2].same_source, pairs[0, 2].across_folds, pairs[0, 2].same_label) == (False, True, True)
    assert (pairs[0, 3].same_source, pairs[0, 3].across_folds, pairs[0, 3].same_label) == (True, True, False)
    assert pairs[0, 4].copies
    assert not pairs[0, 2].copies
    assert found["across_folds"].isna().sum() == found["same_label"].isna().sum() == 4  # those of copy.wav


def test_leaks_are_listed_however_few_pairs_are_asked_for():
    found = near_duplicates(MEMBERS, FEATURES, n=1)
    assert [(row.a, row.b) for row in found.itertuples() if row.same_source] == [(1, 3), (0, 3)]
    assert (~found["same_source"]).sum() == 1


@pytest.mark.parametrize("n", [0, 1])
def test_there_is_no_pair_of_fewer_than_two(n):
    found = near_duplicates(MEMBERS[:n], FEATURES[:n])
    assert found.empty
    assert tell_pairs(named_pairs(MEMBERS[:n], check_waveforms(found, lambda i: NOISE))).startswith("0 pairs")


def test_waveforms_say_which_pairs_hold_the_same_sound():
    other = RNG.standard_normal(len(NOISE)).astype(np.float32)
    samples, told = [NOISE, NOISE, NOISE[RATE_HZ:], other, NOISE], []
    found = check_waveforms(near_duplicates(MEMBERS, FEATURES), samples.__getitem__, lambda *of: told.append(of))
    same = {(row.a, row.b): row.same_sound for row in found.itertuples()}
    assert same[0, 2]
    assert not same[0, 3]
    assert told[-1] == (len(found), len(found))
    names = named_pairs(MEMBERS, found)
    assert {"a1.wav", "b.wav"} in [{row.first, row.second} for row in names.itertuples()]
    assert "2 pairs are cuts of one recording in different folds" in tell_pairs(names)


def test_the_first_minute_is_compared():
    long = np.tile(NOISE, 14)
    samples = waveform_of(encode_wav((0.1 * long).clip(-1, 1), RATE_HZ), "long.wav")
    assert len(samples) == COMPARED_S * RATE_HZ
