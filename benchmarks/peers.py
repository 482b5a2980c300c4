"""How large and how fast ACRNN is beside three networks that audio papers compare with.

    python -m benchmarks.peers [--clips 20] [--record]

Each network gets what it takes of a clip of 5 s, with random weights: only size and speed are compared, never accuracy.
PANNs' CNN14 (Kong et al., 2020) and EfficientAT's mn10 (Schmid et al., 2023) are built here as their papers describe
them, AST-base (Gong et al., 2021) by transformers (`pip install transformers`), and `PUBLISHED` holds the parameters
that the papers give. The networks take turns, clip by clip, in float32 and evaluation mode; the features are not timed.
Memory (Linux) is what a process of its own takes above one that has only loaded the libraries. `--record` writes the
table to docs/performance.md.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from acrnn.features import SEGMENT_FRAMES
from acrnn.model import complexity, network_config
from acrnn.model.build import build
from benchmarks.machine import describe_machine, timed

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- peers -->\n).*?(<!-- end -->)", re.DOTALL)
N_CLASSES = 50
WHOLE_FRAMES, N_SEGMENTS = 432, 6  # of 5 s at a hop of 11.6 ms; segments of 128 frames overlap by half
PUBLISHED = {"CNN14": 80.8e6, "mn10": 4.88e6, "AST-base": 86.6e6}
"""Parameters that the papers give, with AudioSet's 527 classes; ours have 50."""


class Cnn14(nn.Module):
    """Six blocks of two 3×3 convolutions, mean and maximum over time, two dense layers (Kong et al., 2020, Table 1)."""

    WIDTHS = (64, 128, 256, 512, 1024, 2048)

    def __init__(self, n_classes: int, n_bands: int = 64) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(n_bands)
        blocks, n_in = [], 1
        for width in self.WIDTHS:
            for channels in (n_in, width):
                blocks += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            blocks.append(nn.AvgPool2d(2) if width < self.WIDTHS[-1] else nn.Identity())
            n_in = width
        self.blocks = nn.Sequential(*blocks)
        self.dense, self.output = nn.Linear(n_in, n_in), nn.Linear(n_in, n_classes)

    def forward(self, mel: Tensor) -> Tensor:
        """(clip, 1, frame, band) → (clip, class) logits."""
        frames = self.blocks(self.norm(mel.transpose(1, 3)).transpose(1, 3)).mean(dim=3)
        return self.output(torch.relu(self.dense(frames.amax(dim=2) + frames.mean(dim=2))))


class Squeeze(nn.Module):
    """Squeeze and excitation over channels, with a hard sigmoid (Howard et al., 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = _divisible(width / 4)
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, squeezed, 1), nn.ReLU(),
            nn.Conv2d(squeezed, width, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        """(clip, channel, band, frame) → the same, scaled."""
        return maps * self.scale(maps)


class Bottleneck(nn.Module):
    """Inverted residual block (Howard et al., 2019)."""

    def __init__(self, n_in: int, kernel: int, expanded: int, n_out: int, squeeze: bool, act: type, stride: int):
        super().__init__()
        layers = _convolution(n_in, expanded, 1, act=act) if expanded != n_in else []
        layers += _convolution(expanded, expanded, kernel, stride, groups=expanded, act=act)
        layers += [Squeeze(expanded)] if squeeze else []
        self.layers = nn.Sequential(*layers, *_convolution(expanded, n_out, 1, act=nn.Identity))
        self.is_residual = stride == 1 and n_in == n_out

    def forward(self, maps: Tensor) -> Tensor:
        """(clip, channel, band, frame) → the same of `n_out` channels."""
        return maps + self.layers(maps) if self.is_residual else self.layers(maps)


class MobileNet(nn.Module):
    """MobileNetV3-Large with one input channel (Howard et al., 2019, Table 1), which EfficientAT calls mn10."""

    ROWS = (
        (3, 16, 16, False, nn.ReLU, 1), (3, 64, 24, False, nn.ReLU, 2), (3, 72, 24, False, nn.ReLU, 1),
        (5, 72, 40, True, nn.ReLU, 2), (5, 120, 40, True, nn.ReLU, 1), (5, 120, 40, True, nn.ReLU, 1),
        (3, 240, 80, False, nn.Hardswish, 2), (3, 200, 80, False, nn.Hardswish, 1),
        (3, 184, 80, False, nn.Hardswish, 1), (3, 184, 80, False, nn.Hardswish, 1),
        (3, 480, 112, True, nn.Hardswish, 1), (3, 672, 112, True, nn.Hardswish, 1),
        (5, 672, 160, True, nn.Hardswish, 2), (5, 960, 160, True, nn.Hardswish, 1),
        (5, 960, 160, True, nn.Hardswish, 1),
    )  # fmt: skip
    """Kernel, expanded width, width, squeeze and excitation, activation, stride."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        layers, n_in = _convolution(1, 16, 3, 2, act=nn.Hardswish), 16
        for kernel, expanded, width, squeeze, act, stride in self.ROWS:
            layers.append(Bottleneck(n_in, kernel, expanded, width, squeeze, act, stride))
            n_in = width
        self.features = nn.Sequential(*layers, *_convolution(n_in, 960, 1, act=nn.Hardswish))
        self.output = nn.Sequential(nn.Linear(960, 1280), nn.Hardswish(), nn.Linear(1280, n_classes))

    def forward(self, mel: Tensor) -> Tensor:
        """(clip, 1, band, frame) → (clip, class) logits."""
        return self.output(self.features(mel).mean(dim=(2, 3)))


def _divisible(width: float) -> int:
    """Round a width to a multiple of 8, never down by more than a tenth."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def _convolution(n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1, act: type = nn.ReLU) -> list:
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(n_out, eps=1e-3), act()]


def ast_base(n_classes: int) -> nn.Module:
    """AST-base for 5 s: 512 frames of 10 ms, as its authors have it on ESC-50."""
    from transformers import ASTConfig, ASTForAudioClassification

    return ASTForAudioClassification(ASTConfig(max_length=512, num_labels=n_classes))


def _acrnn(n_frames: int) -> nn.Module:
    return build(network_config("l10", N_CLASSES, n_frames=n_frames))


PEERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "ACRNN, l10, the whole clip": (partial(_acrnn, WHOLE_FRAMES), (1, 2, 128, WHOLE_FRAMES), "recipe `mixed`"),
    "ACRNN, l10, six segments": (
        partial(_acrnn, SEGMENT_FRAMES), (N_SEGMENTS, 2, 128, SEGMENT_FRAMES), "recipe `paper`",
    ),
    "CNN14": (partial(Cnn14, N_CLASSES), (1, 1, 501, 64), "64 mel bands, 32 kHz"),
    "mn10": (partial(MobileNet, N_CLASSES), (1, 1, 128, 500), "128 mel bands, 32 kHz"),
    "AST-base": (partial(ast_base, N_CLASSES), (1, 512, 128), "128 mel bands, 16 kHz"),
}  # fmt: skip
"""Name → how it is made, the shape of what it is given of 5 s of sound, and what that is."""


def made(name: str) -> tuple[nn.Module, Tensor]:
    """Make a network with random weights, and what it is given."""
    make, shape, _ = PEERS[name]
    torch.manual_seed(0)
    return make().eval(), torch.randn(shape)


def n_parameters(network: nn.Module) -> int:
    """Count the weights that are trained."""
    return sum(parameter.numel() for parameter in network.parameters())


def n_multiply_accumulates(name: str, network: nn.Module, given: Tensor) -> float:
    """Count a clip's: ours by `acrnn.model.complexity`, for torch counts no GRU; the others' by torch."""
    if name.startswith("ACRNN"):
        config = network_config("l10", N_CLASSES, n_frames=given.shape[3])
        return complexity(config).multiply_accumulates * len(given)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(given)
    return counter.get_total_flops() / 2


def memory_mb(name: str) -> float:
    """Megabytes that a process takes for making a network and asking it once, at most and above its libraries."""
    command = [sys.executable, "-m", "benchmarks.peers", "--memory", name]
    told = (subprocess.run([*command, *more], check=True, capture_output=True, text=True) for more in ([], ["--bare"]))
    whole, bare = (float(one.stdout) for one in told)
    return whole - bare


def _told_memory(name: str, *, bare: bool) -> None:
    if name.startswith("AST"):
        import transformers.models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer  # noqa: F401
    if not bare:
        network, given = made(name)
        with torch.inference_mode():
            network(given)
    # ru_maxrss would be at least that of the process that began this one
    status = Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000)


def main() -> None:
    """Print the table, and write it down if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=20, help="how often each is asked")
    parser.add_argument("--record", action="store_true", help="write it to docs/performance.md")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory is not None:
        _told_memory(options.memory, bare=options.bare)
        return
    networks = {name: made(name) for name in PEERS}
    seconds: dict[str, list[float]] = {name: [] for name in PEERS}
    with torch.inference_mode():
        for i in range(options.clips + 2):  # the first two warm up
            for name, (network, given) in networks.items():
                took = timed(partial(network, given))
                seconds[name] += [took] if i > 1 else []
    ours = np.array(seconds[next(iter(PEERS))])
    rows = [
        "| network | given 5 s as | parameters | multiply-accumulates | ms a clip | × ACRNN | memory |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, (network, given) in networks.items():
        took = np.array(seconds[name])
        ratio = took / ours  # turn by turn: what else the machine does meets both
        rows.append(
            f"| {name} | {PEERS[name][2]} | {n_parameters(network) / 1e6:.1f} M "
            f"| {n_multiply_accumulates(name, network, given) / 1e9:.2f} G "
            f"| {1e3 * np.median(took):.0f} ({1e3 * took.min():.0f} to {1e3 * took.max():.0f}) "
            f"| {np.median(ratio):.2f} | {memory_mb(name):.0f} MB |"
        )
    told = "\n".join([*rows, "", f"{describe_machine()}; {options.clips} clips.", ""])
    print(told)
    if options.record:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(BLOCK.sub(lambda found: f"{found[1]}{told}{found[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
