"""What tests of several folders share: real clips, a tiny dataset, a small network and its checkpoint."""

import os
import sys

# One thread a process, and in those that it starts: workers share the machine, and two threads that wait for a busy
# core are slower than one. Set before torch is imported; MKL and OpenBLAS go by it too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import atexit
import csv
import shutil
import tempfile
import wave
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from acrnn.audio import decode
from acrnn.checkpoints import CheckpointConfig, save
from acrnn.data import discover, load
from acrnn.features import FrontEnd, Segments, log_spectrogram
from acrnn.labels import ESC10, ESC50
from acrnn.model import ACRNN, NetworkConfig
from acrnn.runs.finish import finish_run
from acrnn.runs.loop import train
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.work import work
from acrnn.training import Corpus, Recipe, Split
from acrnn.training.config import RunConfig
from acrnn.training.machine import n_cores

# The same examples everywhere: a test that fails in CI fails at home. `--hypothesis-profile=search` draws new ones.
settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=50)
settings.register_profile("search", database=None, deadline=None, max_examples=2000)
settings.load_profile("same")

TESTS = Path(__file__).resolve().parent
TINY_RATE_HZ = 16_000
TINY_FRONT_END = FrontEnd(rate_hz=TINY_RATE_HZ, n_bands=32)


# No test reads or fills the user's own folders, not even those that list files while they are collected.
OWN = Path(tempfile.mkdtemp(prefix="acrnn-tests-"))
atexit.register(shutil.rmtree, OWN, ignore_errors=True)
for _name in ("CACHE", "CHECKPOINTS", "DATASETS", "RESULTS", "RUNS"):
    os.environ[f"ACRNN_{_name}"] = str(OWN / _name.lower())
os.environ.pop("ACRNN_SHIPPED", None)


SLOW = ("runs", "export", "cli", "scan", "measures", "web")
"""Folders of tests that take long or start processes, the longest first."""


SLOW_FIXTURES = {"exported", "nodes"}
"""What takes so long to make, an ONNX file and a Ray cluster, that the tests which ask for it are slow ones."""


def pytest_xdist_auto_num_workers():
    """One worker a core, and one more: those with a browser mostly wait for it."""
    return n_cores() + 1


def pytest_collection_modifyitems(items):
    """Put what takes long at the head of the workers' shares, and browser tests into the first two of three or more.

    A worker begins with an equal part of the list and takes from the end of another's when its own is done: quick tests
    there balance what is left, and only these workers need the servers and a browser.
    """
    for item in items:
        if not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    n_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if n_workers == 1:
        return
    heads, quick = [[] for _ in range(n_workers)], []
    by_file = groupby(items, key=lambda item: item.path.relative_to(TESTS))
    slow, browser = {}, []
    for path, found in by_file:
        if path.parts[0] == "browser":
            browser.append(list(found))
        elif path.parts[0] in SLOW:
            slow[path] = list(found)
        else:
            quick += found
    n_browsers = min(2, n_workers - 1)
    for of_file in sorted(browser, key=len, reverse=True):
        shortest = min(heads[:n_browsers], key=len)
        shortest += of_file
    for number, path in enumerate(sorted(slow, key=lambda path: SLOW.index(path.parts[0]))):
        heads[n_browsers + number % (n_workers - n_browsers)] += slow[path]
    items[:] = []
    for number, head in enumerate(heads):
        left = len(quick) + sum(map(len, heads[number:]))
        n_quick = max(0, left // (n_workers - number) - len(head))
        items += head + quick[:n_quick]
        del quick[:n_quick]


@pytest.fixture(scope="session")
def cache_folder():
    """Folder of derived files."""
    return OWN / "cache"


@pytest.fixture(autouse=True)
def own_main():
    """Put the module back that was run: a page run by AppTest takes its place, and a spawned process would run that."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    """Let no checkpoints and results come with the project, so that a test's own are all there are."""
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "nothing shipped"))


@pytest.fixture(scope="session")
def real_roots():
    """Folders of the real datasets under $ACRNN_DATA."""
    if not os.environ.get("ACRNN_DATA"):
        pytest.skip("ACRNN_DATA does not name a folder of real datasets")
    roots = discover(os.environ["ACRNN_DATA"])
    if not roots:
        pytest.skip("ACRNN_DATA holds no dataset in ESC-50's layout")
    return roots


@pytest.fixture(scope="session")
def real_clips(real_roots):
    """Dataset folder's name → four clips of four classes, a dog and a clock tick among them."""
    wanted = ("dog", "rain", "clock_tick", "sneezing")
    of_root = {root.name: load(root, "esc10").clips for root in real_roots}
    return {name: [next(c for c in clips if c.label == label) for label in wanted] for name, clips in of_root.items()}


def write_wav(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """Write mono samples in [-1, 1] as 16-bit PCM."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session", name="write_wav")
def write_wav_fixture():
    """write_wav(path, samples, rate_hz) → path of a 16-bit mono file."""
    return write_wav


def burst(rng: np.random.Generator, freq_hz: float, duration_s: float, rate_hz: int) -> np.ndarray:
    """Noise at −60 dB with a decaying tone somewhere in it: a sound whose features vary over bands and frames."""
    t_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    since_s = t_s - rng.uniform(0, duration_s / 2)
    tone = np.where(since_s > 0, np.exp(-8 * np.clip(since_s, 0, None)), 0) * np.sin(2 * np.pi * freq_hz * t_s)
    return (0.5 * tone + 1e-3 * rng.standard_normal(len(t_s))).clip(-1, 1).astype(np.float32)


def write_dataset(root: Path, clips: list[tuple[int, str]], duration_s: float = 0.5) -> Path:
    """Write a dataset in ESC-50's layout: one synthetic clip for each (fold, label)."""
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    rng = np.random.default_rng(0)
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "fold", "target", "category", "esc10", "src_file", "take"])
        for fold, label in clips:
            target = ESC50.index(label)
            source = 1000 * fold + target
            name = f"{fold}-{source}-A-{target}.wav"
            writer.writerow([name, fold, target, label, True, source, "A"])
            freq_hz = 200 * 1.4 ** ESC10.index(label)
            write_wav(root / "audio" / name, burst(rng, freq_hz, duration_s, TINY_RATE_HZ), TINY_RATE_HZ)
    return root


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    """Ten classes, ten clips of 0.5 s in fold 1 and four in fold 2."""
    clips = [(1, label) for label in ESC10] + [(2, label) for label in ESC10[:4]]
    return write_dataset(tmp_path_factory.mktemp("data") / "tiny", clips)


@pytest.fixture(scope="session")
def tiny_dataset(tiny_root):
    return load(tiny_root, "esc10")


def corpus_of(spectrograms: list[torch.Tensor], floor_db: float = -80.0) -> Corpus:
    """Features of clips in one version each, from their spectrograms (band, frame)."""
    rows, first_row = [], []
    for spectrogram in spectrograms:
        first_row.append([sum(map(len, rows))])
        padded = Segments(spectrogram.shape[1]).pad(spectrogram, floor_db)
        rows.append(padded.permute(2, 0, 1).half())
    n_frames = np.array([[spectrogram.shape[1]] for spectrogram in spectrograms])
    return Corpus(torch.cat(rows), np.array(first_row), n_frames, floor_db=floor_db)


@pytest.fixture(scope="session", name="corpus_of")
def corpus_of_fixture():
    """corpus_of(spectrograms, floor_db) → their features in one version each."""
    return corpus_of


@pytest.fixture(scope="session")
def tiny_corpus(tiny_dataset) -> Corpus:
    """Features of the tiny dataset in 32 bands, without copies."""
    waveforms = [decode(clip.path, TINY_RATE_HZ).samples for clip in tiny_dataset.clips]
    return corpus_of([log_spectrogram(waveform, TINY_FRONT_END) for waveform in waveforms])


@pytest.fixture(scope="session")
def tiny_split(tiny_dataset) -> Split:
    """The clips to train on when fold 2 is held out."""
    training = np.array([i for i, clip in enumerate(tiny_dataset.clips) if clip.fold != 2])
    return Split(training, tiny_dataset.targets(tiny_dataset.clips)[training])


@pytest.fixture(scope="session")
def tiny_run_config(tiny_dataset) -> RunConfig:
    """Three epochs with a quarter of the bands and eight cells: well under a second of SGD each."""
    return RunConfig(
        dataset="esc10",
        data_root=str(tiny_dataset.root),
        data_title="tiny",
        data_fingerprint=tiny_dataset.fingerprint(),
        fold=2,
        network=NetworkConfig(10, "l10", n_bands=32, n_hidden=8),
        front_end=TINY_FRONT_END,
        recipe=Recipe("paper", epochs=3, batch_size=4, n_copies=0),
        seed=0,
        device="cpu",
        precision="fp32",
        code="test",
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_run_config, tiny_corpus, tiny_split, tiny_dataset) -> Run:
    """A run of one epoch, finished; fold 2 was held out."""
    config = replace(tiny_run_config, recipe=Recipe("paper", epochs=1, batch_size=5, n_copies=0))
    run = Run.create(tmp_path_factory.mktemp("runs"), config)
    finish_run(run, train(run, tiny_corpus, tiny_split), tiny_dataset, tiny_corpus, tiny_split)
    return run


def random_segments(n: int, n_bands: int = 32, n_frames: int = 128, seed: int = 0) -> torch.Tensor:
    """(n, 2, band, frame): decibels about −60 and slopes about 0, as loud as real ones."""
    drawn = torch.randn(n, 2, n_bands, n_frames, generator=torch.Generator().manual_seed(seed))
    return drawn * torch.tensor([15.0, 1.5])[:, None, None] + torch.tensor([-60.0, 0.0])[:, None, None]


@pytest.fixture(scope="session", name="random_segments")
def random_segments_fixture():
    """random_segments(n, n_bands, n_frames, seed) → segments as loud as real ones."""
    return random_segments


@pytest.fixture(scope="session")
def make_model():
    """make_model(placement, …) → a small random network whose activations are of ordinary size, in evaluation mode.

    Equal arguments give the very same network: copy it before changing it.
    """

    @cache
    def make(placement="l10", n_classes=10, n_bands=32, n_hidden=8, seed=0) -> ACRNN:
        generator = torch.Generator().manual_seed(seed)
        model = ACRNN(NetworkConfig(n_classes, placement, n_bands=n_bands, n_hidden=n_hidden))
        model.initialise(generator)
        model.standardise_by(torch.tensor([-60.0, 0.0]), torch.tensor([15.0, 1.5]))
        norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        with torch.no_grad():
            model.train()(random_segments(2, n_bands, seed=seed + 1))  # the statistics become those of this batch
            # the read-out is drawn wider, so that classes and frames differ by more than rounding
            model.output.weight.normal_(0, 2, generator=generator)
            if model.attention is not None:
                model.attention.score.weight.normal_(0, 2, generator=generator)
        for norm in norms:
            norm.momentum = 0.01
        return model.eval()

    return make


@pytest.fixture(scope="session")
def checkpoint_config():
    """checkpoint_config(model, name=…, …) → what the config.json of a checkpoint of this model says."""

    def make(model: ACRNN, name: str | None = None, front_end: FrontEnd = TINY_FRONT_END, **changes):
        config = CheckpointConfig(
            name=name or f"esc10-{model.config.placement}-paper-fold1",
            network=model.config,
            front_end=replace(front_end, n_bands=model.config.n_bands),
            labels=ESC10,
            normalisation={"mean": model.mean.tolist(), "std": model.std.tolist()},
            dataset="esc10",
            data_title="ESC-10 16 kHz",
            data_fingerprint="0" * 64,
            fold=1,
            recipe=Recipe("paper").as_dict(),
            seed=0,
            protocol="Not trained at all.",
            scores={"n_clips": 10, "n_correct": 1, "accuracy": 0.1, "interval": [0.02, 0.4]},
            provenance={"code": "test"},
        )
        return replace(config, **changes)

    return make


@pytest.fixture(scope="session")
def save_checkpoint(make_model, checkpoint_config):
    """save_checkpoint(root, placement, …) → a checkpoint of a small random network."""

    def make(root: Path, placement="l10", front_end: FrontEnd = TINY_FRONT_END, **changes):
        model = make_model(placement)
        return save(model, checkpoint_config(model, front_end=front_end, **changes), "# card\n", root=root)

    return make


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory, save_checkpoint):
    """Folder with a checkpoint at l10, l2-softmax, l4-sigmoid and none."""
    root = tmp_path_factory.mktemp("checkpoints")
    for placement in ("l10", "l2-softmax", "l4-sigmoid", "none"):
        save_checkpoint(root, placement)
    return root


OWN_LABELS = ("<b>x", "=1+1", "NA", "predicted")


@pytest.fixture(scope="session")
def own_root(tmp_path_factory):
    """One's own classes, four with odd names: five clips of 0.3 to 1 s each, and one of 11 s."""
    root = tmp_path_factory.mktemp("data") / "Odd names"
    rng = np.random.default_rng(0)
    for k, label in enumerate(OWN_LABELS):
        (root / label).mkdir(parents=True)
        for i in range(5):
            t_s = np.arange(int(TINY_RATE_HZ * (0.3 + 0.15 * i))) / TINY_RATE_HZ
            samples = 0.3 * np.sin(2 * np.pi * 300 * 2**k * t_s) + 1e-2 * rng.standard_normal(len(t_s))
            write_wav(root / label / f"{i}.wav", samples, TINY_RATE_HZ)
    write_wav(root / "NA" / "long.wav", rng.uniform(-0.1, 0.1, 11 * TINY_RATE_HZ), TINY_RATE_HZ)
    return root


@pytest.fixture(scope="session")
def own_run(own_root, tmp_path_factory) -> Run:
    """A run of one epoch on one's own classes, finished; fold 1 was held out."""
    config, dataset = configure(Options(own_root, "own", 1, recipe="plain", epochs=1, device="cpu"))
    network = NetworkConfig(len(OWN_LABELS), "l10", n_bands=32, n_hidden=8)
    config = replace(config, network=network, front_end=TINY_FRONT_END, precision="fp32")
    run = Run.create(tmp_path_factory.mktemp("runs"), config)
    work(run, dataset)
    return run
