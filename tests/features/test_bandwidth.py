import numpy as np
import pytest
import torch

from acrnn.features import BandStatistics, FrontEnd, fill_missing_bands, n_known_bands

FLOOR_DB = -80.0


def one_gaussian(mean, covariance) -> BandStatistics:
    return BandStatistics(
        torch.ones(1),
        torch.tensor(mean, dtype=torch.float32)[None],
        torch.tensor(covariance, dtype=torch.float32)[None],
    )


def test_a_recording_at_the_model_s_rate_or_above_lacks_no_band():
    front_end = FrontEnd()
    assert n_known_bands(front_end, 44_100) == n_known_bands(front_end, 192_000) == 128


def test_bands_are_known_up_to_nine_tenths_of_the_nyquist_frequency():
    front_end = FrontEnd()
    known = n_known_bands(front_end, 8000)
    assert front_end.centres_hz[known - 1] < 3600 <= front_end.centres_hz[known]


def test_the_estimate_is_the_mean_given_the_known_band():
    # Slope of the regression: covariance 12 over variance 15 and a ridge of 1.
    bands = one_gaussian([-40, -50], [[15, 12], [12, 20]])
    filled = fill_missing_bands(torch.tensor([[-40.0, -30.0], [-80.0, -80.0]]), 1, bands, FLOOR_DB)
    np.testing.assert_allclose(filled, [[-40, -30], [-50, -50 + 10 * 12 / 16]], rtol=1e-6)


def test_unrelated_bands_get_their_mean():
    bands = one_gaussian([-40, -50], [[15, 0], [0, 20]])
    filled = fill_missing_bands(torch.tensor([[-70.0, -10.0], [-80.0, -80.0]]), 1, bands, FLOOR_DB)
    np.testing.assert_allclose(filled[1], [-50, -50])


def test_the_class_that_the_known_bands_look_like_decides():
    bands = BandStatistics(
        torch.tensor([0.5, 0.5]),
        torch.tensor([[-20.0, -25.0], [-60.0, -30.0]]),
        torch.tensor([[[4.0, 0.0], [0.0, 4.0]]] * 2),
    )
    filled = fill_missing_bands(torch.tensor([[-20.0, -60.0, -40.0], [-80.0] * 3]), 1, bands, FLOOR_DB)
    np.testing.assert_allclose(filled[1], [-25, -30, -27.5], atol=1e-4)


def test_silence_stays_silence_and_nothing_falls_below_the_floor():
    bands = one_gaussian([-70, -79], [[15, 12], [12, 20]])
    filled = fill_missing_bands(torch.tensor([[-80.0, -79.0], [-80.0, -80.0]]), 1, bands, FLOOR_DB)
    np.testing.assert_array_equal(filled[1], [-80, -80])


def test_known_bands_are_left_as_they_are_and_a_full_spectrogram_is_itself():
    rng = torch.Generator().manual_seed(0)
    spectrogram = torch.randn(8, 5000, generator=rng) * 10 - 50
    bands = one_gaussian(np.full(8, -50.0), np.full((8, 8), 60.0) + 40 * np.eye(8))
    filled = fill_missing_bands(spectrogram, 5, bands, FLOOR_DB)
    assert torch.equal(filled[:5], spectrogram[:5])
    assert fill_missing_bands(spectrogram, 8, bands, FLOOR_DB) is spectrogram


def test_the_estimate_is_better_than_the_mean_on_frames_of_the_same_kind():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((16, 16)).cumsum(axis=0) * 3
    frames = root @ rng.standard_normal((16, 4000)) - 40
    bands = one_gaussian(frames.mean(axis=1), np.cov(frames))
    filled = fill_missing_bands(torch.from_numpy(frames).float(), 10, bands, -500.0).numpy()
    error = np.abs(filled[10:] - frames[10:]).mean()
    assert error < 0.75 * np.abs(frames[10:] - frames[10:].mean(axis=1, keepdims=True)).mean()


@pytest.mark.parametrize("n_frames", [1, 2047, 2048, 4097])
def test_every_frame_is_filled_by_itself_whatever_the_length(n_frames):
    spectrogram = torch.linspace(-60, -20, 2 * n_frames).view(2, n_frames)
    bands = one_gaussian([-40, -50], [[15, 12], [12, 20]])
    expected = -50 + (spectrogram[0] + 40) * 12 / 16
    np.testing.assert_allclose(fill_missing_bands(spectrogram, 1, bands, FLOOR_DB)[1], expected, atol=1e-4)
