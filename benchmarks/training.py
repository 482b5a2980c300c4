"""Claim: training runs at 85 segments a second or more on two CPU cores with bf16 instructions.

    python -m benchmarks.training [STEPS]

Batches of 64 segments of noise, step after step, as `train` does it (mixup, forward, backward, SGD): with memory as
the system gives it, with memory kept (`acrnn.training.machine.keep_memory`), and as `sweep` does it, a run a core. On
CUDA, as a graph replays it (`acrnn.training.graph`) and launched layer by layer.
The floor is three times the forward pass's multiply-accumulates at the speed of a large matrix product in the same
precision, measured in the same run: what convolutions of 32 channels, batch norm, pooling and memory traffic lose to
it is the rest.
"""

import multiprocessing
import os
import statistics
import sys

import numpy as np
import torch

from acrnn.devices import fast_precision
from acrnn.features import FrontEnd
from acrnn.model import NetworkConfig, complexity
from acrnn.training import Corpus, Recipe, Split, Trainer, draw_epoch
from acrnn.training.config import RunConfig
from acrnn.training.machine import keep_memory, use_threads_of
from benchmarks.machine import describe_machine, spread, timed

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PRECISION = fast_precision(torch.device(DEVICE))
BATCH = 64


def main() -> None:
    """Print seconds a step, segments a second, and the share of the floor, for each way."""
    n_steps = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    floor_s = _floor_s()
    print(f"{describe_machine()}, {DEVICE}, {PRECISION}; the floor of a step is {1000 * floor_s:.0f} ms")
    given = _seconds(n_steps)
    _tell("one run", given, BATCH / statistics.median(given), floor_s)
    if DEVICE == "cuda":
        launched = _seconds(n_steps, replay=False)
        _tell("the same, no graph", launched, BATCH / statistics.median(launched), floor_s)
    if DEVICE == "cpu" and keep_memory():
        kept = _seconds(n_steps)
        _tell("one run, memory kept", kept, BATCH / statistics.median(kept), floor_s)
    n_jobs = os.cpu_count() or 1
    if DEVICE == "cpu" and n_jobs > 1:
        with multiprocessing.get_context("spawn").Pool(n_jobs, use_threads_of, (n_jobs,)) as pool:
            side_by_side = pool.map(_seconds_kept, [n_steps] * n_jobs, chunksize=1)
        rate = sum(BATCH / statistics.median(seconds) for seconds in side_by_side)
        _tell(f"{n_jobs} runs side by side", [s for seconds in side_by_side for s in seconds], rate, floor_s)


def _tell(what: str, seconds: list[float], rate: float, floor_s: float) -> None:
    print(
        f"{what:24} a step {spread(seconds)}, {rate:.0f} segments a second, {rate * floor_s / BATCH:.0%} of the floor"
    )


def _seconds_kept(n_steps: int) -> list[float]:
    keep_memory()
    return _seconds(n_steps)


def _seconds(n_steps: int, *, replay: bool = True) -> list[float]:
    """Seconds of each of `n_steps` steps on one batch, after two that do not count."""
    network = NetworkConfig(10, "l10")
    config = RunConfig("esc10", "", "", "", 1, network, FrontEnd(), Recipe("paper"), 0, DEVICE, PRECISION, "")
    trainer = Trainer(config, _noise(), Split(np.arange(11), np.arange(11) % 10), replay=replay, on_choice=print)
    epoch = draw_epoch(config, trainer.corpus, trainer.split, 0)
    batch = [torch.from_numpy(a[0]).to(DEVICE) for a in (epoch.rows, epoch.targets, epoch.partners, epoch.shares)]

    def step() -> float:
        return trainer.step(*batch)[0].item()  # waits for the device

    step(), step()
    return [timed(step) for _ in range(n_steps)]


def _floor_s() -> float:
    kind = torch.bfloat16 if PRECISION == "bf16" else torch.float32
    a = torch.randn(4096, 4096, device=DEVICE, dtype=kind)
    product_s = min(timed(lambda: (a @ a)[0, 0].item()) for _ in range(5))
    return BATCH * 3 * complexity(NetworkConfig(10, "l10")).multiply_accumulates * product_s / 4096**3


def _noise() -> Corpus:
    """Eleven clips of six segments: a batch and a little."""
    rows = torch.randn(11 * 448, 2, 128, generator=torch.Generator().manual_seed(0)).half()
    return Corpus(rows, np.arange(11)[:, None] * 448, np.full((11, 1), 431))


if __name__ == "__main__":
    main()
