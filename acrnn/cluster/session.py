"""The connection to a Ray cluster."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from acrnn.errors import OptionError

AUTO, LOCAL = "auto", "local"
"""The cluster of RAY_ADDRESS or of this machine, or else one that is started here; one that is started here."""


def require_ray() -> None:
    """Raise OptionError if Ray is not installed."""
    if find_spec("ray") is None:
        raise OptionError("--ray needs the package ray; pip install ray, or the extra acrnn[ray], brings it.")


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to a cluster within the block; what is still running at its end is ended.

    Parameters
    ----------
    address : str
        `AUTO`, `LOCAL`, `host:port` or `ray://host:port`.

    Raises
    ------
    OptionError
        If Ray is not installed, or there is no cluster at the address.
    """
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():  # by a caller, whose it stays
        yield
        return
    given = None if address == AUTO else address
    try:
        ray.init(given, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        told = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise OptionError(
            f"There is no Ray cluster at {address} ({told}); {AUTO}, {LOCAL} or the host:port of one is accepted."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
