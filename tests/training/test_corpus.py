import numpy as np
import pytest
import torch

from acrnn.audio import decode
from acrnn.features import FrontEnd, clip_segments, log_spectrogram
from acrnn.training import build_corpus

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


def test_the_versions_of_all_clips_lie_one_after_the_other(corpus):
    n_rows = np.array([[128 * len(segments_of(corpus, clip, v)) for v in range(3)] for clip in range(14)])
    np.testing.assert_array_equal(corpus.first_row.ravel()[1:], np.cumsum(n_rows.ravel())[:-1])
    assert len(corpus.rows) == n_rows.sum()
