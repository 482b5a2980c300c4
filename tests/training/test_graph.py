"""Steps that are replayed do what steps that are launched do, or are given up."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.training import Recipe, Split, Trainer, draw_epoch
from acrnn.training.graph import WARM_UPS, Replayed

N_STEPS = 4


@pytest.fixture(scope="module")
def corpus(corpus_of):
    """Five clips in 32 bands, 13 segments."""
    rng = torch.Generator().manual_seed(0)
    return corpus_of([-40 + 10 * torch.randn(32, n, generator=rng) for n in (100, 128, 190, 200, 431)])


class Tape:
    """A recorder that replays by calling again, and fills the same two tensors, as a graph does."""

    def __init__(self):
        self.launched = self.recorded = self.replayed = 0

    def launch(self, function):
        self.launched += 1
        return function()

    def record(self, function):
        self.recorded += 1
        outputs = function()

        def replay():
            self.replayed += 1
            for held, value in zip(outputs, self.call(function), strict=True):
                held.copy_(value)

        return replay, outputs

    def call(self, function):
        return function()


@pytest.fixture
def trained(tiny_run_config, corpus):
    """Function that trains a few steps, replayed by a recorder if one is given, and gives all that they change."""

    def train(recorder=None, told=None, device="cpu", precision="fp32"):
        recipe = Recipe("best", epochs=2, batch_size=4, mixup_alpha=0.2, average_epochs=1.0)
        config = replace(tiny_run_config, recipe=recipe, device=device, precision=precision)
        split = Split(np.arange(5), np.array([3, 1, 4, 1, 5]))
        replay = recorder if isinstance(recorder, Tape) else recorder is CUDA
        trainer = Trainer(config, corpus, split, replay=replay, on_choice=told)
        if isinstance(recorder, Tape):
            recorder.network = trainer.model
        torch.manual_seed(7)
        losses = []
        for step in range(N_STEPS):
            drawn = draw_epoch(config, corpus, split, step).to(torch.device(device))
            trainer.optimiser.param_groups[0]["lr"] = 0.01 / (1 + step)
            loss, hits = trainer.step(drawn.step(0))
            trainer.average(3)
            losses.append([loss.item(), hits.item()])
        return trainer.state() | {"told": torch.tensor(losses), "next draw": torch.rand(3, device=device).cpu()}

    return train


CUDA = object()


def assert_same(found, expected):
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def test_replayed_steps_do_what_launched_steps_do_to_the_bit(trained):
    tape, told = Tape(), []
    assert_same(trained(tape, told.append), trained())
    assert (tape.launched, tape.recorded, tape.replayed) == (WARM_UPS, 1, N_STEPS)
    assert told == ["a CUDA graph replays each step"]


def test_what_cannot_be_recorded_is_launched_and_says_why(trained):
    class Broken(Tape):
        def record(self, function):
            function()
            raise RuntimeError("operation not permitted when stream is capturing\nand much more")

    tape, told = Broken(), []
    assert_same(trained(tape, told.append), trained())
    assert tape.launched == WARM_UPS
    assert told == [
        "each step is launched layer by layer, since its CUDA graph failed: "
        "operation not permitted when stream is capturing"
    ]


class OtherLoss(Tape):
    def call(self, function):
        loss, hits = function()
        return loss * 1.1, hits


class OtherGradients(Tape):
    """Another dropout than the one that would have been drawn."""

    def call(self, function):
        torch.rand(1)
        loss, hits = function()
        return self.loss if hasattr(self, "loss") else loss, hits

    def record(self, function):
        state = torch.get_rng_state()
        self.loss = function()[0].clone()
        torch.set_rng_state(state)
        return super().record(function)


class OtherStatistics(Tape):
    """Batch norms that learn nothing from the batch."""

    def call(self, function):
        before = [buffer.clone() for buffer in self.network.buffers()]
        found = function()
        for buffer, value in zip(self.network.buffers(), before, strict=True):
            buffer.copy_(value)
        return found


@pytest.mark.parametrize(
    ("make", "what"), [(OtherLoss, "loss"), (OtherGradients, "gradients"), (OtherStatistics, "statistics")]
)
def test_a_recording_that_does_something_else_is_given_up(trained, make, what):
    tape, told = make(), []
    found = trained(tape, told.append)
    assert tape.replayed == 1
    assert told == [f"each step is launched layer by layer, since its CUDA graph has other {what}"]
    assert_same(found, trained())


def test_a_batch_of_another_size_and_all_after_it_are_launched():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2), torch.nn.BatchNorm1d(2))
    calls = []

    def gradients(segments, targets):
        calls.append(len(segments))
        network.zero_grad()
        loss = (network(segments) * targets).mean()
        loss.backward()
        return loss.detach(), loss.detach()

    tape = Tape()
    replayed = Replayed(gradients, network, recorder=tape)
    for n in (4, 3, 4):
        replayed(torch.rand(n, 2, 1, 3), torch.rand(n, 2))
    assert calls == [4] * (WARM_UPS + 2) + [3, 4]
    assert tape.replayed == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_cuda_a_graph_is_used_and_trains_as_launches_do(trained, precision):
    told = []
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        found, expected = (trained(kind, told.append, "cuda", precision) for kind in (CUDA, None))
    assert told == ["a CUDA graph replays each step"]
    for name, value in expected.items():
        torch.testing.assert_close(found[name].float(), value.float(), rtol=0.02, atol=0.002, msg=name)
