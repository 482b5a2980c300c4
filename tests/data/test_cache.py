import hashlib
from pathlib import Path

import numpy as np
import pytest

from acrnn.data.cache import atomic_path, atomic_write_bytes, cache_dir, sha256_of

# FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("ACRNN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)


def test_the_users_choice_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    monkeypatch.setenv("ACRNN_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    assert not cache_dir().exists()


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "/xdg", Path("/xdg/acrnn")),
        ("linux", "XDG_CACHE_HOME", "relative", Path.home() / ".cache/acrnn"),
        ("linux", "XDG_CACHE_HOME", "", Path.home() / ".cache/acrnn"),
        ("darwin", "XDG_CACHE_HOME", "/xdg", Path.home() / "Library/Caches/acrnn"),
        ("win32", "LOCALAPPDATA", "/local", Path("/local/acrnn")),
        ("win32", "LOCALAPPDATA", "", Path.home() / "AppData/Local/acrnn"),
    ],
)
def test_each_platform_has_its_own_folder(monkeypatch, platform, variable, value, expected):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, value)
    assert cache_dir() == expected


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "deep" / "file.bin"
    atomic_write_bytes(path, b"old")
    atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), atomic_path(path) as temporary:
        (temporary.write_bytes(b"ne"), (tmp_path / "nowhere").read_bytes())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_appends_its_suffix_meets_it_there_already(tmp_path):
    with atomic_path(tmp_path / "array.npy") as temporary:
        np.save(temporary, np.arange(3))
    np.testing.assert_array_equal(np.load(tmp_path / "array.npy"), [0, 1, 2])


def test_the_file_may_be_read_by_whom_the_umask_lets(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    atomic_write_bytes(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_hash_of_bytes_and_of_a_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(b"abc") == sha256_of(tmp_path / "abc") == sha256_of(str(tmp_path / "abc")) == ABC
    assert sha256_of(b"") == hashlib.sha256().hexdigest()
