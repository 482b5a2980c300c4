"""Recordings as they come: what is put right on the way is told, and no answer is made of garbage."""

import copy
import io

import numpy as np
import pytest
import soundfile as sf
import torch

from acrnn.audio import Limits, decode
from acrnn.audio.scenes import render
from acrnn.checkpoints import find, names
from acrnn.errors import AudioTooLargeError, BadSamplesError, OptionError, SilentAudioError, TruncatedAudioError
from acrnn.features import Segments
from acrnn.inference import Predictor, predictor
from acrnn.inference.prediction import most_attended_s
from acrnn.inference.predictor import Hearing
from tests.audio.audio_files import noise, sine, soundfile_bytes, wav_bytes

RATE_HZ = 16_000
SHIPPED = "esc10-l10-best-fold1"


@pytest.fixture(scope="module")
def predictors(tiny_checkpoints):
    placements = ("l10", "l2-softmax", "l4-sigmoid")
    return {p: Predictor(find(f"esc10-{p}-paper-fold1", tiny_checkpoints), "cpu") for p in placements}


@pytest.fixture(scope="module")
def tiny(predictors):
    return predictors["l10"]


@pytest.fixture(scope="module")
def shipped():
    if SHIPPED not in names():
        pytest.skip(f"{SHIPPED} is not among the checkpoints")
    return Predictor(find(SHIPPED), "cpu")


class TestOffset:
    @pytest.mark.parametrize("label", ["dog", "rain", "clock_tick", "helicopter"])
    def test_a_clip_is_the_same_with_an_offset_and_as_it_was_without(self, shipped, label):
        scene = render(label)
        as_it_was = Hearing(shipped, label, scene.rate_hz, None, lambda share: None).predict([scene.samples])
        plain = shipped(scene.samples, scene.rate_hz)
        offset = shipped(0.5 * scene.samples + np.float32(0.3), scene.rate_hz)
        half = shipped(0.5 * scene.samples, scene.rate_hz)
        for one, other in ((as_it_was, plain), (half, offset)):
            assert one.label == other.label
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.01)
        assert plain.notes == ()
        assert "offset" in offset.notes[0]

    def test_real_clips_without_an_offset_are_left_as_they_were(self, real_clips, shipped):
        rate_hz = shipped.checkpoint.config.front_end.rate_hz
        for clip in (clip for root, clips in real_clips.items() if root.startswith("esc10") for clip in clips):
            samples, source_hz = sf.read(clip.path, dtype="float32")
            if source_hz != rate_hz:
                continue
            as_it_was = Hearing(shipped, "clip", source_hz, None, lambda share: None).predict([samples])
            now = shipped(clip.path)
            assert now.label == as_it_was.label
            np.testing.assert_allclose(now.probabilities, as_it_was.probabilities, atol=0.01)
            shifted = shipped(samples + np.float32(0.2), source_hz)
            assert shifted.label == as_it_was.label

    def test_an_offset_alone_is_silent(self, tiny):
        with pytest.raises(SilentAudioError, match="is silent"):
            tiny(np.full(RATE_HZ, 0.3, np.float32), RATE_HZ)


class TestSources:
    def test_what_decode_gave_is_predicted_as_the_file_is(self, tiny):
        file = soundfile_bytes(noise(2 * 44_100, 2) + np.float32([0.1, 0]), 44_100, "WAV", "FLOAT")
        audio = decode(file, RATE_HZ)
        of_file, of_audio = tiny(file), tiny(audio)
        np.testing.assert_array_equal(of_file.probabilities, of_audio.probabilities)
        np.testing.assert_array_equal(of_file.spectrogram, of_audio.spectrogram)
        assert of_file.notes == of_audio.notes == audio.notes
        assert len(audio.notes) == 1
        assert of_file.duration_s == of_audio.duration_s
        with pytest.raises(OptionError, match="at 22050 Hz"):
            tiny(decode(file, 22_050))

    def test_tensors_lists_and_open_files(self, tiny):
        clip = noise(RATE_HZ)
        expected = tiny(clip, RATE_HZ).probabilities
        file = soundfile_bytes(clip, RATE_HZ, "WAV", "FLOAT")
        found = [tiny(torch.from_numpy(clip), RATE_HZ), tiny(clip.tolist(), RATE_HZ)]
        found += [tiny(kind(file)) for kind in (bytearray, memoryview, io.BytesIO)]
        for prediction in found:
            np.testing.assert_array_equal(prediction.probabilities, expected)

    @pytest.mark.parametrize("what", [None, {"a": 1}, 7, object()])
    def test_what_is_no_sound_is_told_what_is_taken(self, tiny, what):
        with pytest.raises(BadSamplesError, match="NumPy array, tensor or list"):
            tiny(what)

    def test_a_channel_and_what_is_there_are_used_on_request(self, tiny):
        frames = (noise(RATE_HZ, 2) * 32767).astype(np.int16)
        data = wav_bytes(frames.tobytes(), rate_hz=RATE_HZ, n_channels=2, data_size=16 * len(frames))
        with pytest.raises(TruncatedAudioError):
            tiny(data)
        prediction = tiny(data, channel=2, partial=True)
        np.testing.assert_array_equal(prediction.probabilities, tiny(frames[:, 1], RATE_HZ).probabilities)
        assert "75%" in prediction.notes[0]
        assert prediction.as_dict()["notes"] == list(prediction.notes)

    def test_limits_are_settings(self, tiny, monkeypatch):
        file = soundfile_bytes(noise(RATE_HZ), RATE_HZ, "FLAC")
        with pytest.raises(AudioTooLargeError, match="ACRNN_MAX_SECONDS"):
            tiny(file, limits=Limits(max_duration_s=0.5))
        monkeypatch.setenv("ACRNN_MAX_SECONDS", "0.5")
        with pytest.raises(AudioTooLargeError):
            tiny(file)


class TestAnswers:
    def test_an_answer_that_is_not_finite_is_an_error(self, tiny):
        broken = copy.copy(tiny)
        broken.model = copy.deepcopy(tiny.model)
        with torch.no_grad():
            broken.model.output.bias[0] = float("nan")
        with pytest.raises(BadSamplesError, match="no finite probabilities"):
            broken(noise(RATE_HZ), RATE_HZ)

    @pytest.mark.parametrize("value", [1e6, 1e20, 3.4e38])
    def test_one_huge_sample_is_refused(self, tiny, value):
        clip = noise(RATE_HZ)
        clip[100] = value
        with pytest.raises(BadSamplesError, match="far beyond full scale"):
            tiny(clip, RATE_HZ)

    def test_a_spectrogram_is_kept_to_a_bound_and_the_answer_is_the_same(self, tiny, monkeypatch):
        clip = noise(40 * RATE_HZ)
        whole = tiny(clip, RATE_HZ)
        monkeypatch.setattr(predictor, "KEPT_SPECTROGRAM_S", 10.0)
        bounded = tiny(clip, RATE_HZ)
        n_kept = bounded.spectrogram.shape[1]
        assert n_kept == round(10 * RATE_HZ / 186)
        np.testing.assert_array_equal(bounded.spectrogram, whole.spectrogram[:, :n_kept])
        np.testing.assert_array_equal(bounded.probabilities, whole.probabilities)
        np.testing.assert_array_equal(bounded.attention.weights, whole.attention.weights)


class TestMoment:
    @pytest.mark.parametrize("placement", ["l10", "l2-softmax", "l4-sigmoid"])
    @pytest.mark.parametrize("start_s", [0.0, 3.0, 4.4])
    @pytest.mark.parametrize("hiss", [0.0, 1e-3])
    def test_it_lies_in_the_only_sound(self, predictors, placement, start_s, hiss):
        clip = hiss * noise(5 * RATE_HZ)
        on = round(start_s * RATE_HZ)
        clip[on : on + RATE_HZ // 2] += 0.5 * sine(900, RATE_HZ, 0.5)
        prediction = predictors[placement](clip, RATE_HZ)
        assert start_s - 0.015 <= prediction.attention.most_at_s <= start_s + 0.515
        assert prediction.as_dict()["attention"]["most_at_s"] == prediction.attention.most_at_s

    def test_the_segment_is_chosen_by_its_score_and_only_then_the_step(self):
        segments = Segments(256)  # three, from frames 0, 64 and 128
        weights = np.full((3, 128), 0.001)
        weights[0, 5] = 0.9  # higher than any weight of the others, and of no account
        weights[2, 40] = 0.5
        scores = np.array([0.1, 0.2, 0.7])
        everywhere = np.ones(256, bool)
        assert most_attended_s(weights, scores, everywhere, segments, 1, 0.5) == (128 + 40) / 2
        only_early = np.arange(256) < 64
        assert most_attended_s(weights, scores, only_early, segments, 1, 0.5) == 5 / 2
        not_there = np.arange(256) != 128 + 40
        assert most_attended_s(weights, scores, not_there, segments, 1, 0.5) != (128 + 40) / 2

    def test_inside_a_step_the_frame_with_sound_nearest_its_middle(self):
        weights = np.array([[0.1, 0.8, 0.1, 0, 0, 0, 0]])
        has_sound = np.zeros(128, bool)
        has_sound[[3, 20, 24, 90]] = True
        assert most_attended_s(weights, np.array([1.0]), has_sound, Segments(128), 18, 1.0) == 24
