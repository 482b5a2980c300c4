"""Frames in, batches of segments out: what the network is given, in memory that does not grow with the clip."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from acrnn.features import FrontEnd, Segments, delta
from acrnn.features.spectrogram import DELTA_WIDTH

_HALF = DELTA_WIDTH // 2


def stream_segments(pieces: Iterable[Tensor], front_end: FrontEnd, batch_size: int) -> Iterator[Tensor]:
    """Cut a spectrogram that arrives in pieces; bit-equal to `Segments.batches` of the whole, padded by `pad`.

    Parameters
    ----------
    pieces : iterable of Tensor (band, frame), decibels
        In order, of any length.
    front_end : FrontEnd
    batch_size : int

    Yields
    ------
    Tensor (batch, 2, band, segment frame)
        Decibels, and decibels a frame; the last segment continued by digital silence.
    """
    length, hop = front_end.segment_frames, front_end.segment_hop
    n_needed, n_step = (batch_size - 1) * hop + length, batch_size * hop
    held = torch.empty(2, front_end.n_bands, 0)  # from the first frame of the next batch on
    n_passed = n_frames = 0
    for both in _with_delta(pieces):
        n_frames += both.shape[2]
        held = torch.cat([held, both], dim=2)
        while held.shape[2] >= n_needed:
            yield _cut(held[:, :, :n_needed], length, hop)
            held = held[:, :, n_step:]
            n_passed += batch_size
    n_left = len(Segments.of(n_frames, front_end)) - n_passed
    while n_left > 0:
        n = min(n_left, batch_size)
        n_needed = (n - 1) * hop + length
        silence = held.new_zeros(2, front_end.n_bands, max(0, n_needed - held.shape[2]))
        silence[0] = front_end.floor_db
        yield _cut(torch.cat([held[:, :, :n_needed], silence], dim=2), length, hop)
        held = held[:, :, n * hop :]
        n_left -= n


def _cut(both: Tensor, length: int, hop: int) -> Tensor:
    return both.unfold(-1, length, hop).permute(2, 0, 1, 3).contiguous()


def _with_delta(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Put the delta of the whole beside each piece: (band, frame) → (2, band, frame), four frames behind."""
    held: Tensor | None = None  # the last frames, whose neighbours are still to come, and those before them
    is_first = True
    for piece in pieces:
        held = piece if held is None else torch.cat([held, piece], dim=1)
        if held.shape[1] < 2 * DELTA_WIDTH:
            continue
        start = 0 if is_first else _HALF + 1
        yield torch.stack([held, delta(held)])[:, :, start:-_HALF]
        held, is_first = held[:, -DELTA_WIDTH:], False  # nine, for the slope that the end takes
    if held is not None:
        yield torch.stack([held, delta(held)])[:, :, 0 if is_first else _HALF + 1 :]
