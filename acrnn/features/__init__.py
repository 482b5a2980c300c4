"""Waveform → log-gammatone spectrogram with delta → overlapping segments, and back to one time axis (§3.1)."""

from acrnn.features.bandwidth import BandStatistics, fill_missing_bands, n_known_bands
from acrnn.features.gammatone import FrontEnd, delta, gather_frames, log_gammatone, stream_log_gammatone
from acrnn.features.segments import SEGMENT_FRAMES, SEGMENT_HOP, Segments, clip_segments

__all__ = [
    "SEGMENT_FRAMES",
    "SEGMENT_HOP",
    "BandStatistics",
    "FrontEnd",
    "Segments",
    "clip_segments",
    "delta",
    "fill_missing_bands",
    "gather_frames",
    "log_gammatone",
    "n_known_bands",
    "stream_log_gammatone",
]
