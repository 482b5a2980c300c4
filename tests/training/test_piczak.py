"""PiczakCNN on the way of every run: configured, trained, stopped and resumed, scored, summed up, loaded again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.audio import decode
from acrnn.checkpoints import find
from acrnn.features import Segments, clip_segments, log_spectrogram, mel_front_end
from acrnn.inference import Predictor
from acrnn.measures.crossval import score_fold
from acrnn.model import PiczakConfig
from acrnn.results.settings import load_settings
from acrnn.results.summary import report, write_report
from acrnn.runs.finish import finish_run, publish
from acrnn.runs.loop import train
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.training import Corpus, Recipe, Split, Trainer, prepare
from acrnn.training.config import RunConfig
from acrnn.training.trainer import Epoch


@pytest.fixture(scope="module")
def config(tiny_root) -> RunConfig:
    """Two epochs of two steps with few filters and cells: what is tested is the way, the size is in test_baselines."""
    found, _ = configure(Options(tiny_root, "esc10", 2, "piczakcnn", epochs=2, batch_size=5, device="cpu"))
    assert found.network == PiczakConfig(10)
    recipe = replace(found.recipe, n_copies=0)
    return replace(found, network=PiczakConfig(10, n_filters=8, n_hidden=32), recipe=recipe, precision="fp32")


@pytest.fixture(scope="module")
def finished(config, tiny_dataset, tmp_path_factory) -> Run:
    run = Run.create(tmp_path_factory.mktemp("runs"), config)
    corpus, split = prepare(config, tiny_dataset)
    finish_run(run, train(run, corpus, split), tiny_dataset, corpus, split)
    return run


def test_a_dataset_at_16_khz_is_analysed_at_16_khz_and_no_option_is_left_out(config):
    assert config.front_end == mel_front_end(16_000)
    assert config.name == "esc10-piczakcnn-paper-fold2"
    assert config.data_title == "ESC-10 16 kHz"
    assert RunConfig.from_dict(config.as_dict()) == config


def test_the_corpus_has_the_segments_that_the_predictor_cuts(config, tiny_dataset):
    corpus, _ = prepare(config, tiny_dataset)
    for i, clip in enumerate(tiny_dataset.clips):
        spectrogram = log_spectrogram(decode(clip.path, 16_000).samples, config.front_end)
        rows, _ = corpus.segment_rows(np.array([i]), np.array([0]))
        expected = clip_segments(spectrogram, config.front_end)
        torch.testing.assert_close(corpus.gather(torch.from_numpy(rows)), expected, rtol=0, atol=0.04)


def test_a_finished_run_evaluates_to_what_it_says(finished, tiny_dataset):
    checkpoint = find(str(finished.path / finished.config.name))
    again = score_fold(Predictor(checkpoint, "cpu"), tiny_dataset, 2)
    assert again.summary() == {key: finished.summary[key] for key in ("n_clips", "n_correct", "accuracy", "interval")}
    assert checkpoint.config.network == finished.config.network
    assert checkpoint.config.front_end == finished.config.front_end


def test_a_prediction_has_mel_bands_and_no_attention(finished, tiny_dataset):
    predictor = Predictor(find(str(finished.path / finished.config.name)), "cpu")
    prediction = predictor(tiny_dataset.clips[0].path)
    assert prediction.attention is None
    assert prediction.as_dict()["attention"] is None
    assert prediction.spectrogram.shape == (60, 22)
    assert len(prediction.centres_hz) == prediction.n_known_bands == 60
    np.testing.assert_allclose(prediction.segment_ends_s, [0.5])


def test_bands_above_a_low_rate_are_estimated_from_its_own_statistics(finished):
    predictor = Predictor(find(str(finished.path / finished.config.name)), "cpu")
    noise = (0.1 * np.random.default_rng(0).standard_normal(8000)).astype(np.float32)
    prediction = predictor(noise, 8000)
    assert 30 < prediction.n_known_bands < 60
    assert prediction.known_up_to_hz < 3600
    assert prediction.spectrogram[prediction.n_known_bands :].max() > -80


def test_the_card_says_what_it_is(finished):
    card = (finished.path / finished.config.name / "README.md").read_text()
    assert "PiczakCNN (K. J. Piczak, 2015), the baseline of" in card
    assert "60 mel bands from 0 Hz, window 744 samples" in card
    assert "| Attention | none |" in card
    assert "network weighed" not in card


def test_a_published_one_predicts_the_same(finished, tiny_dataset, tmp_path):
    checkpoint = publish(finished, tmp_path)
    original = Predictor(find(str(finished.path / finished.config.name)), "cpu")
    clip = tiny_dataset.clips[3].path
    np.testing.assert_array_equal(Predictor(checkpoint, "cpu")(clip).probabilities, original(clip).probabilities)


def test_its_results_are_a_setting_of_their_own(finished, tmp_path):
    write_report(report([finished]), tmp_path)
    (setting,) = load_settings(tmp_path)
    assert (setting.name, setting.placement) == ("esc10-piczakcnn-paper-2", "piczakcnn")
    assert setting.accuracy == finished.summary["accuracy"]


def test_a_run_that_was_stopped_ends_as_an_unbroken_one(config, tiny_dataset, tmp_path):
    corpus, split = prepare(config, tiny_dataset)
    unbroken = train(Run.create(tmp_path / "a", config), corpus, split)
    broken = Run.create(tmp_path / "b", config)
    steps = []

    def stop_in_the_second_epoch(progress):
        steps.append(progress)
        if len(steps) == 3:
            broken.request_stop()

    assert train(broken, corpus, split, on_step=stop_in_the_second_epoch) is None
    resumed = train(Run.create(tmp_path / "b", config, resume=True), corpus, split)
    assert len(steps) == 3
    for name, value in unbroken.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_at_full_size_it_learns_four_real_clips(real_clips):
    """From §4.1's initial values it would not: every ReLU is dead within an epoch."""
    clips = next(iter(real_clips.values()))
    front_end = mel_front_end(16_000)
    rows, first_row, n_frames = [], [], []
    for clip in clips:
        spectrogram = log_spectrogram(decode(clip.path, 16_000).samples, front_end)
        segments = Segments.of(spectrogram.shape[1], front_end)
        first_row.append([sum(map(len, rows))])
        n_frames.append([segments.n_frames])
        rows.append(segments.pad(spectrogram, front_end.floor_db).permute(2, 0, 1).half())
    corpus = Corpus(torch.cat(rows), np.array(first_row), np.array(n_frames), 41, 20)
    recipe = Recipe("paper", epochs=1, batch_size=40, mixup_alpha=0.0, n_copies=0)
    config = RunConfig(
        "esc10", "", "", "", 1, PiczakConfig(10), front_end, recipe, seed=0, device="cpu", precision="fp32", code=""
    )
    trainer = Trainer(config, corpus, Split(np.arange(4), np.arange(4)))
    first, owners = corpus.segment_rows(np.arange(4), np.zeros(4, int))
    n = len(first)
    batch = Epoch(
        corpus.segment_frames, torch.from_numpy(first), None, torch.from_numpy(owners), torch.arange(n), torch.ones(n)
    )
    torch.manual_seed(0)
    losses = [trainer.step(batch)[0].item() for _ in range(10)]
    assert losses[0] == pytest.approx(np.log(10), abs=0.05)
    assert losses[-1] < 1.6
