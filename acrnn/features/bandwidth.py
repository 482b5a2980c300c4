"""Bands that a recording at a low sampling rate leaves empty, estimated from the bands that it has.

A network trained at 44.1 kHz has never seen a sound that ends at 4 kHz, and takes the emptiness above for a property of
the source. The levels of neighbouring bands are so correlated in real sound that what is missing can be told from what
is there: each frame's missing decibels are their mean given its known ones, under one Gaussian fitted to the frames of
the training folds (imputation as in missing-feature speech recognition; the paper has only sound at one rate).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from acrnn.features.gammatone import FrontEnd

PASSBAND = 0.9  # share of the Nyquist frequency that a resampler leaves as it was
RIDGE_DB2 = 1.0  # decibels² on the diagonal: neighbouring bands are nearly the same


@dataclass(frozen=True)
class BandStatistics:
    """Mean and covariance of the frames of the training folds, silent frames left out.

    Attributes
    ----------
    mean : Tensor (band,), float32, decibels
    covariance : Tensor (band, band), float32, decibels²
    """

    mean: Tensor
    covariance: Tensor


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
    covariance = bands.covariance.double()
    known = covariance[:n_known, :n_known] + RIDGE_DB2 * torch.eye(n_known, dtype=torch.float64)
    slopes = torch.linalg.solve(known, covariance[:n_known, n_known:]).float()  # (known band, missing band)
    there = spectrogram[:n_known]
    estimate = bands.mean[n_known:, None] + slopes.T @ (there - bands.mean[:n_known, None])
    estimate = estimate.clamp(min=floor_db)
    estimate[:, (there <= floor_db).all(dim=0)] = floor_db
    return torch.cat([there, estimate])
