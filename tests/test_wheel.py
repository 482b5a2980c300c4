"""The wheel, built from a copy of the sources, and used where nothing of the checkout is at hand."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from acrnn.paths import DEFAULT_CHECKPOINTS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("acrnn", "results", "pyproject.toml", "setup.py", "MANIFEST.in", "requirements.txt", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Folder of the unpacked wheel, read only."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, source / name)
    for name in DEFAULT_CHECKPOINTS:
        shutil.copytree(ROOT / "checkpoints" / name, source / "checkpoints" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run([*command, "--wheel-dir", folder, source], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (archive,) = folder.glob("*.whl")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder / "installed")
    shutil.rmtree(source)
    for path in [folder / "installed", *(folder / "installed").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder / "installed"
    for path in [folder / "installed", *(folder / "installed").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def run(wheel, tmp_path):
    """run(argument, …, VARIABLE=value) → the finished process, in an empty folder and an empty environment."""

    def run_it(*arguments, **variables):
        environment = {"PATH": os.defpath, "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"} | variables
        command = [sys.executable, "-m", "acrnn", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run_it


def test_the_wheel_has_the_results_and_the_default_checkpoints(wheel):
    shipped = wheel / "acrnn" / "shipped"
    assert {path.name for path in (shipped / "checkpoints").iterdir()} == set(DEFAULT_CHECKPOINTS)
    for folder in ("results", *(f"checkpoints/{name}" for name in DEFAULT_CHECKPOINTS)):
        there = {
            path.relative_to(shipped): path.read_bytes() for path in (shipped / folder).rglob("*.*") if path.is_file()
        }
        ours = {path.relative_to(ROOT): path.read_bytes() for path in (ROOT / folder).rglob("*.*") if path.is_file()}
        assert there == ours
    assert not {path.name for path in wheel.iterdir()} & {"checkpoints", "results", "tests", "docs", "benchmarks"}


def test_it_predicts_in_another_folder_without_a_home_and_with_nowhere_to_write(run, tmp_path, write_wav):
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 22_050)
    clip = write_wav(tmp_path / "x.wav", noise, 22_050)
    nowhere = {f"XDG_{name}_HOME": "/proc/acrnn" for name in ("CACHE", "DATA", "CONFIG")}
    done = run("predict", clip.name, "--json", "--html", "x.html", "--device", "cpu", **nowhere)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["checkpoint"] == DEFAULT_CHECKPOINTS[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.html", "x.wav"]
    assert (tmp_path / "x.html").read_text().rstrip().endswith("</html>")


@pytest.mark.slow
def test_it_lists_its_checkpoints_and_says_where_the_others_are(run):
    done = run("checkpoints", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["name"]: row["is_shipped"] for row in json.loads(done.stdout)} == dict.fromkeys(
        DEFAULT_CHECKPOINTS, True
    )
    assert "the project's other checkpoints are in the folder checkpoints of its repository" in done.stderr
    others = run("checkpoints", "--json", ACRNN_SHIPPED=str(ROOT))
    assert len(json.loads(others.stdout)) > len(DEFAULT_CHECKPOINTS)
