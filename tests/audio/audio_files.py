"""Sounds and files for the tests of this folder, made in memory."""

import io
import struct
from dataclasses import dataclass

import av
import numpy as np
import soundfile as sf


def sine(freq_hz: float, rate_hz: int, duration_s: float, amplitude: float = 0.5) -> np.ndarray:
    """float32 (n_samples,)."""
    t_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * freq_hz * t_s)).astype(np.float32)


def noise(n_samples: int, *more: int, seed: int = 0) -> np.ndarray:
    """float32 (n_samples, …) in [-0.5, 0.5]."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n_samples, *more)).astype(np.float32)


def soundfile_bytes(samples: np.ndarray, rate_hz: int, container: str, coding: str | None = None) -> bytes:
    out = io.BytesIO()
    sf.write(out, samples, rate_hz, format=container, subtype=coding)
    return out.getvalue()


def av_bytes(
    samples: np.ndarray, rate_hz: int, container: str, coding: str, *, video: bool = False, options: dict | None = None
) -> bytes:
    """Encode mono samples with FFmpeg's libraries; with a black picture track if `video`."""
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options or {}) as file:
        picture = file.add_stream("mpeg4", rate=25) if video else None
        track = file.add_stream(coding, rate=rate_hz, layout="mono")
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
            for index in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                frame.pts = index
                file.mux(picture.encode(frame))
            file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return out.getvalue()


def picture_bytes(container: str = "mp4", coding: str = "mpeg4", pixels: str = "yuv420p") -> bytes:
    """Make a video without sound, or with "mjpeg" a JPEG picture."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        picture = file.add_stream(coding, rate=25)
        picture.width, picture.height, picture.pix_fmt = 32, 32, pixels
        file.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        file.mux(picture.encode(None))
    return out.getvalue()


def wav_bytes(
    pcm: bytes,
    *,
    rate_hz: int = 8000,
    n_channels: int = 1,
    riff_size: int | None = None,
    data_size: int | None = None,
) -> bytes:
    """Write a 16-bit WAV by hand, whose header may lie."""
    data_size = len(pcm) if data_size is None else data_size
    riff_size = 36 + data_size if riff_size is None else riff_size
    frame_bytes = 2 * n_channels
    layout = struct.pack("<IHHIIHH", 16, 1, n_channels, rate_hz, rate_hz * frame_bytes % 2**32, frame_bytes % 2**16, 16)
    header = struct.pack("<4sI4s4s", b"RIFF", riff_size, b"WAVE", b"fmt ") + layout
    return header + struct.pack("<4sI", b"data", data_size) + pcm


def flac_with_length(flac: bytes, n_samples: int) -> bytes:
    """Announce another number of samples in a FLAC header (36 bits; 0 leaves it blank)."""
    fields = int.from_bytes(flac[18:26], "big") & ~(2**36 - 1) | n_samples
    return flac[:18] + fields.to_bytes(8, "big") + flac[26:]


@dataclass
class OggPage:
    """A page of an Ogg file that can be changed: bytes(page) has the right check sum."""

    flags: int
    granule: int
    rest: bytes  # stream number and page number
    body: bytes  # table of segments and their content

    def __bytes__(self) -> bytes:
        head = b"OggS\0" + bytes([self.flags]) + struct.pack("<q", self.granule) + self.rest
        page = head + bytes(4) + self.body
        check = 0
        for byte in page:
            check ^= byte << 24
            for _ in range(8):
                check = (check << 1) ^ (0x04C11DB7 if check & 0x80000000 else 0)
            check &= 0xFFFFFFFF
        return head + struct.pack("<I", check) + self.body


def ogg_pages(file: bytes) -> list[OggPage]:
    """Take an Ogg file apart (RFC 3533)."""
    pages, at = [], 0
    while at < len(file):
        n_segments = file[at + 26]
        end = at + 27 + n_segments + sum(file[at + 27 : at + 27 + n_segments])
        granule = struct.unpack("<q", file[at + 6 : at + 14])[0]
        pages.append(OggPage(file[at + 5], granule, file[at + 14 : at + 22], file[at + 26 : end]))
        at = end
    return pages
