"""Many files in one go: rows for all of them whatever happens, nothing lost and nothing twice."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from acrnn.audio import Limits
from acrnn.errors import OptionError
from acrnn.events import find_events
from acrnn.inference import load
from acrnn.scan import Options, Scan, find_files
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
N_FILES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_wav):
    """Twelve sounds in two folders, two files that are no sound, and what is not to be found."""
    root = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(0)
    for i in range(N_FILES):
        (root / str(i % 2)).mkdir(exist_ok=True)
        write_wav(root / str(i % 2) / f"{i:02}.wav", rng.uniform(-0.3, 0.3, 22_050), 22_050)
    (root / "0" / "=junk.wav").write_bytes(b"junk")
    (root / os.fsdecode(b"c\xff.flac")).write_bytes(b"junk")
    (root / ".hidden.wav").write_bytes(b"junk")
    (root / "notes.txt").write_text("no sound")
    (root / "1" / "again").symlink_to(root)
    return root


@pytest.fixture(scope="module")
def predictor(tiny_checkpoints):
    return load(str(tiny_checkpoints / "esc10-l10-paper-fold1"), "cpu")


def scan_of(predictor, files, jobs=1, rows="files", **options):
    return Scan(predictor, Options(rows, Limits(), **options), files, jobs)


def test_a_folder_gives_its_recordings_once_in_order(folder):
    files = [str(path.relative_to(folder)) for path in find_files([folder], pytest.fail)]
    expected = ["0/00.wav", "0/02.wav", "0/04.wav", "0/06.wav", "0/08.wav", "0/10.wav", "0/=junk.wav"]
    assert sorted(files) == sorted([*expected, *(f"1/{i:02}.wav" for i in range(1, 12, 2)), os.fsdecode(b"c\xff.flac")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for_and_a_link_to_nowhere_is_told(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("nowhere")
    assert find_files([tmp_path], pytest.fail) == [tmp_path / "b.wav"]
    assert find_files([tmp_path / "a.wav"], pytest.fail) == [tmp_path / "a.wav"]  # which was named


def test_the_three_formats_hold_the_same(folder, predictor, tmp_path):
    files = find_files([folder], pytest.fail)
    for suffix in ("csv", "parquet", "jsonl"):
        scanned = scan_of(predictor, files)
        scanned.write(tmp_path / f"out.{suffix}")
        assert scanned.tally.failed.total() == 2
    csv, parquet = pd.read_csv(tmp_path / "out.csv"), pd.read_parquet(tmp_path / "out.parquet")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(csv) == len(parquet) == len(rows) == N_FILES + 2
    for name in ("label", "probability", "p_dog", "duration_s", "error_kind"):
        assert csv[name].fillna("").tolist() == parquet[name].fillna("").tolist()
        assert parquet[name].fillna("").tolist() == [row[name] if row[name] is not None else "" for row in rows]
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv", "out.parquet", "out.jsonl"}


def test_rows_of_events_are_those_that_are_found(folder, predictor):
    path = folder / "0" / "00.wav"
    scanned = scan_of(predictor, [path, folder / "0" / "=junk.wav"], rows="events")
    rows = [dict(zip(scanned.layout.columns, row, strict=True)) for row in scanned.stream()]
    found = find_events(predictor(path))
    assert [row["label"] for row in rows] == [*(event.label for event in found), None]
    assert [row["start_s"] for row in rows[:-1]] == pytest.approx([event.start_s for event in found], abs=1e-3)
    assert rows[-1]["error_kind"] == "NotAudioError"
    assert not any(name.startswith("p_") for name in scanned.layout.columns)


def test_rows_are_what_the_predictor_says(folder, predictor):
    path = folder / "0" / "00.wav"
    scanned = scan_of(predictor, [path], rows="segments")
    rows = [dict(zip(scanned.layout.columns, row, strict=True)) for row in scanned.stream()]
    segments = predictor(path).segments
    assert [row["label"] for row in rows] == [segment.label for segment in segments]
    assert [row["probability"] for row in rows] == pytest.approx(
        [segment.probability for segment in segments], abs=1e-6
    )


def test_a_journal_of_other_settings_is_not_gone_on_with(folder, predictor, tmp_path):
    out = tmp_path / "out.csv"
    (tmp_path / "out.csv.part.jsonl").write_bytes(b'{"schema": 1, "checkpoint": "another"}\n')
    with pytest.raises(OptionError, match="other settings: checkpoint is 'another' there"):
        scan_of(predictor, find_files([folder], pytest.fail)).write(out)


@pytest.mark.slow
def test_a_killed_scan_goes_on_and_loses_nothing(folder, tiny_checkpoints, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    name = str(tiny_checkpoints / "esc10-l10-paper-fold1")
    command = [sys.executable, "-m", "acrnn", "scan", str(folder), "--checkpoint", name, "--device", "cpu", "--jobs"]
    out, journal = tmp_path / "out.jsonl", tmp_path / "out.jsonl.part.jsonl"
    first = subprocess.Popen([*command, "1", "--out", str(out)], env=environment)
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    if journal.exists():  # else it was faster
        with journal.open("ab") as file:
            file.write(b'{"path": "cut sho')
    again = subprocess.run(
        [*command, "2", "--out", str(out), "--overwrite"], env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 2, again.stderr
    assert "2 failed" in again.stderr
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert paths == [str(path) for path in find_files([folder], pytest.fail)]


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_own_file(folder, predictor):
    files = 3 * [path for path in find_files([folder], pytest.fail) if path.suffix == ".wav" and "=" not in path.name]
    rows = scan_of(predictor, files, jobs=2).stream()
    found = [next(rows)]
    children = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    children[0].kill()
    found += list(rows)
    died = [row for row in found if row[-2] == "WorkerDied"]
    assert sorted(row[0] for row in found) == sorted(map(str, files))
    assert len(died) <= 1
    assert all("ended abruptly" in row[-1] for row in died)
