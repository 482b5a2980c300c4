"""A local HTTP server that serves one body and misbehaves as told, request by request."""

import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How one request is answered."""

    status: int = 200
    cut_after: int | None = None
    """Bytes of body after which the connection is closed."""
    ranges: bool = True
    """Whether Range is honoured."""
    length: int | str | None = "true"
    """Content-Length of a full answer: the true one, another, "none" at all, or None for a chunked response."""
    etag: str | None = '"one"'
    last_modified: str | None = None
    if_range: bool = True
    """Whether If-Range is honoured; without, a range of whatever is there now is sent."""
    wrong_start: bool = False
    pause_s: float = 0.0
    """Between two bytes, of which then one at a time is sent."""
    drips: str = "body"
    """What is sent so: the "body", the "head", or the "sizes" of the pieces of a chunked response."""


@dataclass
class Server:
    body: bytes
    answers: list[Answer] = field(default_factory=list)
    """Used up request by request; afterwards every request is answered well."""
    ranges_asked: list[str | None] = field(default_factory=list)
    url: str = ""

    def __enter__(self):
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}/ESC-50/archive/master.zip"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self._http.shutdown()
        self._http.server_close()


def _handler(server: Server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            answer = server.answers.pop(0) if server.answers else Answer()
            server.ranges_asked.append(self.headers.get("Range"))
            self.close_connection = True
            start = self._start(answer)
            if answer.status != 200:
                self._head(answer, answer.status, 0)
            elif start is None:
                self._head(answer, 200, len(server.body) if answer.length == "true" else answer.length)
                self._send(server.body, answer, chunked=answer.length is None)
            elif start >= len(server.body):
                self._head(answer, 416, 0, ("Content-Range", f"bytes */{len(server.body)}"))
            else:
                rest = server.body[start:]
                told = start + 1 if answer.wrong_start else start
                about = f"bytes {told}-{len(server.body) - 1}/{len(server.body)}"
                self._head(answer, 206, len(rest), ("Content-Range", about))
                self._send(rest, answer)

        def _start(self, answer: Answer) -> int | None:
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            same = self.headers.get("If-Range") in (answer.etag, answer.last_modified)
            return int(asked[1]) if asked and answer.ranges and (same or not answer.if_range) else None

        def _head(self, answer: Answer, status: int, length: int | None, *more: tuple[str, str]) -> None:
            self.send_response(status)
            chunked = ("Transfer-Encoding", "chunked")
            if length != "none":
                self.send_header(*(chunked if length is None else ("Content-Length", str(length))))
            for name, value in (("ETag", answer.etag), ("Last-Modified", answer.last_modified), *more):
                if value is not None:
                    self.send_header(name, value)
            if answer.pause_s and answer.drips == "head":
                self._drip(b"".join(self._headers_buffer), answer.pause_s)
                self._headers_buffer = []
            self.end_headers()

        def _drip(self, content: bytes, pause_s: float) -> None:
            with suppress(OSError):  # whoever asked has gone
                for i in range(len(content)):
                    self.wfile.write(content[i : i + 1])
                    time.sleep(pause_s)

        def _send(self, body: bytes, answer: Answer, chunked: bool = False) -> None:
            body = body[: answer.cut_after]
            if answer.pause_s and answer.drips == "body":
                self._drip(body, answer.pause_s)
                return
            if answer.pause_s and answer.drips == "sizes":
                self._drip(b"5;" + bytes(1000), answer.pause_s)
                return
            if not chunked:
                self.wfile.write(body)
                return
            for i in range(0, len(body), 10_000):
                piece = body[i : i + 10_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if answer.cut_after is None:
                self.wfile.write(b"0\r\n\r\n")

    return Handler
