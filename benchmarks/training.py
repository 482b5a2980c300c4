"""Claim: training runs at 85 segments a second or more on two CPU cores with bf16 instructions.

    python -m benchmarks.training [STEPS]

One batch of 64 segments of noise, step after step, as `train` does it (mixup, forward, backward, SGD). The floor is
three times the forward pass's multiply-accumulates at the speed of a large matrix product in the same precision,
measured in the same run: what convolutions of 32 channels, batch norm, pooling and memory traffic lose to it is the
rest.
"""

import statistics
import sys

import numpy as np
import torch

from acrnn.features import FrontEnd
from acrnn.model import NetworkConfig, complexity
from acrnn.training import Corpus, Recipe, RunConfig, Split
from acrnn.training.loop import Trainer, draw_epoch
from acrnn.training.start import training_precision
from benchmarks.machine import describe_machine, spread, timed


def main() -> None:
    """Print seconds a step, segments a second, and the share of the floor."""
    n_steps = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = training_precision(device)
    config = RunConfig(
        "esc10", "", "", "", 1, NetworkConfig(10, "l10"), FrontEnd(), Recipe("paper"), 0, device, precision, ""
    )
    trainer = Trainer(config, _noise(), Split(np.arange(11), np.arange(11) % 10))
    epoch = draw_epoch(config, trainer.corpus, trainer.split, 0)
    batch = [torch.from_numpy(a[0]).to(device) for a in (epoch.rows, epoch.targets, epoch.partners, epoch.shares)]

    def step() -> float:
        return trainer.step(*batch)[0].item()  # waits for the device

    step(), step()
    seconds = [timed(step) for _ in range(n_steps)]
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.randn(4096, 4096, device=device, dtype=kind)
    product_s = min(timed(lambda: (a @ a)[0, 0].item()) for _ in range(5))
    floor_s = 64 * 3 * complexity(config.network).multiply_accumulates * product_s / 4096**3
    print(f"{describe_machine()}, {device}, {precision}")
    print(f"a step of 64 segments     {spread(seconds)}")
    print(f"segments a second         {64 / statistics.median(seconds):.0f}")
    print(f"floor of a step           {1000 * floor_s:.0f} ms, {floor_s / statistics.median(seconds):.0%} of a step")


def _noise() -> Corpus:
    """Eleven clips of six segments: a batch and a little."""
    rows = torch.randn(11 * 448, 2, 128, generator=torch.Generator().manual_seed(0)).half()
    return Corpus(rows, np.arange(11)[:, None] * 448, np.full((11, 1), 431))


if __name__ == "__main__":
    main()
