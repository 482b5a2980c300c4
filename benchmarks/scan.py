"""Claim: what an hour of sound costs a scan on one core, by stages, and how many bytes go in and come out.

    python -m benchmarks.scan [DATASET] [CHECKPOINT …]

CPU seconds of one thread, so that other programs of the machine matter little. Two minutes of clips one after another
are written in three formats, and taken through the stages of a scan: reading and decoding, spectrogram and segments,
network. Two further lines are the rows, a window each, as Parquet, and what a process costs
before its first recording.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import soundfile as sf
import torch

import acrnn
from acrnn import data
from acrnn.audio import Limits, render, stream
from acrnn.audio.scenes import SCENES
from acrnn.features import segments_at_once, stream_log_spectrogram
from acrnn.inference import Predictor
from acrnn.inference.stream import stream_segments
from acrnn.paths import DEFAULT_CHECKPOINTS
from acrnn.scan import Options, Scan
from benchmarks.machine import describe_machine

RATE_HZ, N_CLIPS, CLIP_S, REPEATS = 44_100, 24, 5, 2
FORMATS = {"wav": "WAV PCM_16", "flac": "FLAC PCM_16", "ogg": "OGG VORBIS"}


def main() -> None:
    """Print CPU seconds an hour of sound for each checkpoint, format and stage."""
    torch.set_num_threads(1)
    names = sys.argv[2:] or DEFAULT_CHECKPOINTS
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        paths = _recordings(Path(folder))
        for path in paths:
            print(f"{FORMATS[path.suffix[1:]]:12} {path.stat().st_size / 1e6 * _an_hour():.0f} MB an hour")
        for name in names:
            predictor = acrnn.load(name, "cpu")
            for path in paths:
                print(f"{name}  {FORMATS[path.suffix[1:]]:12} {_stages(predictor, path)}")
            _print_rows(predictor, paths[0], Path(folder))
    code = "import time, acrnn; acrnn.load('esc10-l10-best-fold1', 'cpu'); print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"a process before its first recording {float(done.stdout):.1f} s")


def _stages(predictor: Predictor, path: Path) -> str:
    """Give CPU seconds an hour of sound, of each stage and of the whole."""
    front_end = predictor.checkpoint.config.front_end
    samples = np.concatenate(list(stream(path, front_end.rate_hz)))

    def segments() -> list[torch.Tensor]:
        pieces = stream_log_spectrogram([samples], front_end)
        return list(stream_segments(pieces, front_end, segments_at_once(front_end.segment_frames)))

    batches = [batch.contiguous(memory_format=torch.channels_last) for batch in segments()]
    with torch.inference_mode():
        seconds = {
            "decode": _cpu_s(lambda: list(stream(path, front_end.rate_hz))),
            "features": _cpu_s(segments),
            "network": _cpu_s(lambda: [predictor.model(batch) for batch in batches]),
        }
    whole = _cpu_s(lambda: predictor(path))
    told = ", ".join(f"{stage} {one:.1f} s" for stage, one in seconds.items())
    return f"{whole:.1f} CPU s an hour, of which {told}"


def _print_rows(predictor: Predictor, path: Path, folder: Path) -> None:
    out = folder / "rows.parquet"
    Scan(predictor, Options("segments", Limits()), [path]).write(out)
    print(f"rows of segments: {out.stat().st_size / 1000 * _an_hour():.0f} kB an hour")


def _cpu_s(call: Callable[[], object]) -> float:
    """CPU seconds that a call takes for an hour of sound, the least of several."""
    found = []
    for _ in range(REPEATS):
        began = process_time()
        call()
        found.append(process_time() - began)
    return min(found) * _an_hour()


def _an_hour() -> float:
    return 3600 / (N_CLIPS * CLIP_S)


def _recordings(folder: Path) -> list[Path]:
    if len(sys.argv) > 1:
        clips = data.load(sys.argv[1]).clips
        parts = [next(sf.blocks(clip.path, CLIP_S * RATE_HZ, dtype="float32")) for clip in clips[:N_CLIPS]]
    else:
        parts = [np.resize(render(name).samples, CLIP_S * RATE_HZ) for name in SCENES] * (N_CLIPS // len(SCENES))
    paths = [folder / f"sound.{suffix}" for suffix in FORMATS]
    for path in paths:
        with sf.SoundFile(path, "w", RATE_HZ, 1) as file:
            for part in parts:  # libvorbis takes no minutes at once
                file.write(part)
    return paths


if __name__ == "__main__":
    main()
