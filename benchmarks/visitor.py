"""A visitor without a browser: Streamlit's own messages over its websocket, so that the server alone does the work."""

import asyncio
from pathlib import Path
from typing import Self
from uuid import uuid4

import requests
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLsRequest, UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.browser.conftest import App


class Visitor:
    """One session.

    Attributes
    ----------
    title : str
        The page's, as last sent.
    errors : list of str
        Exceptions that pages showed.
    n_bytes : int
        Received so far.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._query = ""
        self._page = ""  # hash of its script
        self._pages: dict[str, str] = {}  # name in the URL → hash
        self._widgets: set[str] = set()  # ids
        self._states: dict[str, WidgetState] = {}  # what was given to this page's widgets
        self.title = ""
        self.errors: list[str] = []
        self.n_bytes = 0
        self._session = ""  # its id

    async def __aenter__(self) -> Self:
        await self._connect("streamlit")
        return self

    async def _connect(self, *protocols: str) -> None:
        url = self._app.url("_stcore/stream").replace("http", "ws")
        self._socket = await websockets.connect(url, subprotocols=protocols, max_size=None, ping_interval=None)

    async def reconnect(self) -> None:
        """Lose the connection, come back to the same session as a browser does, and wait for the page."""
        await self._socket.close()
        await self._connect("streamlit", "no-token", self._session)  # without sign-in no token is looked at
        self.title = ""
        await self._run(*self._states.values())

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def open(self, page: str, query: str | None = None) -> None:
        """Open a page by its name in the URL ("" is Listen) and wait until it has run to its end."""
        if query is not None:
            self._query = query
        self._page = self._pages.get(page, "")
        self._widgets.clear()  # another page's uploader has this one's key and another id
        self._states.clear()
        await self._run(page_name=page)

    async def select(self, key: str, option: str) -> None:
        """Choose an option of the select box with this key."""
        await self._run(WidgetState(id=self._id(key), string_value=option))

    async def upload(self, key: str, path: Path) -> None:
        """Give a file to the uploader with this key."""
        asked = FileURLsRequest(request_id=uuid4().hex, file_names=[path.name])
        await self._send(BackMsg(file_urls_request=asked))
        while (message := await self._receive()).WhichOneof("type") != "file_urls_response":
            pass
        urls = message.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._put, self._app.url(urls.upload_url.lstrip("/")), path)
        state = WidgetState(id=self._id(key))
        info = UploadedFileInfo(file_id=urls.file_id, name=path.name, size=path.stat().st_size, file_urls=urls)
        state.file_uploader_state_value.uploaded_file_info.append(info)
        await self._run(state)

    def _put(self, url: str, path: Path) -> None:
        with requests.Session() as http:
            http.get(self._app.url("_stcore/health"), timeout=60)  # brings the token that an upload must carry
            token = {"X-Xsrftoken": http.cookies["_streamlit_xsrf"]}
            http.put(url, files={path.name: path.read_bytes()}, headers=token, timeout=600).raise_for_status()

    def _id(self, key: str) -> str:
        return next(name for name in self._widgets if name.endswith(f"-{key}"))

    async def _run(self, *states: WidgetState, page_name: str = "") -> None:
        self._states |= {state.id: state for state in states}
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.page_name = "" if self._page else page_name
        message.rerun_script.widget_states.widgets.extend(states)
        await self._send(message)
        while True:
            answer = await self._receive()
            ended = answer.WhichOneof("type") == "script_finished"
            if ended and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())

    async def _receive(self) -> ForwardMsg:
        content = await self._socket.recv()
        self.n_bytes += len(content)
        message = ForwardMsg.FromString(content)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self._page = message.navigation.page_script_hash
        elif kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._note(message.delta.new_element)
        return message

    def _note(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        shown = getattr(element, kind)
        if kind == "heading" and shown.tag == "h1":
            self.title = shown.body
        elif kind == "exception":
            self.errors.append(f"{shown.type}: {shown.message}")
        elif getattr(shown, "id", ""):
            self._widgets.add(shown.id)
