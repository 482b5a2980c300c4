from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from acrnn.errors import CheckpointError, OptionError
from acrnn.labels import ESC10, ESC50, GROUPS, group_of
from acrnn.results.confusion import (
    ORDERS,
    ClipFilter,
    Confusion,
    by_recording,
    cell,
    clip_table,
    compare,
    confidently_wrong,
    confusion_of,
    hardest,
    reliability,
    right_example,
)
from acrnn.results.published import checkpoint_of_fold, checkpoints_of, mismatch
from acrnn.results.settings import Setting, load_settings
from acrnn.training import Recipe

LABELS = ("dog", "rain", "crow")  # two groups, and neither in the alphabet's order


def setting_of(targets: list[int], probabilities: list[list[float]], labels=LABELS, **changes) -> Setting:
    """A setting whose clips are 1.wav, 2.wav, …, in folds 1, 2, 1, 2, …."""
    n = len(targets)
    setting = Setting(
        name="esc10-l10-paper-300",
        dataset="esc10",
        data_title="ESC-10 16 kHz",
        data_fingerprint="0" * 64,
        placement="l10",
        recipe=Recipe("paper").as_dict(),
        labels=labels,
        folds=(1, 2),
        seeds=(0,),
        accuracy=0.5,
        interval=(0.1, 0.9),
        runs=({"fold": 1, "seed": 0}, {"fold": 2, "seed": 0}),
        filenames=tuple(f"{i + 1}.wav" for i in range(n)),
        clip_folds=np.arange(n) % 2 + 1,
        targets=np.array(targets),
        probabilities=np.array(probabilities, np.float32),
        hit_rates=np.ones(n),
    )
    return replace(setting, **changes)


@pytest.fixture
def setting():
    """Dogs: right, taken for rain, right; rain: right, taken for crow; a crow taken for a dog."""
    return setting_of(
        [0, 0, 0, 1, 1, 2],
        [[0.9, 0.1, 0], [0.25, 0.75, 0], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0, 0.4, 0.6], [1, 0, 0]],
    )


def test_a_clip_is_counted_in_its_class_row_and_its_prediction_column(setting):
    confusion = confusion_of(clip_table(setting), LABELS)
    assert confusion.counts.tolist() == [[2, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert np.allclose(confusion.recall, [[2 / 3, 1 / 3, 0], [0, 1 / 2, 1 / 2], [1, 0, 0]])


def test_a_class_without_clips_has_a_row_of_zeros_and_no_recall():
    confusion = Confusion(LABELS, np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]]))
    assert confusion.recall.tolist() == [[0.75, 0.25, 0], [0, 0, 0], [0, 0, 1]]
    assert confusion.per_class()["label"].tolist() == ["dog", "crow"]
    assert sorted(confusion.order("clustering")) == [0, 1, 2]


def test_the_table_holds_group_outcome_and_both_probabilities(setting):
    row = clip_table(setting).iloc[1]
    assert row.to_dict() == {
        "filename": "2.wav", "fold": 2, "true": "dog", "group": "Animals", "predicted": "rain", "right": False,
        "confidence": 0.75, "p_true": 0.25, "recording": "2.wav",
    }  # fmt: skip


def test_classes_are_ordered_by_name_or_by_group():
    confusion = Confusion(ESC50[::-1], np.eye(50, dtype=np.int64))
    names = [confusion.labels[i] for i in confusion.order("class")]
    assert names == sorted(ESC50)
    groups = [group_of(confusion.labels[i]) for i in confusion.order("group")]
    assert groups == [group for group in GROUPS for _ in range(10)]


def test_clustering_puts_classes_that_are_taken_for_each_other_side_by_side():
    counts = 8 * np.eye(10, dtype=np.int64)
    for a, b in ((0, 8), (2, 6), (3, 9)):
        counts[a, b] = counts[b, a] = 4
    order = Confusion(ESC10, counts).order("clustering")
    assert sorted(order) == list(range(10))
    assert all(abs(order.index(a) - order.index(b)) == 1 for a, b in ((0, 8), (2, 6), (3, 9)))


def test_one_class_alone_has_one_order():
    assert {tuple(Confusion(("dog",), np.array([[2]])).order(by)) for by in ORDERS} == {(0,)}


def test_an_unknown_order_is_named():
    with pytest.raises(OptionError, match="'size' is not one of class, group, clustering"):
        Confusion(("dog",), np.array([[2]])).order("size")


def test_the_most_frequent_mistake_is_the_first_pair():
    pairs = Confusion(LABELS, np.array([[6, 1, 1], [2, 6, 0], [0, 0, 8]])).pairs()
    assert pairs.iloc[0].to_dict() == {"true": "rain", "predicted": "dog", "clips": 2, "share": 0.25, "reverse": 1}
    assert pairs[["true", "predicted"]].iloc[1:].to_numpy().tolist() == [["dog", "rain"], ["dog", "crow"]]


def test_no_mistake_is_no_pair():
    assert Confusion(LABELS, np.eye(3, dtype=np.int64)).pairs().empty


def test_recall_precision_interval_and_mistake_of_a_class():
    row = Confusion(LABELS, np.array([[6, 2, 0], [4, 4, 0], [0, 0, 8]])).per_class().iloc[0]
    centre, z = 0.75, 1.959963984540054  # Wilson, written out for 6 of 8
    middle = (centre + z**2 / 16) / (1 + z**2 / 8)
    half = z / (1 + z**2 / 8) * sqrt(centre * (1 - centre) / 8 + z**2 / (4 * 8**2))
    assert (row["recall"], row["precision"], row["taken_for"]) == (0.75, 0.6, "rain")
    assert (row["low"], row["high"]) == pytest.approx((middle - half, middle + half))


def test_a_class_that_is_never_predicted_has_no_precision_and_a_perfect_one_no_mistake():
    table = Confusion(LABELS, np.array([[2, 0, 0], [2, 0, 0], [0, 0, 2]])).per_class().set_index("label")
    assert np.isnan(table.loc["rain", "precision"])
    assert table.loc["rain", "taken_for"] == "dog"
    assert table.loc["crow", "taken_for"] is None or pd.isna(table.loc["crow", "taken_for"])


def test_a_cell_is_sorted_by_confidence_and_any_class_matches_none(setting):
    clips = clip_table(setting)
    assert cell(clips, "dog", "dog")["filename"].tolist() == ["1.wav", "3.wav"]
    assert cell(clips, "dog")["filename"].tolist() == ["1.wav", "2.wav", "3.wav"]
    assert cell(clips, predicted="rain")["filename"].tolist() == ["4.wav", "2.wav"]
    assert cell(clips, "crow", "rain").empty


def test_hardest_and_confidently_wrong_clips_come_first(setting):
    clips = clip_table(setting)
    assert hardest(clips)["filename"].tolist()[:3] == ["6.wav", "2.wav", "5.wav"]
    assert confidently_wrong(clips)["filename"].tolist() == ["6.wav", "2.wav", "5.wav"]
    assert hardest(clips)["p_true"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ClipFilter(), "123456"),
        (ClipFilter(folds=(1,)), "135"),
        (ClipFilter(labels=("rain", "crow")), "456"),
        (ClipFilter(groups=("Animals",)), "1236"),
        (ClipFilter(groups=("Animals",), labels=("rain",)), ""),
        (ClipFilter(right=True), "134"),
        (ClipFilter(right=False), "256"),
        (ClipFilter(confidence=(0.75, 0.95)), "124"),
        (ClipFilter(folds=(2,), right=False, confidence=(0.9, 1.0)), "6"),
    ],
)
def test_a_filter_keeps_what_matches_every_part_of_it(setting, wanted, names):
    assert [name[0] for name in wanted.apply(clip_table(setting))["filename"]] == list(names)


def test_the_example_of_a_mistake_is_by_the_same_model_and_right():
    clips = clip_table(
        setting_of(
            [0, 1, 1, 1, 1, 1],
            [[0.2, 0.8, 0], [0.0, 1.0, 0], [0, 0.6, 0.4], [0, 1, 0], [0, 0.9, 0.1], [0, 0.1, 0.9]],
        )
    )
    assert right_example(clips, clips.iloc[0], "rain")["filename"] == "5.wav"  # 2, 4: more confident, in another fold
    assert right_example(clips, clips.iloc[4], "rain")["filename"] == "3.wav"  # not itself
    assert right_example(clips, clips.iloc[5], "crow") is None
    assert right_example(clips, clips.iloc[5], "rain")["filename"] == "2.wav"  # of its true class


NAMES = ("1-7-A-0.wav", "1-8-A-0.wav", "1-7-B-0.wav", "1-9-A-0.wav", "1-7-C-0.wav")


def test_clips_of_one_recording_are_counted_as_such_and_stand_together():
    """Four dogs taken for rain, three of them cut from one recording, and one that is right."""
    setting = setting_of([0] * 5, [[0.1, 0.9, 0]] * 4 + [[0.8, 0.2, 0]], filenames=NAMES)
    clips = clip_table(setting)
    assert clips["recording"].tolist() == ["7", "8", "7", "9", "7"]
    confusion = confusion_of(clips, LABELS)
    assert confusion.counts[0].tolist() == [1, 4, 0]
    assert confusion.recordings[0].tolist() == [1, 3, 0]
    assert confusion.pairs()["recordings"].tolist() == [3]
    assert by_recording(cell(clips, "dog", "rain"))["filename"].tolist() == [NAMES[i] for i in (0, 2, 1, 3)]


def test_recordings_of_ones_own_clips_are_those_that_the_data_tell_or_not_known():
    setting = setting_of([0, 1], [[1, 0, 0], [0, 1, 0]], dataset="own-yard", filenames=("a/1.wav", "a/2.wav"))
    assert clip_table(setting)["recording"].isna().all()
    assert confusion_of(clip_table(setting), LABELS).recordings is None
    told = clip_table(setting, {"a/1": "day 1", "a/2": "day 1"})
    assert told["recording"].tolist() == ["day 1", "day 1"]
    assert by_recording(clip_table(setting))["filename"].tolist() == ["a/1.wav", "a/2.wav"]


def test_calibration_error_is_the_distance_of_confidence_and_accuracy_weighed_by_clips():
    clips = pd.DataFrame({"confidence": [0.95, 0.95, 0.55, 0.55], "right": [True, False, True, True]})
    found = reliability(clips)
    assert found.ece == pytest.approx(0.5 * (0.95 - 0.5) + 0.5 * (1 - 0.55))
    assert found.table["clips"].tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert found.table["accuracy"].dropna().tolist() == [1.0, 0.5]


def test_one_who_is_right_as_often_as_he_says_has_no_calibration_error():
    clips = pd.DataFrame({"confidence": [0.75] * 8, "right": [True] * 6 + [False] * 2})
    assert reliability(clips).ece == 0


@pytest.mark.parametrize(("confidence", "expected"), [(0.0, 0), (0.1, 0), (0.3, 2), (0.31, 3), (0.7, 6), (1.0, 9)])
def test_a_bin_includes_its_upper_edge(confidence, expected):
    clips = pd.DataFrame({"confidence": [confidence], "right": [True]})
    assert reliability(clips).table["clips"].to_numpy().argmax() == expected


def test_mcnemar_is_the_sign_test_on_clips_that_one_alone_gets_right():
    wrong, right = [0.1, 0.9, 0], [0.9, 0.1, 0]
    a = setting_of([0] * 8, [right] * 7 + [wrong])
    b = setting_of([0] * 8, [wrong] * 5 + [right] * 2 + [wrong])
    found = compare(a, b)
    assert (len(found.only_a), len(found.only_b)) == (5, 0)
    assert found.p_value == pytest.approx(2 * 0.5**5)
    assert compare(b, a).p_value == pytest.approx(2 * 0.5**5)
    assert compare(a, a).p_value == 1


def test_the_difference_is_what_the_second_has_more_and_its_rows_sum_to_zero(setting):
    other = replace(setting, probabilities=np.eye(3, dtype=np.float32)[setting.targets])
    found = compare(setting, other)
    assert found.difference.tolist() == [[1, -1, 0], [0, 1, -1], [-1, 0, 1]]
    assert found.only_b["filename"].tolist() == ["6.wav", "2.wav", "5.wav"]
    assert found.only_a.empty


def test_only_common_clips_are_compared_whatever_their_extension(setting):
    later = replace(
        setting,
        filenames=("4.ogg", "5.ogg", "6.ogg", "7.ogg"),
        clip_folds=setting.clip_folds[2:],
        targets=setting.targets[2:],
        probabilities=setting.probabilities[2:],
    )
    assert compare(setting, later).clips["filename"].tolist() == ["4.wav", "5.wav", "6.wav"]


def test_settings_that_cannot_be_compared_are_told(setting):
    with pytest.raises(OptionError, match=r"3 classes and .* 2"):
        compare(setting, setting_of([0], [[1, 0]], labels=("dog", "rain")))
    with pytest.raises(OptionError, match="no clip in common"):
        compare(setting, replace(setting, filenames=tuple("abcdef")))


def test_the_checkpoint_of_a_fold_is_the_published_one_of_the_very_training(setting, tmp_path, save_checkpoint):
    with pytest.raises(CheckpointError, match=r"esc10-l10-paper-fold1 \(300 epochs\) is not published"):
        checkpoint_of_fold(setting, 1, tmp_path)
    saved = save_checkpoint(tmp_path, "l10")
    assert checkpoint_of_fold(setting, 1, tmp_path).path == saved.path
    assert checkpoints_of(setting, [saved]) == [saved]
    for changes, told in (
        ({"recipe": dict(setting.recipe) | {"epochs": 60}}, "300 epochs of recipe paper, .* the 60 here"),
        ({"data_fingerprint": "1" * 64}, "trained on other files"),
        ({"runs": ({"fold": 1, "seed": 1}, {"fold": 2, "seed": 0})}, "no run here held out fold 1 with seed 0"),
    ):
        other = replace(setting, **changes)
        with pytest.raises(CheckpointError, match=told):
            checkpoint_of_fold(other, 1, tmp_path)
        assert checkpoints_of(other, [saved]) == []
    assert "attention l10" in mismatch(saved.config, replace(setting, placement="none"))


def test_the_fold_model_may_be_one_that_a_user_published_beside_another(setting, tmp_path, save_checkpoint):
    save_checkpoint(tmp_path, "l10", seed=9)
    mine = save_checkpoint(tmp_path, "l10", name="esc10-l10-paper-fold1-seed0")
    assert checkpoint_of_fold(setting, 1, tmp_path).path == mine.path


@pytest.mark.parametrize("found", load_settings(), ids=lambda setting: setting.name)
def test_every_clip_of_our_results_is_in_one_cell(found):
    clips = clip_table(found)
    confusion = confusion_of(clips, found.labels)
    assert confusion.counts.sum() == len(found.filenames)
    assert np.trace(confusion.counts) == clips["right"].sum()
    assert (clips["p_true"] <= clips["confidence"]).all()
