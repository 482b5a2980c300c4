"""Waiting for what another process does: the one place where tests pass the time."""

import time
from collections.abc import Callable
from typing import Any

POLL_S = 0.02


def wait_until(holds: Callable[[], Any], timeout_s: float = 300, tell: Callable[[], str] = lambda: "") -> Any:
    """Wait until `holds()` gives something true, and give that; `tell` says how things stand if it never does."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {tell()}"
        time.sleep(POLL_S)
    return found
