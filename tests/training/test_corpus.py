import os

import numpy as np
import pytest
import torch

from acrnn.audio import decode
from acrnn.features import FrontEnd, clip_segments, log_spectrogram
from acrnn.training import Corpus, build_corpus

FRONT_END = FrontEnd(16_000, n_bands=32)


@pytest.fixture(scope="module")
def corpus(tiny_dataset):
    return build_corpus(tiny_dataset, FRONT_END, n_copies=2)


def segments_of(corpus, clip, version):
    rows, owners = corpus.segment_rows(np.array([clip]), np.array([version]))
    assert set(owners) == {clip}
    return corpus.gather(torch.from_numpy(rows))


def test_version_0_is_the_clip_itself(corpus, tiny_dataset):
    for i, clip in enumerate(tiny_dataset.clips):
        spectrogram = log_spectrogram(decode(clip.path, 16_000).samples, FRONT_END)
        assert corpus.n_frames[i, 0] == spectrogram.shape[1]
        expected = clip_segments(spectrogram, FRONT_END).half().float()
        torch.testing.assert_close(segments_of(corpus, i, 0), expected, rtol=0, atol=0.04)  # fp16 rounding at −80 dB


def test_the_other_versions_are_stretched_or_shifted_copies(corpus):
    assert corpus.n_versions == 3
    assert corpus.n_frames.shape == (14, 3)
    assert (corpus.n_frames[:, 1:] != corpus.n_frames[:, :1]).any()  # something was stretched
    for clip in range(14):
        assert not torch.equal(segments_of(corpus, clip, 0), segments_of(corpus, clip, 1))


def test_a_corpus_is_computed_once(corpus, tiny_dataset):
    told = []
    again = build_corpus(tiny_dataset, FRONT_END, n_copies=2, on_clip=lambda done, total: told.append(done))
    assert told == []
    assert torch.equal(again.rows, corpus.rows)
    np.testing.assert_array_equal(again.first_row, corpus.first_row)


@pytest.mark.slow
def test_many_processes_compute_what_one_does(corpus, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("ACRNN_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr("acrnn.training.corpus.VERSIONS_A_WORKER", 1)
    told = []
    again = build_corpus(tiny_dataset, FRONT_END, n_copies=2, on_clip=lambda done, total: told.append((done, total)))
    assert told == [(done, 14) for done in range(1, 15)]
    assert torch.equal(again.rows, corpus.rows)
    np.testing.assert_array_equal(again.first_row, corpus.first_row)


def test_the_versions_of_all_clips_lie_one_after_the_other(corpus):
    n_rows = np.array([[128 * len(segments_of(corpus, clip, v)) for v in range(3)] for clip in range(14)])
    np.testing.assert_array_equal(corpus.first_row.ravel()[1:], np.cumsum(n_rows.ravel())[:-1])
    assert len(corpus.rows) == n_rows.sum()


@pytest.fixture
def half_silent(corpus_of):
    """A clip of 431 frames with sound in its first 150, one of 128 without any, one of 100 with sound throughout."""
    sound, short = torch.full((32, 431), -40.0), torch.full((32, 100), -40.0)
    sound[:, 150:] = -80
    return corpus_of([sound, torch.full((32, 128), -80.0), short])


def test_sound_is_counted_in_frames_without_padding(half_silent):
    rows, owners = half_silent.segment_rows(np.arange(3), np.zeros(3, int))
    assert owners.tolist() == [0] * 6 + [1, 2]
    assert half_silent.sounding(rows) * 128 == pytest.approx([128, 86, 22, 0, 0, 0, 0, 100])


def test_segments_with_too_little_sound_are_left_out_but_for_a_clips_best(half_silent):
    rows, owners = half_silent.segment_rows(np.arange(3), np.zeros(3, int), min_sounding=0.25)
    assert owners.tolist() == [0, 0, 1, 2]
    assert rows[:2].tolist() == [0, 64]


def test_crops_begin_at_any_frame_with_enough_sound_and_never_reach_the_padding(half_silent):
    rng = np.random.default_rng(0)
    clips, versions = np.array([2, 0]), np.zeros(2, int)
    firsts = set()
    for _ in range(200):
        rows, owners = half_silent.crop_rows(clips, versions, 0.25, rng)
        assert owners.tolist() == [2, 0, 0]  # as many as there are segments
        assert rows[0] == half_silent.first_row[2, 0]  # a short clip has one beginning
        assert (half_silent.sounding(rows) >= 0.25).all()
        firsts |= set(rows[1:].tolist())
    assert firsts <= set(range(150 - 32 + 1))
    assert len(firsts) > 90


def test_without_a_demand_crops_fill_the_clip(half_silent):
    rows, _ = half_silent.crop_rows(np.zeros(3000, int), np.zeros(3000, int), 0.0, np.random.default_rng(0))
    assert (rows.min(), rows.max()) == (0, 431 - 128)


def test_shorter_segments_stay_within_the_rows_of_their_clip():
    rows = torch.full((2 * 432, 2, 32), -40.0, dtype=torch.float16)  # two clips of 431 frames, padded to 432
    long = Corpus(rows, np.array([[0], [432]]), np.array([[431], [431]]), segment_frames=432, segment_hop=216)
    starts, owners = long.in_segments_of(128).segment_rows(np.array([0, 1]), np.array([0, 0]), 0.1)
    assert (starts - 432 * owners).tolist() == [0, 64, 128, 192, 256, 304] * 2
