"""Long recordings, and parts of recordings that a table names, cut into files of their own in the cache."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from acrnn.audio import open_audio
from acrnn.data.cache import atomic_path
from acrnn.data.own.facts import MAX_RATE_HZ, is_silent
from acrnn.paths import cache_dir

LONG_S = 10.0
"""Recordings that last longer are cut."""
WINDOW_S = 5.0
"""About so long are the windows, as the clips of ESC-50 are."""

Span = tuple[float, float]
"""Start and end in seconds."""


def spans_of(duration_s: float) -> list[Span]:
    """Divide a long recording into equal windows of about `WINDOW_S`; one that is not long gives none."""
    if duration_s <= LONG_S:
        return []
    n_windows = round(duration_s / WINDOW_S)
    edges = [round(i * duration_s / n_windows, 3) for i in range(n_windows)] + [duration_s]
    return list(pairwise(edges))


def cut(path: Path, sha256: str, spans: Iterable[Span]) -> dict[Span, Path | None]:
    """Cut parts out of a recording: mono FLAC of 24 bits at its own rate, 44.1 kHz at most.

    The recording is read once, and not at all if every part was cut before.

    Parameters
    ----------
    sha256 : str
        Of the recording's content, by which parts are kept in the cache.

    Returns
    -------
    dict
        Span → file; None for a part that is silent or empty.

    Raises
    ------
    AudioError
        If the recording cannot be read.
    OSError
        If the cache cannot be written.
    """
    folder = cache_dir() / "windows" / sha256[:32]
    files = {span: folder / f"{span[0]:.3f}-{span[1]:.3f}.flac" for span in spans}
    if not all(file.exists() for file in files.values()):
        _cut(path, files)
    return {span: file if file.stat().st_size else None for span, file in files.items()}


def _cut(path: Path, files: dict[Span, Path]) -> None:
    with open_audio(path) as file:
        rate_hz = min(file.rate_hz, MAX_RATE_HZ)
        waiting = {span: (round(span[0] * rate_hz), round(span[1] * rate_hz)) for span in sorted(files)}
        parts: dict[Span, list[np.ndarray]] = {span: [] for span in waiting}
        start = 0
        for block in file.blocks(rate_hz):
            end = start + len(block)
            for span, (first, last) in list(waiting.items()):
                if first >= end:
                    break  # spans are sorted by their start
                parts[span].append(block[max(first - start, 0) : last - start])
                if last <= end:
                    del waiting[span]
                    _write(files[span], parts.pop(span), rate_hz)
            start = end
        for span in waiting:  # up to the recording's end
            _write(files[span], parts.pop(span), rate_hz)


def _write(path: Path, parts: list[np.ndarray], rate_hz: int) -> None:
    """Write one window; an empty file stands for one without sound."""
    import soundfile as sf

    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    with atomic_path(path) as part:
        if len(samples) == 0 or is_silent(samples, rate_hz):
            part.touch()
        else:
            sf.write(part, np.clip(samples, -1, 1), rate_hz, format="FLAC", subtype="PCM_24")
