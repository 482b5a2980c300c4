"""Claim: one 5 s clip from file to prediction takes at most 120 ms (median) on two CPU cores in a warm process.

    python -m benchmarks.predict [DATASET] [CHECKPOINT]

Decoding, resampling where needed, spectrogram, delta, six segments through the network, attention on one time axis.
The floor is the network's multiply-accumulates at the speed of a large fp32 matrix product, measured in the same run.
"""

import sys
import tempfile
from pathlib import Path

import torch

import acrnn
from acrnn import data
from acrnn.audio import encode_wav
from acrnn.audio.scenes import SCENES, render
from acrnn.model import complexity
from benchmarks.machine import describe_machine, spread, timed

N_CLIPS = 60


def main() -> None:
    """Print median, min and max, the share of the network, and the floor."""
    checkpoint = sys.argv[2] if len(sys.argv) > 2 else "esc10-l10-paper-fold1"
    with tempfile.TemporaryDirectory() as folder:
        paths = _clips(Path(folder))
        predictor = acrnn.load(checkpoint, "cpu")
        for path in paths[:3]:
            predictor(path)
        whole = [timed(lambda p=path: predictor(p)) for path in paths]
    segments = torch.randn(6, 2, 128, 128).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        network = [timed(lambda: predictor.model(segments)) for _ in range(20)]
        a = torch.randn(2048, 2048)
        product_s = min(timed(lambda: a @ a) for _ in range(10))
    floor_s = 6 * complexity(predictor.model.config).multiply_accumulates * product_s / 2048**3
    print(describe_machine())
    print(f"{checkpoint}, {len(whole)} clips")
    print(f"file to prediction        {spread(whole)}")
    print(f"of it the network         {spread(network)}")
    print(f"floor of the network      {1000 * floor_s:.1f} ms (its multiply-accumulates as one fp32 matrix product)")


def _clips(folder: Path) -> list[Path]:
    if len(sys.argv) > 1:
        clips = data.load(sys.argv[1]).clips
        return [clip.path for clip in clips[:: max(1, len(clips) // N_CLIPS)]]
    paths = []
    for label in SCENES:
        scene = render(label)
        path = folder / f"{label}.wav"
        path.write_bytes(encode_wav(scene.samples, scene.rate_hz))
        paths.append(path)
    return paths * (N_CLIPS // len(paths))


if __name__ == "__main__":
    main()
