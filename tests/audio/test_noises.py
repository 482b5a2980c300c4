import numpy as np
import pytest
from scipy.signal import welch

from acrnn.audio.noises import babble, pink, white


def density_db(samples: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    freqs_hz, density = welch(samples, rate_hz, nperseg=4096)
    return freqs_hz, 10 * np.log10(density)


@pytest.mark.parametrize(("draw", "slope_db"), [(lambda rng, n, _: white(rng, n), 0.0), (pink, -10 * np.log10(2))])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_power_falls_by_so_many_decibels_an_octave(draw, slope_db, rate_hz):
    freqs_hz, level_db = density_db(draw(np.random.default_rng(0), 20 * rate_hz, rate_hz), rate_hz)
    kept = (freqs_hz > 60) & (freqs_hz < 0.45 * rate_hz)
    octaves = np.log2(freqs_hz[kept])
    every_octave_alike = 1 / freqs_hz[kept]  # there are more bins in high octaves
    slope = np.polyfit(octaves, level_db[kept], 1, w=np.sqrt(every_octave_alike))[0]
    assert slope == pytest.approx(slope_db, abs=0.1)


def test_pink_noise_has_the_same_power_in_every_octave():
    rate_hz = 44_100
    freqs_hz, level_db = density_db(pink(np.random.default_rng(1), 20 * rate_hz, rate_hz), rate_hz)
    power = 10 ** (level_db / 10)
    octaves = [power[(freqs_hz >= low) & (freqs_hz < 2 * low)].sum() for low in (250, 500, 1000, 2000, 4000, 8000)]
    assert np.ptp(10 * np.log10(octaves)) < 0.5


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_babble_has_the_band_the_unrest_and_the_level_of_many_voices(rate_hz):
    speech = babble(np.random.default_rng(0), 5 * rate_hz, rate_hz)
    freqs_hz, level_db = density_db(speech, rate_hz)
    power = 10 ** (level_db / 10)
    assert power[(freqs_hz > 80) & (freqs_hz < 4000)].sum() / power.sum() > 0.9
    blocks = speech[: 50 * (rate_hz // 10)].reshape(50, -1)  # of 0.1 s
    block_db = 10 * np.log10(np.mean(blocks.astype(float) ** 2, axis=1))
    assert 1 < block_db.std() < 6  # white noise has 0.1; a single voice falls silent
    assert np.mean(speech.astype(float) ** 2) == pytest.approx(1, rel=0.3)


def test_noise_repeats_with_the_seed_and_differs_without():
    for draw in (lambda rng, n, _: white(rng, n), pink, babble):
        first, again, other = (draw(np.random.default_rng(seed), 4000, 16_000) for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)
        assert first.dtype == np.float32
        assert first.shape == (4000,)


def test_a_stretch_longer_than_the_babble_goes_on():
    assert np.abs(babble(np.random.default_rng(0), 25 * 16_000, 16_000)[-16_000:]).max() > 0
