"""Which recordings there are, in which parts, and what the command line says to what it does not take."""

import os
from pathlib import Path

import numpy as np
import pytest

from acrnn.cluster import session, store
from acrnn.cluster.parts import cut, list_items
from acrnn.cluster.store import Folder, StoredFile
from acrnn.errors import FolderError, NotAudioError, OptionError, StoreError
from acrnn.inference import load
from acrnn.scan import find_files
from tests.command_line import run_command


@pytest.fixture
def folder(tmp_path, write_wav):
    for name in ("b/2.wav", "a/1.wav", "a/.hidden.wav", ".git/3.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_wav(tmp_path / name, np.random.default_rng(0).uniform(-0.3, 0.3, 16_000), 16_000)
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path


def test_folders_and_uris_give_the_recordings_that_a_scan_here_finds(folder):
    here = [str(path) for path in find_files([folder], pytest.fail)]
    assert [item.name for item in list_items([str(folder), str(folder / "a")], pytest.fail)] == here
    stored = list_items([f"file://{folder}"], pytest.fail)
    assert [item.name for item in stored] == [f"file://{name}" for name in here]
    assert [item.stamp for item in stored] == [
        (path.stat().st_size, path.stat().st_mtime_ns) for path in map(Path, here)
    ]


def test_a_name_of_a_part_follows_from_its_recordings_and_the_settings(folder):
    items = list_items([str(folder)], pytest.fail)
    names = [part.name for part in cut(items, {"rows": "files"}, 1)]
    assert [name[:12] for name in names] == ["part-000000-", "part-000001-"]
    assert [part.name for part in cut(items, {"rows": "files"}, 1)] == names
    assert not {part.name for part in cut(items, {"rows": "segments"}, 1)} & set(names)
    os.utime(folder / "a" / "1.wav", ns=(0, 0))
    changed = [part.name for part in cut(list_items([str(folder)], pytest.fail), {"rows": "files"}, 1)]
    assert (changed[0] != names[0], changed[1]) == (True, names[1])


def test_a_part_ends_where_it_has_bytes_enough(folder, monkeypatch):
    monkeypatch.setattr("acrnn.cluster.parts.BYTES_A_PART", 10)
    assert [len(part.items) for part in cut(list_items([str(folder)], pytest.fail), {})] == [1, 1]


def test_a_recording_in_a_store_predicts_as_on_a_disk(folder, tiny_checkpoints):
    predictor = load(str(tiny_checkpoints / "esc10-l10-paper-fold1"), "cpu")
    (first, *_) = list_items([f"file://{folder}/a/1.wav"], pytest.fail)
    with first.source() as file:
        found = predictor(file)
    assert (found.probabilities == predictor(folder / "a" / "1.wav").probabilities).all()


def test_what_a_store_does_not_give_is_the_stores_error(folder):
    gone = StoredFile(f"file://{folder}", str(folder / "gone.wav"), "gone.wav")
    with pytest.raises(StoreError, match=r"gone\.wav cannot be opened"), gone():
        pass

    class Breaking:
        def read(self, n_bytes):
            raise OSError("connection reset")

    with pytest.raises(StoreError, match="clip cannot be read on"):
        store._Telling(Breaking(), "clip").read(1)
    assert not issubclass(StoreError, NotAudioError)


@pytest.mark.parametrize("scheme", ["", "file://", "memory://"])
def test_a_file_of_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path, scheme):
    out = Folder(f"{scheme}{tmp_path}/out")
    assert out.names() == set()
    out.write("a", lambda path: path.write_bytes(b"one"))
    with pytest.raises(ZeroDivisionError):
        out.write("b", lambda path: (path.write_bytes(b"half"), 1 / 0))
    assert out.names() == {"a"}
    out.write("a", lambda path: path.write_bytes(b"two"))
    assert out.read("a") == b"two"
    with out.open("a") as file:
        assert file.seek(1) == 1
        assert file.read() == b"wo"
    out.remove("a")
    assert out.names() == set()


@pytest.mark.parametrize(
    ("path", "kind", "sentence"),
    [
        ("-", OptionError, "--ray reads no standard input"),
        ("nothing://bucket/a", OptionError, "nothing://bucket/a cannot be opened"),
    ],
)
def test_what_is_no_place_is_one_sentence(path, kind, sentence):
    with pytest.raises(kind, match=sentence):
        list_items([path], pytest.fail)


def test_a_place_with_nothing_is_told_and_the_others_are_listed(folder):
    told = []
    items = list_items([f"file://{folder}/nowhere", str(folder / "a")], told.append)
    assert (len(items), [type(error) for error in told]) == (1, [FolderError])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("s3://bucket/a",), "s3://bucket/a is read and written with --ray alone; without it files are accepted."),
        (("a", "--ray"), "--ray writes a folder of Parquet files, and --out is -; a folder or a URI is accepted."),
        (("a", "--ray", "--out", "b.csv"), "--ray writes a folder of Parquet files, and --out is b.csv; "),
        (("a", "--ray", "--out", "b", "--jobs", "2"), "--jobs is for this machine; with --ray "),
        (("a", "--out", "b.csv", "--part", "2"), "--part goes with --ray; without it a scan writes one file."),
        (("a", "--ray", "--out", "b", "--device", "mps"), "--ray works on cpu or cuda, not on mps."),
    ],
)
def test_the_command_says_in_one_sentence_what_it_does_not_take(monkeypatch, capsys, arguments, sentence):
    code, _, err = run_command(monkeypatch, capsys, "scan", *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"error: {sentence}")


@pytest.mark.parametrize("of", [("scan", "a"), ("sweep", "table1", "--data", "a", "--dataset", "esc10")])
def test_without_ray_a_sentence_says_how_to_install_it(monkeypatch, capsys, of):
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    sentence = "error: --ray needs the package ray; pip install ray, or the extra acrnn[ray], brings it.\n"
    assert run_command(monkeypatch, capsys, *of, "--ray", "--out", "b") == (2, "", sentence)


def test_an_address_where_no_cluster_is_is_one_sentence(monkeypatch):
    ray = pytest.importorskip("ray", reason="the extra acrnn[ray] is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    sentence = r"There is no Ray cluster at nothing \(.+\); auto, local or"
    with pytest.raises(OptionError, match=sentence), session.connected("nothing"):
        pass
