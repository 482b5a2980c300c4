"""Which device computes, and how precisely: the choice of a user, and what this machine has."""

import torch

from acrnn.errors import OptionError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(device: str = "auto") -> torch.device:
    """`auto` → CUDA where there is one, else MPS, else the CPU; any other name is taken at its word.

    Raises
    ------
    OptionError
        If the device is unknown or this machine has none.
    """
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, there in have.items() if there)
    if not have.get(device, False):
        raise OptionError(f"device {device!r} is not to be had here; there is: {', '.join(n for n in have if have[n])}")
    return torch.device(device)


def training_device(device: str = "auto") -> torch.device:
    """Give the device to train on: as `pick_device`, but MPS does not train.

    Raises
    ------
    OptionError
        If the device cannot train here.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise OptionError(f"device {device!r} cannot train; auto, cpu or cuda is accepted")
    if device == "auto" and not torch.cuda.is_available():
        device = "cpu"
    return pick_device(device)


def fast_precision(device: torch.device) -> str:
    """`bf16` where this device has instructions for it, else `fp32`; on MPS always `fp32`."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if device.type == "cpu":
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if has else "fp32"
    return "fp32"


def describe_device(device: torch.device) -> str:
    """Name a device for people: `CUDA (NVIDIA H200)`, `MPS` or `CPU (2 threads)`."""
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "MPS"
    n_threads = torch.get_num_threads()
    return f"CPU ({n_threads} thread{'' if n_threads == 1 else 's'})"
