"""A run that is killed at random moments, its folder damaged in between, ends as an unbroken one does."""

import time

from acrnn.runs.start import Options
from tests.chaos import HARMS, N_EPOCHS, differences, run_to_the_end, torment


def test_a_tormented_run_ends_with_the_very_weights_of_an_unbroken_one_and_leaves_nothing_over(tmp_path, tiny_root):
    options = Options(tiny_root, "esc10", fold=1, epochs=N_EPOCHS, batch_size=2, device="cpu")
    began = time.monotonic()
    run_to_the_end(options, tmp_path / "unbroken")
    whole_s = time.monotonic() - began
    (unbroken,) = (tmp_path / "unbroken").iterdir()
    run = tmp_path / "killed" / unbroken.name
    torment(options, tmp_path / "killed", run, times=2, longest_s=whole_s / 2)
    if not (run / "summary.json").exists():
        for harm in HARMS:
            harm(run)
        run_to_the_end(options, tmp_path / "killed")
    assert differences(run, unbroken) == []
