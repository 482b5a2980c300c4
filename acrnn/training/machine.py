"""What of the machine a training uses: how its memory is kept, how many runs go side by side, on how many threads."""

import ctypes
import os
import sys

import psutil
import torch

BYTES_A_RUN = 3_000_000_000
"""Memory of one training process at a batch of 64, measured at 1.9 GB and rounded up."""
BYTES_A_RUN_ON_CUDA = 8_000_000_000
"""The same on a GPU, reckoned, not measured: 2.3 GB of features, 30 MB a segment forward and as much back, its
libraries, and a margin."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # malloc.h of glibc
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # that glibc accepts


def keep_memory(at_most: int | None = None) -> bool:
    """Make glibc keep freed memory for this process's next allocation instead of giving it back; False elsewhere.

    A step allocates some forty tensors of 30 to 130 MB. By default glibc maps each from the kernel, which hands over
    zeroed pages one fault at a time, and unmaps it when it is freed: a quarter of a step on a CPU.

    Parameters
    ----------
    at_most : int, optional
        Bytes to keep at the end of a heap, of allocations up to 32 MiB, for a process that others' memory depends on,
        as a server's does. By default everything is kept, for a process that does nothing but train or put networks
        to the test, since its memory only grows.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    if at_most is not None:
        return bool(
            libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and libc.mallopt(_M_TRIM_THRESHOLD, at_most)
        )
    never = -1  # as size_t, the largest there is
    return bool(libc.mallopt(_M_MMAP_MAX, 0) and libc.mallopt(_M_TRIM_THRESHOLD, never))


def default_jobs(device: str) -> int:
    """How many runs to train side by side: one a core, as far as the device's memory goes.

    On a CPU a core a run is a little faster than all cores on one, since no core waits for another, and much faster
    where other programs take a core now and then. On a GPU one run's launches and copies fill the gaps of another's.
    It depends on the machine alone, so a sweep that is taken up again computes with as many threads a run as before.
    """
    if device == "cuda":
        room = torch.cuda.get_device_properties(device).total_memory // BYTES_A_RUN_ON_CUDA
    else:
        room = psutil.virtual_memory().total // BYTES_A_RUN
    return max(1, min(n_cores(), room))


def n_cores() -> int:
    """Count the cores that this process may use: all, unless it is kept to some of them (taskset, a batch system)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads_of(jobs: int) -> int:
    """Give this process its share of the cores where `jobs` processes train, and return it."""
    n_threads = max(1, n_cores() // jobs)
    torch.set_num_threads(n_threads)
    return n_threads
