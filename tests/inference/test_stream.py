import pytest
import torch

from acrnn.features import FrontEnd, Segments, mel_front_end
from acrnn.inference.stream import stream_segments

BANDS = 8


def drawn(n_frames):
    return 15 * torch.randn(BANDS, n_frames, generator=torch.Generator().manual_seed(n_frames)) - 60


@pytest.mark.parametrize("n_frames", [1, 2, 8, 9, 13, 17, 18, 26, 127, 128, 129, 192, 193, 1088, 1089, 5000])
@pytest.mark.parametrize("piece", [1, 7, 64, 2048])
def test_segments_of_pieces_are_bit_for_bit_those_of_the_whole(n_frames, piece):
    front_end = FrontEnd(16_000, n_bands=BANDS)
    whole = drawn(n_frames)
    segments = Segments.of(n_frames, front_end)
    expected = list(segments.batches(segments.pad(whole, front_end.floor_db), 16))
    found = list(stream_segments(whole.split(piece, dim=1), front_end, 16))
    assert [len(batch) for batch in found] == [len(batch) for batch in expected]
    torch.testing.assert_close(torch.cat(found), torch.cat(expected), rtol=0, atol=0)


def test_segments_that_do_not_overlap_by_half_are_cut_alike():
    front_end = mel_front_end(16_000)
    whole = torch.randn(60, 333)
    segments = Segments.of(333, front_end)
    expected = torch.cat(list(segments.batches(segments.pad(whole, front_end.floor_db), 5)))
    torch.testing.assert_close(torch.cat(list(stream_segments(whole.split(50, dim=1), front_end, 5))), expected)
