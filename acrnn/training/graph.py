"""The forward and backward pass of a step as one CUDA graph: some hundreds of launches become one.

The network is small, so a GPU waits for the launches of its layers, not for their arithmetic. A graph records them once
for one shape of batch and replays them on the same memory. What is drawn for a batch, the optimiser and the averages
stay outside: they change from step to step, and are a few launches each.

A recording can be wrong without an error. So its first replay is compared with the same step launched layer by layer,
and a recording that differs, or that cannot be made, is given up: training then goes on layer by layer.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

Pair = tuple[Tensor, Tensor]
WARM_UPS = 3
"""Calls before a recording: libraries choose their kernels and allocate their workspaces in the first."""
TOLERANCE = 0.01
"""Largest distance of a replay from its model, relative to the model's norm; bf16 rounds to 0.004."""


class Recorder(Protocol):
    """What can launch a function, and record its launches."""

    def launch(self, function: Callable[[], Pair]) -> Pair:
        """Call the function where it would be recorded."""

    def record(self, function: Callable[[], Pair]) -> tuple[Callable[[], None], Pair]:
        """Give what replays the function's launches, and the tensors that a replay fills."""


class CudaRecorder:
    """CUDA graphs, on a stream of their own."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def launch(self, function: Callable[[], Pair]) -> Pair:
        """See `Recorder`."""
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            found = function()
        here.wait_stream(self._stream)
        return found

    def record(self, function: Callable[[], Pair]) -> tuple[Callable[[], None], Pair]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            found = function()
        return graph.replay, found


class Replayed:
    """A function of one batch, recorded when it is first called and replayed from then on.

    Parameters
    ----------
    gradients : callable
        Function of segments (batch, 2, band, frame) and targets (batch, class) that gives the loss and another scalar,
        and leaves its gradient in each parameter of the network.
    network : nn.Module
        In training mode.
    on_choice : callable, optional
        Told once, in a sentence, whether steps are replayed, and if not, why.
    recorder : Recorder, optional
        By default a CudaRecorder.
    """

    def __init__(
        self,
        gradients: Callable[[Tensor, Tensor], Pair],
        network: nn.Module,
        on_choice: Callable[[str], None] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._gradients = gradients
        self._network = network
        self._tell = on_choice or (lambda sentence: None)
        self._recorder = recorder or CudaRecorder()
        self._inputs: Pair | None = None
        self._replay: Callable[[], None] | None = None
        self._outputs: Pair | None = None

    def __call__(self, segments: Tensor, targets: Tensor) -> Pair:
        """Do as the function itself; the next call fills the two tensors anew.

        A batch of another size than the first one's, and all after it, are launched layer by layer.
        """
        if self._inputs is None:
            return self._first(segments, targets)
        if segments.shape != self._inputs[0].shape:
            self._replay = None  # a launch leaves other gradient tensors in the parameters than a replay fills
        if self._replay is None:
            return self._gradients(segments, targets)
        self._inputs[0].copy_(segments)
        self._inputs[1].copy_(targets)
        self._replay()
        return self._outputs

    def _first(self, segments: Tensor, targets: Tensor) -> Pair:
        """Do a batch once: by the replay of a recording that has been compared, or else by launches."""
        self._inputs = segments.clone(), targets.clone()
        before = _State(self._network)
        try:
            for _ in range(WARM_UPS):
                before.restore()
                outputs = self._recorder.launch(lambda: self._gradients(*self._inputs))
            expected = self._results(outputs)
            before.restore()
            replay, outputs = self._recorder.record(lambda: self._gradients(*self._inputs))
            before.restore()
            replay()
            found = self._results(outputs)
            refusal = next((f"has other {name}" for name in expected if _differ(found[name], expected[name])), None)
        except RuntimeError as error:
            refusal = f"failed: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
        if refusal is None:
            self._replay, self._outputs = replay, outputs
            self._tell("a CUDA graph replays each step")
            return outputs
        self._tell(f"each step is launched layer by layer, since its CUDA graph {refusal}")
        before.restore()
        return self._gradients(segments, targets)

    def _results(self, outputs: Pair) -> dict[str, Tensor]:
        """Copy what a call leaves behind, by name."""
        gradients = [p.grad.flatten() for p in self._network.parameters() if p.grad is not None]
        statistics = [buffer.flatten().float() for buffer in self._network.buffers()]
        return {"loss": outputs[0].clone(), "gradients": torch.cat(gradients), "statistics": torch.cat(statistics)}


class _State:
    """What a forward pass changes: the network's buffers, and where its device's generator stands."""

    def __init__(self, network: nn.Module) -> None:
        self._buffers = list(network.buffers())
        self._values = [buffer.clone() for buffer in self._buffers]
        self._generator = _generator_of(next(network.parameters()).device)
        self._drawn = self._generator.get_state()

    def restore(self) -> None:
        self._generator.set_state(self._drawn)
        for buffer, value in zip(self._buffers, self._values, strict=True):
            buffer.copy_(value)


def _generator_of(device: torch.device) -> torch.Generator:
    """Give the generator that dropout draws from there."""
    return torch.default_generator if device.type == "cpu" else torch.cuda.default_generators[device.index or 0]


def _differ(found: Tensor, expected: Tensor) -> bool:
    """Whether two tensors differ by more than rounding; what is not a number always does."""
    return not bool((found - expected).norm() <= TOLERANCE * expected.norm())
