import json
import subprocess
import sys
import wave
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
import torch

from acrnn.audio import decode
from acrnn.checkpoints import find
from acrnn.devices import describe_device, pick_device
from acrnn.errors import CheckpointError, EmptyAudioError, OptionError, SilentAudioError
from acrnn.features import FrontEnd, clip_segments, log_spectrogram
from acrnn.inference import Predictor, load

RATE_HZ = 16_000
HOP_S = 186 / RATE_HZ
N_STEPS = {"l10": 7, "l2-softmax": 128, "l4-sigmoid": 42}
with_attention = pytest.mark.parametrize("placement", N_STEPS)


@pytest.fixture(scope="module")
def predictors(tiny_checkpoints):
    placements = (*N_STEPS, "none")
    return {p: Predictor(find(f"esc10-{p}-paper-fold1", tiny_checkpoints), "cpu") for p in placements}


def sound(duration_s, seed=0, rate_hz=RATE_HZ):
    """Noise that swells and fades twice a second."""
    t_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    drawn = np.random.default_rng(seed).standard_normal(len(t_s))
    return (0.1 * (1.01 + np.sin(2 * np.pi * 2 * t_s)) * drawn).astype(np.float32)


@pytest.fixture(scope="module")
def five_seconds(predictors):
    """What every checkpoint says of five seconds."""
    return {placement: predictor(sound(5), RATE_HZ) for placement, predictor in predictors.items()}


def test_probabilities_are_the_mean_over_segments_and_sum_to_one(five_seconds):
    for prediction in five_seconds.values():
        n_segments = len(prediction.segments)
        assert prediction.probabilities.shape == (10,)
        assert prediction.segment_probabilities.shape == (n_segments, 10)
        np.testing.assert_allclose(prediction.segment_probabilities.sum(axis=1), 1, rtol=1e-5)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(prediction.probabilities, prediction.segment_probabilities.mean(axis=0), rtol=1e-5)
        assert len(np.unique(prediction.segment_probabilities.round(4), axis=0)) > 1  # segments differ


def test_a_checkpoint_whose_segments_vote_by_their_sound_hears_nothing_in_silence(predictors):
    clip = np.concatenate([sound(1.9), np.zeros(3 * RATE_HZ, np.float32)])
    mean = predictors["l10"](clip, RATE_HZ)
    sounding = copy(predictors["l10"])
    checkpoint = sounding.checkpoint
    config = replace(checkpoint.config, recipe=checkpoint.config.recipe | {"vote": "sounding"})
    sounding.checkpoint = replace(checkpoint, config=config)
    prediction = sounding(clip, RATE_HZ)
    np.testing.assert_array_equal(prediction.segment_probabilities, mean.segment_probabilities)
    # segments of 1.488 s every 0.744 s: whole, whole but for its end, half, silent from then on
    votes = np.array([(mean.spectrogram[:, i * 64 : i * 64 + 128] > -80).any(axis=0).sum() for i in range(6)])
    assert votes[0] == 128
    assert (votes[3:] == 0).all()
    expected = np.average(mean.segment_probabilities, axis=0, weights=votes)
    np.testing.assert_allclose(prediction.probabilities, expected, rtol=1e-5)
    assert prediction.probabilities.dtype == mean.probabilities.dtype


def test_the_network_is_given_the_segments_of_the_clip(predictors, five_seconds):
    predictor, prediction = predictors["l10"], five_seconds["l10"]
    spectrogram = log_spectrogram(sound(5), FrontEnd(RATE_HZ, n_bands=32))
    np.testing.assert_array_equal(prediction.spectrogram, spectrogram.numpy())
    with torch.inference_mode():
        output = predictor.model(clip_segments(spectrogram, FrontEnd(RATE_HZ, n_bands=32)))
    np.testing.assert_allclose(prediction.segment_probabilities, output.logits.softmax(dim=1), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(prediction.attention.segment_weights, output.attention, rtol=1e-3, atol=1e-6)


def test_the_top_classes_come_in_order_and_the_first_is_the_label(five_seconds):
    prediction = five_seconds["l10"]
    top = prediction.top(10)
    assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)
    assert {label for label, _ in top} == set(prediction.labels)
    assert prediction.top(1)[0][0] == prediction.label == prediction.labels[prediction.probabilities.argmax()]


@pytest.mark.parametrize("kind", ["path", "text", "bytes"])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_file_gives_bit_for_bit_what_its_array_gives(tmp_path, predictors, kind, rate_hz):
    path = tmp_path / "sound.wav"
    sf.write(path, sound(2.5, rate_hz=rate_hz), rate_hz, subtype="FLOAT")
    samples, _ = sf.read(path, dtype="float32")
    source = {"path": path, "text": str(path), "bytes": path.read_bytes()}[kind]
    of_file, of_array = predictors["l10"](source), predictors["l10"](samples, rate_hz)
    for field in ("probabilities", "segment_probabilities", "spectrogram"):
        np.testing.assert_array_equal(getattr(of_file, field), getattr(of_array, field))
    np.testing.assert_array_equal(of_file.attention.weights, of_array.attention.weights)
    assert of_file.duration_s == of_array.duration_s


def test_the_same_clip_gives_the_same_numbers_again(predictors, five_seconds):
    again = predictors["l10"](sound(5), RATE_HZ)
    np.testing.assert_array_equal(again.probabilities, five_seconds["l10"].probabilities)


def test_segments_lie_where_they_are_cut(five_seconds):
    prediction = five_seconds["l10"]
    segments = prediction.segments
    assert prediction.duration_s == 5
    assert len(segments) == 6  # 431 frames at any rate
    np.testing.assert_allclose([s.start_s for s in segments], 64 * HOP_S * np.arange(6))
    np.testing.assert_allclose([s.end_s for s in segments[:-1]], 64 * HOP_S * np.arange(5) + 128 * HOP_S)
    assert segments[-1].end_s == 5
    for segment, row in zip(segments, prediction.segment_probabilities, strict=True):
        assert segment.label == prediction.labels[row.argmax()]
        assert segment.probability == row.max()


@with_attention
def test_attention_lies_on_the_clips_time_axis(five_seconds, placement):
    attention, prediction = five_seconds[placement].attention, five_seconds[placement]
    assert attention.placement == placement
    assert attention.times_s.shape == attention.weights.shape == (prediction.spectrogram.shape[1],)
    np.testing.assert_allclose(np.diff(attention.times_s), HOP_S)
    assert 0 <= attention.times_s[0] < attention.times_s[-1] <= prediction.duration_s
    assert ((attention.weights >= 0) & (attention.weights <= 1)).all()
    assert attention.segment_weights.shape == (6, N_STEPS[placement])
    assert attention.step_s == pytest.approx({"l10": 18, "l2-softmax": 1, "l4-sigmoid": 3}[placement] * HOP_S)
    assert attention.relative.max() == 1
    assert attention.weights.std() > 0  # it says something


@pytest.mark.parametrize("placement", ["l10", "l2-softmax"])
def test_softmax_weights_of_every_segment_sum_to_one(five_seconds, placement):
    np.testing.assert_allclose(five_seconds[placement].attention.segment_weights.sum(axis=1), 1, rtol=1e-5)


def test_the_axis_is_the_mean_of_the_segments_that_overlap_there(five_seconds):
    attention = five_seconds["l2-softmax"].attention
    np.testing.assert_allclose(attention.weights[:64], attention.segment_weights[0, :64])
    both = (attention.segment_weights[0, 64:] + attention.segment_weights[1, :64]) / 2
    np.testing.assert_allclose(attention.weights[64:128], both, rtol=1e-6)


def test_a_checkpoint_without_attention_has_none(five_seconds):
    assert five_seconds["none"].attention is None
    assert five_seconds["none"].as_dict()["attention"] is None


@pytest.mark.parametrize("placement", [*N_STEPS, "none"])
def test_a_clip_of_20_ms_is_one_segment(predictors, placement):
    prediction = predictors[placement](sound(0.02), RATE_HZ)
    assert len(prediction.segments) == 1
    assert (prediction.segments[0].start_s, prediction.segments[0].end_s) == (0, 0.02)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert len(prediction.times_s) == 2
    if placement != "none":
        assert prediction.attention.weights.shape == (2,)


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 1.49, 1.5, 60.0])
def test_any_duration_has_segments_to_its_end(predictors, duration_s):
    prediction = predictors["l10"](sound(duration_s), RATE_HZ)
    assert prediction.duration_s == pytest.approx(duration_s)
    assert prediction.segments[-1].end_s == pytest.approx(duration_s)


def test_silence_is_refused_by_name(tmp_path, predictors, write_wav):
    with pytest.raises(SilentAudioError, match="the array is silent: nothing in it is above -80 dB"):
        predictors["l10"](np.zeros(RATE_HZ, np.float32), RATE_HZ)
    path = write_wav(tmp_path / "quiet.wav", np.zeros(RATE_HZ), RATE_HZ)
    with pytest.raises(SilentAudioError, match=r"quiet\.wav is silent"):
        predictors["l10"](path)
    with pytest.raises(SilentAudioError, match="take 3 is silent"):
        predictors["l10"](path, name="take 3")


def test_a_sound_in_the_midst_of_silence_is_not_silence(predictors):
    samples = np.zeros(4 * RATE_HZ, np.float32)
    samples[30_000:31_000] = sound(1)[:1000]
    assert predictors["l10"](samples, RATE_HZ).probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_an_array_needs_its_rate(predictors):
    with pytest.raises(OptionError, match="rate_hz is needed"):
        predictors["l10"](sound(1))


def test_an_empty_array_is_refused(predictors):
    with pytest.raises(EmptyAudioError):
        predictors["l10"](np.zeros(0, np.float32), RATE_HZ)


KEYS = ["path", "duration_s", "notes", "checkpoint", "known", "strangeness", "top", "segments", "attention"]
SEGMENT_KEYS = ["start_s", "end_s", "label", "probability", "calibrated", "strangeness", "known", "silent"]


def test_the_dict_has_the_keys_of_the_json_output(five_seconds):
    values = json.loads(json.dumps(five_seconds["l10"].as_dict(top=3)))
    assert list(values) == KEYS
    assert (values["path"], values["duration_s"]) == ("the array", 5.0)
    assert values["checkpoint"] == "esc10-l10-paper-fold1"
    assert [list(row) for row in values["top"]] == [["label", "probability", "calibrated"]] * 3
    assert [list(row) for row in values["segments"]] == [SEGMENT_KEYS] * 6
    assert list(values["attention"]) == ["placement", "times_s", "weights", "most_at_s"]
    assert len(values["attention"]["times_s"]) == len(values["attention"]["weights"]) == 431
    assert values["attention"]["weights"] == five_seconds["l10"].attention.weights.tolist()


def test_progress_is_told_up_to_the_whole(predictors):
    told = []
    predictors["l10"](sound(20), RATE_HZ, on_progress=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1


def test_a_checkpoint_is_loaded_by_name_or_folder(monkeypatch, tiny_checkpoints, five_seconds, nothing_shipped):
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    by_name = load("esc10-l10-paper-fold1", "cpu")(sound(5), RATE_HZ)
    np.testing.assert_array_equal(by_name.probabilities, five_seconds["l10"].probabilities)
    with pytest.raises(CheckpointError, match="no checkpoint 'esc10-l3"):
        load("esc10-l3-paper-fold1")


@pytest.mark.parametrize("device", ["tpu", "gpu", ""])
def test_a_device_that_is_not_to_be_had_is_refused(device):
    with pytest.raises(OptionError, match=f"device '{device}' is not to be had here; there is: .*cpu"):
        pick_device(device)


def test_the_cpu_is_always_to_be_had():
    assert pick_device("cpu") == torch.device("cpu")
    assert describe_device(torch.device("cpu")).startswith("CPU (")


def test_real_clips_are_predicted_as_their_arrays_are(real_clips, predictors):
    for clips in real_clips.values():
        clip = clips[0]
        of_file = predictors["l10"](clip.path)
        of_array = predictors["l10"](decode(clip.path, RATE_HZ).samples, RATE_HZ)
        np.testing.assert_array_equal(of_file.probabilities, of_array.probabilities)
        assert of_file.duration_s == pytest.approx(5, abs=0.05)


PEAK = """
import resource, sys
from acrnn.inference import load
predictor = load(sys.argv[1], "cpu")
peaks = []
for path in sys.argv[2:]:
    predictor(path)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
print(*peaks)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_ten_minutes_need_the_memory_of_their_spectrogram_and_not_of_their_waveform(tmp_path, save_checkpoint):
    """Ten minutes at 48 kHz are 115 MB of float32 samples; their spectrogram in 32 bands is 7 MB."""
    checkpoint = save_checkpoint(tmp_path, "l10")
    second = (32767 * sound(1, rate_hz=48_000)).astype("<i2").tobytes()
    paths = [tmp_path / "short.wav", tmp_path / "long.wav"]
    for path, n_seconds in zip(paths, (40, 600), strict=True):
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48_000)
            for _ in range(n_seconds):
                file.writeframes(second)
    command = [sys.executable, "-c", PEAK, str(checkpoint.path), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    of_short, of_long = map(int, done.stdout.split())
    assert of_long - of_short < 60e6
