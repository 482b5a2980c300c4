"""The pages with a checkpoint of one's own classes, whose names look like HTML, a formula and a gap."""

import shutil
from dataclasses import replace

import pytest

from acrnn.data import load
from acrnn.results.settings import record
from acrnn.runs.finish import publish
from acrnn.web.compare.families import families_of

NAME = "own-odd-names"


@pytest.fixture
def own_checkpoint(own_root, own_run, tmp_path, monkeypatch, nothing_shipped):
    """The checkpoint, published, and its out-of-fold predictions among the user's results."""
    for variable in ("CHECKPOINTS", "RESULTS", "DATASETS"):
        monkeypatch.setenv(f"ACRNN_{variable}", str(tmp_path / variable.lower()))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "no data"))
    load(own_root, "own")  # which keeps the folds, and so makes the folder known
    record(own_run)
    return publish(own_run)


def words(page) -> str:
    kinds = (page.markdown, page.caption, page.info, page.error, page.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_listen_names_its_classes_and_offers_its_clips(open_page, own_checkpoint, own_root):
    clip = next(clip for clip in load(own_root, "own").clips if clip.label == "=1+1" and clip.fold == 1)
    query = {"model": NAME, "source": "dataset", "data": NAME, "label": "=1+1", "clipfold": "1", "clip": clip.filename}
    page = open_page("listen", **query)
    choices = {box.label: box for box in page.selectbox}
    assert choices["Trained on"].value == NAME
    assert choices["Trained on"].options == ["odd-names (own classes)"]
    assert choices["Clip"].value == clip.filename
    assert not page.error
    assert "Fold 1: never seen in training" in words(page)


def test_a_name_that_is_html_is_shown_and_not_obeyed(open_page, own_checkpoint, own_root):
    page = open_page("listen", model=NAME, source="dataset", data=NAME, label="<b>x", clipfold="1")
    assert not page.exception
    assert "<b>x" not in words(page).replace("\\<b\\>x", "").replace("\\<b>x", "")


def test_compare_says_how_to_train_what_is_missing(own_checkpoint, own_root):
    config = replace(own_checkpoint.config, recipe=own_checkpoint.config.recipe | {"name": "plain-tuned"})
    (family,) = families_of([replace(own_checkpoint, config=config)])
    train, publish_it = family.training_command("l2-sigmoid").splitlines()
    assert f"--data '{own_root}' --dataset {NAME} --fold 1 --placement l2-sigmoid --recipe plain --epochs 1" in train
    assert publish_it.endswith(f"runs/{NAME}-l2-sigmoid-plain-fold1-seed0")


def test_confusions_shows_its_clips(open_page, own_checkpoint):
    page = open_page("confusions")
    assert not page.error
    for tab in ("pairs", "classes", "clips", "calibration"):
        assert not open_page("confusions", tab=tab).error


def test_train_offers_the_folder(open_page, own_checkpoint):
    page = open_page("train", data=NAME)
    assert not page.error
    assert "Classes" not in [group.label for group in page.button_group]
    assert next(box for box in page.selectbox if box.label == "Held-out fold").options[:2] == ["1", "2"]


def test_visitors_of_a_public_server_are_offered_the_network_and_not_the_recordings(
    open_page, own_checkpoint, monkeypatch
):
    monkeypatch.setenv("ACRNN_PUBLIC", "1")
    page = open_page("listen", model=NAME, source="dataset", data=NAME)
    assert next(box for box in page.selectbox if box.label == "Trained on").value == NAME
    assert "There is no dataset on this server" in words(page)


@pytest.mark.parametrize("name", ["compare", "results", "train", "collection"])
def test_the_other_pages_draw(open_page, own_checkpoint, name):
    page = open_page(name, model=NAME)
    assert not page.exception


def test_a_folder_that_went_away_is_no_error(open_page, own_checkpoint, own_root, tmp_path):
    away = tmp_path / "away"
    shutil.copytree(own_root, away)
    load(away, "own-away")
    shutil.rmtree(away)
    page = open_page("listen", source="dataset")
    assert "own-away" not in [option for box in page.selectbox for option in box.options]
