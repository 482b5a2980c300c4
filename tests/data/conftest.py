"""Tiny datasets in ESC-50's layout: real names and counts, a few bytes a clip."""

import csv
import io
import os
import wave
import zipfile
from pathlib import Path

import pytest

from acrnn.labels import ESC10, ESC50

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")


def _rows(labels=ESC10, n_folds=5, n_clips=8):
    return [
        {
            "filename": f"{fold}-{1000 * fold + 10 * ESC50.index(label) + i}-A-{ESC50.index(label)}.wav",
            "fold": str(fold),
            "target": str(ESC50.index(label)),
            "category": label,
            "esc10": str(label in ESC10),
            "src_file": str(1000 * fold + 10 * ESC50.index(label) + i),
            "take": "A",
        }
        for fold in range(1, n_folds + 1)
        for label in labels
        for i in range(n_clips)
    ]


def _table(rows, columns=COLUMNS):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(root: Path, rows, suffix=".wav", columns=COLUMNS) -> Path:
    (root / "meta").mkdir(parents=True, exist_ok=True)
    (root / "audio").mkdir(exist_ok=True)
    (root / "meta" / "esc50.csv").write_text(_table(rows, columns), newline="")
    for row in rows if suffix else ():
        (root / "audio" / row["filename"]).with_suffix(suffix).write_bytes(b"sound")
    return root


@pytest.fixture(scope="session")
def make_rows():
    """make_rows(labels, n_folds, n_clips) → rows of esc50.csv."""
    return _rows


@pytest.fixture(scope="session")
def make_table():
    """make_table(rows) → text of esc50.csv."""
    return _table


@pytest.fixture
def make_dataset(tmp_path):
    """make_dataset(rows, suffix=…, columns=…, name=…) → root of a dataset; without audio if suffix is None."""

    def make(rows, suffix=".wav", columns=COLUMNS, name="tiny"):
        return _write(tmp_path / name, rows, suffix, columns)

    return make


@pytest.fixture(scope="session")
def tiny_wav():
    """Bytes of a valid wav of four samples."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(8))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def pack(make_rows, make_table, tiny_wav):
    """pack(labels, more, drop) → bytes of an archive as GitHub packs it; by default of ESC-10's clips."""

    def build(labels=None, more=(), drop=0):
        rows = make_rows(labels) if labels else make_rows()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            zipped.writestr("ESC-50-master/", "")
            zipped.writestr("ESC-50-master/LICENSE", "CC")
            zipped.writestr("ESC-50-master/esc50.gif", "unwanted")
            zipped.writestr("ESC-50-master/tests/test_dataset.py", "unwanted")
            zipped.writestr("ESC-50-master/meta/esc50.csv", make_table(rows))
            for row in rows[drop:]:
                zipped.writestr(f"ESC-50-master/audio/{row['filename']}", tiny_wav)
            for member, content in more:
                zipped.writestr(member, content)
        return buffer.getvalue()

    return build


@pytest.fixture(scope="session")
def archive(pack):
    return pack()


@pytest.fixture(scope="session")
def real_data():
    """Folder that holds the real datasets."""
    if not os.environ.get("ACRNN_DATA"):
        pytest.skip("ACRNN_DATA does not name a folder of real datasets")
    return Path(os.environ["ACRNN_DATA"])
