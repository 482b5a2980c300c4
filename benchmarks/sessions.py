"""Claim: twenty sessions at once each see their own clip's right answer, and the server stays under 2.5 GB.

    python -m benchmarks.sessions [SESSIONS]

Each session uploads a sound of its own, compares the verdict that it is shown with the package's own prediction, visits
the other four pages, comes back, looks whether its sound was kept, and changes the attention. The sessions speak
Streamlit's protocol without a browser, each asking for its next view as soon as it has the last: what is timed is the
server, from the question to the end of its answer; what a browser then draws is in `benchmarks.pages`. One session
alone is timed first.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode

import numpy as np
import psutil

import acrnn
from acrnn.checkpoints import find
from acrnn.labels import pretty
from acrnn.web.shared.models import listen_query
from benchmarks.machine import describe_machine
from benchmarks.pages import recordings
from benchmarks.visitor import Visitor
from tests.browser.conftest import App

CHECKPOINTS = {"l10": "esc10-l10-paper-fold1", "l2-softmax": "esc10-l2-softmax-paper-fold1"}
"""Placement → checkpoint: the first is asked with the upload, then the others in turn, then the first again."""
PAGES = ("compare", "confusions", "train", "results")

Times = defaultdict[str, list[float]]


def main() -> None:
    """Print medians and 95th percentiles of each action, and the server's largest memory."""
    n_sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        app.wait()
        first, second, *paths = recordings(Path(folder), n_sessions + 2)
        alone, together, wrong, peak = asyncio.run(_visit(app, [first, second], paths))
        app.stop()
    print(f"{describe_machine()}, {n_sessions} sessions")
    for action, seconds in together.items():
        print(
            f"{action:24} median {np.median(seconds):.2f} s, 95th percentile {np.percentile(seconds, 95):.2f} s "
            f"(one session alone {np.median(alone[action]):.2f} s)"
        )
    print(f"sessions that were shown another answer than their clip's own  {wrong} of {n_sessions}")
    print(f"largest memory of the server  {peak / 1e9:.2f} GB")


async def _visit(app: App, before: list[Path], paths: list[Path]) -> tuple[Times, Times, int, int]:
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, psutil.Process(app.process.pid).memory_info().rss)
            await asyncio.sleep(0.2)

    predictors = {placement: acrnn.load(name) for placement, name in CHECKPOINTS.items()}

    def expect(path: Path) -> dict[str, str]:
        told = {placement: predictor(path).top(1)[0] for placement, predictor in predictors.items()}
        return {placement: f"{pretty(label)}, {p:.0%}" for placement, (label, p) in told.items()}

    expected = [expect(path) for path in paths]
    for path in before:  # the first loads the networks
        alone = defaultdict(list)
        await _session(app, path, expect(path), alone)
    together = defaultdict(list)
    watcher = asyncio.create_task(watch())
    sessions = (_session(app, path, titles, together) for path, titles in zip(paths, expected, strict=True))
    right = await asyncio.gather(*sessions)
    watcher.cancel()
    return alone, together, right.count(False), peak


async def _session(app: App, path: Path, expected: dict[str, str], times: Times) -> bool:
    """Whether every verdict was this clip's own."""
    asked, other = CHECKPOINTS
    shown = []

    async def timed(action: str, does: Awaitable[None]) -> None:
        began = perf_counter()
        await does
        times[action].append(perf_counter() - began)

    async with Visitor(app) as visitor:
        query = {"source": "upload"} | listen_query(find(CHECKPOINTS[asked]))
        await timed("first view", visitor.open("", urlencode(query)))
        await timed("upload of 5 s", visitor.upload("upload", path))
        shown.append((asked, visitor.title))
        for page in PAGES:
            await timed(f"open {page}", visitor.open(page))
        await timed("back to listen", visitor.open(""))
        shown.append((asked, visitor.title))
        for placement in (other, asked):
            await timed("another placement", visitor.select("attention", placement))
            shown.append((placement, visitor.title))
    wrong = [f"{placement}: {title!r}, not {expected[placement]!r}" for placement, title in shown
             if title != expected[placement]]  # fmt: skip
    for line in (*wrong, *visitor.errors):
        print(f"{path.name}: {line}")
    return not wrong and not visitor.errors


if __name__ == "__main__":
    main()
