"""The canary's way to a host that a name server of the world knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from drillbook.clock import SystemClock
from drillbook.errors import UsageError
from drillbook.measure.front_door import HttpFrontDoor
from drillbook.measure.history import Kind, Res

from ..web.dns_server import NameServer, name_server  # noqa: TID252 - one name server for all tests of names


class Regions(ThreadingHTTPServer):
    """One service on two loopback addresses; remembers who was asked for."""

    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, port), Answers)
        self.hosts: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answers(BaseHTTPRequestHandler):
    server: Regions

    def do_GET(self) -> None:
        self.server.hosts.append(self.headers["Host"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def regions() -> Iterator[tuple[Regions, Regions]]:
    one = Regions("127.0.0.1", 0)
    other = Regions("127.0.0.2", one.server_address[1])
    yield one, other
    for server in (one, other):
        server.shutdown()
        server.server_close()


@pytest.fixture
def names() -> Iterator[NameServer]:
    with name_server() as made:
        yield made


def test_the_canary_goes_where_dns_leads_when_the_time_to_live_is_over(
    regions: tuple[Regions, Regions], names: NameServer
) -> None:
    one, other = regions
    resolver = f"dns://127.0.0.1:{names.port}?port={one.server_address[1]}&speed=100"
    spec = {"url": "http://shop.example.com", "resolver": resolver, "probe": {"path": "/"}}
    door = HttpFrontDoor(spec, timeout=2, clock=SystemClock())
    assert door.ask(Kind.PROBE, "", 0).status == "host name not found"
    assert door.ask(Kind.PROBE, "", 0).res is Res.FAIL
    names.zone["shop.example.com"] = ["shop.example.com. 3600 IN A 127.0.0.1"]
    assert door.ask(Kind.PROBE, "", 0).res is Res.OK
    names.zone["shop.example.com"] = ["shop.example.com. 0 IN A 127.0.0.2"]
    assert door.ask(Kind.PROBE, "", 0).res is Res.OK
    assert (len(one.hosts), len(other.hosts)) == (2, 0), "the answer is good for an hour of the world's"
    fresh = HttpFrontDoor({**spec, "resolver": resolver + "0"}, timeout=2, clock=SystemClock())
    assert fresh.ask(Kind.PROBE, "", 0).res is Res.OK
    assert other.hosts == ["shop.example.com"]
    assert set(one.hosts) == {"shop.example.com"}


def test_a_wrong_resolver_is_told_in_one_line() -> None:
    spec = {"url": "http://shop.example.com", "resolver": "8.8.8.8", "probe": {"path": "/"}}
    with pytest.raises(UsageError, match="names no resolver"):
        HttpFrontDoor(spec, timeout=2, clock=SystemClock())


def test_headers_of_the_door_go_with_every_request_and_those_of_a_request_before_them() -> None:
    probe = {"path": "/", "headers": {"X-Own": "b"}}
    read = {"path": "/{key}", "version": "$.v"}
    spec = {
        "url": "http://127.0.0.1",
        "headers": {"Authorization": "Token t", "X-Own": "a"},
        "probe": probe,
        "read": read,
    }
    door = HttpFrontDoor(spec, timeout=2, clock=SystemClock())
    headers = {kind: door._templates[kind].headers for kind in (Kind.PROBE, Kind.READ)}
    assert headers[Kind.PROBE] == {"Authorization": "Token t", "X-Own": "b"}
    assert headers[Kind.READ] == {"Authorization": "Token t", "X-Own": "a"}
