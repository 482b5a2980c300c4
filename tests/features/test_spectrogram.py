import sys
import tracemalloc

import numpy as np
import pytest
import torch
from gammatone.fftweight import fft_weights

from acrnn.audio import decode
from acrnn.errors import OptionError
from acrnn.features import FrontEnd, delta, gather_frames, log_spectrogram, stream_log_spectrogram
from acrnn.features.spectrogram import CHUNK_FRAMES

RATES_HZ = (44_100, 16_000)


def slow_log_spectrogram(waveform, front_end):
    """§3.1 frame by frame in float64: Hamming window, power spectrum, gammatone weights, decibels with a floor."""
    n, hop = front_end.window_samples, front_end.hop_samples
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(n) / n)
    window /= window.sum() / 2  # a full-scale sine has power 1 in its bin
    weights, _ = fft_weights(n, front_end.rate_hz, front_end.n_bands, 1, front_end.min_hz, front_end.rate_hz / 2, n)
    weights = weights[:, : n // 2 + 1]
    around = np.concatenate([np.zeros(hop), np.asarray(waveform, np.float64), np.zeros(n)])
    columns = []
    for i in range(front_end.n_frames(len(waveform))):  # centred on sample i · hop of the waveform
        power = np.abs(np.fft.rfft(around[i * hop : i * hop + n] * window)) ** 2
        columns.append(10 * np.log10(np.maximum(weights @ power, 10 ** (front_end.floor_db / 10))))
    return np.stack(columns, axis=1)


def sine(freq_hz, rate_hz, duration_s=0.5, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * freq_hz * np.arange(round(duration_s * rate_hz)) / rate_hz)).astype(
        np.float32
    )


def noise(n_samples, amplitude=0.1, seed=0):
    return (amplitude * np.random.default_rng(seed).standard_normal(n_samples)).astype(np.float32)


def signals(rate_hz):
    chirp_s = np.arange(rate_hz // 2) / rate_hz
    click = np.zeros(rate_hz // 4, np.float32)
    click[1234] = 1
    return {
        "sine": sine(1000, rate_hz),
        "noise": noise(rate_hz // 2),
        "quiet noise": noise(rate_hz // 2, 1e-4),
        "chirp": np.sin(2 * np.pi * (50 + 6000 * chirp_s) * chirp_s).astype(np.float32),
        "click": click,
        "nearly nothing": noise(37),
    }


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("name", signals(16_000))
def test_it_equals_the_slow_twin_on_synthetic_signals(name, rate_hz):
    front_end, waveform = FrontEnd(rate_hz), signals(rate_hz)[name]
    expected = slow_log_spectrogram(waveform, front_end)
    found = log_spectrogram(waveform, front_end).numpy()
    assert found.shape == expected.shape == (128, front_end.n_frames(len(waveform)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_it_equals_the_slow_twin_on_real_clips(real_clips):
    for clips in real_clips.values():
        for clip in clips:
            for front_end in (FrontEnd(44_100), FrontEnd(16_000)):
                samples = decode(clip.path, front_end.rate_hz).samples
                found = log_spectrogram(samples, front_end).numpy()
                np.testing.assert_allclose(found, slow_log_spectrogram(samples, front_end), rtol=0, atol=1e-3)


def test_the_front_end_of_the_paper():
    front_end = FrontEnd()
    assert (front_end.window_samples, front_end.hop_samples, front_end.n_bands) == (1024, 512, 128)
    assert front_end.n_frames(220_500) == 431
    assert front_end.hop_s == 512 / 44_100


@pytest.mark.parametrize("rate_hz", [4000, 8000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_the_window_lasts_as_long_at_any_rate(rate_hz):
    front_end = FrontEnd(rate_hz, min_hz=50)
    assert front_end.window_samples == 2 * front_end.hop_samples
    assert front_end.window_samples / rate_hz == pytest.approx(1024 / 44_100, abs=1 / rate_hz)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_centres_ascend_from_the_lowest_towards_the_nyquist_frequency(rate_hz):
    centres_hz = FrontEnd(rate_hz).centres_hz
    assert centres_hz.shape == (128,)
    assert (np.diff(centres_hz) > 0).all()
    assert centres_hz[0] == pytest.approx(50)
    assert 0.9 * rate_hz / 2 < centres_hz[-1] < rate_hz / 2


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("freq_hz", [440, 1000, 2500, 6000])
def test_a_sine_peaks_in_the_band_nearest_to_it_and_reads_about_its_own_level(freq_hz, rate_hz):
    front_end = FrontEnd(rate_hz)
    frame = log_spectrogram(sine(freq_hz, rate_hz, amplitude=0.5), front_end)[:, 10]
    nearest = np.abs(front_end.centres_hz - freq_hz).argmin()
    # the two filters beside a sine that lies between them read nearly the same
    assert abs(int(frame.argmax()) - nearest) <= 1
    assert frame[nearest].item() == pytest.approx(20 * np.log10(0.5), abs=2.5)


@pytest.mark.parametrize("band", [40, 64, 90, 120])
def test_a_sine_at_a_bands_own_centre_peaks_in_that_band(band):
    front_end = FrontEnd()
    frame = log_spectrogram(sine(front_end.centres_hz[band], 44_100), front_end)[:, 10]
    assert abs(int(frame.argmax()) - band) <= (1 if front_end.centres_hz[band] < 1000 else 0)


def test_ten_times_the_amplitude_is_20_db_more():
    quiet, loud = (log_spectrogram(noise(20_000, amplitude), FrontEnd()) for amplitude in (0.02, 0.2))
    torch.testing.assert_close(loud, quiet + 20, rtol=0, atol=2e-3)


@pytest.mark.parametrize("floor_db", [-80.0, -70.0, -100.0])
def test_digital_silence_is_exactly_the_floor(floor_db):
    front_end = FrontEnd(floor_db=floor_db)
    spectrogram = log_spectrogram(np.zeros(10_000, np.float32), front_end)
    assert spectrogram.unique().numel() == 1
    assert spectrogram[0, 0].item() == floor_db
    assert not delta(spectrogram).any()


def test_nothing_reads_below_the_floor():
    spectrogram = log_spectrogram(noise(20_000, 1e-5), FrontEnd())
    assert spectrogram.min().item() >= -80 - 1e-4


@pytest.mark.parametrize("n_samples", [1, 2, 511, 512, 513, 882, 1024, 220_500])
def test_any_length_gives_a_frame_for_every_hop_begun(n_samples):
    front_end = FrontEnd()
    spectrogram = log_spectrogram(noise(n_samples), front_end)
    assert spectrogram.shape == (128, 1 + n_samples // 512)
    assert spectrogram.isfinite().all()


def test_a_clip_of_20_ms_has_a_spectrogram_and_a_delta():
    spectrogram = log_spectrogram(noise(882), FrontEnd())
    assert spectrogram.shape == (128, 2)
    assert spectrogram.max() > -60
    assert delta(spectrogram).isfinite().all()


def test_a_batch_equals_its_clips_one_by_one():
    front_end, waveforms = FrontEnd(16_000), np.stack([noise(7000, seed=seed) for seed in range(3)])
    together = log_spectrogram(waveforms, front_end)
    assert together.shape == (3, 128, front_end.n_frames(7000))
    for row, waveform in zip(together, waveforms, strict=True):
        torch.testing.assert_close(row, log_spectrogram(waveform, front_end), rtol=0, atol=1e-4)


def blocks_of(waveform, sizes):
    start = 0
    while start < len(waveform):
        size = sizes[start % len(sizes)]
        yield waveform[start : start + size]
        start += size


@pytest.mark.parametrize("sizes", [(977,), (1,), (512,), (186 * 2048,), (10_007, 1, 50_021)])
@pytest.mark.parametrize("n_samples", [1, 185, 186, 5000, 186 * (CHUNK_FRAMES + 3) + 5])
def test_streaming_equals_the_whole_bit_for_bit(n_samples, sizes):
    if sizes == (1,) and n_samples > 5000:
        sizes = (97,)
    front_end, waveform = FrontEnd(16_000, n_bands=16), noise(n_samples)
    joined = torch.cat(list(stream_log_spectrogram(blocks_of(waveform, sizes), front_end)), dim=1)
    assert torch.equal(joined, log_spectrogram(waveform, front_end))


def test_streaming_a_whole_number_of_chunks_loses_and_repeats_no_frame():
    front_end = FrontEnd(16_000, n_bands=16)
    for n_samples in (186 * CHUNK_FRAMES - 1, 186 * CHUNK_FRAMES, 186 * (CHUNK_FRAMES - 1), 2 * 186 * CHUNK_FRAMES):
        waveform = noise(n_samples)
        joined = torch.cat(list(stream_log_spectrogram(blocks_of(waveform, (7777,)), front_end)), dim=1)
        assert torch.equal(joined, log_spectrogram(waveform, front_end))


def test_a_long_clip_is_streamed_in_the_memory_of_one_chunk():
    """Ten minutes at 44.1 kHz are 106 MB of samples; a chunk of them is 4 MB. What holds for ten holds for sixty."""
    front_end, block_samples, n_blocks = FrontEnd(n_bands=8), 44_100, 600
    taken = 0

    def blocks():
        nonlocal taken
        for _ in range(n_blocks):
            taken += block_samples
            yield np.full(block_samples, 0.1, np.float32)

    n_frames = 0
    tracemalloc.start()
    try:
        for piece in stream_log_spectrogram(blocks(), front_end):
            n_frames += piece.shape[1]
            if taken < n_blocks * block_samples:  # no more is taken than the frames given out need
                assert taken - n_frames * front_end.hop_samples < block_samples + 2 * front_end.window_samples
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_frames == front_end.n_frames(n_blocks * block_samples)
    assert peak < 20e6


@pytest.mark.parametrize("n_frames", [9, 10, 57, 431])
def test_delta_is_librosas(n_frames):
    import librosa

    spectrogram = (20 * np.random.default_rng(0).standard_normal((6, n_frames))).astype(np.float32)
    found = delta(torch.from_numpy(spectrogram)).numpy()
    np.testing.assert_allclose(found, librosa.feature.delta(spectrogram), rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_frames", [9, 30])
def test_the_delta_of_a_ramp_is_its_slope(n_frames):
    slopes = torch.tensor([[0.5], [-2.0], [0.0]])
    ramp = -40 + slopes * torch.arange(n_frames)
    torch.testing.assert_close(delta(ramp), slopes.expand(3, n_frames), rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_frames", range(1, 9))
def test_the_delta_of_a_few_frames_is_that_of_the_clip_held_at_its_last(n_frames):
    spectrogram = torch.from_numpy(noise(4 * n_frames, 10).reshape(4, n_frames))
    held = torch.cat([spectrogram, spectrogram[:, -1:].expand(4, 9 - n_frames)], dim=1)
    torch.testing.assert_close(delta(spectrogram), delta(held)[:, :n_frames])


def test_the_delta_of_a_long_clip_needs_little_more_than_itself():
    """A convolution would unfold its input nine times: 2.6 GB for an hour."""
    resource = pytest.importorskip("resource")
    spectrogram = torch.zeros(128, 50_000)  # ten minutes, 26 MB
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    delta(spectrogram)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before < 80e6


def test_the_delta_of_a_batch_is_that_of_each():
    batch = torch.from_numpy(noise(2 * 4 * 20, 10).reshape(2, 4, 20))
    for both, one in zip(delta(batch), batch, strict=True):
        torch.testing.assert_close(both, delta(one))


@pytest.mark.parametrize(
    "settings", [{"rate_hz": 3999}, {"n_bands": 0}, {"min_hz": 0.0}, {"min_hz": 22_050.0}, {"floor_db": 0.0}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(OptionError, match="is no front end"):
        FrontEnd(**settings)


def test_settings_survive_a_config_file():
    front_end = FrontEnd(16_000, 64, 60.0, -70.0)
    assert FrontEnd(**front_end.as_dict()) == front_end


@pytest.mark.parametrize("lengths", [[1], [2048], [2048, 2048, 1], [5, 2048, 7000, 2048, 3], []])
def test_pieces_of_unknown_number_are_joined_in_order(lengths):
    whole = torch.from_numpy(noise(3 * sum(lengths)).reshape(3, sum(lengths)))
    assert torch.equal(gather_frames(iter(whole.split(lengths, dim=1) if lengths else ()), 3), whole)
