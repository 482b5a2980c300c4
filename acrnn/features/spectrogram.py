"""Waveform → log spectrogram and its delta (§3.1), batched in torch on any device.

Short-time power spectra are weighted by the front end's filters and put on a decibel scale on which a full-scale sine
reads about 0 dB (in mel bands, less the higher it is above 1 kHz: −10 dB at 10 kHz). Frame i is centred on sample
i · hop of the waveform; what lies outside the clip counts as zeros.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from acrnn.features.front_end import FrontEnd, filter_weights

DELTA_WIDTH = 9  # frames of the regression, librosa's default
CHUNK_FRAMES = 2048  # frames analysed at once: 8 MB of windows, whatever the clip's length


def log_spectrogram(waveform: Tensor | np.ndarray, front_end: FrontEnd, device: torch.device | str = "cpu") -> Tensor:
    """Log spectrogram of one clip or of a batch of equally long ones (§3.1).

    Parameters
    ----------
    waveform : Tensor or ndarray (samples,) or (batch, samples)
        Mono, at `front_end.rate_hz`, in about [-1, 1].
    front_end : FrontEnd
    device : str
        Where to compute, and where the result lies.

    Returns
    -------
    Tensor (band, frame) or (batch, band, frame), float32
        Decibels, at least `front_end.floor_db`; band 0 is the lowest.
    """
    waveform = torch.as_tensor(waveform, dtype=torch.float32)
    batched = waveform if waveform.ndim == 2 else waveform[None]
    half = front_end.hop_samples
    # Frames are centred: half a window of zeros on either side.
    padded = torch.nn.functional.pad(batched, (half, half))
    n_frames = front_end.n_frames(batched.shape[1])
    spectrogram = torch.empty(len(batched), front_end.n_bands, n_frames, device=device)
    for start in range(0, n_frames, CHUNK_FRAMES):
        stop = min(start + CHUNK_FRAMES, n_frames)
        chunk = padded[:, start * half : (stop + 1) * half].to(device)
        spectrogram[:, :, start:stop] = _analyse(chunk, front_end)
    return spectrogram if waveform.ndim == 2 else spectrogram[0]


def stream_log_spectrogram(blocks: Iterable[np.ndarray], front_end: FrontEnd, device: str = "cpu") -> Iterator[Tensor]:
    """Log spectrogram of a clip that arrives in pieces, in the memory of one chunk.

    Joined along frames, what is yielded equals `log_spectrogram` of the joined blocks bit for bit.

    Parameters
    ----------
    blocks : iterable of ndarray (samples,), float32
        The waveform in order, in blocks of any length.

    Yields
    ------
    Tensor (band, frame), float32
        Up to `CHUNK_FRAMES` frames.
    """
    half = front_end.hop_samples
    held = [np.zeros(half, np.float32)]
    n_held, n_samples, n_done = half, 0, 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        n_samples += len(block)
        while n_held >= (CHUNK_FRAMES + 1) * half:
            joined = np.concatenate(held)
            yield _analyse(torch.from_numpy(joined[None, : (CHUNK_FRAMES + 1) * half]).to(device), front_end)[0]
            n_done += CHUNK_FRAMES
            held = [joined[CHUNK_FRAMES * half :]]
            n_held = len(held[0])
    n_left = front_end.n_frames(n_samples) - n_done
    if n_left > 0:
        joined = np.concatenate([*held, np.zeros(half, np.float32)])[None, : (n_left + 1) * half]
        yield _analyse(torch.from_numpy(joined).to(device), front_end)[0]


def gather_frames(pieces: Iterable[Tensor], n_bands: int) -> Tensor:
    """Join pieces of a spectrogram whose length is not known beforehand: (band, frame) each, and the result.

    The room grows by doubling. Keeping the pieces and joining them at the end would hold every piece between the much
    larger buffers of its analysis, and an hour of sound would cost a gigabyte of memory that nobody uses.
    """
    room = torch.empty(n_bands, 2 * CHUNK_FRAMES)
    n_frames = 0
    for piece in pieces:
        if n_frames + piece.shape[1] > room.shape[1]:
            larger = torch.empty(n_bands, max(2 * room.shape[1], n_frames + piece.shape[1]))
            larger[:, :n_frames] = room[:, :n_frames]
            room = larger
        room[:, n_frames : n_frames + piece.shape[1]] = piece
        n_frames += piece.shape[1]
    return room[:, :n_frames]


def delta(spectrogram: Tensor) -> Tensor:
    """First temporal derivative of a spectrogram: the slope of a line fitted to nine frames.

    The first and last four frames take the slope of the first and last nine (librosa's default). A clip of fewer
    than nine frames is held at its last frame first.

    Parameters
    ----------
    spectrogram : Tensor (..., band, frame), decibels

    Returns
    -------
    Tensor (..., band, frame), decibels a frame
    """
    half = DELTA_WIDTH // 2
    n_frames = spectrogram.shape[-1]
    if n_frames < DELTA_WIDTH:
        last = spectrogram[..., -1:].expand(*spectrogram.shape[:-1], DELTA_WIDTH - n_frames)
        return delta(torch.cat([spectrogram, last], dim=-1))[..., :n_frames]
    slopes = torch.empty_like(spectrogram)
    inner = slopes[..., half:-half]
    inner.zero_()
    # Least squares over offsets -4 … 4, as differences of frames equally far to either side: nothing of the size of
    # nine spectrograms is built, which an hour of sound would feel.
    norm = 2 * sum(offset**2 for offset in range(1, half + 1))
    n_inner = n_frames - 2 * half
    for offset in range(1, half + 1):
        inner.add_(spectrogram[..., half + offset : half + offset + n_inner], alpha=offset)
        inner.sub_(spectrogram[..., half - offset : half - offset + n_inner], alpha=offset)
    inner.div_(norm)  # at the end: sums of whole multiples cancel exactly, so that silence has no slope at all
    slopes[..., :half] = inner[..., :1]
    slopes[..., -half:] = inner[..., -1:]
    return slopes


def _analyse(chunk: Tensor, front_end: FrontEnd) -> Tensor:
    """(batch, (frame + 1) · hop samples) → (batch, band, frame): windows, power, filters, decibels."""
    window, filters = window_and_filters(front_end, str(chunk.device))
    frames = chunk.unfold(-1, front_end.window_samples, front_end.hop_samples)  # (batch, frame, sample)
    spectrum = torch.fft.rfft(frames * window)  # (batch, frame, bin)
    power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
    bands = filters @ power.transpose(1, 2)  # (batch, band, frame)
    return bands.clamp_(min=10 ** (front_end.floor_db / 10)).log10_().mul_(10)


@lru_cache(maxsize=8)
def window_and_filters(front_end: FrontEnd, device: str) -> tuple[Tensor, Tensor]:
    """(sample,) window scaled so that a full-scale sine has power 1 in its bin, and (band, bin) filters, float32.

    They are kept and given again: change neither.
    """
    shape = torch.hann_window if front_end.filters == "mel" else torch.hamming_window
    window = shape(front_end.window_samples, dtype=torch.float64)
    window = window / (window.sum() / 2)
    return window.float().to(device), torch.from_numpy(filter_weights(front_end)).float().to(device)
