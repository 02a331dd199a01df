"""The Lambda Runtime API of one sandbox: hands events to the runtime client, takes its answers.

Source: AWS Lambda, "Using the Lambda runtime API for custom runtimes"
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

PREFIX = "/2018-06-01/runtime/"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """One invocation on its way into a sandbox. ``deadline_ms`` is Unix milliseconds."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str


class Listener(Protocol):
    """Who hears what the runtime client does. Called from the server's threads."""

    def asked_for_event(self) -> None: ...

    def answered(self, request_id: str, payload: bytes) -> None: ...

    def failed(self, request_id: str, error: bytes) -> None: ...

    def failed_to_start(self, error: bytes) -> None: ...


class RuntimeApi:
    """A loopback HTTP server on a port of the system's choosing. One per sandbox: the address is how it is known."""

    def __init__(self, listener: Listener) -> None:
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._server = _Server(listener, self.events)
        self._closing = False
        threading.Thread(target=self._serve, name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop at once. A runtime client that still waits for an event loses its connection."""
        self._closing = True
        self.events.put(None)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._server.server_port), timeout=1):
            return  # the connection alone wakes the serving thread, which then sees that it is time to go

    def _serve(self) -> None:
        with self._server:
            while not self._closing:
                self._server.handle_request()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: Listener, events: queue.SimpleQueue[Event | None]) -> None:
        self.listener, self.events = listener, events
        super().__init__(("127.0.0.1", 0), _Requests)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a sandbox hung up (%s %s)", request, client_address, exc_info=True)


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # Headers and body in one packet: with Nagle and delayed acknowledgements a warm call would take 90 ms instead of 5.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:  # the name is http.server's
        self.server.listener.asked_for_event()
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
        }
        self._reply(200, event.payload, headers)

    def do_POST(self) -> None:  # the name is http.server's
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.path.removeprefix(PREFIX).split("/"):
            case ["invocation", request_id, "response"]:
                self.server.listener.answered(request_id, body)
            case ["invocation", request_id, "error"]:
                self.server.listener.failed(request_id, body)
            case ["init", "error"]:
                self.server.listener.failed_to_start(body)
            case _:
                self._reply(404, b"{}", {})
                return
        self._reply(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the function's own log is what people read."""
