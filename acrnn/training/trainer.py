"""What an epoch trains on, and the network with its optimiser: gradient descent on mixed segments (§3.4, §4.1)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.utils import clip_grad_norm_

from acrnn.labels import CLASSES, GROUPS, group_of
from acrnn.model import Network, build
from acrnn.training.augment import at_a_low_rate, change_level, mask, mix, mix_power
from acrnn.training.config import RunConfig
from acrnn.training.corpus import Corpus
from acrnn.training.graph import Recorder, Replayed
from acrnn.training.recipe import Recipe
from acrnn.training.split import Split
from acrnn.training.transfer import OUTPUT, take_over

MOST_COMPONENTS = 10
"""Gaussians of the statistics by which missing bands are estimated."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch trains on, drawn beforehand; all tensors are (step, batch).

    Attributes
    ----------
    n_frames : int
        Frames that the network is given of each segment.
    rows : Tensor
        First row in the corpus of each segment, or of the version that it is cut from.
    cuts : tuple of Tensor, or None for whole segments
        Starts, lengths and periods of cuts: see `Corpus.gather_cuts`.
    targets : Tensor
    partners : Tensor
        Position in the batch that each segment is mixed with.
    shares : Tensor, float32
        λ of eq. 5: the share that the segment keeps.
    """

    n_frames: int
    rows: Tensor
    cuts: tuple[Tensor, ...] | None
    targets: Tensor
    partners: Tensor
    shares: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_segments(self) -> int:
        """Segments of all steps."""
        return self.rows.numel()

    def to(self, device: torch.device) -> "Epoch":
        """Give the same epoch on `device`."""
        return self._each(lambda values: values.to(device))

    def step(self, step: int) -> "Epoch":
        """Give one step's batch: the same with tensors (batch,)."""
        return self._each(lambda values: values[step])

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Epoch":
        cuts = self.cuts and tuple(map(change, self.cuts))
        return Epoch(self.n_frames, change(self.rows), cuts, *map(change, (self.targets, self.partners, self.shares)))


def draw_epoch(config: RunConfig, corpus: Corpus, split: Split, epoch: int) -> Epoch:
    """Draw versions, order and mixtures of an epoch from (seed, epoch).

    Segments are shuffled and cut into whole batches; the few left over sit this epoch out.
    """
    rng = np.random.default_rng([config.seed, epoch])
    recipe = config.recipe
    versions = rng.integers(0, corpus.n_versions, len(split.clips))
    cuts = None
    if recipe.shortest_crop:
        rows, owners = corpus.first_row[split.clips, versions], split.clips
        cuts = *corpus.cuts(split.clips, versions, recipe, epoch, rng), corpus.n_frames[split.clips, versions]
    elif recipe.random_crops:
        rows, owners = corpus.crop_rows(split.clips, versions, recipe.min_sounding, rng)
    else:
        rows, owners = corpus.segment_rows(split.clips, versions, recipe.min_sounding)
    batch = min(recipe.batch_size, len(rows))
    n_steps = len(rows) // batch
    order = rng.permutation(len(rows))[: n_steps * batch].reshape(n_steps, batch)
    target_of = np.zeros(corpus.first_row.shape[0], np.int64)
    target_of[split.clips] = split.targets
    partners = rng.permuted(np.tile(np.arange(batch), (n_steps, 1)), axis=1)
    if recipe.mixup_alpha > 0:
        shares = rng.beta(recipe.mixup_alpha, recipe.mixup_alpha, (n_steps, batch))
    else:
        shares = np.ones((n_steps, batch))
    cuts = cuts and tuple(torch.from_numpy(values[order]) for values in cuts)
    arrays = target_of[owners[order]], partners, shares.astype(np.float32)
    n_frames = recipe.cut_range_at(epoch)[1] if cuts else corpus.segment_frames
    return Epoch(n_frames, torch.from_numpy(rows[order]), cuts, *map(torch.from_numpy, arrays))


def components(config: RunConfig, split: Split) -> np.ndarray:
    """(clip,) Gaussian that each training clip's frames belong to.

    One a class of ESC-10, one a group of ESC-50; of other datasets one a class, or one of several classes if they are
    more than `MOST_COMPONENTS`.
    """
    # fifty would add three megabytes to each checkpoint
    if config.dataset == "esc10":
        return split.targets
    if config.dataset not in CLASSES:
        n_classes = config.network.n_classes
        return split.targets * min(n_classes, MOST_COMPONENTS) // n_classes
    labels = CLASSES[config.dataset]
    return np.array([list(GROUPS).index(group_of(labels[target])) for target in split.targets])


_STATE_NAMES = {"momentum_buffer": "momentum"}
_STATE_KEYS = {"sgd": ("momentum_buffer",), "adamw": ("step", "exp_avg", "exp_avg_sq")}


def _optimiser(recipe: Recipe, groups: list[dict]) -> torch.optim.Optimizer:
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=True)


class Trainer:
    """The network, its optimiser and one epoch's work.

    Parameters
    ----------
    config : RunConfig
    corpus : Corpus
        Moved to the run's device.
    split : Split
    replay : bool or Recorder
        On CUDA, replay the passes of a step from a graph (`acrnn.training.graph`). Not where other threads of the
        process use the device. A recorder is used on every device.
    on_choice : callable, optional
        Told in a sentence whether steps are replayed.
    initial : Network, optional
        Trained already: its weights and standardisation are taken over, but for the output layer.
    """

    def __init__(
        self,
        config: RunConfig,
        corpus: Corpus,
        split: Split,
        *,
        replay: bool | Recorder = True,
        on_choice: Callable[[str], None] | None = None,
        initial: Network | None = None,
    ) -> None:
        self.config = config
        self.split = split
        self.device = torch.device(config.device)
        if config.recipe.training_frames:
            corpus = corpus.in_segments_of(config.recipe.training_frames)
        self.corpus = corpus.to(self.device)
        self.model = build(config.network)
        self.model.initialise(torch.Generator().manual_seed(config.seed))
        self.model.standardise_by(*corpus.statistics(split.clips))
        if initial is not None:
            take_over(self.model, initial)
        self.model.to(self.device, memory_format=torch.channels_last).train()
        recipe = config.recipe
        self.optimiser = _optimiser(recipe, self._groups())
        self.initial = {name: self._layer_kernels(layer) for name, layer in self.model.layers()}
        self.bands = None
        if recipe.low_rates:
            self.bands = self.corpus.band_statistics(split.clips, components(config, split)).to(self.device)
        self.averages = {name: value.clone() for name, value in self._averaged()} if recipe.average_epochs else {}
        self.n_averaged = 0
        self._passes = self._forward_and_back
        if not isinstance(replay, bool):
            self._passes = Replayed(self._forward_and_back, self.model, on_choice, replay)
        elif replay and self.device.type == "cuda":
            self._passes = Replayed(self._forward_and_back, self.model, on_choice)

    def _groups(self) -> list[dict]:
        """List the optimiser's groups of parameters: kernels are decayed; what a recipe freezes is apart."""
        recipe = self.config.recipe
        kernels = self.model.kernels()
        regularised = {id(kernel) for kernel in kernels}
        others = [p for p in self.model.parameters() if p.requires_grad and id(p) not in regularised]
        groups = [(kernels, recipe.weight_decay), (others, 0.0)]
        if not recipe.frozen:
            return [{"params": params, "weight_decay": decay} for params, decay in groups]
        last = {id(p) for name, p in self.model.named_parameters() if name.startswith(OUTPUT)}
        return [
            {"params": [p for p in params if (id(p) in last) != freezes], "weight_decay": decay, "freezes": freezes}
            for params, decay in groups
            for freezes in (True, False)
        ]

    def set_rate(self, rate: float, epoch: int) -> None:
        """Let the next step have a learning rate; what is frozen in that epoch (counted from 0) has none."""
        is_frozen = epoch < self.config.recipe.frozen * self.config.recipe.epochs
        for group in self.optimiser.param_groups:
            group["lr"] = 0.0 if is_frozen and group.get("freezes") else rate

    def step(self, batch: Epoch) -> tuple[Tensor, Tensor]:
        """One step on one batch (`Epoch.step`): its mean loss, and how often the larger share is top."""
        if batch.cuts is None:
            segments = self.corpus.gather(batch.rows)
        else:
            segments = self.corpus.gather_cuts(batch.n_frames, batch.rows, *batch.cuts)
        targets, partners, shares = batch.targets, batch.partners, batch.shares
        mixed = one_hot(targets, self.config.network.n_classes).float()
        recipe, front_end = self.config.recipe, self.config.front_end
        if recipe.gain_db or recipe.tilt_db:
            segments = change_level(segments, recipe.gain_db, recipe.tilt_db, front_end.floor_db)
        if recipe.mixup_alpha > 0:
            mixed = mix(mixed, partners, shares)
            if recipe.mixture == "decibels":
                segments = mix(segments, partners, shares)
            else:
                one_level = recipe.mixture == "equal-power"
                segments = mix_power(segments, partners, shares, front_end.floor_db, one_level=one_level)
        if recipe.low_rates:
            n = round(recipe.low_rates * len(segments))
            segments[:n] = at_a_low_rate(segments[:n], front_end, self.bands)
        if recipe.mask_bands or recipe.mask_frames:
            segments = mask(segments, recipe.mask_bands, recipe.mask_frames, self.model.mean)
        loss, hits = self._passes(segments.contiguous(memory_format=torch.channels_last), mixed)
        if recipe.clip_norm:
            clip_grad_norm_(self.model.parameters(), recipe.clip_norm)
        self.optimiser.step()
        return loss, hits

    def _forward_and_back(self, segments: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of a batch, whose gradient it leaves in the parameters, and how often the target is top."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits = self.model(segments).logits
        loss = cross_entropy(logits, targets, label_smoothing=self.config.recipe.label_smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return loss.detach(), (logits.argmax(1) == targets.argmax(1)).float().mean()

    def average(self, horizon: float) -> None:
        """Take the present weights into their average: over all so far, then over the last `horizon` steps or so."""
        self.n_averaged += 1
        share = max(1 / max(horizon, 1), 1 / self.n_averaged)
        names, values = zip(*self._averaged(), strict=True)
        torch._foreach_lerp_([self.averages[name] for name in names], list(values), share)

    def _averaged(self) -> list[tuple[str, Tensor]]:
        """List what is averaged: weights, and the batch norms' statistics."""
        return [(name, value) for name, value in self.model.state_dict().items() if value.is_floating_point()]

    def _layer_kernels(self, layer: tuple[nn.Module, ...]) -> Tensor:
        """(weight,) all kernels of a layer, as they are now."""
        inside = {id(p) for module in layer for p in module.parameters()}
        return torch.cat([k.detach().flatten() for k in self.model.kernels() if id(k) in inside])

    def movement(self) -> dict[str, float]:
        """Tell for each layer how far its kernels are from where they began: ‖w − w₀‖ / ‖w₀‖."""
        moved = {}
        for name, layer in self.model.layers():
            start = self.initial[name]
            moved[name] = float((self._layer_kernels(layer) - start).norm() / start.norm())
        return moved

    def result(self) -> Network:
        """Give the trained network in evaluation mode: with its average weights, if the recipe asks for them."""
        self.model.load_state_dict(self.model.state_dict() | self.averages)
        return self.model.eval()

    def state(self) -> dict[str, Tensor]:
        """Weights, statistics, momenta and averages by name: with the number of epochs done, all a resume needs."""
        tensors = {f"model.{name}": value.detach() for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimiser.state[parameter].items():
                tensors[f"{_STATE_NAMES.get(key, key)}.{name}"] = value
        if self.averages:
            tensors |= {f"average.{name}": value for name, value in self.averages.items()}
            tensors["n_averaged"] = torch.tensor(self.n_averaged)
        return {name: value.cpu() for name, value in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        for name, parameter in self.model.named_parameters():
            for key in _STATE_KEYS[self.config.recipe.optimiser]:
                if (value := tensors.get(f"{_STATE_NAMES.get(key, key)}.{name}")) is not None:
                    # like the parameter in device and memory format: another layout would round differently
                    like = parameter if value.shape == parameter.shape else value
                    kept = torch.empty_like(like, device=self.device).copy_(value)
                    self.optimiser.state[parameter][key] = kept
        for name, value in self.averages.items():
            value.copy_(tensors[f"average.{name}"])
        self.n_averaged = int(tensors.get("n_averaged", 0))
