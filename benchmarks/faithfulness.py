"""Claim: is this attention right? A 5 s clip with the usual controls takes at most 5 s on two CPU cores, a fill.

    python -m benchmarks.faithfulness DATASET [CHECKPOINT] [N_CLIPS]

Curves of attention, reversed, random (20 draws), loudness and two gradient maps, the controls that the literature has;
then with our own on top, four moved copies of the attention: first with as much freed memory kept as the page keeps,
then with all of it, as the commands do, which fill in both ways. Then clips a second, the segments computed, and the
memory they took. The floor of a fill is the multiply-accumulates of those segments at the speed of a large matrix
product in the same precision, measured in the same run; integrated gradients, the masks and the deltas come on top.
"""

import resource
import sys
from pathlib import Path

import torch

import acrnn
from acrnn import data
from acrnn.devices import fast_precision
from acrnn.measures.faithfulness import FILLS, Erasure, FaithfulnessMeter
from acrnn.measures.faithfulness.maps import integrated_gradients
from acrnn.model import complexity
from acrnn.training.machine import keep_memory
from acrnn.web.shared.faithfulness import KEPT_MEMORY
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
    meter = FaithfulnessMeter(predictor)
    meter(predictions[0], fills=FILLS[:1], n_draws=1)  # loads Captum
    keep_memory(KEPT_MEMORY)
    usual = [timed(lambda p=p: meter(p, fills=FILLS[:1], n_shifts=0)) for p in predictions]
    computed = _count_segments()
    one = [timed(lambda p=p: meter(p, fills=FILLS[:1])) for p in predictions]
    segments = sum(computed)
    keep_memory()
    usual_kept = [timed(lambda p=p: meter(p, fills=FILLS[:1], n_shifts=0)) for p in predictions]
    kept = [timed(lambda p=p: meter(p, fills=FILLS[:1])) for p in predictions]
    gradients = [timed(lambda p=p: integrated_gradients(meter.erasure(p))) for p in predictions]
    both = [timed(lambda p=p: meter(p)) for p in predictions]
    floor_s = segments / len(one) * _segment_s(meter)
    print(describe_machine())
    print(f"{config.name} in {fast_precision(predictor.device)}, {len(clips)} clips of fold {config.fold}")
    print(f"floor of a fill           {floor_s:.1f} s, {segments / len(one):.0f} segments a clip")
    print(f"page: usual controls      {spread(usual, 's')}")
    print(f"  and moved copies        {spread(one, 's')}")
    print(f"command: usual controls   {spread(usual_kept, 's')}")
    print(f"  and moved copies        {spread(kept, 's')}")
    print(f"  integrated gradients    {spread(gradients, 's')} of it")
    print(f"  both fills              {spread(both, 's')}, {len(both) / sum(both):.2f} clips/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory                    {peak / 1024:.0f} MB at the most, {before / 1024:.0f} MB before")


def _segment_s(meter: FaithfulnessMeter) -> float:
    """Seconds that a segment's multiply-accumulates take as one matrix product."""
    device = meter.predictor.device
    a = torch.randn(4096, 4096, device=device)
    if fast_precision(device) == "bf16":
        a = a.bfloat16()
    product_s = min(timed(lambda: (a @ a)[0, 0].item()) for _ in range(5))
    return complexity(meter.network.config).multiply_accumulates * product_s / 4096**3


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
