"""The mel filters of PiczakCNN, and what a front end says of itself. The gammatones are in test_spectrogram.py."""

import librosa
import numpy as np
import pytest
import torch

from acrnn.audio import decode
from acrnn.errors import OptionError
from acrnn.features import FrontEnd, Segments, clip_segments, log_spectrogram, mel_front_end, stream_log_spectrogram

RATES_HZ = (22_050, 16_000)
FIRST_VERSION = {"rate_hz": 44_100, "n_bands": 128, "min_hz": 50.0, "floor_db": -80.0}


def librosas_decibels(waveform: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """librosa's mel spectrogram on our scale: a full-scale sine has power 1 in its bin, the highest filter peak 1."""
    n = front_end.window_samples
    power = librosa.feature.melspectrogram(
        y=np.asarray(waveform, np.float64), sr=front_end.rate_hz, n_fft=n, hop_length=n // 2, n_mels=60, fmin=0
    )
    highest = librosa.filters.mel(sr=front_end.rate_hz, n_fft=n, n_mels=60, dtype=np.float64).max()
    full_scale = (librosa.filters.get_window("hann", n).sum() / 2) ** 2
    return 10 * np.log10(np.maximum(power / highest / full_scale, 10 ** (front_end.floor_db / 10)))


def noise(n_samples, amplitude=0.1):
    return (amplitude * np.random.default_rng(0).standard_normal(n_samples)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("amplitude", [0.3, 1e-4])
def test_mel_decibels_are_librosas(rate_hz, amplitude):
    front_end, waveform = mel_front_end(rate_hz), noise(3 * rate_hz, amplitude)
    found = log_spectrogram(waveform, front_end).numpy()
    assert found.shape == (60, front_end.n_frames(3 * rate_hz))
    np.testing.assert_allclose(found, librosas_decibels(waveform, front_end), rtol=0, atol=1e-3)


def test_mel_decibels_of_real_clips_are_librosas(real_clips):
    for clips in real_clips.values():
        for clip in clips:
            for rate_hz in RATES_HZ:
                front_end = mel_front_end(rate_hz)
                samples = decode(clip.path, rate_hz).samples
                found = log_spectrogram(samples, front_end).numpy()
                np.testing.assert_allclose(found, librosas_decibels(samples, front_end), rtol=0, atol=1e-3)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_full_scale_sine_below_1_khz_reads_about_0_db(rate_hz):
    front_end = mel_front_end(rate_hz)
    band = 8
    centre_hz = front_end.centres_hz[band]
    t_s = np.arange(rate_hz) / rate_hz
    frame = log_spectrogram(np.sin(2 * np.pi * centre_hz * t_s), front_end)[:, 10]
    assert centre_hz < 1000
    assert frame.argmax() == band
    assert frame.max().item() == pytest.approx(0, abs=1.5)


def test_the_window_lasts_as_long_at_every_rate():
    assert mel_front_end(22_050).window_samples == 1024
    assert mel_front_end(16_000).window_samples == 744
    assert mel_front_end(16_000).hop_s == pytest.approx(mel_front_end(22_050).hop_s, rel=2e-3)
    assert FrontEnd(44_100).window_samples == 1024


def test_the_mel_front_end_takes_no_more_than_22050_hz():
    assert mel_front_end(44_100) == mel_front_end(22_050)
    assert mel_front_end(44_100).rate_hz == 22_050
    assert mel_front_end(16_000).rate_hz == 16_000


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_mel_bands_ascend_to_below_the_nyquist_frequency(rate_hz):
    centres_hz = mel_front_end(rate_hz).centres_hz
    assert centres_hz.shape == (60,)
    assert (np.diff(centres_hz) > 0).all()
    assert 0 < centres_hz[0] < 100
    assert centres_hz[-1] < rate_hz / 2


def test_a_mel_spectrogram_in_pieces_is_the_whole_one():
    front_end, waveform = mel_front_end(16_000), noise(50_000)
    pieces = stream_log_spectrogram(np.array_split(waveform, 7), front_end)
    assert torch.equal(torch.cat(list(pieces), dim=1), log_spectrogram(waveform, front_end))


def test_five_seconds_are_ten_segments_of_41_frames_20_apart():
    front_end = mel_front_end(44_100)
    n_frames = front_end.n_frames(5 * front_end.rate_hz)
    segments = Segments.of(n_frames, front_end)
    assert n_frames == 216
    assert segments.starts.tolist() == list(range(0, 200, 20))
    assert segments.n_padded_frames == 221
    assert segments.stops[-1] == 216


@pytest.mark.parametrize("n_frames", [1, 20, 40, 41, 42, 61, 62, 216, 500])
def test_every_frame_is_in_a_segment_of_41(n_frames):
    front_end = mel_front_end(22_050)
    segments = Segments.of(n_frames, front_end)
    covered = np.zeros(n_frames, bool)
    for start, stop in zip(segments.starts, segments.stops, strict=True):
        covered[start:stop] = True
    assert covered.all()
    assert (segments.stops > segments.starts).all()
    spectrogram = torch.full((60, n_frames), -30.0)
    assert clip_segments(spectrogram, front_end).shape == (len(segments), 2, 60, 41)


def test_the_first_version_knew_four_settings_and_its_files_still_mean_the_same():
    assert FrontEnd().as_dict() == FIRST_VERSION
    assert FrontEnd(**FIRST_VERSION) == FrontEnd()
    assert (FrontEnd().filters, FrontEnd().segment_frames, FrontEnd().segment_hop) == ("gammatone", 128, 64)


def test_a_mel_front_end_survives_its_file():
    values = mel_front_end(16_000).as_dict()
    assert values == {
        "rate_hz": 16_000, "n_bands": 60, "min_hz": 0.0, "floor_db": -80.0,
        "filters": "mel", "segment_frames": 41, "segment_hop": 20,
    }  # fmt: skip
    assert FrontEnd(**values) == mel_front_end(16_000)


@pytest.mark.parametrize(
    "settings",
    [
        {"filters": "bark"},
        {"min_hz": 0.0},
        {"filters": "mel", "min_hz": -1.0},
        {"segment_hop": 0},
        {"segment_frames": 41, "segment_hop": 42},
    ],
)
def test_what_is_no_front_end_is_refused(settings):
    with pytest.raises(OptionError):
        FrontEnd(**settings)
