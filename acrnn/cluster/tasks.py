"""Work given to the cluster, a few pieces a core at a time; what a dead machine had in hand is given to another."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from acrnn.errors import AcrnnError

Piece = TypeVar("Piece")
MOST_ATTEMPTS = 4
"""Of one piece of work."""
_QUEUED_A_CORE = 2
_LEAST_QUEUED = 16
"""So that a cluster that grows with what is asked of it has a reason to."""
_POLL_S = 0.5


@dataclass(frozen=True)
class Needs:
    """What a piece of work takes of a machine: cores, and a GPU or a share of one."""

    cores: int = 1
    gpus: float = 0.0


@dataclass(frozen=True)
class Lost:
    """What came of a piece of work that failed `MOST_ATTEMPTS` times, and why."""

    reason: str


def run_on_cluster(
    pieces: Iterable[Piece],
    submit: Callable[[Piece, int], Any],
    on_poll: Callable[[list[Piece]], object] = lambda working: None,
) -> Iterator[tuple[Piece, Any]]:
    """Run pieces of work, each until it has come to its end; gives them with what came of them, as they end.

    A piece is given away again if its process or machine died, or something but an `AcrnnError` was raised.

    Parameters
    ----------
    pieces : iterable
    submit : callable
        Starts a piece, told how often it was tried before; gives the reference to its result.
    on_poll : callable, optional
        Told twice a second what is given away.

    Raises
    ------
    AcrnnError
        That a piece raised.
    """
    import ray

    waiting = deque((piece, 0) for piece in pieces)
    working: dict[Any, tuple[Piece, int]] = {}
    try:
        while waiting or working:
            while waiting and len(working) < max(_LEAST_QUEUED, _QUEUED_A_CORE * _n_cores()):
                piece, attempt = waiting.popleft()
                working[submit(piece, attempt)] = piece, attempt
            done, _ = ray.wait(list(working), timeout=_POLL_S)
            for reference in done:
                piece, attempt = working.pop(reference)
                result = _result_of(reference)
                if isinstance(result, Lost) and attempt + 1 < MOST_ATTEMPTS:
                    waiting.appendleft((piece, attempt + 1))
                else:
                    yield piece, result
            on_poll([piece for piece, _ in working.values()])
    finally:
        for reference in working:
            ray.cancel(reference, force=True)


def _n_cores() -> int:
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def _result_of(reference: Any) -> Any:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, AcrnnError):
            raise cause from None
        return Lost(f"{type(cause).__name__}: {cause}")
    except RayError as error:  # its process or machine died, or had no memory left
        return Lost(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
