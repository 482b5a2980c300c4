"""A run that is killed, starved and cheated, its folder damaged in between, ends as an unbroken one does."""

import sys
import time

import pytest

from acrnn.runs.start import Options
from tests.chaos import HARMS, N_EPOCHS, TRIALS, differences, run_to_the_end, torment


@pytest.fixture(scope="module")
def options(tiny_root):
    return Options(tiny_root, "esc10", fold=1, epochs=N_EPOCHS, batch_size=2, device="cpu")


@pytest.fixture(scope="module")
def unbroken(options, tmp_path_factory):
    """An unbroken run's folder, and how long it took in seconds."""
    root = tmp_path_factory.mktemp("unbroken")
    began = time.monotonic()
    run_to_the_end(options, root)
    (run,) = root.iterdir()
    return run, time.monotonic() - began


@pytest.mark.slow
def test_a_tormented_run_ends_with_the_very_weights_of_an_unbroken_one_and_leaves_nothing_over(
    tmp_path, options, unbroken
):
    whole, whole_s = unbroken
    run = tmp_path / "killed" / whole.name
    torment(options, tmp_path / "killed", run, times=2, longest_s=whole_s / 2)
    if not (run / "summary.json").exists():
        for harm in HARMS:
            harm(run)
        run_to_the_end(options, tmp_path / "killed")
    assert differences(run, whole) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX'")
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.__name__)
def test_what_a_run_meets_changes_nothing_in_how_it_ends(tmp_path, options, unbroken, trial):
    run, wrong = trial(options, tmp_path)
    assert wrong == []
    assert differences(run, unbroken[0]) == []
