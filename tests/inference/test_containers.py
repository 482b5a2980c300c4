"""The same clip gets the same top class in every container: real clips, and the checkpoint that ships."""

import pytest

from acrnn.checkpoints import find, names
from acrnn.data import load
from acrnn.inference import Predictor
from benchmarks.containers import agreement

NAME = "esc10-l10-paper-fold1"


@pytest.fixture(scope="module")
def shares(real_roots):
    if NAME not in names():
        pytest.skip(f"{NAME} is not among the checkpoints")
    root = next((root for root in real_roots if root.name.startswith("esc10")), None)
    if root is None:
        pytest.skip("ACRNN_DATA holds no ESC-10 at 44.1 kHz")
    return agreement(Predictor(find(NAME), "cpu"), load(root, "esc10").fold(1)[::8])


@pytest.mark.slow
@pytest.mark.parametrize("container", ["wav 44.1 kHz", "wav stereo 24-bit", "flac", "ogg", "mp3", "m4a"])
def test_a_container_does_not_change_the_top_class(shares, container):
    assert shares[container] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("container", ["wav 16 kHz", "wav 8 kHz"])
def test_a_low_sampling_rate_seldom_changes_the_top_class(shares, container):
    assert shares[container] >= 0.8  # ten clips; the README's figures are of forty
