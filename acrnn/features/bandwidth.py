"""Bands that a recording at a low sampling rate leaves empty, estimated from the bands that it has.

A network trained at 44.1 kHz has never seen a sound that ends at 4 kHz, and takes the emptiness above for a property of
the source. The levels of neighbouring bands go together in real sound, so what is missing can be told from what is
there: each frame's missing decibels are their mean given its known ones, under a mixture of Gaussians, one a class,
fitted to the frames of the training folds (imputation as in missing-feature speech recognition). The paper has sound
at one rate only.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from acrnn.features.front_end import FrontEnd
from acrnn.features.spectrogram import CHUNK_FRAMES

PASSBAND = 0.9  # share of the Nyquist frequency that a resampler leaves as it was
RIDGE_DB2 = 1.0  # decibels² on the diagonal: neighbouring bands are nearly the same


@dataclass(frozen=True)
class BandStatistics:
    """A mixture of Gaussians over the frames of the training folds, silent frames left out.

    Attributes
    ----------
    shares : Tensor (component,), float32
        Sum to one.
    means : Tensor (component, band), float32, decibels
    covariances : Tensor (component, band, band), float32, decibels²
    """

    shares: Tensor
    means: Tensor
    covariances: Tensor

    def to(self, device: torch.device | str) -> "BandStatistics":
        """Give the same statistics on `device`."""
        return BandStatistics(*(value.to(device) for value in (self.shares, self.means, self.covariances)))


def n_known_bands(front_end: FrontEnd, source_rate_hz: int) -> int:
    """Count the bands, from the lowest up, that a recording at `source_rate_hz` can have sound in."""
    if source_rate_hz >= front_end.rate_hz:
        return front_end.n_bands
    return int((front_end.centres_hz < PASSBAND * source_rate_hz / 2).sum())


def fill_missing_bands(spectrogram: Tensor, n_known: int, bands: BandStatistics, floor_db: float) -> Tensor:
    """Estimate the bands above the known ones, frame by frame.

    Parameters
    ----------
    spectrogram : Tensor (band, frame), decibels
    n_known : int
        Bands that the recording has, from the lowest up; at least 1.
    bands : BandStatistics
    floor_db : float
        The front end's floor. A frame that is silent in all known bands stays silent.

    Returns
    -------
    Tensor (band, frame), decibels
        The known bands as they were. The input itself if all are known.
    """
    if n_known >= len(spectrogram):
        return spectrogram
    gaussians = [
        _Conditional(*parts, n_known) for parts in zip(bands.shares, bands.means, bands.covariances, strict=True)
    ]
    filled = spectrogram.clone()
    for start in range(0, spectrogram.shape[1], CHUNK_FRAMES):
        there = spectrogram[:n_known, start : start + CHUNK_FRAMES].double()  # (known band, frame)
        log_weights, means = zip(*(gaussian(there) for gaussian in gaussians), strict=True)
        weights = torch.stack(log_weights).softmax(dim=0)  # (component, frame)
        estimate = torch.einsum("kt,kmt->mt", weights, torch.stack(means)).clamp(min=floor_db)
        estimate[:, (there <= floor_db).all(dim=0)] = floor_db
        filled[n_known:, start : start + CHUNK_FRAMES] = estimate
    return filled


class _Conditional:
    """One Gaussian, split into known and missing bands. In float64: neighbouring bands are nearly collinear."""

    def __init__(self, share: Tensor, mean: Tensor, covariance: Tensor, n_known: int) -> None:
        covariance = covariance.double()
        known = covariance[:n_known, :n_known] + RIDGE_DB2 * torch.eye(
            n_known, dtype=torch.float64, device=covariance.device
        )
        self.root = torch.linalg.cholesky(known)
        self.slopes = torch.cholesky_solve(covariance[:n_known, n_known:], self.root)  # (known band, missing band)
        self.known_mean = mean[:n_known, None].double()
        self.missing_mean = mean[n_known:, None].double()
        self.log_scale = share.double().log() - self.root.diagonal().log().sum()

    def __call__(self, there: Tensor) -> tuple[Tensor, Tensor]:
        """(known band, frame) → log of share × density up to a constant (frame,), and missing means (band, frame)."""
        off = there - self.known_mean
        distance = torch.linalg.solve_triangular(self.root, off, upper=False).square().sum(dim=0)
        return self.log_scale - distance / 2, self.missing_mean + self.slopes.T @ off
