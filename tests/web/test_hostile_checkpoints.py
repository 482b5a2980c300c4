"""A checkpoint that a stranger made: an answer that is finite, or one sentence; and the others are as before."""

import numpy as np
import pytest

from acrnn.checkpoints import CONFIG, WEIGHTS, listed
from acrnn.errors import AcrnnError
from acrnn.inference import load
from tests.hostile import attacks, make

ATTACKS = [
    attack
    for i, attack in enumerate(attacks())
    if attack.kind != "a field of config.json" or i % 7 == 0  # `python -m tests.hostile` makes them all
]
SOUND = np.random.default_rng(0).uniform(-0.1, 0.1, 16_000).astype(np.float32)


@pytest.fixture(scope="module")
def good(tiny_checkpoints):
    return tiny_checkpoints / "esc10-l10-paper-fold1"


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=lambda attack: f"{attack.kind}: {attack.name}"[:60].encode("ascii", "replace").decode()
)
def test_a_hostile_folder_gives_one_sentence_or_a_finite_answer(attack, good, tmp_path):
    folder = make(attack, good, tmp_path)
    told = ""
    try:
        assert np.isfinite(load(str(folder), "cpu")(SOUND, 16_000).probabilities).all()
    except AcrnnError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 1000


@pytest.mark.parametrize("name", ["is a pipe", "is missing", "is a folder"])
def test_a_bad_folder_is_named_in_lists_and_the_others_are_as_before(name, good, tmp_path):
    tried = [attack for attack in ATTACKS if attack.name == name]
    assert len(tried) == 2  # its config and its weights
    for attack in tried:
        folder = make(attack, good, tmp_path)
        folder.rename(tmp_path / f"bad {attack.kind}")
    make(next(a for a in attacks() if a.name == "seed = 0"), good, tmp_path)
    found, damaged = listed(tmp_path)
    assert [checkpoint.name for checkpoint in found if not checkpoint.name.startswith("bad")] == [good.name]
    told = [str(error) for error in damaged]
    assert any(WEIGHTS in one for one in told)
    assert name == "is missing" or any(CONFIG in one for one in told)  # without a config it is no checkpoint


def test_the_pages_draw_with_bad_folders_among_the_checkpoints(open_page, good, tmp_path, monkeypatch):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "nothing"))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "no data"))
    for i, attack in enumerate(ATTACKS):
        if attack.kind != "a field of config.json" or i % 3 == 0:
            make(attack, good, tmp_path).rename(tmp_path / f"bad{i}")
    make(next(a for a in attacks() if a.name == "seed = 0"), good, tmp_path)
    for page in ("listen", "compare", "results"):
        drawn = open_page(page)
        assert len(drawn.warning) > 20, page


def test_a_checkpoint_whose_weights_are_damaged_is_a_sentence_where_it_is_chosen(
    open_page, good, tmp_path, monkeypatch
):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "nothing"))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path))
    make(next(a for a in ATTACKS if a.name == "is cut off by a byte"), good, tmp_path)
    page = open_page("listen")
    assert any("safetensors" in error.value for error in page.error)
