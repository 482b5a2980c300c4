"""Claim: a clip's top class does not depend on the container that it comes in.

    python -m benchmarks.containers DATASET [CHECKPOINT] [N_CLIPS]

Clips of the fold that the checkpoint never saw are written anew in each container and predicted; told is the share
whose top class is that of the original file. 16 and 8 kHz take away what is above 8 and 4 kHz, so there the sound
itself differs; those two are told a second time with the missing bands left empty instead of estimated.
"""

import sys
from copy import copy
from pathlib import Path

import numpy as np
import soxr

import acrnn
from acrnn import data
from acrnn.audio import decode
from acrnn.data import Clip
from acrnn.inference import Predictor
from tests.audio.audio_files import av_bytes, soundfile_bytes

RATE_HZ = 44_100
LOW_RATES = {"wav 16 kHz": 16_000, "wav 8 kHz": 8000}


def containers(samples: np.ndarray) -> dict[str, bytes]:
    """Write a sound, (samples,) at 44.1 kHz, as the bytes of a file in each container."""
    stereo = np.stack([samples, samples], axis=1)
    low = {
        name: soundfile_bytes(soxr.resample(samples, RATE_HZ, rate_hz), rate_hz, "WAV")
        for name, rate_hz in LOW_RATES.items()
    }
    return {
        "wav 44.1 kHz": soundfile_bytes(samples, RATE_HZ, "WAV"),
        "wav stereo 24-bit": soundfile_bytes(stereo, RATE_HZ, "WAV", "PCM_24"),
        "flac": soundfile_bytes(samples, RATE_HZ, "FLAC"),
        "ogg": soundfile_bytes(samples, RATE_HZ, "OGG", "VORBIS"),
        "mp3": soundfile_bytes(samples, RATE_HZ, "MP3"),
        "m4a": av_bytes(samples, RATE_HZ, "mp4", "aac"),
    } | low


def agreement(predictor: Predictor, clips: list[Clip]) -> dict[str, float]:
    """Container → share of clips whose top class is that of the original file."""
    same: dict[str, list[bool]] = {}
    without_bands = copy(predictor)
    without_bands.bands = None
    for clip in clips:
        label = predictor(clip.path).label
        samples = decode(clip.path, RATE_HZ).samples.clip(-1, 1)
        for name, content in containers(samples).items():
            same.setdefault(name, []).append(predictor(content, name=name).label == label)
            if name in LOW_RATES:
                left_empty = without_bands(content, name=name).label == label
                same.setdefault(f"{name}, left empty", []).append(left_empty)
    return {name: float(np.mean(hits)) for name, hits in same.items()}


def main() -> None:
    """Print one line a container."""
    root = Path(sys.argv[1])
    predictor = acrnn.load(sys.argv[2] if len(sys.argv) > 2 else "esc10-l10-best-fold1", "cpu")
    n_clips = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    config = predictor.checkpoint.config
    clips = data.load(root, config.dataset).fold(config.fold)
    clips = clips[:: max(1, len(clips) // n_clips)][:n_clips]
    shares = agreement(predictor, clips)
    print(f"{config.name}, {len(clips)} clips of fold {config.fold}: same top class as the original file")
    for name, share in shares.items():
        print(f"  {name:24} {share:6.1%}")


if __name__ == "__main__":
    main()
