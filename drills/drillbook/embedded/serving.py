"""HTTP for the embedded cloud: one thread a connection, keep-alive, every answer in one packet.

Werkzeug's own handler closes each connection, and writes headers and body apart, which costs 40 ms with Nagle's
algorithm and delayed acknowledgements. Here the body is read before the application runs, so the stream is always at
the next request line, and header and body leave together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_BODILESS = {"204", "304"}


def listen(application: Application) -> BaseWSGIServer:
    """Bind to a loopback port that the system chooses; ``serve_forever`` then serves ``application``."""
    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Connection)


def endpoint_of(server: BaseWSGIServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


class _Connection(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        environ = self._request()
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
        self._send(*answer[0], b"".join(body))

    def _request(self) -> dict[str, Any]:
        environ = self.make_environ()
        chunked = environ.get("wsgi.input_terminated", False)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read() if chunked else self.rfile.read(length)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        return environ

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

    def handle_expect_100(self) -> bool:
        """The client holds its body back until it has this line, so it may not wait in the buffer."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def finish(self) -> None:
        with suppress(ConnectionError):  # A client that gave up leaves bytes in the buffer that nobody will read.
            super().finish()

    def log_request(self, *_: object) -> None:
        """Requests are told by the client's own call log."""
