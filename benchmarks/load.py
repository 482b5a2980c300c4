"""Claim: twenty sessions for a quarter of an hour get no wrong answer and no server error, and memory stays flat.

    python -m benchmarks.load [--sessions 20] [--minutes 15]

Each session does one thing after another, at random: uploads a clip of 5 s and compares the verdict with the package's
own, uploads three minutes or an hour, uploads a broken file, opens pages, changes the attention, closes its tab in the
middle of an answer and comes back. One session does the same alone, first. Prints the median and 95th percentile of
each action, wrong answers, errors, and the slope of the server's memory after the first two minutes.
"""

import argparse
import asyncio
import random
import tempfile
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from time import monotonic, perf_counter
from urllib.parse import urlencode

import numpy as np
import psutil
import soundfile

import acrnn
from acrnn.audio.scenes import SCENES, render
from acrnn.checkpoints import find
from acrnn.labels import pretty
from acrnn.web.shared.models import listen_query
from benchmarks.machine import describe_machine
from benchmarks.visitor import Visitor
from tests.browser.conftest import App

CHECKPOINT = "esc10-l10-paper-fold1"
PAGES = ("compare", "confusions", "results", "train")
WARM_UP_S = 120.0
LONG_S = {"3 min": 180, "1 h": 3600}
ACTIONS = {
    "upload 5 s": 8,
    "open a page": 8,
    "broken upload": 3,
    "close the tab": 3,
    "upload 3 min": 1,
    "upload 1 h": 0.1,
}
"""Action → how often, relative to the others."""


class Load:
    """What all sessions share: the server, their sounds, and what came of it."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.query = urlencode({"source": "upload"} | listen_query(find(CHECKPOINT)))
        self.times: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self.memory: list[tuple[float, float]] = []
        self.clips = self._clips(acrnn.load(CHECKPOINT))
        self.broken = folder / "broken.wav"
        self.broken.write_bytes(next(iter(self.clips)).read_bytes()[:9999])
        self.long = {name: self._long(seconds) for name, seconds in LONG_S.items()}

    def _clips(self, predictor: acrnn.Predictor) -> dict[Path, str]:
        titles = {}
        for label in SCENES:
            scene = render(label)
            path = self.folder / f"{label}.wav"
            soundfile.write(path, scene.samples, scene.rate_hz)
            name, probability = predictor(path).top(1)[0]
            titles[path] = f"{pretty(name)}, {probability:.0%}"
        return titles

    def _long(self, seconds: int) -> Path:
        path = self.folder / f"{seconds}.flac"
        noise = np.random.default_rng(0).normal(0, 0.02, (seconds, 16_000))
        soundfile.write(path, noise.ravel(), 16_000)
        return path

    async def session(self, seed: int, until: float) -> None:
        """Do one thing after another until the time is up."""
        rng = random.Random(seed)
        while monotonic() < until:
            with suppress(ConnectionError, asyncio.TimeoutError):
                async with Visitor(self.app) as visitor:
                    await visitor.open("", self.query)
                    while monotonic() < until:
                        action = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
                        if action == "close the tab":
                            pending = asyncio.ensure_future(visitor.open(rng.choice(PAGES)))
                            await asyncio.sleep(rng.uniform(0, 0.5))
                            pending.cancel()
                            break
                        began = perf_counter()
                        await self._do(action, visitor, rng)
                        self.times[action].append(perf_counter() - began)
                    self.wrong += visitor.errors

    async def _do(self, action: str, visitor: Visitor, rng: random.Random) -> None:
        if action == "open a page":
            await visitor.open(rng.choice(PAGES))
            return
        await visitor.open("", self.query)
        if action == "broken upload":
            await visitor.upload("upload", self.broken)
            if visitor.title != "Listen":
                self.wrong.append(f"a broken file was given {visitor.title!r}")
        elif action == "upload 5 s":
            path = rng.choice(list(self.clips))
            await visitor.upload("upload", path)
            if visitor.title != self.clips[path]:
                self.wrong.append(f"{path.name}: {visitor.title!r}, not {self.clips[path]!r}")
        else:
            await visitor.upload("upload", self.long[action.removeprefix("upload ")])

    async def run(self, n_sessions: int, seconds: float) -> None:
        """Let so many sessions at it, and note the server's memory."""
        began = monotonic()
        process = psutil.Process(self.app.process.pid)

        async def watch() -> None:
            while True:
                self.memory.append((monotonic() - began, process.memory_info().rss / 1e6))
                await asyncio.sleep(1)

        watcher = asyncio.create_task(watch())
        await asyncio.gather(*(self.session(seed, began + seconds) for seed in range(n_sessions)))
        watcher.cancel()


def main() -> None:
    """Print what one session and what all together found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "log.txt")
        app.wait()
        load = Load(app, Path(folder))
        asyncio.run(load.run(1, min(60.0, 20 * options.minutes)))
        alone = dict(load.times)
        load.times, load.memory = defaultdict(list), []
        asyncio.run(load.run(options.sessions, 60 * options.minutes))
        app.stop()
        app.assert_no_crash()
    print(f"{describe_machine()}, {options.sessions} sessions, {options.minutes:g} min")
    for action, seconds in sorted(load.times.items()):
        lone = f"{np.median(alone[action]):.2f} s" if action in alone else "–"
        print(
            f"{action:16} {len(seconds):5} times, median {np.median(seconds):.2f} s, 95th percentile "
            f"{np.percentile(seconds, 95):.2f} s (one session alone {lone})"
        )
    print(f"wrong answers and errors  {len(load.wrong)} {load.wrong[:5]}")
    after = np.array([point for point in load.memory if point[0] > min(WARM_UP_S, 20 * options.minutes)])
    slope = np.polyfit(after[:, 0] / 60, after[:, 1], 1)[0] if len(after) > 2 else float("nan")
    print(f"memory  {after[:, 1].max():.0f} MB at most, {slope:+.1f} MB a minute after the warm-up")


if __name__ == "__main__":
    main()
