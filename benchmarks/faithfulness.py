"""Claim: is this attention right? A 5 s clip with all controls takes at most 5 s on two CPU cores, a fill.

    python -m benchmarks.faithfulness DATASET [CHECKPOINT] [N_CLIPS]

Curves of attention, reversed, moved four times, random (20 draws), loudness and two gradient maps, as the page asks for
(one fill) and as the command does (both). Then clips a second, the segments computed, and the memory they took.
"""

import resource
import sys
from pathlib import Path

import acrnn
from acrnn import data
from acrnn.evaluation.faithfulness import FILLS, Erasure, Probe
from acrnn.evaluation.faithfulness.erasure import fast_precision
from benchmarks.machine import describe_machine, spread, timed


def main() -> None:
    """Print seconds a clip for one fill and for both, clips a second, segments and memory."""
    predictor = acrnn.load(sys.argv[2] if len(sys.argv) > 2 else "esc10-l10-paper-fold1")
    n_clips = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    config = predictor.checkpoint.config
    clips = data.load(Path(sys.argv[1]), config.dataset).fold(config.fold)
    clips = clips[:: max(1, len(clips) // n_clips)][:n_clips]
    predictions = [predictor(clip.path) for clip in clips]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    probe = Probe(predictor)
    probe(predictions[0], fills=FILLS[:1], n_draws=1)  # loads Captum
    computed = _count_segments()
    one = [timed(lambda p=p: probe(p, fills=FILLS[:1])) for p in predictions]
    segments = sum(computed)
    both = [timed(lambda p=p: probe(p)) for p in predictions]
    print(describe_machine())
    print(f"{config.name} in {fast_precision(predictor.device)}, {len(clips)} clips of fold {config.fold}")
    print(f"one fill, all controls    {spread(one, 's')}, {segments / len(one):.0f} segments a clip")
    print(f"both fills                {spread(both, 's')}, {len(both) / sum(both):.2f} clips/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory                    {peak / 1024:.0f} MB at the most, {before / 1024:.0f} MB before")


def _count_segments() -> list[int]:
    """List that gets the size of each batch that is computed from now on."""
    sizes: list[int] = []
    classify = Erasure._classify

    def counted(self, segments):
        sizes.append(len(segments))
        return classify(self, segments)

    Erasure._classify = counted
    return sizes


if __name__ == "__main__":
    main()
