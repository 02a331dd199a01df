"""An endpoint for health checks to go to."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Target(ThreadingHTTPServer):
    """Something to check: its status and its text can be changed."""

    daemon_threads = True
    status, text = 200, "all is well"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.hosts: set[str] = set()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class Answers(BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        self.server.hosts.add(self.headers["Host"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.text)))
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""
