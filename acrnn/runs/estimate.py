"""How long a run will take on this machine: from the speed of runs trained here, else from a few real steps."""

import math
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock

import numpy as np
import torch

from acrnn.data import Dataset
from acrnn.model import PICZAK, NetworkConfig, PiczakConfig, complexity
from acrnn.runs.launch import segments_of_a_clip
from acrnn.runs.run import RunConfig
from acrnn.runs.status import Process
from acrnn.runs.watch import RunView
from acrnn.training import Split, Trainer, draw_epoch
from acrnn.training.corpus import Corpus
from acrnn.training.recipe import Recipe

CALIBRATION_S = 1.5
"""Seconds of steps that are timed, after one that is not."""
MIN_STEPS = 3
"""One step by itself says little, least of all beside another run."""
CPU_BATCH = 16
_asking = Lock()
_measurements: dict[RunConfig, "Future[Speed]"] = {}


@dataclass(frozen=True)
class Speed:
    """How fast this machine trains a network.

    Attributes
    ----------
    segments_per_s : float
    source : str
        What it rests on, as the end of a sentence.
    """

    segments_per_s: float
    source: str


@dataclass(frozen=True)
class Workload:
    """What a run has to do.

    Attributes
    ----------
    segments_per_epoch : int
        Whole batches alone.
    epochs : int
    """

    segments_per_epoch: int
    epochs: int

    def seconds(self, speed: Speed) -> float:
        """Time of training, without features and scoring."""
        return self.segments_per_epoch * self.epochs / speed.segments_per_s


def workload(config: RunConfig, dataset: Dataset) -> Workload:
    """Count the segments of an epoch, taking every clip for as long as the first."""
    n_clips = sum(config.trains_on(clip.fold) for clip in dataset.clips)
    n_segments = n_clips * (1 if config.recipe.shortest_crop else _segments_in_training(config, dataset))
    batch = min(config.recipe.batch_size, n_segments)
    return Workload(n_segments // batch * batch, config.recipe.epochs)


def _segments_in_training(config: RunConfig, dataset: Dataset) -> int:
    """Count the segments of the first clip, as long as they are in training."""
    whole = segments_of_a_clip(config, dataset)
    if not (frames := config.recipe.training_frames):
        return len(whole)
    return (whole.n_padded_frames - frames) // (frames // 2) + 1


def speed_of_runs(config: RunConfig, views: Sequence[RunView]) -> Speed | None:
    """Find how fast the latest run on this machine was that trains as this one will; None if there is none.

    One with the same network, batch, data and device is looked for first, then one that differs in its data or in the
    place of its attention, at as many multiply-accumulates a second.

    Parameters
    ----------
    views : sequence of RunView
        The latest first, as `list_runs` gives them.
    """
    here = [(view, rate) for view in views if (rate := _rate_here(view)) is not None]
    for view, rate in here:
        if _kind(view.run.config) == _kind(config):
            return Speed(rate, f"the last epochs of {view.name} on this machine")
    for view, rate in here:
        other = view.run.config
        if _way(other) == _way(config):
            ratio = _cost(other) / _cost(config)
            return Speed(rate * ratio, f"{view.name} on this machine, which differs in its data or its network")
    return None


def _rate_here(view: RunView) -> float | None:
    """Segments a second of a run of this machine: of its last epochs, or so far of its first."""
    process = Process.read(view.run)
    if process is None or not process.is_here:
        return None
    if view.metrics:
        return statistics.median(row["segments_per_s"] for row in view.metrics[-5:])
    now = view.status.progress if view.is_running and view.status is not None else None
    return now.segments_per_s if now is not None and now.segments_per_s > 0 else None


def _kind(config: RunConfig) -> tuple:
    """All that decides how fast a step is; a small dataset has small batches."""
    frames = config.recipe.training_frames
    return config.network, frames, config.recipe.batch_size, config.data_fingerprint, config.device, config.precision


def _way(config: RunConfig) -> tuple:
    """Give what two runs must share for the speed of one to tell that of the other."""
    return config.network.placement == PICZAK, config.recipe.batch_size, config.device, config.precision


def _cost(config: RunConfig) -> float:
    """Multiply-accumulates of a segment, as long as it is in training."""
    whole = config.front_end.segment_frames
    return _multiply_accumulates(config.network) * (config.recipe.training_frames or whole) / whole


@cache
def _multiply_accumulates(network: NetworkConfig | PiczakConfig) -> int:
    return complexity(network).multiply_accumulates


def measurement(config: RunConfig, n_others: int = 0) -> Future[Speed]:
    """Time a few steps on noise in the background, once a process for each kind of network and device.

    On a CPU the batch is small: a segment takes about as long as in a large one, and a slow machine is done sooner.
    One that failed, such as for want of memory, is told to whoever asks next, and tried again when asked after that.

    Parameters
    ----------
    n_others : int
        How many runs train meanwhile: what is measured beside them is not what there is without them.
    """
    recipe = config.recipe
    batch = recipe.batch_size if config.device == "cuda" else min(recipe.batch_size, CPU_BATCH)
    steps = Recipe(  # which cost as much as any recipe's
        "calibration", batch_size=batch, segment_frames=recipe.segment_frames, training_frames=recipe.training_frames
    )
    kind = replace(
        config, data_root="", data_title="", data_fingerprint="", fold=1, seed=n_others, code="",
        recipe=steps,
    )  # fmt: skip
    with _asking:  # else two that ask at once would have it measured twice
        found = _measurements.pop(kind, None) or _background().submit(_measure, kind, n_others)
        if not found.done() or found.exception() is None:
            _measurements[kind] = found
        return found


@cache
def _background() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)  # two at a time would measure each other


def _measure(config: RunConfig, n_others: int) -> Speed:
    batch = config.recipe.batch_size
    length = config.front_end.segment_frames
    noise = torch.randn(batch * length, 2, config.front_end.n_bands, generator=torch.Generator().manual_seed(0))
    corpus = Corpus(
        noise.half(), np.arange(batch)[:, None] * length, np.full((batch, 1), length), length,
        config.front_end.segment_hop,
    )  # fmt: skip
    split = Split(np.arange(batch), np.arange(batch) % config.network.n_classes)
    trainer = Trainer(config, corpus, split, replay=False)  # the app's sessions are threads that use the device too
    epoch = draw_epoch(config, trainer.corpus, trainer.split, 0)
    batch = epoch.to(trainer.device).step(0)
    trainer.step(batch)[0].item()
    began_s, n_steps = time.perf_counter(), 0
    while n_steps < MIN_STEPS or time.perf_counter() - began_s < CALIBRATION_S:
        trainer.step(batch)[0].item()  # waits for the device
        n_steps += 1
    rate = n_steps * epoch.rows.shape[1] / (time.perf_counter() - began_s)
    beside = f" beside {n_others} run{'s' * (n_others > 1)} at work" if n_others else ""
    return Speed(rate, f"{n_steps} step{'s' * (n_steps > 1)} measured just now on this machine{beside}")


def describe_duration(seconds: float) -> str:
    """Say a duration in words, rounded as an estimate should be: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds)):d} s"
    if seconds < 5400:
        return f"{round(seconds / 60):d} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
