"""From a config, a name or a file's values to the network that it means: ACRNN or PiczakCNN."""

from collections.abc import Mapping
from typing import Any

from acrnn.errors import OptionError
from acrnn.model.base import Network
from acrnn.model.baselines import PICZAK, PiczakCNN, PiczakConfig
from acrnn.model.network import ACRNN, NetworkConfig

NETWORKS: tuple[str, ...] = ("acrnn", PICZAK)


def build(config: NetworkConfig | PiczakConfig) -> Network:
    """Make the network that a config describes, with torch's initial values."""
    return PiczakCNN(config) if isinstance(config, PiczakConfig) else ACRNN(config)


def placement_of(network: str, placement: str | None) -> str:
    """Give what stands for a network in options and names: ACRNN's placement (default l10), or `piczakcnn`.

    Raises
    ------
    OptionError
        If there is no such network, or it has no attention that could be placed.
    """
    if network not in NETWORKS:
        raise OptionError(f"network {network!r} is not one of {', '.join(NETWORKS)}")
    if network == "acrnn":
        return placement or "l10"
    if placement is not None:
        raise OptionError(f"placement {placement!r} cannot be chosen: network {network!r} has no attention")
    return network


def network_config(
    placement: str, n_classes: int, n_frames: int = NetworkConfig.n_frames, mean_one: bool = False
) -> NetworkConfig | PiczakConfig:
    """Give the config at the paper's size: of ACRNN with its attention there, or of `piczakcnn`.

    Parameters
    ----------
    n_frames, mean_one
        See `NetworkConfig`; `piczakcnn` has neither to choose.

    Raises
    ------
    OptionError
        If the placement is unknown.
    """
    if placement == PICZAK:
        return PiczakConfig(n_classes)
    return NetworkConfig(n_classes, placement, n_frames=n_frames, mean_one=mean_one)


def network_from_dict(values: Mapping[str, Any]) -> NetworkConfig | PiczakConfig:
    """Rebuild a config from its `as_dict`; one that has no `kind` is ACRNN's.

    Raises
    ------
    OptionError
        If the kind is unknown or a value is out of range.
    TypeError
        If a value is missing or strange.
    """
    if "kind" not in values:
        return NetworkConfig(**values)
    if values["kind"] != PICZAK:
        raise OptionError(f"network kind {values['kind']!r} is not {PICZAK!r}")
    return PiczakConfig(**values)
