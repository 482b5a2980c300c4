"""Uploads are bounded for all sessions together, and go with their sessions."""

import weakref
from types import SimpleNamespace

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from acrnn.errors import LimitError
from acrnn.web.shell import public
from acrnn.web.shell.uploads import let_go, refuse_beyond
from tests.waiting import wait_until


def file(name: str, n_bytes: int) -> UploadedFileRec:
    return UploadedFileRec(name, f"{name}.wav", "audio/wav", bytes(n_bytes))


def test_no_more_is_held_than_was_said_whoever_sends_it():
    manager = MemoryUploadedFileManager("/upload")
    refuse_beyond(manager, 1000)
    manager.add_file("one", file("a", 600))
    manager.add_file("other", file("b", 400))
    for session in ("one", "other", "third"):
        with pytest.raises(HTTPException, match="please try again later"):
            manager.add_file(session, file("c", 1))
    manager.remove_session_files("one")
    manager.add_file("third", file("c", 600))


@pytest.fixture
def server(monkeypatch):
    """A server that holds 1000 bytes at most; enter(session) is the session whose page runs from then on."""
    monkeypatch.setenv(public.TOTAL_UPLOAD_MB, "0.001")
    monkeypatch.setattr(public, "_uploads", lambda held=weakref.WeakSet(): held)

    def enter(session: dict) -> None:
        monkeypatch.setattr(public.st, "session_state", session)

    return enter


def test_all_that_sessions_hold_counts_once_by_widget_and_goes_with_them(server):
    one, other = {}, {}
    server(one)
    for _ in range(2):  # every run of the page asks
        public.admit_upload("upload", "a", 400)
    public.admit_upload("uploads", "b c", 300)
    public.admit_upload("upload", "d", 500)  # in place of a
    server(other)
    with pytest.raises(LimitError, match="already holds 0 MB of uploads, and up to 0 MB are accepted in all"):
        public.admit_upload("record", "e", 201)
    public.admit_upload("record", "e", 200)
    server(one)
    public.let_upload_go("uploads")
    server(other)
    public.admit_upload("upload", "f", 300)
    one.clear()
    public.admit_upload("upload", "g", 800)


class Left:
    """A session as far as it is let go."""

    def __init__(self, manager):
        self.id, self.manager, self.session_state = "left", manager, {"kept": "a clip"}

    def shutdown(self):
        self.manager.remove_session_files(self.id)


def test_a_session_that_left_is_let_go_though_no_other_one_leaves():
    manager, storage = MemoryUploadedFileManager("/upload"), MemorySessionStorage(ttl_seconds=0.05)
    session = Left(manager)
    manager.add_file(session.id, file("a", 600))
    storage.save(SimpleNamespace(session=session))
    assert let_go(storage) == 0
    assert session.session_state
    wait_until(lambda: let_go(storage) == 1)
    assert not session.session_state
    assert not manager.file_storage
