"""A scan on two nodes, one of which is killed: nothing lost, nothing twice, and the bytes of one machine."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acrnn.audio import Limits
from acrnn.checkpoints import find
from acrnn.cluster import scan as cluster_scan
from acrnn.cluster.parts import list_items
from acrnn.cluster.scan import COMPLETE, PLAN, ClusterScan
from acrnn.cluster.store import Folder
from acrnn.errors import OptionError
from acrnn.inference import load
from acrnn.scan import Options, Scan, find_files
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = Options("segments", Limits())
N_FILES, FILES_A_PART = 12, 3


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, write_wav):
    """Sounds of half a second to two in two folders, and one that is none."""
    root = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(0)
    for i in range(N_FILES):
        (root / str(i % 2)).mkdir(exist_ok=True)
        write_wav(root / str(i % 2) / f"{i:02}.wav", rng.uniform(-0.3, 0.3, rng.integers(8000, 32_000)), 16_000)
    (root / "0" / "junk.wav").write_bytes(b"junk")
    return root


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoints):
    return find(str(tiny_checkpoints / "esc10-l10-paper-fold1"))


@pytest.fixture(scope="module")
def expected(recordings, checkpoint, tmp_path_factory):
    """The table that a scan of this machine writes."""
    out = tmp_path_factory.mktemp("local") / "table.parquet"
    Scan(load(str(checkpoint.path), "cpu"), OPTIONS, find_files([recordings], pytest.fail)).write(out)
    return pd.read_parquet(out)


@pytest.fixture
def attempts(monkeypatch):
    """How often each part was given to the cluster, by its index; filled as it is."""
    given = Counter()
    original = cluster_scan.run_on_cluster

    def counted(parts, submit):
        def noted(part, attempt):
            given[part.index] += 1
            return submit(part, attempt)

        return original(parts, noted)

    monkeypatch.setattr(cluster_scan, "run_on_cluster", counted)
    return given


def scan_of(checkpoint, items, out, files_a_part=FILES_A_PART, **more):
    return ClusterScan(checkpoint, OPTIONS, items, Folder(str(out)), files_a_part=files_a_part, **more)


def parts_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


def table_of(folder):
    return pd.concat([pd.read_parquet(folder / name) for name in parts_of(folder)], ignore_index=True)


@dataclass(frozen=True)
class OnceStuck:
    """A recording at which the process that reads it first stays, its number in a file."""

    path: Path
    mark: Path

    def __call__(self):
        if not self.mark.exists():
            self.mark.write_text(str(os.getpid()))
            time.sleep(600)
        return self.path.open("rb")


@dataclass(frozen=True)
class Deadly:
    """A recording that kills every process that reads it, as one that takes all memory does."""

    def __call__(self):
        os.kill(os.getpid(), signal.SIGKILL)


def with_source(items, index, source):
    return [replace(item, source=source) if i == index else item for i, item in enumerate(items)]


def test_a_killed_node_costs_nothing_a_deadly_recording_its_own_row_and_the_rest_is_that_of_one_machine(
    nodes, recordings, checkpoint, expected, attempts, tmp_path
):
    items = list_items([str(recordings)], pytest.fail)
    mark, killed = tmp_path / "mark", []

    def kill_the_stuck(done, total):
        if done and not killed:
            killed.append(int(wait_until(lambda: mark.exists() and mark.read_text())))
            nodes.kill_that_of(killed[0])

    stuck, deadly = 1, len(items) - 2
    given = with_source(items, stuck, OnceStuck(items[stuck].source, mark))
    given = with_source(given, deadly, Deadly())
    scanned = scan_of(checkpoint, given, tmp_path / "out", on_file=kill_the_stuck)
    scanned.write()
    assert killed == [int(mark.read_text())]
    assert [index for index, n in attempts.items() if n > 1] == [stuck // FILES_A_PART, deadly // FILES_A_PART]
    assert scanned.tally.n_new == len(items)
    assert scanned.tally.failed == Counter(NotAudioError=1, WorkerDied=1)
    others = {path.name for path in (tmp_path / "out").iterdir()} - parts_of(tmp_path / "out").keys()
    assert others == {COMPLETE, PLAN}

    table, is_deadly = table_of(tmp_path / "out"), expected["path"] == items[deadly].name
    its = table[table["path"] == items[deadly].name]
    assert its["error_kind"].tolist() == ["WorkerDied"]
    assert its["error"].str.contains("ended abruptly").all()
    rest = table.drop(its.index).reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, expected[~is_deadly].reset_index(drop=True), check_exact=True)

    scan_of(checkpoint, items, tmp_path / "whole").write()
    of_out, of_whole = parts_of(tmp_path / "out"), parts_of(tmp_path / "whole")
    assert [name for name in of_whole if of_whole[name] != of_out[name]] == [list(of_whole)[deadly // FILES_A_PART]]
    pd.testing.assert_frame_equal(table_of(tmp_path / "whole"), expected, check_exact=True)


def test_a_scan_whose_driver_is_killed_goes_on(nodes, recordings, checkpoint, expected, tmp_path):
    command = ["scan", recordings, "--checkpoint", checkpoint.path, "--segments", "--out", tmp_path / "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    more = ["--ray", nodes.address, "--part", "1"]
    driver = subprocess.Popen([sys.executable, "-m", "acrnn", *command, *more], env=environment)
    wait_until(lambda: parts_of(tmp_path / "out") or driver.poll() is not None)
    driver.kill()
    driver.wait()
    kept = parts_of(tmp_path / "out")
    assert kept
    scanned = scan_of(checkpoint, list_items([str(recordings)], pytest.fail), tmp_path / "out", files_a_part=1)
    scanned.write()
    assert scanned.tally.n_kept >= len(kept)
    assert scanned.tally.n_kept + scanned.tally.n_new == N_FILES + 1
    assert scanned.tally.failed == Counter(NotAudioError=1)
    assert kept.items() <= parts_of(tmp_path / "out").items()
    pd.testing.assert_frame_equal(table_of(tmp_path / "out"), expected, check_exact=True)

    with pytest.raises(OptionError, match="holds a complete scan already; --overwrite"):
        scan_of(checkpoint, [], tmp_path / "out").write()


def test_a_folder_of_other_settings_is_not_gone_on_with(checkpoint, tmp_path):
    (tmp_path / PLAN).write_text('{"weights": "others"}')
    with pytest.raises(OptionError, match="begun with other settings: "):
        scan_of(checkpoint, [], tmp_path).write()
