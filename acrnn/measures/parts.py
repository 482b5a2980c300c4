"""Long measurements in parts: what is finished is on disk at once, so that a killed one goes on where it was."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from acrnn.data import cache_dir, sha256_of
from acrnn.errors import RunError

Save = Callable[[dict[str, Any]], object]
"""Writes the values of a measurement to where they stay."""


class Parts:
    """Finished parts of one measurement, a line of JSON each, in the cache folder.

    The file's name is the hash of everything that the parts depend on: a measurement with other settings, weights or
    data never meets them.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, dict[str, Any]] = {}
        self._read()

    def _read(self) -> None:
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]  # a line that a kill cut short is measured again
        for line in whole.splitlines():
            part = json.loads(line)
            self.done[part["part"]] = part["values"]
        if whole != content:
            self.path.write_bytes(whole)

    def add(self, name: str, values: dict[str, Any]) -> None:
        """Keep a finished part."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": name, "values": values}) + "\n")
        self.done[name] = values

    def complete(
        self,
        names: Iterable[str],
        measure: Callable[[str], dict[str, Any]],
        on_part: Callable[[int, int], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Measure the parts that are not there yet; gives all of them in the order of `names`."""
        names = list(names)
        for n_done, name in enumerate(names, start=1):
            if name not in self.done:
                self.add(name, measure(name))
            if on_part is not None:
                on_part(n_done, len(names))
        return [self.done[name] for name in names]


@contextmanager
def open_parts(kind: str, settings: dict[str, Any]) -> Iterator[Parts]:
    """Open the parts of a measurement, alone; they are deleted when the block ends well, having served.

    Parameters
    ----------
    kind : str
        Folder in the cache.
    settings : dict
        All that the parts depend on, as plain values.

    Raises
    ------
    RunError
        If another process is at the very same measurement.
    """
    digest = sha256_of(json.dumps(settings, sort_keys=True).encode())
    path = cache_dir() / kind / f"{digest[:32]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"Another process is at this very measurement ({kind}); let it end, or stop it.") from None
    try:
        parts = Parts(path)
        yield parts
        path.unlink(missing_ok=True)
    finally:
        lock.release()
