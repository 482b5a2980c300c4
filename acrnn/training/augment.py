"""What is done to a batch of segments before a step: level, tilt, mixtures, low sampling rates, masks.

Segments are (batch, 2, band, frame): decibels, and decibels a frame. What is at the front end's floor is silence, and
stays so whatever gain it gets.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from acrnn.features import BandStatistics, FrontEnd, delta, fill_missing_bands, n_known_bands
from acrnn.training.recipe import LOW_RATES_HZ, TILT_POINTS

DB_A_NEPER = 10 / torch.log(torch.tensor(10.0)).item()
"""Decibels of a power that is e times another."""


def mix(values: Tensor, partners: Tensor, shares: Tensor) -> Tensor:
    """λ · x_i + (1 − λ) · x_j (eq. 5), for features and one-hot targets alike: (batch, …) → (batch, …)."""
    shares = shares.view(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[partners], values, shares)


def mix_power(segments: Tensor, partners: Tensor, shares: Tensor, floor_db: float, *, one_level: bool) -> Tensor:
    """Mix as sounds add: λ · p_i + (1 − λ) · p_j, where p is a power and segments are its decibels.

    The slope of the mixture is that of either segment by its share of the power.

    Parameters
    ----------
    segments : Tensor (batch, 2, band, frame)
    partners, shares : Tensor (batch,)
        λ is the share of a segment itself.
    floor_db : float
    one_level : bool
        Bring both segments to one mean power first, and the mixture to their levels' mean, weighted by λ.
    """
    static, slope = segments[:, 0] / DB_A_NEPER, segments[:, 1]
    log_shares = torch.stack([shares, 1 - shares]).clamp(min=1e-6).log()[:, :, None, None]
    both = torch.stack([static, static[partners]])  # (2, batch, band, frame), nepers of power
    if one_level:
        levels = both.flatten(2).logsumexp(dim=2)[:, :, None, None]
        target = torch.lerp(levels[1], levels[0], shares[:, None, None])
        log_shares = log_shares + target - levels
    both = both + log_shares
    mixed = torch.logaddexp(both[0], both[1])
    own = (both[0] - mixed).exp()
    mixed = torch.stack([mixed * DB_A_NEPER, torch.lerp(slope[partners], slope, own)], dim=1)
    return _silence_below(mixed, floor_db)


def change_level(segments: Tensor, gain_db: float, tilt_db: float, floor_db: float) -> Tensor:
    """Give each segment a gain drawn from ±`gain_db`, and its bands gains from ±`tilt_db` along straight lines."""
    n, _, n_bands, _ = segments.shape
    gains = (2 * torch.rand(n, 1, 1, device=segments.device) - 1) * gain_db
    tilts = (2 * torch.rand(n, 1, TILT_POINTS, device=segments.device) - 1) * tilt_db
    gains = gains + interpolate(tilts, n_bands, mode="linear", align_corners=True)  # (batch, 1, band)
    sounding = segments[:, :1] > floor_db
    static = torch.where(sounding, segments[:, :1] + gains[..., None], floor_db)
    return _silence_below(torch.cat([static, segments[:, 1:]], dim=1), floor_db)


def _silence_below(segments: Tensor, floor_db: float) -> Tensor:
    """Put decibels below the floor at the floor, as the front end does."""
    segments[:, 0].clamp_(min=floor_db)
    return segments


def mask(segments: Tensor, n_bands: int, n_frames: int, fill: Tensor) -> Tensor:
    """SpecAugment: in each segment, put one strip of bands and one of frames at `fill`.

    Parameters
    ----------
    segments : Tensor (batch, channel, band, frame)
    n_bands, n_frames : int
        Widths are drawn evenly from 0 to these, both counted.
    fill : Tensor (channel,)
    """
    for axis, widest in ((2, n_bands), (3, n_frames)):
        n = segments.shape[axis]
        width = torch.randint(min(widest, n) + 1, (len(segments), 1), device=segments.device)
        start = (torch.rand(len(segments), 1, device=segments.device) * (n - width + 1)).long()
        places = torch.arange(n, device=segments.device)
        hidden = (places >= start) & (places < start + width)  # (batch, band) or (batch, frame)
        hidden = hidden[:, None, :, None] if axis == 2 else hidden[:, None, None, :]
        segments = torch.where(hidden, fill.view(1, -1, 1, 1), segments)
    return segments


def at_a_low_rate(segments: Tensor, front_end: FrontEnd, bands: BandStatistics) -> Tensor:
    """Turn segments into what they are at one of `LOW_RATES_HZ`, the bands that it lacks estimated."""
    rate_hz = LOW_RATES_HZ[int(torch.randint(len(LOW_RATES_HZ), ()))]
    n_known = n_known_bands(front_end, rate_hz)
    n, _, n_bands, n_frames = segments.shape
    frames = segments[:, 0].transpose(0, 1).reshape(n_bands, n * n_frames)  # a frame is filled by itself
    filled = fill_missing_bands(frames, n_known, bands, front_end.floor_db)
    static = filled.view(n_bands, n, n_frames).transpose(0, 1)
    low = segments.clone()
    low[:, 0] = static
    low[:, 1, n_known:] = delta(static[:, n_known:].reshape(-1, n_frames)).view(n, -1, n_frames)
    return low
