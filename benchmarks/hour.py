"""Claim: predicting one hour of sound, or three, needs less than 1.5 GB of memory.

    python -m benchmarks.hour [HOURS]

Writes hours of 44.1 kHz stereo noise whose level swells, predicts the file, and prints the time and the largest memory
that this process ever had (Linux and macOS).
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf

import acrnn
from benchmarks.machine import describe_machine, timed

RATE_HZ = 44_100


def main() -> None:
    """Print seconds, segments and gigabytes."""
    n_hours = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        with sf.SoundFile(path, "w", RATE_HZ, 2) as file:
            for i in range(360 * n_hours):
                file.write(0.1 * (1 + np.sin(i)) * rng.standard_normal((10 * RATE_HZ, 2), dtype=np.float32))
        predictor = acrnn.load("esc10-l10-paper-fold1", "cpu")
        found = []
        seconds = timed(lambda: found.append(predictor(path)))
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(describe_machine())
    print(
        f"{found[0].duration_s:.0f} s of sound, {len(found[0].segments)} segments: {seconds:.0f} s, {peak / 1e9:.2f} GB"
    )


if __name__ == "__main__":
    main()
