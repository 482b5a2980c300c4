"""Names, encodings and folders as they come: one file ends no batch, and what is done is not lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
NAME = "esc10-l10-paper-fold1"
COMMAND = (sys.executable, "-m", "acrnn")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory, write_wav):
    """A folder with the same sound under names that are not everybody's, and one file that is no sound."""
    folder = tmp_path_factory.mktemp("sounds")
    content = write_wav(folder / "-x.wav", np.random.default_rng(0).uniform(-0.3, 0.3, 22_050), 22_050).read_bytes()
    for name in ("犬.wav".encode(), b"b\xff\xfe.wav"):
        (folder / os.fsdecode(name)).write_bytes(content)
    (folder / os.fsdecode(b"c\xff.wav")).write_bytes(b"junk")
    return folder


@pytest.fixture(scope="module")
def environment(tiny_checkpoints):
    return os.environ | {"ACRNN_CHECKPOINTS": str(tiny_checkpoints), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def predict(folder, environment, *arguments, **more):
    names = sorted(path.name for path in folder.iterdir())
    command = [*COMMAND, "predict", *names, "a" * 300, "--checkpoint", NAME, "--device", "cpu", *arguments]
    return subprocess.run(command, cwd=folder, env=environment | more, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["cp1252", "cp932"])
def test_a_batch_is_done_whatever_its_names_and_wherever_it_is_printed(sounds, environment, encoding):
    done = predict(sounds, environment, "--top", "1", PYTHONIOENCODING=encoding)
    assert done.returncode == 2  # for the two that are no sound
    headings = [line for line in done.stdout.decode(encoding).splitlines() if line.endswith("(1.00 s)")]
    dog = "\\u72ac.wav" if encoding == "cp1252" else "犬.wav"
    assert [line.split()[0] for line in headings] == ["-x.wav", "b\\udcff\\udcfe.wav", dog]
    told = done.stderr.decode(encoding)
    assert "Traceback" not in told
    assert "c\\udcff.wav is not audio" in told
    assert "a cannot be opened (File name too long)" in told


def test_a_name_that_a_terminal_would_obey_is_shown_and_what_cannot_be_read_ends_no_batch(
    sounds, environment, tmp_path
):
    obeyed = tmp_path / "\x1b[31m\u202ered.wav"
    shutil.copy(sounds / "-x.wav", obeyed)
    (tmp_path / "a-memory.wav").symlink_to("/proc/self/mem")  # which opens, and cannot be sought in
    (tmp_path / "a-zero.wav").symlink_to("/dev/zero")
    done = predict(tmp_path, environment, "--top", "1", "--partial")
    told = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 2
    assert "\\x1b[31m\\u202ered.wav  (1.00 s)" in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "a-memory.wav cannot be read (" in told or not Path("/proc/self/mem").exists()
    assert "a-zero.wav is a device; a sound file or a pipe is needed." in told or not Path("/dev/zero").exists()


def test_json_passes_every_encoding_and_gives_the_names_back(sounds, environment):
    done = predict(sounds, environment, "--json", PYTHONIOENCODING="cp1252")
    paths = [row["path"] for row in json.loads(done.stdout)]
    assert [os.fsencode(path) for path in paths] == [b"-x.wav", b"b\xff\xfe.wav", "犬.wav".encode()]


def test_what_is_done_when_it_is_interrupted_is_told(sounds, environment, tmp_path):
    pipe = tmp_path / "never"
    os.mkfifo(pipe)
    command = [*COMMAND, "predict", "--json", "--checkpoint", NAME, "--device", "cpu", "./-x.wav", str(pipe)]
    process = subprocess.Popen(
        command, cwd=sounds, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    writer = []

    def is_reading():
        assert process.poll() is None
        try:
            writer.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads it yet
            return False
        return True

    wait_until(is_reading)
    first = process.stdout.readline()  # told at once, not at the end
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    os.close(writer[0])
    assert process.returncode == 130
    assert [row["path"] for row in json.loads(first + out)] == ["-x.wav"]
    assert any(line.startswith("stopped") for line in err.decode().splitlines())


def test_a_user_without_a_home_has_librosa_though_all_packages_are_read_only(tmp_path):
    code = (
        "import os, pwd, sys\n"
        "def unknown(number): raise KeyError(number)\n"
        "pwd.getpwuid = unknown\n"
        "os.access = lambda *_: False\n"
        "from acrnn.audio.librosa_modules import librosa_module\n"
        "print(librosa_module('librosa.effects').time_stretch.__name__)\n"
        "print(os.environ.get('XDG_CACHE_HOME'), os.environ['NUMBA_CACHE_DIR'])\n"
    )
    left_out = ("HOME", "XDG_CACHE_HOME", "ACRNN_CACHE")
    environment = {key: value for key, value in os.environ.items() if key not in left_out} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    name, places = done.stdout.splitlines()
    assert name == "time_stretch"
    assert places.startswith(f"None {tmp_path}")
