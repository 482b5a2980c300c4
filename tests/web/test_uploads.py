"""Uploads are bounded for all sessions together, and go with their sessions."""

from types import SimpleNamespace

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

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
