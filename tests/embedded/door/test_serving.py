"""Addresses, connections that get no answer, and what waits at the door."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process, serving
from drillbook.embedded.addresses import address_of
from drillbook.embedded.domains import Domains, Failures
from drillbook.embedded.door import DRAIN, RegionDoor
from drillbook.embedded.knock import knock
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

DARK = Failures(regions=frozenset({"us-east-1"}))
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/rds/aws4_request, Signature=0"}


class Scene:
    """A server of its own whose application waits for ``go``."""

    def __init__(self) -> None:
        self.domains, self.go, self.inside, self.clock = Domains(), threading.Event(), threading.Event(), SystemClock()
        self.bodies: list[bytes] = []
        self.door = RegionDoor(self.domains, self.clock, patience=0.2)
        self.domains.listen(self.door.changed)
        self.server = serving.listen(self, self.door)
        self.go.set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.inside.set()
        self.go.wait(20)
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [str(environ[serving.REGION]).encode()]

    def await_quiet(self) -> None:
        """Until the last request has left: who is answered may still be on its way out."""
        wait_for("an empty door", lambda: not self.door.inside, timeout=10, interval=0.005, clock=self.clock)

    def connection(self, address: str = "127.0.0.1") -> HTTPConnection:
        return HTTPConnection(address, self.server.server_port, timeout=20)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    serving_thread = threading.Thread(target=made.server.serve_forever)
    serving_thread.start()
    yield made
    made.go.set()
    made.server.shutdown()
    serving_thread.join(10)
    made.server.server_close()
    assert not serving_thread.is_alive()


def said(connection: HTTPConnection, headers: dict[str, str] | None = None) -> bytes:
    connection.request("GET", "/", headers=headers or {})
    return connection.getresponse().read()


def test_a_request_tells_by_which_regions_address_it_came(scene: Scene) -> None:
    for region in ("us-east-1", "eu-west-1", "af-south-1"):
        connection = scene.connection(address_of(region))
        assert said(connection) == region.encode()
        connection.close()
    connection = scene.connection()
    assert said(connection) == b"None"
    connection.close()


def test_a_taken_port_at_one_regions_address_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = serving._listening

    def taken_once(addresses: list[str], port: int, backlog: int) -> list[socket.socket]:
        made.append(port)
        if len(made) > 1:
            return original(addresses, port, backlog)
        with socket.create_server((addresses[-1], port)):
            return original(addresses, port, backlog)

    monkeypatch.setattr(serving, "_listening", taken_once)
    scene = Scene()
    assert len(made) == 2
    assert scene.server.server_port == made[1]
    scene.server.server_close()


def test_a_dark_region_holds_its_callers_and_then_resets_them(scene: Scene) -> None:
    connection = scene.connection()
    assert said(connection, SIGNED) == b"None"
    scene.await_quiet()
    scene.domains.become(DARK)
    began = scene.clock.monotonic()
    with pytest.raises(ConnectionResetError):
        said(connection, SIGNED)  # by the connection that was open before
    assert scene.clock.monotonic() - began >= 0.19
    assert len(scene.bodies) == 1
    scene.domains.heal()
    connection.close()
    assert said(connection, SIGNED) == b"None"
    connection.close()


def test_who_is_inside_when_the_region_goes_dark_loses_the_connection_at_once(scene: Scene) -> None:
    scene.go.clear()
    connection = scene.connection()
    connection.request("GET", "/", headers=SIGNED)
    assert scene.inside.wait(10)
    began = scene.clock.monotonic()
    scene.domains.become(DARK)
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    assert scene.clock.monotonic() - began < DRAIN + 5
    connection.close()


def test_breaking_waits_for_those_inside_so_that_nothing_takes_effect_after_it(scene: Scene) -> None:
    scene.go.clear()
    connection = scene.connection()
    connection.request("GET", "/", headers=SIGNED)
    assert scene.inside.wait(10)
    threading.Timer(0.1, scene.go.set).start()
    scene.domains.become(DARK)
    assert scene.bodies == [b""], "it was still at work when the fault was in effect"
    connection.close()


def test_other_regions_go_on_meanwhile(scene: Scene) -> None:
    scene.go.clear()
    other = scene.connection()
    other.request("GET", "/", headers={"Authorization": SIGNED["Authorization"].replace("us-east-1", "us-west-2")})
    assert scene.inside.wait(10)
    scene.domains.become(DARK)
    scene.go.set()
    assert other.getresponse().read() == b"None"
    other.close()


def test_a_body_is_not_even_asked_for_in_a_dark_region(scene: Scene) -> None:
    head = f"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n{_lines(SIGNED)}\r\n".encode()
    with socket.create_connection(("127.0.0.1", scene.server.server_port), timeout=20) as raw:
        raw.sendall(head)
        assert raw.recv(100).startswith(b"HTTP/1.1 100 Continue")
        raw.sendall(b"body")
        assert raw.recv(4096).startswith(b"HTTP/1.1 200 OK")
        scene.await_quiet()
        scene.domains.become(DARK)
        raw.sendall(head)
        with pytest.raises(ConnectionResetError):
            raw.recv(100)
    assert scene.bodies == [b"body"]


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


@contextmanager
def broken(cloud: Cloud, failures: Failures) -> Iterator[None]:
    process.become(cloud, failures)
    try:
        yield
    finally:
        process.become(cloud, Failures())


def test_a_knock_tells_what_a_client_would_meet(cloud: Cloud) -> None:
    clock = SystemClock()
    assert knock(cloud.endpoint, "us-east-1", "rds", clock).status == 200
    with broken(cloud, DARK):
        assert knock(cloud.endpoint, "us-east-1", "rds", clock).status is None
        assert knock(cloud.endpoint, "us-west-2", "rds", clock).status == 200
        assert knock(cloud.endpoint, "us-west-2", "rds", clock, origin="us-east-1").status is None
    assert knock("http://127.0.0.1:9", "us-east-1", "rds", clock).status is None
