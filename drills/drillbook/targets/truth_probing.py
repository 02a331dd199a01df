"""What several truth probes need: names, waiting, another region, something to check over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from uuid import uuid4

from drillbook.clock import SystemClock
from drillbook.errors import WaitTimeout
from drillbook.targets.truth import TAG, Clients, Untrue
from drillbook.waiting import wait_for

T = TypeVar("T")
clock = SystemClock()
PATIENCE = 20.0
"""Seconds, not scaled, for what emulators do at once and the embedded cloud in its own time."""


def name_of(capability: str) -> str:
    return f"{TAG}-{capability.replace('.', '-').replace('_', '-')}-{uuid4().hex[:8]}"


def elsewhere(session: Clients) -> str:
    """Another region of the service, or if it has but one, some other region."""
    regions: list[str] = [*sorted(getattr(session, "regions", ())), "us-west-2", "us-east-1"]
    return next(region for region in regions if region != session.region)


def until(what: str, look: Callable[[], T], holds: Callable[[T], object], timeout: float | None = None) -> T:
    """Wait for at most ``timeout`` seconds, or PATIENCE. Raises Untrue with what was seen last."""
    limit = PATIENCE if timeout is None else timeout
    try:
        return wait_for(what, look, until=lambda seen: bool(holds(seen)), timeout=limit, interval=0.05, clock=clock)
    except WaitTimeout as late:
        raise Untrue(late.what) from late


def equals(expected: object) -> Callable[[object], bool]:
    """For ``until``: a bound ``__eq__`` would answer NotImplemented, which is true, for what is of another type."""
    return lambda seen: seen == expected


def expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Untrue(f"{what} is {found!r}, not {expected!r}")


class Target(ThreadingHTTPServer):
    """An HTTP endpoint of this machine; ``status`` is what it answers, ``text`` its body."""

    daemon_threads = True
    status, text = 200, "fine"

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Answers(BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        body = self.server.text.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Probes are quiet."""


@contextmanager
def target() -> Iterator[Target]:
    made = Target(("127.0.0.1", 0), _Answers)
    serving = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        serving.join()
