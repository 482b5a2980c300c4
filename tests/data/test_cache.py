import hashlib
import os

import numpy as np
import pytest

from acrnn.data.cache import atomic_path, atomic_write_bytes, sha256_of

# FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="It is a device or a pipe, and an ordinary file is needed"):
            atomic_write_bytes(tmp_path / name, b"x")
    assert (tmp_path / "pipe").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link"}
