"""A SOCKS5 proxy on this machine, without sign-in (RFC 1928): it connects, and passes bytes on."""

import socket
import struct
import threading
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

NAME, IPV4 = 3, 1
SUCCEEDED_NOWHERE = b"\x05\x00\x00\x01" + bytes(6)


class _Handler(StreamRequestHandler):
    def handle(self):
        _, n_methods = self.rfile.read(2)
        self.rfile.read(n_methods)
        self.wfile.write(b"\x05\x00")  # version 5, no sign-in
        *_, kind = self.rfile.read(4)
        length = self.rfile.read(1)[0] if kind == NAME else 4
        address = self.rfile.read(length)
        host = address.decode() if kind == NAME else socket.inet_ntoa(address)
        (port,) = struct.unpack(">H", self.rfile.read(2))
        self.server.asked.append((host, port))
        with socket.create_connection((host, port)) as there:
            self.wfile.write(SUCCEEDED_NOWHERE)
            threading.Thread(target=_pass_on, args=(self.connection, there), daemon=True).start()
            _pass_on(there, self.connection)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)


class SocksServer(ThreadingTCPServer):
    """Runs within a `with` block; `asked` lists the hosts and ports that it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, int]] = []
        self.url = f"socks5h://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()
