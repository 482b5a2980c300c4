"""What a network costs, counted three ways (Table 2): parameters, multiply-accumulates, and the paper's "FLOPs".

The paper's FLOPs are what TensorFlow 1's profiler says of a training graph: it knows the cost of the operations that
make initial values and penalties, and none of convolutions and products. They are counted here so that they can be
compared with the printed figures; what a segment costs is told by the multiply-accumulates.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from acrnn.model.attention import ConvAttention, RecurrentAttention
from acrnn.model.base import Network
from acrnn.model.baselines import PiczakConfig
from acrnn.model.build import build
from acrnn.model.network import NetworkConfig

# Operations that TensorFlow 1's profiler counts: for each weight of a kernel drawn at random, scale and shift; for each
# regularised one, square, sum and scale as well. The 19 of a batch norm's channel are its moments' bookkeeping.
DRAWN = 2
DRAWN_AND_REGULARISED = DRAWN + 3
BATCH_NORM_CHANNEL = 19
LARGE = 50_000_000
"""Parameters from which on a network is counted without memory for it."""


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs."""

    name: str
    """`l1` to `l10`, `attention` and `output`, or `conv1` to `dense2` and `output`; in forward order."""
    parameters: int
    multiply_accumulates: int
    """For one segment."""


@dataclass(frozen=True)
class Complexity:
    """What a network costs (Table 2)."""

    parameters: int
    """Trainable ones, and the running mean and variance of every batch-norm channel."""
    multiply_accumulates: int
    """Of one segment's forward pass."""
    paper_flops: int
    """By the paper's own counting, which leaves convolutions and products out."""
    layers: tuple[LayerCost, ...]
    """Parameters and multiply-accumulates layer by layer; they add up to the totals."""


def complexity(config: NetworkConfig | PiczakConfig) -> Complexity:
    """Count parameters, multiply-accumulates and the paper's FLOPs of a network; none of its weights is drawn."""
    model = _shape_of(config)
    cost_of = _multiply_accumulates(model)
    layers = tuple(
        LayerCost(
            name,
            sum(n_parameters(module) for module in modules),
            sum(cost_of.get(inner, 0) for module in modules for inner in module.modules()),
        )
        for name, modules in model.layers()
    )
    return Complexity(
        parameters=n_parameters(model),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
        paper_flops=paper_flops(config),
        layers=layers,
    )


def n_parameters(model: nn.Module) -> int:
    """Trainable parameters, and the running mean and variance of every batch-norm channel, as Keras counts them.

    The mean and standard deviation of the training set, and the recurrent biases held at zero, are not counted.
    """
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    statistics = sum(2 * module.num_features for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    return trainable + statistics


def paper_flops(config: NetworkConfig | PiczakConfig) -> int:
    """Give "FLOPs" as Table 2 has them: operations of the initialisers and the L2 terms, none of them for a segment.

    A convolution's or attention's weight counts 5 (drawn and regularised), a weight of a GRU's input kernel or of a
    dense layer 2, a batch-norm channel 19, and a recurrent kernel nothing. With a GRU input of 768, which is that of
    segments of 96 bands, and ten classes this gives 9,172,480 without and 9,175,040 with attention at l10, and
    63,269,600 for PiczakCNN: the printed 9.17 M, 9.18 M and 63.27 M.
    """
    model = _shape_of(config)
    scores = [module.score for module in model.modules() if isinstance(module, RecurrentAttention)]
    total = 0
    for module in model.modules():
        if isinstance(module, nn.Conv2d) or module in scores:
            total += DRAWN_AND_REGULARISED * module.weight.numel()
        elif isinstance(module, nn.Linear):
            total += DRAWN * module.weight.numel()
        elif isinstance(module, nn.BatchNorm2d):
            total += BATCH_NORM_CHANNEL * module.num_features
        elif isinstance(module, nn.GRU):
            total += DRAWN * sum(p.numel() for name, p in module.named_parameters() if name.startswith("weight_ih"))
    return total


def _shape_of(config: NetworkConfig | PiczakConfig) -> Network:
    """Build the network without its values: nothing is drawn, and a forward pass computes shapes alone."""
    with torch.device("meta"):
        return build(config).eval()


def _multiply_accumulates(model: Network) -> dict[nn.Module, int]:
    """Own cost of every module that has one: attention modules hold their product, their score module the rest."""
    cost_of: dict[nn.Module, int] = {}

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple) -> None:
        x = inputs[0]
        if isinstance(module, nn.Conv2d):
            cost_of[module] = module.weight.numel() * output.shape[-2] * output.shape[-1]
        elif isinstance(module, nn.Linear):
            cost_of[module] = module.weight.numel() * (output.numel() // module.out_features)
        elif isinstance(module, nn.GRU):
            n_steps = x.shape[1]
            kernels = (p.numel() for name, p in module.named_parameters() if name.startswith("weight"))
            cost_of[module] = n_steps * sum(kernels)
        elif isinstance(module, ConvAttention | RecurrentAttention):
            cost_of[module] = x.numel()  # each feature times its frame's weight

    # Torch needs 2 s to load what computes shapes alone, and 0.05 s for a network of zeros.
    device = "cpu" if sum(parameter.numel() for parameter in model.parameters()) <= LARGE else "meta"
    model.to_empty(device=device)
    hooks = [module.register_forward_hook(count) for module in model.modules()]
    try:
        config = model.config
        with torch.inference_mode():
            for values in (*model.parameters(), *model.buffers()):
                values.zero_()
            model(torch.zeros(1, 2, config.n_bands, config.n_frames, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return cost_of
