"""Scenes whose event times are known, from held-out clips: each one's own event, alone and before backgrounds.

ESC-50 does not say when an event sounds. So the event of a clip is cut out of its recording by an energy gate and put
at a random time into silence, into pink noise, and into clips of other classes of the same fold.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acrnn.audio import SCENES, decode, encode_wav, noises, render
from acrnn.audio.activity import Events, find_events, sounding_power
from acrnn.audio.degradations import rng_of
from acrnn.audio.effects import add_noise
from acrnn.data import Clip, atomic_write_bytes
from acrnn.measures.backgrounds import Backgrounds

SCENE_S = 5.0
EVENT_S = (0.1, 2.5)
"""Events shorter or longer are left out: 2% of a scene to half of it."""
FADE_S = 0.005
SNRS_DB = (20, 10, 0)
SYNTHETIC_LABELS = ("dog", "rooster", "crying_baby", "sneezing", "clock_tick")
"""Synthetic scenes that do not sound all the time; the other five have nothing to be located."""
N_SYNTHETIC = 8
"""Synthetic scenes of each class, of seeds 0 to 7."""
PEAK = 0.9


@dataclass(frozen=True)
class SceneKind:
    """What an event was put into: `silence`, `noise`, `background` or `synthetic`, and at which ratio."""

    kind: str
    snr_db: int | None = None

    @property
    def key(self) -> str:
        """As files name it: `noise=10`."""
        return self.kind if self.snr_db is None else f"{self.kind}={self.snr_db}"


SCENE_KINDS = (
    SceneKind("synthetic"),
    SceneKind("silence"),
    *(SceneKind(kind, snr_db) for kind in ("noise", "background") for snr_db in SNRS_DB),
)


@dataclass(frozen=True)
class KnownScene:
    """A clip of 5 s and when its event sounds.

    Attributes
    ----------
    name : str
        Unique, and fit for a file's name.
    label : str
    samples : float32 (n_samples,)
    rate_hz : int
    events_s : tuple of (on, off)
    placement : SceneKind
    source, background : str
        Files that the event and its background were taken from; empty where there is none.
    """

    name: str
    label: str
    samples: np.ndarray
    rate_hz: int
    events_s: Events
    placement: SceneKind
    source: str = ""
    background: str = ""

    @property
    def cover(self) -> float:
        """Share of the scene that the event takes."""
        return sum(off - on for on, off in self.events_s) / (len(self.samples) / self.rate_hz)


@dataclass(frozen=True)
class LeftOut:
    """A clip that gives no scene, and why."""

    filename: str
    label: str
    why: str


def cut_event(samples: np.ndarray, rate_hz: int) -> np.ndarray | str:
    """Cut the event with the most energy out of a recording, its edges faded over 5 ms.

    Returns
    -------
    float32 (n_event,), or str
        Why there is none: `silent`, `too short` or `too long` (see `EVENT_S`).
    """
    if not samples.any():
        return "silent"
    energies = {}
    for on_s, off_s in find_events(samples, rate_hz):
        part = samples[round(on_s * rate_hz) : round(off_s * rate_hz)]
        energies[on_s, off_s] = float(np.sum(np.square(part, dtype=np.float64)))
    on_s, off_s = max(energies, key=energies.get)
    if off_s - on_s < EVENT_S[0]:
        return "too short"
    if off_s - on_s > EVENT_S[1]:
        return "too long"
    event = samples[round(on_s * rate_hz) : round(off_s * rate_hz)].copy()
    ramp = np.linspace(0, 1, round(FADE_S * rate_hz), dtype=np.float32)
    event[: len(ramp)] *= ramp
    event[len(event) - len(ramp) :] *= ramp[::-1]
    return event


def scenes_of_clip(clip: Clip, rate_hz: int, backgrounds: Backgrounds) -> list[KnownScene] | LeftOut:
    """Make all scenes of one held-out clip: the same event at the same time, in each placement that it can have."""
    event = cut_event(decode(clip.path, rate_hz).samples, rate_hz)
    if isinstance(event, str):
        return LeftOut(clip.filename, clip.label, event)
    rng = rng_of("scene", clip.path.stem)
    n_samples = round(SCENE_S * rate_hz)
    start = int(rng.integers(n_samples - len(event)))
    alone = np.zeros(n_samples, np.float32)
    alone[start : start + len(event)] = event
    events_s = ((start / rate_hz, (start + len(event)) / rate_hz),)
    beside = {"noise": noises.pink(rng, n_samples, rate_hz), "background": backgrounds.samples(clip)}
    picked = backgrounds.pick(clip)
    power = sounding_power(event, rate_hz)
    scenes = []
    for placement in SCENE_KINDS:
        under = beside.get(placement.kind)
        if placement.kind == "synthetic" or (placement.kind != "silence" and under is None):
            continue
        mixed = alone if under is None else add_noise(alone, under, placement.snr_db, power=power)
        peak = np.abs(mixed).max()
        mixed = mixed * np.float32(min(1.0, PEAK / peak))  # a file of it would clip
        name = f"{clip.path.stem}_{placement.key.replace('=', '_')}"
        behind = picked.filename if placement.kind == "background" else ""
        scenes.append(KnownScene(name, clip.label, mixed, rate_hz, events_s, placement, clip.filename, behind))
    return scenes


def synthetic_scenes(rate_hz: int) -> Iterator[KnownScene]:
    """Render the synthetic scenes of every class that does not sound all the time, `N_SYNTHETIC` of each."""
    for label in SCENES:
        for seed in range(N_SYNTHETIC if label in SYNTHETIC_LABELS else 0):
            yield synthetic_scene(label, seed, rate_hz)


def synthetic_scene(label: str, seed: int, rate_hz: int) -> KnownScene:
    """Render one synthetic scene."""
    scene = render(label, rate_hz, seed)
    name = f"synthetic_{label}_{seed}"
    return KnownScene(name, label, scene.samples, rate_hz, scene.events_s, SceneKind("synthetic"), name)


def write_scenes(
    clips: Sequence[Clip], rate_hz: int, out: Path, on_clip: Callable[[int, int], None] | None = None
) -> tuple[int, list[LeftOut]]:
    """Write every scene of a fold to disk: `audio/*.wav`, their events and what they are made of.

    `events.tsv` has DESED's columns, whose rows sed_eval takes: filename, onset, offset (seconds), event_label;
    `scenes.csv` has placement, ratio, source and background of each.

    Parameters
    ----------
    clips : sequence of Clip
        One fold.
    rate_hz : int
    out : Path
    on_clip : callable, optional
        Told (clips done, clips in all).

    Returns
    -------
    tuple
        Scenes written, and the clips that were left out.
    """
    backgrounds = Backgrounds(clips, rate_hz)
    events, made, left_out = [], [], []

    def write(scene: KnownScene) -> None:
        filename = f"{scene.name}.wav"
        atomic_write_bytes(out / "audio" / filename, encode_wav(scene.samples, rate_hz))
        events.extend((filename, f"{on:.4f}", f"{off:.4f}", scene.label) for on, off in scene.events_s)
        snr = "" if scene.placement.snr_db is None else scene.placement.snr_db
        made.append((filename, scene.label, scene.placement.kind, snr, scene.source, scene.background))

    for scene in synthetic_scenes(rate_hz):
        write(scene)
    for done, clip in enumerate(clips, start=1):
        scenes = scenes_of_clip(clip, rate_hz, backgrounds)
        if isinstance(scenes, LeftOut):
            left_out.append(scenes)
        else:
            for scene in scenes:
                write(scene)
        if on_clip is not None:
            on_clip(done, len(clips))
    head = ("filename", "event_label", "placement", "snr_db", "source", "background")
    _write_rows(out / "events.tsv", ("filename", "onset", "offset", "event_label"), events, "\t")
    _write_rows(out / "scenes.csv", head, made, ",")
    return len(made), left_out


def _write_rows(path: Path, head: Sequence[str], rows: Sequence[Sequence], delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([head, *rows])
    atomic_write_bytes(path, text.getvalue().encode())
