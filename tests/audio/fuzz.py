"""Damaged sound files through the whole way of a clip: only errors of ours, and no answer that is not finite.

`python -m tests.audio.fuzz --minutes 5 --keep fuzz-failures` (`make fuzz`) tries until the time is over. The file at
work lies in the folder as `current`, so that one that ends the process is kept too.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np

from acrnn.audio import Limits
from acrnn.errors import AcrnnError
from acrnn.inference import Predictor
from tests.audio.audio_files import av_bytes, noise, sine, soundfile_bytes
from tests.reliability import Row, record

LIMITS = Limits(max_duration_s=60.0, max_bytes=64 * 2**20)
REFUSED, ANSWERED, SURE, BROKEN = "one sentence", "a finite answer", "one above 90%", "something broken"
FINE = REFUSED, ANSWERED, SURE
_SHORT = sine(700, 16_000, 0.12) + 0.1 * noise(1920)


def seeds() -> dict[str, bytes]:
    """Make a small whole file of each container."""
    return {
        "wav": soundfile_bytes(_SHORT, 16_000, "WAV"),
        "wav float": soundfile_bytes(np.stack([_SHORT, -_SHORT], axis=1), 16_000, "WAV", "FLOAT"),
        "aiff": soundfile_bytes(_SHORT, 16_000, "AIFF"),
        "flac": soundfile_bytes(_SHORT, 16_000, "FLAC"),
        "ogg": soundfile_bytes(_SHORT, 16_000, "OGG", "VORBIS"),
        "opus": soundfile_bytes(_SHORT, 16_000, "OGG", "OPUS"),
        "mp3": soundfile_bytes(_SHORT, 16_000, "MP3"),
        "m4a": av_bytes(_SHORT, 16_000, "ipod", "aac"),
        "webm": av_bytes(_SHORT, 48_000, "webm", "libopus"),
    }


def mutant(whole: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file: bytes changed (in its header more often), a piece cut out, doubled, or the end missing."""
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        reach = min(len(data), 128) if rng.random() < 0.6 else len(data)
        if reach < 2:
            break
        at = int(rng.integers(reach))
        n = int(rng.integers(1, 1 + min(16, len(data) - at)))
        kind = rng.integers(5)
        if kind == 0:
            data[at : at + n] = rng.bytes(n)
        elif kind == 1:
            data[at : at + n] = bytes([int(rng.choice([0, 0x7F, 0x80, 0xFF]))]) * n
        elif kind == 2:
            del data[at : at + n]
        elif kind == 3:
            data[at:at] = data[at : at + n]
        else:
            del data[int(rng.integers(len(data))) :]
    return bytes(data)


def mutants(seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of damaged files, one container after the other, without end."""
    wholes = seeds()
    for number in count():
        kind = list(wholes)[number % len(wholes)]
        yield f"{kind} {seed}-{number}", mutant(wholes[kind], np.random.default_rng([seed, number]))


def outcome(predictor: Predictor, data: bytes, *, partial: bool = False) -> str:
    """Take a file: `REFUSED`, `ANSWERED` or `SURE` (both finite), or else what is wrong with how it was taken."""
    try:
        prediction = predictor(data, limits=LIMITS, partial=partial)
    except AcrnnError as error:
        said = str(error)
        return REFUSED if said.endswith(".") and "\n" not in said else f"no sentence: {said!r}"
    except Exception:  # noqa: BLE001 - anything else is what is looked for
        return traceback.format_exc()
    weights = prediction.attention.weights if prediction.attention else np.zeros(1)
    is_finite = np.isfinite(prediction.probabilities).all() and np.isfinite(weights).all()
    if not is_finite:
        return "an answer that is not finite"
    return SURE if prediction.probabilities.max() > 0.9 else ANSWERED


def main() -> int:
    """Try damaged files for some minutes; the exit code says whether one broke something."""
    from acrnn.checkpoints import find, names

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-failures")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--record", action="store_true", help="write the counts to docs/reliability.md")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    predictor = Predictor(find(names()[0]), "cpu")
    until, came_of = time.monotonic() + 60 * options.minutes, Counter()
    current = options.keep / "current"
    for name, data in mutants(options.seed):
        if time.monotonic() > until:
            break
        current.write_bytes(data)
        why = outcome(predictor, data, partial=came_of.total() % 2 == 1)
        came_of[why if why in FINE else BROKEN] += 1
        if why not in FINE:
            kept = options.keep / name.replace(" ", "-")
            current.replace(kept)
            kept.with_suffix(".txt").write_text(why)
            print(f"{kept}: {why.strip().splitlines()[-1]}")
    current.unlink(missing_ok=True)
    print(f"{came_of.total()} files tried, {came_of[BROKEN]} broke something (seed {options.seed})")
    if options.record:
        record("make fuzz", [Row("damaged sounds of any container", came_of.total(), dict(+came_of))])
    return 1 if came_of[BROKEN] else 0


if __name__ == "__main__":
    sys.exit(main())
