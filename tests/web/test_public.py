"""A server for strangers: what they may do, how much of it, and whose turn it is."""

import threading

import pytest
import streamlit as st

from acrnn.errors import CheckpointError
from acrnn.web.shared.words import sentence_of
from acrnn.web.shell.public import Turns
from tests.waiting import wait_until


@pytest.fixture
def public(monkeypatch, tiny_checkpoints, tmp_path):
    monkeypatch.setenv("ACRNN_PUBLIC", "1")
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "nothing"))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path / "data"))
    st.cache_resource.clear()
    yield tmp_path
    st.cache_resource.clear()


def test_a_visitor_listens_and_compares_but_does_not_train_or_download(public, open_page):
    assert open_page("listen").title[0].value
    assert not open_page("compare").error
    train = open_page("train")
    assert "for those who are signed in" in train.info[0].value
    assert not train.button
    dataset = open_page("listen", source="dataset")
    assert any("There is no dataset on this server" in info.value for info in dataset.info)
    assert not dataset.button


def test_a_visitor_collects_uploads_but_no_folder_of_the_server(public, open_page):
    collection = open_page("collection", of="folder")
    assert collection.session_state["of"] != "folder"


def test_no_path_of_the_server_is_shown(public, open_page):
    shown = sentence_of(CheckpointError(f"{public}/checkpoints/x/model.safetensors is damaged."))
    assert shown == "model.safetensors is damaged."
    compare = open_page("compare")
    told = [
        element.value
        for kind in ("markdown", "caption", "error", "warning", "info")
        for element in getattr(compare, kind)
    ]
    assert not [one for one in told if str(public) in one]


def test_a_session_has_so_many_seconds(public, open_page, monkeypatch):
    monkeypatch.setenv("ACRNN_SESSION_SECONDS", "12")  # two scenes of 5 s
    page = open_page("listen")
    for sample in ("rain", "rooster"):
        page.selectbox(key="sample").select(sample).run()
    assert "analyses up to 12 s of sound for each visitor, and 10 s are used" in page.error[0].value
    page.selectbox(key="sample").select("rain").run()  # which is known
    assert not page.error


def test_analyses_wait_for_their_turn_in_the_order_they_came():
    turns, order, places = Turns(1), [], []
    held = threading.Event()

    def take(name: str) -> None:
        with turns.take(lambda ahead: places.append((name, ahead))):
            order.append(name)

    with turns.take():
        threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
        threads[0].start()
        wait_until(lambda: ("a", 1) in places, 10)
        threads[1].start()
        wait_until(lambda: ("b", 2) in places, 10)
        held.set()
    for thread in threads:
        thread.join(10)
    assert order == ["a", "b"]


def test_who_leaves_the_queue_holds_nobody_up():
    turns = Turns(1)

    def leave(ahead: int) -> None:
        raise KeyboardInterrupt

    with turns.take(), pytest.raises(KeyboardInterrupt), turns.take(leave):
        pass
    with turns.take():
        pass
