import math

import numpy as np
import pytest
import torch

from acrnn.training.augment import change_level, mix_power

FLOOR_DB = -80.0


def segments(*levels_db, slope=0.0, n_bands=8, n_frames=12):
    """One segment a level: the same in all bands and frames."""
    static = torch.tensor(levels_db, dtype=torch.float32)[:, None, None].expand(-1, n_bands, n_frames)
    return torch.stack([static, torch.full_like(static, slope)], dim=1).clone()


def swap(n=2):
    return torch.arange(n).flip(0)


def test_two_equal_powers_mixed_half_and_half_are_as_loud_as_either():
    mixed = mix_power(segments(-30, -30), swap(), torch.tensor([0.5, 0.5]), FLOOR_DB, one_level=False)
    torch.testing.assert_close(mixed[:, 0], segments(-30, -30)[:, 0])


def test_a_share_of_a_half_takes_3_db_from_a_sound_mixed_with_silence():
    mixed = mix_power(segments(-20, -80), swap(), torch.tensor([0.5, 0.5]), FLOOR_DB, one_level=False)
    assert mixed[:, 0].mean((1, 2)).tolist() == pytest.approx([-20 - 10 * math.log10(2)] * 2, abs=1e-4)


def test_powers_add_as_waveforms_without_correlation_do():
    a, b, share = -25.0, -40.0, 0.3
    mixed = mix_power(segments(a, b), swap(), torch.tensor([share, share]), FLOOR_DB, one_level=False)
    power = share * 10 ** (a / 10) + (1 - share) * 10 ** (b / 10)
    assert mixed[0, 0].mean().item() == pytest.approx(10 * math.log10(power), abs=1e-4)


def test_at_one_level_the_share_is_what_is_heard_and_the_level_lies_between():
    a, b, share = -20.0, -50.0, 0.7
    loud, quiet = segments(a, b, n_bands=2)
    loud[0, 1], quiet[0, 0] = FLOOR_DB, FLOOR_DB  # each has a band of its own
    both = torch.stack([loud, quiet])
    mixed = mix_power(both, swap(), torch.tensor([share, 1 - share]), FLOOR_DB, one_level=True)[0, 0].mean(1)
    assert (mixed[0] - mixed[1]).item() == pytest.approx(10 * math.log10(share / (1 - share)), abs=0.01)
    level = 10 * math.log10(sum(10 ** (band / 10) for band in mixed.tolist()))
    assert level == pytest.approx(share * a + (1 - share) * b, abs=0.01)


def test_the_slope_of_a_mixture_is_that_of_its_parts_by_power():
    both = torch.cat([segments(-20, slope=1.0), segments(-20, slope=-3.0)])
    mixed = mix_power(both, swap(), torch.tensor([0.75, 0.75]), FLOOR_DB, one_level=False)
    assert mixed[0, 1].mean().item() == pytest.approx(0.75 * 1 - 0.25 * 3, abs=1e-5)


def test_a_share_of_one_leaves_a_segment_as_it_is():
    both = torch.stack([segments(-33)[0], segments(-10, slope=2.0)[0]])
    mixed = mix_power(both, swap(), torch.ones(2), FLOOR_DB, one_level=True)
    torch.testing.assert_close(mixed, both, atol=2e-3, rtol=0)


def test_a_gain_is_one_for_the_whole_segment_and_stays_in_its_range():
    torch.manual_seed(0)
    many = segments(*[-40.0] * 500)
    changed = change_level(many, 6.0, 0.0, FLOOR_DB)[:, 0] - many[:, 0]
    gains = changed[:, 0, 0]
    torch.testing.assert_close(changed, gains[:, None, None].expand_as(changed))
    assert gains.abs().max() <= 6
    assert gains.min() < -5.5
    assert gains.max() > 5.5


def test_a_tilt_is_the_same_in_every_frame_and_straight_between_its_points():
    torch.manual_seed(0)
    flat = segments(-40.0, n_bands=129)
    tilted = (change_level(flat, 0.0, 6.0, FLOOR_DB) - flat)[0, 0]
    assert torch.equal(tilted, tilted[:, :1].expand_as(tilted))
    bends = np.abs(np.diff(tilted[:, 0].numpy(), n=2)) > 1e-3
    assert set(np.flatnonzero(bends) + 1) <= {32, 64, 96}


def test_silence_gets_no_gain_and_nothing_falls_below_the_floor():
    torch.manual_seed(0)
    quiet = segments(*[FLOOR_DB, -79.0] * 50)
    changed = change_level(quiet, 12.0, 0.0, FLOOR_DB)[:, 0]
    assert (changed[::2] == FLOOR_DB).all()
    assert changed.min() >= FLOOR_DB
    assert changed.max() > -70
