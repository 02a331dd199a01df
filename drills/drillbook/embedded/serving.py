"""HTTP for the embedded cloud: one thread a connection, keep-alive, every answer in one packet, one address a region.

Werkzeug's own handler closes each connection, and writes headers and body apart, which costs 40 ms with Nagle's
algorithm and delayed acknowledgements. Here the body is read before the application runs, so the stream is always at
the next request line, and header and body leave together. One thread accepts on all addresses and sleeps in between.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from io import BytesIO
from typing import Any, Protocol, cast

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from drillbook.embedded.addresses import EVERYWHERE, REGIONS, address_of, region_at

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

REGION = "drillbook.region"
"""In the WSGI environment: the region by whose address the request came, or None if it came by 127.0.0.1."""
_BODILESS = {"204", "304"}
_PORTS_TRIED = 50
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing drops what is unsent and sends RST


class NoAnswer(Exception):
    """The request is not answered: its connection is held for ``patience`` seconds and then reset."""

    def __init__(self, patience: float = 0.0) -> None:
        super().__init__("no answer")
        self.patience = patience


class Passage(Protocol):
    """One request's way through the door."""

    def check(self) -> None:
        """Raises NoAnswer if no answer may leave now."""
        ...


class Doorkeeper(Protocol):
    """Decides who gets in."""

    def passage(self, environ: dict[str, Any], connection: socket.socket, /) -> AbstractContextManager[Passage]:
        """Entered with the request's head, before its body is read; left when the answer is sent. Raises NoAnswer."""
        ...


class Server(ThreadedWSGIServer):
    """Listens on a port that the system chooses, at 127.0.0.1 and at the address of every region."""

    def __init__(self, application: Application, doorkeeper: Doorkeeper) -> None:
        self._ending, self._end = socket.socketpair()
        self._sockets: list[socket.socket] = []
        super().__init__(EVERYWHERE, 0, cast(Any, application), handler=_Connection)
        self.doorkeeper = doorkeeper
        self._sockets.append(self.socket)
        try:
            addresses = {address_of(region) for region in REGIONS} - {EVERYWHERE}
            self._sockets += _listening(sorted(addresses), self.server_port, self.request_queue_size)
        except OSError:
            self.server_close()
            raise

    def serve_forever(self, _: float = 0.0) -> None:
        """Accept until ``shutdown``. This thread wakes for connections only."""
        with selectors.DefaultSelector() as ready:
            for listening in self._sockets:
                listening.setblocking(False)
                ready.register(listening, selectors.EVENT_READ)
            ready.register(self._ending, selectors.EVENT_READ)
            while True:
                waiting = [cast(socket.socket, key.fileobj) for key, _ in ready.select()]
                if self._ending in waiting:
                    return
                for one in waiting:
                    self._accept(one)

    def shutdown(self) -> None:
        """Accept nobody any more. Returns at once; connections that are open stay so."""
        self._end.send(b".")

    def server_close(self) -> None:
        for one in (*self._sockets, self.socket, self._ending, self._end):
            one.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):  # It was gone before we looked, or this process has no descriptor left.
            connection, address = listening.accept()
            connection.setblocking(True)
            self.process_request(connection, address)


def listen(application: Application, doorkeeper: Doorkeeper) -> Server:
    """Bind; ``serve_forever`` then serves ``application``. Raises OSError if no port is free at all addresses."""
    for _ in range(_PORTS_TRIED):
        try:
            return Server(application, doorkeeper)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free at 127.0.0.1 and at every region's address")


def endpoint_of(server: Server) -> str:
    return f"http://{EVERYWHERE}:{server.server_port}"


def _listening(addresses: list[str], port: int, backlog: int) -> list[socket.socket]:
    """A listening socket at each of the addresses, or none. Raises OSError."""
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            opened.append(socket.create_server((address, port), backlog=backlog))
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


class _Connection(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server
    _region: str | None = None
    _continue = _silent = False

    def setup(self) -> None:
        super().setup()
        self._region = region_at(self.connection.getsockname()[0])

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ[REGION] = self._region
        try:
            with self.server.doorkeeper.passage(environ, self.connection) as passage:
                self._read_body(environ)
                answer = self._answer(environ)
                passage.check()
                self._send(*answer)
        except NoAnswer as silence:
            self._fall_silent(silence.patience)

    def _answer(self, environ: dict[str, Any]) -> tuple[str, Headers, bytes]:
        answer: list[tuple[str, Headers]] = []
        body: list[bytes] = []

        def start_response(status: str, headers: Headers, _: object = None) -> Callable[[bytes], None]:
            answer[:] = [(status, headers)]
            return body.append

        chunks = self.server.app(environ, start_response)
        try:
            body.extend(chunks)
        finally:
            close: Callable[[], None] | None = getattr(chunks, "close", None)
            if close:
                close()
        return *answer[0], b"".join(body)

    def _read_body(self, environ: dict[str, Any]) -> None:
        if self._continue:
            self._continue = False
            super().handle_expect_100()
            self.wfile.flush()  # The client holds its body back until it has this line.
        chunked = environ.get("wsgi.input_terminated", False)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read() if chunked else self.rfile.read(length)
        if not chunked and len(body) < length:
            raise NoAnswer  # The client broke off: half a request must have no effect.
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))

    def _send(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if code not in _BODILESS and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and code not in _BODILESS:
            self.wfile.write(body)
        self.wfile.flush()

    def _fall_silent(self, patience: float) -> None:
        """Say nothing, until the client gives up or patience ends; then reset."""
        self.close_connection = self._silent = True
        with suppress(OSError):
            self.connection.settimeout(max(patience, 0.001))
            while self.connection.recv(65536):
                pass

    def handle_expect_100(self) -> bool:
        """Only who is let in may send its body."""
        self._continue = True
        return True

    def finish(self) -> None:
        with suppress(ConnectionError):  # A client that gave up leaves bytes in the buffer that nobody will read.
            super().finish()
        if self._silent:
            with suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()  # Before the server shuts it down in good order, which would send an end of file.

    def log_request(self, *_: object) -> None:
        """Requests are told by the client's own call log."""
