"""Waveforms → probabilities and attention as one module of tensor operations, for any batch and any length.

`acrnn.inference` streams one clip through functions that write into buffers and loop over chunks. Here the same
computation is written so that it can be exported: every size that depends on the clip comes from the shape of the
waveform, and frames are picked by index. Filters, window and network are the project's own; a test holds the two equal.
"""

from math import pi

import torch
from torch import Tensor, nn

from acrnn.checkpoints import Checkpoint
from acrnn.features import FrontEnd
from acrnn.features.spectrogram import DELTA_WIDTH, window_and_filters

TINY = 1e-30
"""Added to a probability before its logarithm. Unlike the minimum in `Scale.calibrate` it lets NaN through."""


class SpectrogramGraph(nn.Module):
    """`acrnn.features.log_spectrogram` with the Fourier transform as a product with a matrix.

    Parameters
    ----------
    front_end : FrontEnd
    """

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.front_end = front_end
        window, filters = window_and_filters(front_end, "cpu")
        n = front_end.window_samples
        angles = 2 * pi * (torch.arange(n)[:, None] * torch.arange(n // 2 + 1) % n).double() / n  # (sample, bin)
        windowed = window.double()[:, None]
        self.register_buffer("cosines", (windowed * angles.cos()).float())
        self.register_buffer("sines", (windowed * angles.sin()).float())
        self.register_buffer("filters", filters.T.contiguous())  # (bin, band)

    def forward(self, waveform: Tensor) -> Tensor:
        """(batch, samples) in about [-1, 1] → (batch, band, frame) in decibels."""
        hop = self.front_end.hop_samples
        padded = nn.functional.pad(waveform, (hop, hop - waveform.shape[1] % hop))
        halves = padded.unflatten(1, (-1, hop))  # (batch, frame + 1, hop): a window is two hops long
        frames = torch.cat([halves[:, :-1], halves[:, 1:]], dim=2)  # (batch, frame, sample)
        power = (frames @ self.cosines).square() + (frames @ self.sines).square()  # (batch, frame, bin)
        bands = power @ self.filters  # (batch, frame, band)
        decibels = 10 * bands.clamp(min=10 ** (self.front_end.floor_db / 10)).log10()
        return decibels.transpose(1, 2)


def delta_by_index(spectrogram: Tensor) -> Tensor:
    """`acrnn.features.delta`: (batch, band, frame) in decibels → the same shape in decibels a frame."""
    half = DELTA_WIDTH // 2
    n_frames = spectrogram.shape[2]
    last = n_frames - 1
    centre = torch.arange(n_frames).clamp(min=half).minimum(torch.tensor(last - half).clamp(min=half))
    slopes = torch.zeros_like(spectrogram)
    for offset in range(1, half + 1):
        after, before = ((centre + sign * offset).clamp(max=last) for sign in (1, -1))
        slopes = slopes + offset * (spectrogram[:, :, after] - spectrogram[:, :, before])
    return slopes / (2 * sum(offset**2 for offset in range(1, half + 1)))


class ClipGraph(nn.Module):
    """A checkpoint as one module: what it takes is a waveform at its own sampling rate.

    Parameters
    ----------
    checkpoint : Checkpoint
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        config = checkpoint.config
        self.front_end, self.vote = config.front_end, config.vote
        self.frames_per_weight = config.network.frames_per_weight if config.has_attention else None
        self.temperature = None if config.open_set is None else config.open_set.clips.temperature
        self.spectrogram = SpectrogramGraph(config.front_end)
        self.network = checkpoint.load_model("cpu").to(memory_format=torch.contiguous_format)

    def forward(self, waveform: Tensor) -> tuple[Tensor, ...]:
        """Classify clips of one length.

        Parameters
        ----------
        waveform : Tensor (batch, samples), float32
            Mono, at the front end's rate, in about [-1, 1].

        Returns
        -------
        tuple of Tensor
            What `outputs_of` lists, in its order. A silent clip has NaN for its probabilities.
        """
        spectrogram = self.spectrogram(waveform)  # (batch, band, frame)
        segments = self._segments(spectrogram)  # (batch, segment, 2, band, segment frame)
        output = self.network(segments.flatten(0, 1))
        n_segments = segments.shape[1]
        by_segment = output.logits.softmax(dim=1).unflatten(0, (-1, n_segments))  # (batch, segment, class)
        probabilities = (self._votes(segments)[:, :, None] * by_segment).sum(dim=1)
        found = [probabilities]
        if self.temperature is not None:
            found.append(((probabilities + TINY).log() / self.temperature).softmax(dim=1))
        found.append(by_segment)
        if output.attention is not None:
            weights = output.attention.unflatten(0, (-1, n_segments))  # (batch, segment, step)
            found += [self._to_clip(weights, spectrogram.shape[2]), weights]
        return tuple(found)

    def _segments(self, spectrogram: Tensor) -> Tensor:
        """`acrnn.features.clip_segments`: the last segment is continued by digital silence."""
        length, hop = self.front_end.segment_frames, self.front_end.segment_hop
        n_frames = spectrogram.shape[2]
        n_segments = 1 + (torch.sym_max(n_frames, length) - length + hop - 1) // hop
        frames = (torch.arange(n_segments)[:, None] * hop + torch.arange(length)).clamp(max=n_frames)
        both = torch.stack([spectrogram, delta_by_index(spectrogram)], dim=1)  # (batch, 2, band, frame)
        silence = torch.tensor([self.front_end.floor_db, 0.0])[None, :, None, None].expand(*both[..., :1].shape)
        cut = torch.cat([both, silence], dim=3)[..., frames]  # (batch, 2, band, segment, segment frame)
        return cut.permute(0, 3, 1, 2, 4)

    def _votes(self, segments: Tensor) -> Tensor:
        """(batch, segment) weights that sum to one; NaN for a clip in which nothing is above the floor."""
        sounds = (segments[:, :, 0].amax(dim=2) > self.front_end.floor_db).float()  # (batch, segment, segment frame)
        shares = sounds.mean(dim=2)
        if self.vote == "mean":
            shares = (shares.amax(dim=1, keepdim=True) > 0).float().expand_as(shares)
        return shares / shares.sum(dim=1, keepdim=True)

    def _to_clip(self, weights: Tensor, n_frames: int) -> Tensor:
        """`Segments.to_clip`: (batch, segment, step) → (batch, frame), the mean over the segments that hold a frame."""
        length, hop = self.front_end.segment_frames, self.front_end.segment_hop
        n_segments, n_steps = weights.shape[1:]
        frame = torch.arange(n_frames)
        total = count = 0
        for back in range(-(-length // hop)):  # how many segments can hold one frame
            segment = frame // hop - back
            inside = frame - segment * hop
            holds = (segment >= 0) & (segment < n_segments) & (inside < length)
            step = (inside // self.frames_per_weight).clamp(min=0, max=n_steps - 1)
            index = segment.clamp(min=0, max=n_segments - 1) * n_steps + step
            total = total + weights.flatten(1)[:, index] * holds
            count = count + holds.float()
        return total / count
