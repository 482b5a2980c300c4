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
from acrnn.runs.launch import segments_of_a_clip
from acrnn.runs.run import RunConfig
from acrnn.runs.status import Process
from acrnn.runs.watch import RunView
from acrnn.training import Split, Trainer, draw_epoch
from acrnn.training.corpus import Corpus
from acrnn.training.recipe import Recipe

CALIBRATION_S = 1.5
"""Seconds of steps that are timed, after one that is not."""
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
    n_segments = n_clips * (1 if config.recipe.shortest_crop else len(segments_of_a_clip(config, dataset)))
    batch = min(config.recipe.batch_size, n_segments)
    return Workload(n_segments // batch * batch, config.recipe.epochs)


def speed_of_runs(config: RunConfig, views: Sequence[RunView]) -> Speed | None:
    """Find how fast the latest such run on this machine was: same network, batch, data, device. None if there is none.

    Parameters
    ----------
    views : sequence of RunView
        The latest first, as `list_runs` gives them.
    """
    for view in views:
        process = Process.read(view.run)
        if _kind(view.run.config) == _kind(config) and process is not None and process.is_here and view.metrics:
            rates = [row["segments_per_s"] for row in view.metrics[-5:]]
            return Speed(statistics.median(rates), f"the last epochs of {view.name} on this machine")
    return None


def _kind(config: RunConfig) -> tuple:
    """All that decides how fast a step is; a small dataset has small batches."""
    return config.network, config.recipe.batch_size, config.data_fingerprint, config.device, config.precision


def measurement(config: RunConfig) -> Future[Speed]:
    """Time a few steps on noise in the background, once a process for each kind of network and device.

    On a CPU the batch is small: a segment takes about as long as in a large one, and a slow machine is done sooner.
    One that failed, such as for want of memory, is told to whoever asks next, and tried again when asked after that.
    """
    batch = config.recipe.batch_size if config.device == "cuda" else min(config.recipe.batch_size, CPU_BATCH)
    kind = replace(
        config, data_root="", data_title="", data_fingerprint="", fold=1, seed=0, code="",
        recipe=Recipe("calibration", batch_size=batch),  # its steps cost as much as any recipe's
    )  # fmt: skip
    with _asking:  # else two that ask at once would have it measured twice
        found = _measurements.pop(kind, None) or _background().submit(_measure, kind)
        if not found.done() or found.exception() is None:
            _measurements[kind] = found
        return found


@cache
def _background() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)  # two at a time would measure each other


def _measure(config: RunConfig) -> Speed:
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
    while n_steps == 0 or time.perf_counter() - began_s < CALIBRATION_S:
        trainer.step(batch)[0].item()  # waits for the device
        n_steps += 1
    rate = n_steps * epoch.rows.shape[1] / (time.perf_counter() - began_s)
    return Speed(rate, f"{n_steps} step{'s' if n_steps > 1 else ''} measured just now on this machine")


def describe_duration(seconds: float) -> str:
    """Say a duration in words, rounded as an estimate should be: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds)):d} s"
    if seconds < 5400:
        return f"{round(seconds / 60):d} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
