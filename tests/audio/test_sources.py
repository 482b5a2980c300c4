"""What a recording can come as."""

import array
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from acrnn.audio import Limits, decode, from_array
from acrnn.errors import AcrnnError, AudioTooLargeError, BadSamplesError, NotAudioError
from tests.audio.audio_files import noise, soundfile_bytes

RATE_HZ = 16_000
CLIP = noise(3000)
WAV = soundfile_bytes(CLIP, RATE_HZ, "WAV", "FLOAT")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO, lambda b: io.BufferedReader(io.BytesIO(b))])
def test_bytes_and_open_files(kind):
    np.testing.assert_array_equal(decode(kind(WAV), RATE_HZ).samples, CLIP)


def test_an_open_file_is_read_from_its_start_whatever_its_name(tmp_path):
    path = tmp_path / "tone.raw"
    path.write_bytes(WAV)
    with path.open("rb") as file:
        file.seek(100)
        np.testing.assert_array_equal(decode(file, RATE_HZ).samples, CLIP)
        assert not file.closed
        with pytest.raises(NotAudioError, match="accepted"):
            decode(io.BytesIO(b"text " * 99), RATE_HZ)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_by_its_path(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(WAV,))
    writer.start()
    np.testing.assert_array_equal(decode(path, RATE_HZ).samples, CLIP)
    writer.join()


def test_a_pipe_without_end_stops_at_the_limit():
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def read(self, n=-1):
            return bytes(n)

    with pytest.raises(AudioTooLargeError, match=r"the file goes on beyond the limit.*ACRNN_MAX_GIB"):
        decode(Endless(), RATE_HZ, limits=Limits(max_bytes=5 * 2**20))


@pytest.mark.parametrize(
    "kind",
    [
        torch.from_numpy,
        lambda a: torch.from_numpy(a).requires_grad_(),
        np.ndarray.tolist,
        lambda a: array.array("f", a),
        lambda a: memoryview(a),
        lambda a: a.astype(np.float64),
        lambda a: a[:, None],
    ],
    ids=["tensor", "tensor with a gradient", "list", "array.array", "memoryview", "float64", "one column"],
)
def test_samples_of_any_library(kind):
    np.testing.assert_array_equal(from_array(kind(CLIP), RATE_HZ, RATE_HZ).samples, CLIP)


@pytest.mark.parametrize("what", [None, 3, "text", {"samples": [1]}, [[1, 2], [3]], (CLIP, RATE_HZ), object(), [None]])
def test_what_is_no_samples_is_told_what_is_taken(what):
    with pytest.raises(BadSamplesError, match=r"the array (is|has)"):
        from_array(what, RATE_HZ, RATE_HZ)


@pytest.mark.parametrize("what", [None, 3, CLIP, [1, 2], io.StringIO("text"), "a\0b", "x" * 5000])
def test_what_is_no_file_is_an_error_of_ours(what):
    with pytest.raises(AcrnnError):
        decode(what, RATE_HZ)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_a_device_is_refused_before_it_is_copied():
    with pytest.raises(NotAudioError, match="/dev/zero is a device; a sound file or a pipe is needed"):
        decode("/dev/zero", RATE_HZ)


def test_a_closed_file_is_an_error_of_ours():
    file = io.BytesIO(WAV)
    file.close()
    with pytest.raises(NotAudioError, match="cannot be read"):
        decode(file, RATE_HZ)


@pytest.mark.parametrize("rate_hz", ["44100", None, [1]])
def test_a_rate_is_a_number(rate_hz):
    with pytest.raises(BadSamplesError, match="384000"):
        from_array(CLIP, rate_hz, RATE_HZ)
