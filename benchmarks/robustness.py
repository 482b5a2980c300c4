"""Claim: a clip under all conditions of noise and damage, and a clip's scenes of known events, take seconds.

    python -m benchmarks.robustness DATASET [CHECKPOINT] [N_CLIPS]

Told are clips per second of both measures (each clip goes through the network once a condition or scene), the time
that each kind of degradation takes by itself, and the most memory that the process had.
"""

import resource
import sys
import tempfile
from itertools import pairwise
from os import environ
from pathlib import Path
from statistics import median
from time import perf_counter

import acrnn
from acrnn import data
from acrnn.audio import decode
from acrnn.audio.degradations import CONDITIONS, KINDS
from acrnn.measures.localisation import measure_localisation
from acrnn.measures.robustness import measure_robustness, thinned
from acrnn.training.machine import keep_memory
from benchmarks.machine import describe_machine, timed


def main() -> None:
    """Print one line a measure and one a kind of degradation."""
    predictor = acrnn.load(sys.argv[2] if len(sys.argv) > 2 else "esc10-l10-paper-fold1", "cpu")
    n_clips = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    config = predictor.checkpoint.config
    dataset = data.load(Path(sys.argv[1]), config.dataset)
    keep_memory()  # as the commands do
    print(describe_machine())
    print(f"{config.name}, {n_clips} clips of fold {config.fold}")
    measure_robustness(predictor, dataset, CONDITIONS[:1], 1)  # libraries load, buffers grow
    for name, measure in (
        (
            f"robustness, {len(CONDITIONS)} conditions",
            lambda told: measure_robustness(predictor, dataset, CONDITIONS, n_clips, told),
        ),
        ("localisation, up to 7 scenes", lambda told: measure_localisation(predictor, dataset, n_clips, told)),
    ):
        ended = [perf_counter()]
        measure(lambda done, total, ended=ended: ended.append(perf_counter()))
        each = [after - before for before, after in pairwise(ended)]
        print(f"{name:30} {1 / median(each):6.2f} clips/s (median clip {median(each):.2f} s)")
    rate_hz = config.front_end.rate_hz
    clips = [decode(clip.path, rate_hz).samples for clip in thinned(dataset.fold(config.fold), n_clips)]
    for kind in KINDS:
        condition = next(c for c in CONDITIONS if c.kind == kind)
        for warm in clips[:1]:
            condition.apply(warm, rate_hz, "warm", clips[-1])
        seconds = [
            timed(lambda c=condition, x=clip, i=i: c.apply(x, rate_hz, str(i), clips[-1]))
            for i, clip in enumerate(clips)
            if clip.any()
        ]
        print(f"  {condition.title:44} {1000 * median(seconds):6.1f} ms a clip")
    print(f"memory at the most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        environ["ACRNN_CACHE"] = cache  # nothing that an earlier run left is taken over
        main()
