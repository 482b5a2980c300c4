"""What every benchmark says first and last: the machine it ran on, and a median with its spread."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import torch


def describe_machine() -> str:
    """Processor, cores, threads and torch version on one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    return f"{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = perf_counter()
    call()
    return perf_counter() - began


def spread(seconds: Sequence[float], unit: str = "ms") -> str:
    """Format `median (min to max, n)` in milliseconds or seconds."""
    scale = {"ms": 1000, "s": 1}[unit]
    middle, low, high = (scale * f(seconds) for f in (statistics.median, min, max))
    return f"median {middle:.1f} {unit} ({low:.1f} to {high:.1f}, n = {len(seconds)})"
