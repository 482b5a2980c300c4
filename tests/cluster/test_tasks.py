"""What is tried again and what is not, without a cluster."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from acrnn.audio import Limits, render
from acrnn.checkpoints import find
from acrnn.cluster import scan as cluster_scan
from acrnn.cluster.parts import list_items
from acrnn.cluster.scan import ClusterScan, scan_part
from acrnn.cluster.store import Folder
from acrnn.cluster.tasks import MOST_ATTEMPTS, Lost, run_on_cluster
from acrnn.errors import FolderError, OptionError, RunError, StoreError
from acrnn.scan import Options


@pytest.fixture
def fake_ray(monkeypatch):
    """A `ray` that runs nothing: a reference is a function, and its result is what that returns or raises."""
    ray = pytest.importorskip("ray", reason="the extra acrnn[ray] is not installed")
    monkeypatch.setattr(ray, "wait", lambda working, timeout: (working[:1], working[1:]))
    monkeypatch.setattr(ray, "get", lambda reference: reference())
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1.0})
    monkeypatch.setattr(ray, "cancel", lambda reference, force: None)
    monkeypatch.setattr(ray, "put", lambda value: value)
    return ray


def raising(error):
    def fail():
        raise error

    return fail


def test_what_dies_is_tried_again_so_often_and_what_goes_well_is_not(fake_ray):
    from ray.exceptions import NodeDiedError, RayTaskError, WorkerCrashedError

    given = Counter()

    def submit(piece, attempt):
        assert given[piece] == attempt
        given[piece] += 1
        if piece == "weak" and attempt < 2:
            return raising(NodeDiedError("gone") if attempt else WorkerCrashedError())
        if piece == "broken":
            return raising(RayTaskError("scan_part", "", ConnectionError("no answer")).as_instanceof_cause())
        return lambda: piece.upper()

    results = dict(run_on_cluster(["good", "weak", "broken"], submit))
    assert results == {"good": "GOOD", "weak": "WEAK", "broken": Lost("ConnectionError: no answer")}
    assert given == {"good": 1, "weak": 3, "broken": MOST_ATTEMPTS}


def test_an_error_of_the_users_ends_all_at_once(fake_ray):
    from ray.exceptions import RayTaskError

    error = RayTaskError("scan_part", "", FolderError("out cannot be written.")).as_instanceof_cause()
    with pytest.raises(FolderError, match=r"^out cannot be written\.$"):
        list(run_on_cluster([1, 2], lambda piece, attempt: raising(error)))


@dataclass(frozen=True)
class Away:
    """A recording in a store that does not answer."""

    def __call__(self):
        raise StoreError("clip.wav cannot be opened (no answer).")


@pytest.fixture
def scanned(tiny_checkpoints, write_wav, tmp_path):
    """A scan of two recordings, the second of which is away."""
    paths = [write_wav(tmp_path / name, render("dog").samples[:16_000], 16_000) for name in ("a.wav", "b.wav")]
    first, second = list_items(map(str, paths), pytest.fail)
    items = [first, replace(second, source=Away())]
    checkpoint = find(str(tiny_checkpoints / "esc10-l10-paper-fold1"))
    return ClusterScan(checkpoint, Options("files", Limits()), items, Folder(str(tmp_path / "out")))


def test_what_a_store_does_not_give_is_tried_again_before_it_becomes_a_row(scanned, tmp_path, monkeypatch):
    (part,) = scanned._parts
    with pytest.raises(ConnectionError, match="no answer"):
        scan_part(scanned._job, part, 0)
    assert not list(tmp_path.glob("out/*"))
    monkeypatch.setattr(cluster_scan, "MOST_ATTEMPTS", 1)
    assert scan_part(scanned._job, part, 0).failed == Counter(StoreError=1)
    table = pd.read_parquet(tmp_path / "out" / part.name)
    assert table["error_kind"].isna().tolist() == [True, False]


def test_a_machine_with_other_code_is_refused(scanned):
    (part,) = scanned._parts
    with pytest.raises(OptionError, match="another version of acrnn"):
        scan_part(replace(scanned._job, code="other"), part, 0)


def test_a_scan_with_a_part_that_fails_is_not_complete_and_says_why(scanned, tmp_path, monkeypatch, fake_ray):
    monkeypatch.setattr(
        cluster_scan, "run_on_cluster", lambda parts, submit: [(part, Lost("no room")) for part in parts]
    )
    with pytest.raises(RunError, match=f"1 of 1 parts failed {MOST_ATTEMPTS} times, .+: no room"):
        scanned.write()
    assert {path.name for path in Path(tmp_path / "out").iterdir()} == {cluster_scan.PLAN}


def test_a_complete_scan_is_replaced_as_a_whole(scanned, tmp_path, monkeypatch, fake_ray):
    (part,) = scanned._parts
    out = tmp_path / "out"
    out.mkdir()
    for name in (cluster_scan.COMPLETE, part.name, "part-000001-old.parquet", ".left.tmp.parquet", "mine.txt"):
        (out / name).write_bytes(b"of before")
    (out / cluster_scan.PLAN).write_text('{"weights": "others"}')
    with pytest.raises(OptionError, match="holds a complete scan already"):
        scanned.write()
    assert (out / part.name).read_bytes() == b"of before"
    monkeypatch.setattr(cluster_scan, "MOST_ATTEMPTS", 1)
    given = []

    def here(parts, submit):
        given.extend(parts)
        yield from ((part, scan_part(scanned._job, part, 0)) for part in parts)

    monkeypatch.setattr(cluster_scan, "run_on_cluster", here)
    scanned.write(overwrite=True)
    assert given == [part]
    assert len(pd.read_parquet(out / part.name)) == 2
    assert {path.name for path in out.iterdir()} == {cluster_scan.COMPLETE, cluster_scan.PLAN, part.name, "mine.txt"}
