"""Parts of a sound: what a mask keeps stays, the rest goes."""

import numpy as np
import pytest

from acrnn.audio.masking import scale_tiles
from acrnn.errors import OptionError
from acrnn.features import FrontEnd
from acrnn.measures.maps import Grid

RATE_HZ = 16_000
FRONT_END = FrontEnd(rate_hz=RATE_HZ)
GRID = Grid.of(128, FRONT_END.n_frames(2 * RATE_HZ))
EDGES = GRID.edges_hz(FRONT_END.centres_hz), GRID.times_s(FRONT_END.hop_s)


def tone(hz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(2 * RATE_HZ) / RATE_HZ).astype(np.float32)


def level_db(samples: np.ndarray, hz: float) -> float:
    """Level of one frequency."""
    wave = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE_HZ)
    return 20 * np.log10(np.abs(samples @ wave) / len(samples) + 1e-12)


def row_of(hz: float) -> int:
    return int(np.searchsorted(EDGES[0], hz) - 1)


def test_of_two_tones_the_one_whose_bands_are_kept_stays():
    both = tone(400) + tone(3000)
    for kept, gone in ((400, 3000), (3000, 400)):
        gains = np.zeros(GRID.shape)
        gains[row_of(kept)] = 1
        found = scale_tiles(both, RATE_HZ, gains, *EDGES)
        assert level_db(found, kept) == pytest.approx(level_db(both, kept), abs=0.5)
        assert level_db(found, gone) < level_db(both, gone) - 20


def test_what_is_kept_in_time_stays_there():
    gains = np.zeros(GRID.shape)
    gains[:, 3] = 1
    found = scale_tiles(tone(400), RATE_HZ, gains, *EDGES)
    start, stop = (round(edge * RATE_HZ) for edge in EDGES[1][3:5])
    inside = found[start + 800 : stop - 800]
    assert inside == pytest.approx(tone(400)[start + 800 : stop - 800], abs=0.02)
    assert np.abs(found[: start - 800]).max() < 1e-3
    assert np.abs(found[stop + 800 :]).max() < 1e-3


@pytest.mark.parametrize("n_samples", [1, 100, 4001, 2 * RATE_HZ])
def test_with_all_kept_the_sound_is_as_it_was_and_parts_add_up(n_samples):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, n_samples).astype(np.float32)
    assert scale_tiles(samples, RATE_HZ, np.ones(GRID.shape), *EDGES) == pytest.approx(samples, abs=1e-5)
    kept = np.random.default_rng(1).random(GRID.shape) < 0.3
    parts = [scale_tiles(samples, RATE_HZ, part, *EDGES) for part in (kept, ~kept)]
    assert sum(parts) == pytest.approx(samples, abs=1e-5)


def test_what_does_not_fit_is_named():
    with pytest.raises(OptionError, match="one edge more than gains is accepted"):
        scale_tiles(tone(400), RATE_HZ, np.ones((2, 2)), *EDGES)
    with pytest.raises(OptionError, match="strictly ascending ones are accepted"):
        scale_tiles(tone(400), RATE_HZ, np.ones((1, 2)), [0, 1], [0, 0, 1])
    with pytest.raises(OptionError, match="A gain is -1; finite gains of at least 0 are accepted"):
        scale_tiles(tone(400), RATE_HZ, -np.ones((1, 1)), [0, 1], [0, 1])
