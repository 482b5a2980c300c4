"""Audio: bytes, a path or an array → a mono waveform at the rate asked for; effects on it; synthetic clips.

In reading order: `sources` (what a recording can come as), `containers` (what its header announces; `search`),
`readers` (the two libraries that decode), `screening` (scale, offset, `drift` and channels put right), `decode`
(whole, in blocks, or from an array; the way in), `encode` (and back to a file), `effects` (stretch, shift, noise,
scaling by attention) and `scenes` (ten clips whose event times are known). Imported by name where they are needed:
`activity` (when a clip sounds), `noises`, `codecs` and `degradations` (the conditions that robustness is measured
under). soundfile, soxr, PyAV and librosa load when first needed, so that training imports this package where none of
them is installed.
"""

from acrnn.audio.decode import (
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    Audio,
    AudioFile,
    decode,
    from_array,
    open_audio,
    stream,
)
from acrnn.audio.effects import (
    Augmentation,
    Shift,
    Stretch,
    add_noise,
    draw_augmentation,
    gain_db,
    pitch_shift,
    scale_frames,
    time_stretch,
)
from acrnn.audio.encode import Encoder, encode_flac, encode_wav
from acrnn.audio.limits import Limits
from acrnn.audio.scenes import SCENES, TITLES, Scene, render
from acrnn.audio.sources import Source

__all__ = [
    "MAX_RATE_HZ",
    "MIN_RATE_HZ",
    "SCENES",
    "TITLES",
    "Audio",
    "AudioFile",
    "Augmentation",
    "Encoder",
    "Limits",
    "Scene",
    "Shift",
    "Source",
    "Stretch",
    "add_noise",
    "decode",
    "draw_augmentation",
    "encode_flac",
    "encode_wav",
    "from_array",
    "gain_db",
    "open_audio",
    "pitch_shift",
    "render",
    "scale_frames",
    "stream",
    "time_stretch",
]
