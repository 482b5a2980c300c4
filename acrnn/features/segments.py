"""Clip ⇄ overlapping segments ⇄ one time axis (§3.1: 128 frames with 50% overlap; PiczakCNN: 41).

Frame i stands for the time i · hop_s, the centre of its window. A weight that stands for k frames (after pooling) is
held over those k frames, and where segments overlap their weights are averaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acrnn.features.front_end import SEGMENT_FRAMES, SEGMENT_HOP, FrontEnd
from acrnn.features.spectrogram import delta

DELTA_VALUES = 2**18
"""Values of a spectrogram whose delta is taken in one go: 1 MB, what a core's cache holds."""


def segments_at_once(length: int, n_frames: int = 2048) -> int:
    """How many segments of `length` frames make a batch of about `n_frames`: 16 of 128, 4 of 432, at least 1."""
    return max(1, n_frames // length)


@dataclass(frozen=True)
class Segments:
    """Where the segments of one clip lie.

    Every frame of the clip is in at least one segment; the last one may reach past the end and is padded there.

    Parameters
    ----------
    n_frames : int
        Frames of the clip, at least 1.
    length, hop : int
        Frames of a segment, and from one segment to the next.
    """

    n_frames: int
    length: int = SEGMENT_FRAMES
    hop: int = SEGMENT_HOP

    @classmethod
    def of(cls, n_frames: int, front_end: FrontEnd) -> "Segments":
        """Segments of a clip of `n_frames`, as long and as far apart as its front end says."""
        return cls(n_frames, front_end.segment_frames, front_end.segment_hop)

    def __len__(self) -> int:
        return 1 + max(0, -(-(self.n_frames - self.length) // self.hop))

    @property
    def starts(self) -> np.ndarray:
        """(segment,) first frame of each."""
        return np.arange(len(self)) * self.hop

    @property
    def stops(self) -> np.ndarray:
        """(segment,) frame after the last real one of each: padding is not counted."""
        return np.minimum(self.starts + self.length, self.n_frames)

    @property
    def n_padded_frames(self) -> int:
        """Frames of the clip with the padding that the last segment needs."""
        return int(self.starts[-1]) + self.length

    def pad(self, spectrogram: Tensor, floor_db: float) -> Tensor:
        """Spectrogram and delta of a clip, continued by digital silence to whole segments.

        Parameters
        ----------
        spectrogram : Tensor (band, frame), decibels
        floor_db : float
            What silence reads: the front end's floor.

        Returns
        -------
        Tensor (2, band, padded frame)
            Decibels, and decibels a frame. The delta is taken over the whole clip, before the padding.
        """
        n_bands = spectrogram.shape[0]
        both = spectrogram.new_zeros(2, n_bands, self.n_padded_frames)
        both[0] = floor_db
        both[0, :, : self.n_frames] = spectrogram
        at_once = max(1, DELTA_VALUES // self.n_frames)  # an hour gets no second spectrogram beside the result
        for band in range(0, n_bands, at_once):
            both[1, band : band + at_once, : self.n_frames] = delta(spectrogram[band : band + at_once])
        return both

    def batches(self, padded: Tensor, batch_size: int) -> Iterator[Tensor]:
        """Yield the segments of `padded` (2, band, padded frame) in order, as Tensors (batch, 2, band, length)."""
        cut = padded.unfold(-1, self.length, self.hop).permute(2, 0, 1, 3)  # (segment, 2, band, length), a view
        for start in range(0, len(self), batch_size):
            yield cut[start : start + batch_size].contiguous()

    def to_clip(self, weights: np.ndarray, frames_per_weight: int) -> np.ndarray:
        """Weights of overlapping segments → one weight a frame of the clip.

        Parameters
        ----------
        weights : ndarray (segment, step)
            Step j of a segment stands for its frames j · frames_per_weight up to the next step; frames that floor
            pooling leaves over at a segment's end take its last step.
        frames_per_weight : int
            See `NetworkConfig.frames_per_weight`.

        Returns
        -------
        ndarray (frame,), float64
            Mean over the segments that hold the frame. Padded frames are in no segment's range here.
        """
        step = np.minimum(np.arange(self.length) // frames_per_weight, weights.shape[1] - 1)
        total = np.zeros(self.n_frames)
        count = np.zeros(self.n_frames)
        for row, start, stop in zip(weights, self.starts, self.stops, strict=True):
            total[start:stop] += row[step[: stop - start]]
            count[start:stop] += 1
        return total / count

    def times_s(self, front_end: FrontEnd) -> np.ndarray:
        """(frame,) time in seconds that each frame of the clip is centred on."""
        return np.arange(self.n_frames) * front_end.hop_s


def clip_segments(spectrogram: Tensor, front_end: FrontEnd) -> Tensor:
    """All segments of a clip at once.

    Parameters
    ----------
    spectrogram : Tensor (band, frame), decibels

    Returns
    -------
    Tensor (segment, 2, band, segment frame)
    """
    segments = Segments.of(spectrogram.shape[-1], front_end)
    return torch.cat(list(segments.batches(segments.pad(spectrogram, front_end.floor_db), len(segments))))
