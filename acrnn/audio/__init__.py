"""Audio: bytes, a path or an array → a mono waveform at the rate asked for. librosa and PyAV load only when needed."""

from acrnn.audio.decode import (
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    Audio,
    AudioFile,
    Limits,
    Source,
    decode,
    encode_wav,
    from_array,
    open_audio,
    stream,
)

__all__ = [
    "MAX_RATE_HZ",
    "MIN_RATE_HZ",
    "Audio",
    "AudioFile",
    "Limits",
    "Source",
    "decode",
    "encode_wav",
    "from_array",
    "open_audio",
    "stream",
]
