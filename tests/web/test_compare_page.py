import io
import shlex
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from acrnn.checkpoints import Checkpoint, find, names
from acrnn.checkpoints.open_set import OpenSet, Scale
from acrnn.cli.main import app as command_line
from acrnn.figures.compare import Strip
from acrnn.inference import Predictor
from acrnn.measures.attention import AttentionMeasures
from acrnn.model import PLACEMENTS
from acrnn.training import Recipe
from acrnn.web.compare import pair
from acrnn.web.compare import strips as compare
from acrnn.web.compare.families import WITH_ATTENTION, Slot, choose_slots, families_of, slots_of_family
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.clips import scene_clip
from acrnn.web.shared.words import headline

CLIP = ChosenClip("a.wav", b"", "key", truth="dog", fold=2)


@pytest.fixture(scope="module")
def found(tmp_path_factory, save_checkpoint):
    """Checkpoints of fold 1 at l10, l2-softmax and none, and of fold 2 at l2-sigmoid, l4-sigmoid and l8-softmax."""
    root = tmp_path_factory.mktemp("checkpoints")
    for placement in ("l10", "l2-softmax", "none"):
        save_checkpoint(root, placement)
    for placement in ("l2-sigmoid", "l4-sigmoid", "l8-softmax"):
        save_checkpoint(root, placement, fold=2, name=f"esc10-{placement}-paper-fold2")
    return [find(name, root) for name in names(root)]


def heard(label: str, weights=(0.1, 0.3)) -> compare.Heard:
    return compare.Heard(label, 0.9, np.array([0.0, 0.01]), np.array(weights), 0.01, AttentionMeasures(0.9, 0.2, -0.3))


def test_a_family_is_of_one_dataset_fold_and_recipe_and_the_fullest_comes_first(found):
    families = families_of(found)
    assert [(family.title, sorted(family.checkpoints)) for family in families] == [
        ("ESC-10, fold 2", ["l2-sigmoid", "l4-sigmoid", "l8-softmax"]),
        ("ESC-10, fold 1", ["l10", "l2-softmax"]),
    ]


def test_a_family_has_a_slot_for_each_placement_with_attention_trained_or_not(found):
    slots = slots_of_family(families_of(found)[1])
    assert [slot.placement for slot in slots] == list(WITH_ATTENTION) == [p for p in PLACEMENTS if p != "none"]
    assert [slot.placement for slot in slots if slot.checkpoint] == ["l2-softmax", "l10"]


def test_the_commands_that_train_a_missing_network_are_ones_that_the_command_line_takes(found, monkeypatch, tmp_path):
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "no data"))
    train, publish = families_of(found)[0].training_command("l6-softmax").splitlines()
    assert "--fold 2 --placement l6-softmax --recipe paper --epochs 300 --seed 0" in train
    assert publish == "python -m acrnn publish runs/esc10-l6-softmax-paper-fold2-seed0"
    words = shlex.split(train)
    assert words[:4] == ["python", "-m", "acrnn", "train"]
    assert words[words.index("--data") + 1] == str(tmp_path / "no data" / "esc10")
    # every option is known: what it stops at is the data that is not there
    assert "no data" in str(CliRunner().invoke(command_line, words[3:]).exception)


def test_the_command_names_the_folder_of_the_very_data(tmp_path_factory, save_checkpoint, tiny_dataset, monkeypatch):
    monkeypatch.setenv("ACRNN_DATA", str(tiny_dataset.root.parent))
    root = tmp_path_factory.mktemp("checkpoints")
    save_checkpoint(root, "l10", data_fingerprint=tiny_dataset.fingerprint())
    family = families_of([find("esc10-l10-paper-fold1", root)])[0]
    assert f"--data {tiny_dataset.root} " in family.training_command("l2-softmax")


def test_a_clip_is_heard_once_by_each_checkpoint_and_a_damaged_one_is_an_empty_strip(tmp_path, save_checkpoint):
    # of a seed of their own, so that no other test has left them in the app's caches
    good, bad = (save_checkpoint(tmp_path, placement, seed=77) for placement in ("l10", "l2-softmax"))
    (bad.path / "model.safetensors").write_bytes(b"broken")
    slots = [Slot("l2-softmax", bad), Slot("l6-sigmoid", None), Slot("l10", good)]
    told = []
    clip = scene_clip("dog")
    results, strips = compare.hear_all(clip, slots, lambda share, name: told.append((share, name)))
    assert [result is None for result in results] == [True, True, False]
    assert [strip.name for strip in strips] == ["l2 softmax", "l6 sigmoid", "l10 softmax"]
    assert [strip.note for strip in strips[:2]] == [
        "its checkpoint is damaged", "not trained: train --placement l6-sigmoid",
    ]  # fmt: skip
    assert told[-1] == (1, "l10")
    again, _ = compare.hear_all(clip, slots[2:], lambda share, name: pytest.fail("it was heard before"))
    assert again[0] is results[2]
    assert len(again[0].times_s) == pytest.approx(5 * 16_000 / 186, abs=1)


def test_the_table_says_whether_the_clip_was_held_out_and_leaves_the_untrained_empty(found):
    by_name = {checkpoint.name: checkpoint for checkpoint in found}
    slots = [
        Slot("l2-softmax", by_name["esc10-l2-softmax-paper-fold1"]),
        Slot("l8-softmax", by_name["esc10-l8-softmax-paper-fold2"]),
        Slot("l8-sigmoid", None),
    ]
    table = compare.measures_table(slots, [heard("rain"), heard("dog"), None], CLIP)
    assert table["clip_was"].tolist()[:2] == ["in its training set", "held out"]
    assert table["checkpoint"].tolist()[2] == "not trained"
    assert table.loc[0, ["accuracy", "accuracy_low", "accuracy_high"]].tolist() == [0.1, 0.02, 0.4]
    assert table.loc[1, ["top_class", "entropy", "top_tenth"]].tolist() == ["dog", 0.9, 0.2]
    untrained = table.loc[2, ["accuracy", "top_class", "probability", "entropy", "top_tenth", "loudness_correlation"]]
    assert untrained.isna().all()


def test_strips_of_two_front_ends_are_written_on_the_frames_of_the_first():
    a = Strip("l2", "sigmoid", np.array([0.0, 0.01, 0.02]), np.array([1.0, 2, 3]))
    b = Strip("l10", "softmax", np.array([0.0, 0.016]), np.array([0.25, 0.75]))
    text = compare.strips_csv([a, Strip("l4", "sigmoid"), b], ["l2-sigmoid", "l4-sigmoid", "l10"])
    table = pd.read_csv(io.StringIO(text))
    assert list(table.columns) == ["time_s", "l2-sigmoid", "l10"]
    assert table["time_s"].tolist() == [0, 0.01, 0.02]
    assert table["l10"].tolist() == [0.25, 0.75, 0.75]


def test_votes_are_counted_most_first():
    told = compare.describe_votes(CLIP, [heard("rain"), None, heard("dog"), heard("rain")])
    assert told == "3 networks: 2 rain, 1 dog; it is dog."
    assert compare.describe_votes(CLIP, [heard("dog")]) == "1 network: 1 dog; it is dog."


def test_a_clip_that_is_none_of_the_classes_is_told_so_as_on_listen(tiny_checkpoints):
    stranger = replace(heard("dog"), known=False, n_classes=10)
    told = compare.describe_votes(CLIP, [heard("rain"), stranger, stranger])
    assert told == (
        "3 networks: 1 rain, 2 none of its classes; it is dog. 2 say: None of its 10 classes; nearest: dog."
    )
    prediction = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")(scene_clip("dog").content)
    level = prediction.level_db
    scale = Scale(1.0, (-1000.0, -999.0))  # everything is stranger than any known clip
    unknown = OpenSet("probability", scale, scale, 0.95, "a test", (level, level))
    said = headline(replace(prediction, open_set=unknown, segment_scores=np.zeros(len(prediction.segments))))
    label, probability = prediction.top(1)[0]
    assert said == f"{replace(stranger, label=label).said()} ({probability:.0%})"
    family = SimpleNamespace(fold=1)
    assert pair.describe_answers(CLIP, family, [stranger, heard("rain")]).startswith(
        "a.wav: sigmoid says **None of its 10 classes; nearest: dog** (90.0%), softmax says **rain** (90.0%)"
    )
    assert pair.clip_table([stranger, heard("rain")]).records[0]["sigmoid"] == "None of its 10 classes; nearest: dog"


def test_what_all_chosen_checkpoints_share_is_not_written_at_each(found, monkeypatch):
    monkeypatch.setattr(Checkpoint, "is_shipped", True)
    families = families_of(found)
    every = [checkpoint.name for family in families for checkpoint in family.checkpoints.values()]

    def labels_of(*chosen: str) -> list[str]:
        monkeypatch.setattr("acrnn.web.shell.address.some_of", lambda *arguments, **options: chosen)
        return [slot.label for slot in choose_slots(families)]

    assert labels_of(*(name for name in every if name.endswith("fold2"))) == ["l2-sigmoid", "l4-sigmoid", "l8-softmax"]
    assert {"l10 (ESC-10, fold 1)", "l2-sigmoid (ESC-10, fold 2)"} < {*labels_of(*every)}


def test_the_difference_names_both_and_their_distance():
    a, b = (Strip("l2", scaling, np.arange(2.0), weights) for scaling, weights in
            (("sigmoid", np.array([1.0, 0])), ("softmax", np.array([0.0, 1]))))  # fmt: skip
    assert "l2 sigmoid minus l2 softmax" in compare.describe_difference(a, b)
    assert "**1.000**" in compare.describe_difference(a, b)


def test_a_users_second_of_one_placement_hides_none_and_begins_a_family_of_its_own(found, tmp_path, save_checkpoint):
    mine = save_checkpoint(tmp_path, name="esc10-l10-paper-fold1-seed3", seed=3)
    families = [family for family in families_of([*found, mine]) if family.fold == 1]
    assert [(family.option, family.checkpoints["l10"].name) for family in families] == [
        ("1, recipe paper", "esc10-l10-paper-fold1"),
        ("1, recipe paper (2)", "esc10-l10-paper-fold1-seed3"),
    ]


@pytest.fixture
def trained(monkeypatch, tmp_path, nothing_shipped, save_checkpoint):
    """Both networks at l4, of which softmax had fewer epochs and another seed, and sigmoid alone at l6; no dataset."""
    root = tmp_path / "checkpoints"
    save_checkpoint(root, "l4-sigmoid")
    save_checkpoint(root, "l4-softmax", seed=3, recipe=Recipe("paper", epochs=60).as_dict())
    save_checkpoint(root, "l6-sigmoid")
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(root))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "no data"))
    return root


def texts(page) -> str:
    return "\n".join(text.value for kind in (page.markdown, page.caption, page.warning, page.info) for text in kind)


def test_sigmoid_against_softmax_shows_both_and_warns_of_what_differs_in_training(trained, open_page):
    page = open_page("compare", compare="pair")
    (warning,) = page.warning
    assert "epochs (sigmoid 300, softmax 60) and seed (sigmoid 0, softmax 3)" in warning.value
    told = texts(page)
    for part in (r"dog.wav: sigmoid says **", "softmax says **", "rank correlation of their weights", "10%"):
        assert part in told
    clip, fold = (table.value for table in page.table)
    assert clip["on this clip"].tolist()[:2] == ["predicted class", "its probability"]
    assert fold["sigmoid"].tolist()[0].startswith("10.0%")
    assert [cell.replace("\u00a0", " ") for cell in fold["sigmoid"].tolist()[1:]] == ["not run"] * 4


def test_one_network_without_its_counterpart_is_shown_by_itself_and_without_either_there_is_one_sentence(
    trained, open_page
):
    page = open_page("compare", compare="pair", layer="l6")
    (info,) = page.info
    assert (
        info.value
        == "Softmax attention at l6 has no checkpoint for ESC-10, fold 1, recipe paper, so sigmoid is shown by itself."
    )
    assert "softmax says" not in texts(page)
    assert len(page.table) == 2
    page = open_page("compare", compare="pair", layer="l2")
    (info,) = page.info
    assert (
        info.value == "Neither sigmoid nor softmax attention at l2 has a checkpoint for ESC-10, fold 1, recipe paper."
    )
    assert not page.table
