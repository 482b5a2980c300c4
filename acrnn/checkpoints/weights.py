"""The weights of a checkpoint, compared with what its config describes before anything is allocated."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from acrnn.checkpoints.config import CheckpointConfig
from acrnn.checkpoints.open_set import OpenSet, statistics_shapes
from acrnn.data import sha256_of
from acrnn.errors import CheckpointError
from acrnn.features import BandStatistics
from acrnn.model import build
from acrnn.untrusted import require_regular

WEIGHTS = "model.safetensors"
STATISTICS = "open_set.safetensors"
BANDS = "bands."
"""What the names of the band statistics' tensors begin with; the others are the network's."""
MAX_PARAMETERS = 10**9
MAX_STATISTICS_BYTES = 2**26
FLOATS = ("F16", "BF16", "F32", "F64")
_HEADER_BYTES = 2**20


def read_weights(path: Path, config: CheckpointConfig) -> dict[str, Tensor]:
    """Read and check all tensors of a checkpoint, the network's and the band statistics'.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or not the one that `weights_sha256` names, or a tensor is missing, too many,
        of another shape or type, or holds what no network has.
    """
    expected = _network_shapes(path, config)
    try:
        size = require_regular(path)
        n_bands = config.front_end.n_bands
        most = 8 * (sum(map(math.prod, expected.values())) + 2 * len(config.labels) * n_bands * (n_bands + 2))
        if size > most + _HEADER_BYTES:
            raise ValueError(f"it has {size} bytes, and the network of config.json needs at most {most}")
        found = sha256_of(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{path} holds no weights: {error}.") from error
    if found != config.weights_sha256:
        raise CheckpointError(
            f"{path} has the SHA-256 {found[:12]}…, but weights_sha256 in config.json is "
            f"{config.weights_sha256[:12]}…: the file is damaged or not the one that was published."
        )
    try:
        with safe_open(path, "pt") as file:
            described = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: (tuple(one.get_shape()), one.get_dtype()) for name, one in described.items()}
            expected |= _band_shapes(path, shapes, n_bands)
            _require_fit(path, shapes, expected)
            tensors = {name: file.get_tensor(name) for name in shapes}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}).") from error
    _require_sense(path, tensors)
    return tensors


def read_statistics(path: Path, open_set: OpenSet, config: CheckpointConfig) -> dict[str, Tensor]:
    """Read and check what a score of strangeness needs of the training segments, as float32.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or not the one that `statistics_sha256` names, or holds other tensors than the
        score needs.
    """
    try:
        size = require_regular(path, MAX_STATISTICS_BYTES)
        if sha256_of(path) != open_set.statistics_sha256:
            raise ValueError("it is damaged, or not the file that statistics_sha256 in config.json names")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{path} holds no statistics: {error}.") from error
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            n_features = 2 * getattr(config.network, "n_hidden", 0)
            if shapes != statistics_shapes(open_set.score, n_features, len(config.labels)):
                raise CheckpointError(f"{path}: its tensors are not those that {open_set.score} needs.")
            tensors = {name: file.get_tensor(name).float() for name in shapes}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}).") from error
    if size == 0 or not all(torch.isfinite(value).all() for value in tensors.values()):
        raise CheckpointError(f"{path} holds values that are not finite.")
    return tensors


def _network_shapes(path: Path, config: CheckpointConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what the network keeps, found without allocating it."""
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in build(config.network).state_dict().items()}
    if sum(map(math.prod, shapes.values())) > MAX_PARAMETERS:
        raise CheckpointError(f"{path}: the network of config.json has more than {MAX_PARAMETERS} parameters.")
    return shapes


def _band_shapes(path: Path, found: Mapping[str, Any], n_bands: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the band statistics, if the file has any."""
    if not any(name.startswith(BANDS) for name in found):
        return {}
    shares, _ = found.get(f"{BANDS}shares", ((0,), ""))
    if len(shares) != 1 or shares[0] < 1:
        raise CheckpointError(f"{path}: {BANDS}shares is not a list of shares.")
    n = shares[0]
    return {f"{BANDS}shares": (n,), f"{BANDS}means": (n, n_bands), f"{BANDS}covariances": (n, n_bands, n_bands)}


def _require_fit(
    path: Path, found: Mapping[str, tuple[tuple[int, ...], str]], expected: Mapping[str, tuple[int, ...]]
) -> None:
    for name in sorted(expected.keys() ^ found.keys()):
        what = "is missing" if name in expected else "is not a tensor of this network"
        raise CheckpointError(f"{path}: {name} {what}.")
    for name, (shape, kind) in found.items():
        if shape != expected[name]:
            raise CheckpointError(f"{path}: {name} is {shape}, the network of config.json has {expected[name]}.")
        counts = name.endswith("num_batches_tracked")
        if kind not in (("I64",) if counts else FLOATS):
            wanted = "I64" if counts else ", ".join(FLOATS)
            raise CheckpointError(f"{path}: {name} is of type {kind}; {wanted} is accepted.")


def _require_sense(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError for values that no training leaves: not finite, or a spread that is not positive."""
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{path}: {name} holds values that are not finite.")
        if name.endswith("running_var") and (value < 0).any():
            raise CheckpointError(f"{path}: {name} holds a variance below 0.")
        if name == "std" and (value <= 0).any():
            raise CheckpointError(f"{path}: {name} holds a standard deviation that is not above 0.")
    shares = tensors.get(f"{BANDS}shares")
    if shares is not None and ((shares < 0).any() or not 0.99 < float(shares.sum()) < 1.01):
        raise CheckpointError(f"{path}: {BANDS}shares are not shares of one.")


def bands_of(tensors: Mapping[str, Tensor]) -> BandStatistics | None:
    """Give the statistics by which missing bands are estimated; None if the checkpoint has none."""
    found = {name.removeprefix(BANDS): value for name, value in tensors.items() if name.startswith(BANDS)}
    return BandStatistics(**found) if found else None
