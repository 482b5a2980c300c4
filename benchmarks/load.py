"""Claim: twenty sessions for a quarter of an hour get no wrong answer and no server error, and memory stays flat.

    python -m benchmarks.load [--sessions 20] [--minutes 15] [--record [--shared]]

Each session does one thing after another, at random: uploads a clip of 5 s and compares the verdict with the package's
own, changes the attention and compares again, uploads three minutes or an hour, uploads a broken file, opens pages,
loses its connection and comes back, or closes its tab in the middle of an answer. One session does the same alone,
first. Prints the median and 95th percentile of each action, wrong answers, errors, and the slope of the server's memory
after the first minutes. `--record` writes that to docs/reliability.md; with `--shared`, on a machine that does other
work too, without times.
"""

import argparse
import asyncio
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, perf_counter
from urllib.parse import urlencode

import numpy as np
import psutil
import requests
import soundfile
import websockets

import acrnn
from acrnn.audio.scenes import SCENES, render
from acrnn.checkpoints import find
from acrnn.labels import pretty
from acrnn.web.shared.models import listen_query
from acrnn.web.shell.address import UNDER_WAY_S
from benchmarks.machine import describe_machine
from benchmarks.visitor import Visitor
from tests.browser.conftest import App
from tests.reliability import Row, record

CHECKPOINTS = {"l10": "esc10-l10-paper-fold1", "l2-softmax": "esc10-l2-softmax-paper-fold1"}
"""Placement → checkpoint: the first is asked with each upload, the other after it."""
PAGES = ("compare", "confusions", "results", "train", "collection")
WARM_UP_S = 300.0
TIMEOUT_S = 600.0
PATIENCE_S = 1800.0  # of who has an hour of sound, and is told how many are ahead
LONG_S = {"3 min": 180, "1 h": 3600}
ACTIONS = {
    "upload 5 s": 8,
    "open a page": 8,
    "another placement": 4,
    "broken upload": 3,
    "reconnect": 3,
    "close the tab": 3,
    "upload 3 min": 1,
    "upload 1 h": 0.1,
}
"""Action → how often, relative to the others."""


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda sound: sound[:9999],
    "empty": lambda sound: b"",
    "text": lambda sound: b"This is no sound.\n" * 99,
    "noise": lambda sound: random.Random(0).randbytes(9999),
    "silent": lambda sound: sound[:44] + bytes(len(sound) - 44),
}


class Load:
    """What all sessions share: the server, their sounds, and what came of it."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.query = urlencode({"source": "upload"} | listen_query(find(next(iter(CHECKPOINTS.values())))))
        self.times: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self.memory: list[tuple[float, float]] = []
        self.clips = self._clips([acrnn.load(name) for name in CHECKPOINTS.values()])
        self.broken = self._broken(next(iter(self.clips)).read_bytes())
        self.long = {name: self._long(seconds) for name, seconds in LONG_S.items()}

    def _clips(self, predictors: list[acrnn.Predictor]) -> dict[Path, list[str]]:
        """Write clips; gives path → the verdict of each checkpoint."""
        titles = {}
        for label in SCENES:
            scene = render(label)
            path = self.folder / f"{label}.wav"
            soundfile.write(path, scene.samples, scene.rate_hz)
            found = [predictor(path).top(1)[0] for predictor in predictors]
            titles[path] = [f"{pretty(name)}, {probability:.0%}" for name, probability in found]
        return titles

    def _broken(self, sound: bytes) -> list[Path]:
        for name, spoil in BROKEN.items():
            (self.folder / f"{name}.wav").write_bytes(spoil(sound))
        return [self.folder / f"{name}.wav" for name in BROKEN]

    def _long(self, seconds: int) -> Path:
        path = self.folder / f"{seconds}.flac"
        noise = np.random.default_rng(0).normal(0, 0.02, (seconds, 16_000))
        soundfile.write(path, noise.ravel(), 16_000)
        return path

    async def session(self, seed: int, until: float) -> None:
        """Do one thing after another until the time is up."""
        rng = random.Random(seed)
        while monotonic() < until:
            try:
                async with Visitor(self.app) as visitor:
                    await asyncio.wait_for(visitor.open("", self.query), TIMEOUT_S)
                    await self._visit(visitor, rng, until)
                    self.wrong += visitor.errors
            except (requests.RequestException, websockets.WebSocketException, OSError, StopIteration) as error:
                self.wrong.append(f"{type(error).__name__}: {error}"[:200])

    async def _visit(self, visitor: Visitor, rng: random.Random, until: float) -> None:
        while monotonic() < until:
            action = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
            if action == "close the tab":
                pending = asyncio.ensure_future(visitor.open(rng.choice(PAGES)))
                await asyncio.sleep(rng.uniform(0, 0.5))
                pending.cancel()
                with suppress(asyncio.CancelledError):
                    await pending
                self.times[action].append(0.0)
                return
            if action != "open a page":
                await asyncio.sleep(UNDER_WAY_S)  # a link that is opened sooner after a choice is taken for its echo
                await visitor.open("", self.query)
            began = perf_counter()
            patience_s = PATIENCE_S if action == "upload 1 h" else TIMEOUT_S
            await asyncio.wait_for(self._do(action, visitor, rng), patience_s)
            self.times[action].append(perf_counter() - began)

    async def _do(self, action: str, visitor: Visitor, rng: random.Random) -> None:
        if action == "open a page":
            await visitor.open(rng.choice(PAGES))
        elif action == "broken upload":
            path = rng.choice(self.broken)
            await visitor.upload("upload", path)
            self._compare(path, visitor.title, "Listen")
        elif action.startswith("upload") and action.removeprefix("upload ") in self.long:
            await visitor.upload("upload", self.long[action.removeprefix("upload ")])
        else:
            path = rng.choice(list(self.clips))
            title, other = self.clips[path]
            await visitor.upload("upload", path)
            self._compare(path, visitor.title, title)
            if action == "another placement":
                await visitor.select("attention", list(CHECKPOINTS)[1])
                self._compare(path, visitor.title, other)
            if action == "reconnect":
                await visitor.reconnect()
                self._compare(path, visitor.title, title)

    def _compare(self, path: Path, title: str, expected: str) -> None:
        if title != expected:
            self.wrong.append(f"{path.name}: {title!r}, not {expected!r}")

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

    def slope(self, minutes: float) -> str:
        """Say how much memory the server took, and how that grew in the last two thirds of the time or more."""
        begin_s = min(WARM_UP_S, 20 * minutes)
        after = np.array([point for point in self.memory if begin_s < point[0] < 60 * minutes])
        a_minute = np.polyfit(after[:, 0] / 60, after[:, 1], 1)[0] if len(after) > 2 else float("nan")
        return (
            f"memory of the server {after[:, 1].max():.0f} MB at most, {a_minute:+.1f} MB a minute from minute "
            f"{begin_s / 60:.0f} on"
        )


def main() -> None:
    """Print what one session and what all together found, and write it down if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--record", action="store_true", help="write it to docs/reliability.md")
    parser.add_argument("--shared", action="store_true", help="the machine does other work: write no times")
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
        try:
            app.assert_no_crash()
        except AssertionError as error:
            load.wrong.append(f"the server's log: {error}")
    told = {action: _times(seconds, alone.get(action)) for action, seconds in sorted(load.times.items())}
    print(f"{describe_machine()}, {options.sessions} sessions, {options.minutes:g} min")
    for action, times in told.items():
        print(f"{action:18} {len(load.times[action]):5} times, {times}")
    print(f"wrong answers and errors  {len(load.wrong)} {[told[:200] for told in load.wrong[:5]]}")
    print(load.slope(options.minutes))
    if options.record:
        row = _row(options, load, {} if options.shared else told)
        record("python -m benchmarks.load", [row])


def _times(seconds: list[float], alone: list[float] | None) -> str:
    lone = f"; one session alone {np.median(alone):.2f} s" if alone else ""
    return f"median {np.median(seconds):.2f} s, 95th percentile {np.percentile(seconds, 95):.2f} s{lone}"


def _row(options: argparse.Namespace, load: Load, told: dict[str, str]) -> Row:
    n_tried = sum(map(len, load.times.values()))
    kinds = ", ".join(f"{action} {len(load.times[action])}" for action in sorted(load.times))
    attack = f"{options.sessions} sessions at once for {options.minutes:g} minutes, over all pages ({kinds})"
    came_of = {"wrong answers and errors": len(load.wrong)}
    more = [load.slope(options.minutes), *(f"{action}: {times}" for action, times in told.items())]
    more += [] if told else ["times are left out, as the machine did other work too"]
    return Row(attack, n_tried, came_of, "; ".join([describe_machine(), *more]))


if __name__ == "__main__":
    main()
