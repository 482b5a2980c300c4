"""What visitors take of the server's memory: uploads are bounded, and all is freed soon after a session has left.

Streamlit bounds each upload alone, and it keeps a session that has left, for two minutes in which its browser may come
back, until another one leaves: on a quiet server for ever.
"""

import threading
import time

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from acrnn.web.shell.memory import give_back
from acrnn.web.shell.public import total_upload_bytes, upload_limit_mb

SWEEP_S = 30.0


@st.cache_resource(show_spinner=False)
def bound_uploads() -> None:
    """Bound the uploads of this server, once a process."""
    if not runtime.exists():  # a page that is run by a test, without a server
        return
    running = runtime.get_instance()
    # one more than all together may have: the page that meets that limit says so in words
    refuse_beyond(running.uploaded_file_mgr, total_upload_bytes() + upload_limit_mb() * 10**6)
    loop, storage = running._get_async_objs().eventloop, running._session_mgr._session_storage
    threading.Thread(target=_sweep, args=(loop, storage), name="uploads", daemon=True).start()


def refuse_beyond(manager: MemoryUploadedFileManager, max_bytes: float) -> None:
    """Have a manager refuse a file with which it would hold more than so many bytes, whoever sends it."""
    add_file, adding = manager.add_file, threading.Lock()

    def add_if_there_is_room(session_id: str, file: UploadedFileRec) -> None:
        with adding:
            held = sum(len(kept.data) for files in list(manager.file_storage.values()) for kept in list(files.values()))
            if held + len(file.data) > max_bytes:
                raise HTTPException(413, "The server holds as many uploads as it can; please try again later.")
            add_file(session_id, file)

    manager.add_file = add_if_there_is_room


def let_go(storage: MemorySessionStorage) -> int:
    """Let go of the sessions that will not come back; gives how many. To be called where the server's loop runs."""
    gone = [kept.session for _, kept in storage._cache.expire()]
    for session in gone:  # which others may still refer to
        session.shutdown()
        session.session_state.clear()
    return len(gone)


def _sweep(loop, storage: MemorySessionStorage) -> None:
    while not loop.is_closed():
        time.sleep(SWEEP_S)
        loop.call_soon_threadsafe(let_go, storage)
        give_back()
