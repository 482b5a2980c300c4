"""Labels that a network doubts, with and without cleanlab."""

import numpy as np
import pytest

from acrnn.results import label_errors as labels
from acrnn.results.label_errors import label_errors, tell_ranking
from tests.results.test_confusion import setting_of


@pytest.fixture
def flipped():
    """A setting of 60 clips that a network is sure and right of, but for three whose labels were changed: 5, 25, 45."""
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1, 2], 20)
    shares = np.full((60, 3), 0.02) + 0.02 * rng.random((60, 3))
    shares[np.arange(60), true] = 0.9
    given = true.copy()
    given[[5, 25, 45]] = [1, 2, 0]
    return setting_of(given.tolist(), (shares / shares.sum(axis=1, keepdims=True)).tolist())


def test_the_least_probable_labels_come_first(flipped):
    ranked = label_errors(flipped)
    assert set(ranked["filename"][:3]) == {"6.wav", "26.wav", "46.wav"}
    assert ranked["p_true"].is_monotonic_increasing
    assert ranked.loc[ranked["filename"] == "6.wav", ["true", "predicted"]].iloc[0].tolist() == ["rain", "dog"]


def test_confident_learning_suspects_what_was_flipped(flipped):
    pytest.importorskip("cleanlab")
    ranked = label_errors(flipped)
    assert set(ranked.loc[ranked["suspected"].astype(bool), "filename"]) == {"6.wav", "26.wav", "46.wav"}
    assert "Confident learning suspects 3 of 60 clips." in tell_ranking(ranked)
    assert "another class than the label for 3." in tell_ranking(ranked)


def test_without_cleanlab_the_ranking_is_the_same_and_nothing_is_suspected(flipped, monkeypatch):
    whole = label_errors(flipped)
    monkeypatch.setattr(labels, "has_cleanlab", lambda: False)
    ranked = label_errors(flipped)
    assert ranked["filename"].tolist() == whole["filename"].tolist()
    assert ranked["suspected"].isna().all()
    assert tell_ranking(ranked).endswith(
        "With cleanlab (`pip install acrnn[audit]`) confident learning says which to suspect."
    )
