"""The resolver of the canary and of probes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from drillbook.clock import SystemClock, VirtualClock
from drillbook.errors import UsageError
from drillbook.service_model import HttpRequest
from drillbook.web.request import send
from drillbook.web.resolver import Place, StubResolver, SystemResolver, dial, resolver_of
from drillbook.world import World

from .dns_server import NameServer, name_server


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as made:
        yield made


def stub(server: NameServer, **settings: object) -> StubResolver:
    return StubResolver(("127.0.0.1", server.port), VirtualClock(), **settings)  # type: ignore[arg-type]


def test_an_answer_is_kept_for_its_time_to_live_and_no_longer(server: NameServer) -> None:
    resolver = stub(server, speed=10.0)
    server.zone["a.example.com"] = ["a.example.com. 60 IN A 192.0.2.1"]
    assert resolver.addresses("A.example.com.") == ("192.0.2.1",)
    server.zone["a.example.com"] = ["a.example.com. 60 IN A 192.0.2.2"]
    resolver.clock.sleep(5.9)
    assert resolver.addresses("a.example.com") == ("192.0.2.1",)
    resolver.clock.sleep(0.2)
    assert resolver.addresses("a.example.com") == ("192.0.2.2",)
    assert len(server.asked) == 2


def test_the_shortest_time_to_live_of_a_chain_holds(server: NameServer) -> None:
    resolver = stub(server)
    server.zone["www.example.com"] = ["www.example.com. 5 IN CNAME far.example.org."]
    server.zone["far.example.org"] = ["far.example.org. 300 IN A 192.0.2.1"]
    assert resolver.addresses("www.example.com") == ("192.0.2.1",)
    resolver.clock.sleep(6)
    resolver.addresses("www.example.com")
    assert server.asked == ["www.example.com", "far.example.org"] * 2


def test_a_chain_inside_one_answer_is_followed(server: NameServer) -> None:
    lines = [
        "w.example.com. 9 IN CNAME x.example.com.",
        "x.example.com. 9 IN A 192.0.2.1",
        "y.example.com. 9 IN A 192.0.2.9",
    ]
    server.zone["w.example.com"] = lines
    assert stub(server).addresses("w.example.com") == ("192.0.2.1",)


def test_a_name_that_leads_nowhere_is_not_found_and_asked_for_again(server: NameServer) -> None:
    server.zone["loop.example.com"] = ["loop.example.com. 9 IN CNAME loop.example.com."]
    server.zone["empty.example.com"] = []
    resolver = stub(server)
    for name in ("none.example.com", "empty.example.com", "loop.example.com"):
        with pytest.raises(socket.gaierror, match="no address"):
            resolver.addresses(name)
    server.zone["none.example.com"] = ["none.example.com. 9 IN A 192.0.2.1"]
    assert resolver.addresses("none.example.com") == ("192.0.2.1",)


def test_a_lost_question_is_asked_again_and_a_cut_answer_by_tcp(server: NameServer) -> None:
    resolver = StubResolver(("127.0.0.1", server.port), SystemClock())
    server.zone["a.example.com"] = ["a.example.com. 0 IN A 192.0.2.1"]
    server.silent = 1
    assert resolver.addresses("a.example.com") == ("192.0.2.1",)
    server.cut = True
    assert resolver.addresses("a.example.com") == ("192.0.2.1",)
    assert len(server.asked) == 4


def test_a_dead_name_server_is_a_name_not_found_for_now() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(socket.gaierror) as failure:
        StubResolver(("127.0.0.1", port), SystemClock()).addresses("a.example.com")
    assert failure.value.errno == socket.EAI_AGAIN


def test_web_ports_lead_to_the_worlds_port(server: NameServer) -> None:
    server.zone["a.example.com"] = ["a.example.com. 9 IN A 127.0.1.1"]
    plain, mapped = stub(server), stub(server, port=4000)

    def places(resolver: StubResolver, url: str) -> list[Place]:
        return resolver.places(urlsplit(url))

    assert places(plain, "https://a.example.com/x") == [Place("127.0.1.1", 443, True)]
    assert places(mapped, "https://a.example.com/x") == [Place("127.0.1.1", 4000, False)]
    assert places(mapped, "http://a.example.com:81/x") == [Place("127.0.1.1", 81, False)]
    assert (
        places(mapped, "http://127.0.0.1/x") == places(plain, "http://127.0.0.1/x") == [Place("127.0.0.1", 80, False)]
    )
    assert places(mapped, "http://localhost:5/x") == [Place("localhost", 5, False)]


def test_a_resolver_is_named_in_one_text() -> None:
    clock = SystemClock()
    assert isinstance(resolver_of("", clock), SystemResolver)
    named = resolver_of("dns://127.0.0.1:53?port=8080&speed=50", clock)
    assert isinstance(named, StubResolver)
    assert (named.server, named.port, named.speed) == (("127.0.0.1", 53), 8080, 50.0)
    assert resolver_of("dns://127.0.0.1:53?port=8080&speed=50", clock) is named
    for wrong in (
        "127.0.0.1:53",
        "dns://127.0.0.1",
        "dns://127.0.0.1:99999",
        "dns://h:5?speed=fast",
        "dns://h:5?tls=1",
    ):
        with pytest.raises(UsageError, match="names no resolver"):
            resolver_of(wrong, clock)


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        places = [Place("127.0.0.77", port, False), Place("127.0.0.1", port, False)]
        dial(places, "a.example.com", 2, None).close()
        with pytest.raises(ConnectionRefusedError):
            dial(places[:1], "a.example.com", 2, None)


def test_http_probes_ask_the_front_doors_resolver(world: Callable[..., World], server: NameServer) -> None:
    there = world()
    front = there.service.front_door.model_copy(update={"resolver": "{resolver}"})
    there.service = there.service.model_copy(update={"front_door": front})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    there.values["resolver"] = f"dns://127.0.0.1:{server.port}?port={port}"
    request = HttpRequest(url="http://shop.example.com/")
    assert send(there, request).value == "name not found"
    server.zone["shop.example.com"] = ["shop.example.com. 0 IN A 127.0.0.1"]
    assert send(there, request).value == "connection refused"
    assert server.asked == ["shop.example.com"] * 2
