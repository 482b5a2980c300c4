"""What is said of a prediction and its network, in pages and in files."""

from dataclasses import replace

import pytest

from acrnn.report.sentences import tell_accuracy, tell_class, tell_seen


@pytest.fixture(scope="module")
def checkpoint(save_checkpoint, tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("c"), "l10")  # of fold 1


@pytest.mark.parametrize(
    ("fold", "fingerprint", "told"),
    [
        (None, "0" * 64, ""),
        (1, "0" * 64, "Fold 1: never seen in training."),
        (1, "1" * 64, "Held out of training (fold 1); these are other copies of the same clips."),
        (1, None, "Fold 1: held out of its training."),
        (3, "0" * 64, "Fold 3 was in its training set, so this says little about how good it is."),
    ],
)
def test_it_is_said_whether_a_clip_was_trained_on(checkpoint, fold, fingerprint, told):
    assert tell_seen(fold, fingerprint, checkpoint, "esc50") == told


def test_folds_of_ones_own_classes_are_not_those_that_it_was_trained_on(checkpoint):
    assert tell_seen(1, "1" * 64, checkpoint, "own-sounds") == (
        "Whether the network was trained on this clip is not known."
    )


def test_the_accuracy_comes_with_its_interval_and_what_is_not_ours_is_quoted(checkpoint):
    told = "10.0% correct on held-out fold 1 (10 clips, 95% interval 2% to 40%); "
    assert tell_accuracy(checkpoint).startswith(f"{told}ESC-10 16 kHz, recipe paper, ")
    assert tell_accuracy(checkpoint, lambda text: f"<{text}>").startswith(f"{told}<ESC-10 16 kHz>, recipe <paper>, ")
    unscored = replace(checkpoint, config=replace(checkpoint.config, scores={}))
    assert tell_accuracy(unscored) == "Not scored."


def test_a_sound_of_no_known_class_is_told_so():
    assert tell_class("dog", True, 10) == tell_class("dog", None, 10) == "dog"
    assert tell_class("dog", False, 10) == "None of its 10 classes; nearest: dog"
