"""Waveform → log-gammatone or log-mel spectrogram with delta → overlapping segments ⇄ one time axis (§3.1)."""

from acrnn.features.bandwidth import BandStatistics, fill_missing_bands, n_known_bands
from acrnn.features.front_end import SEGMENT_FRAMES, SEGMENT_HOP, FrontEnd, mel_front_end
from acrnn.features.segments import Segments, clip_segments, segments_at_once
from acrnn.features.spectrogram import delta, gather_frames, log_spectrogram, stream_log_spectrogram

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
    "log_spectrogram",
    "mel_front_end",
    "n_known_bands",
    "segments_at_once",
    "stream_log_spectrogram",
]
