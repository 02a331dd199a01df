"""Where a host name leads: to what the system's resolver says, or to what a name server of the world says.

A service file names a resolver as ``dns://127.0.0.1:40053?port=40001&speed=100``. A target gives this text as
``{resolver}``; it is empty where the system's resolver is right. ``port`` is where that world serves the web: a URL
without a port leads there, in plain HTTP even for https, since the embedded cloud has no certificates. Times to live
are divided by ``speed``, as all AWS durations of that world are.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

from drillbook.clock import Clock
from drillbook.errors import UsageError

PATIENCE = 2.0
"""Seconds that a name server is given to answer."""
_LONGEST_CHAIN = 8
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """Where to connect to; ``address`` may be a name that the system resolves."""

    address: str
    port: int
    tls: bool


class Resolver(Protocol):
    """Finds the places of a URL's host."""

    def places(self, url: SplitResult) -> list[Place]:
        """Where to try, in this order; at least one. Raises socket.gaierror if the name leads nowhere."""
        ...


class SystemResolver:
    """Leaves names to the system."""

    def places(self, url: SplitResult) -> list[Place]:
        return [Place(url.hostname or "", url.port or _PORTS[url.scheme], url.scheme == "https")]


@dataclass(frozen=True)
class Known:
    """Addresses of a name, good until a monotonic instant."""

    addresses: tuple[str, ...]
    until: float


@dataclass
class StubResolver:
    """Asks one name server, as a client's resolver does: an answer is kept for its time to live, and no longer.

    A name that does not exist is asked for again each time. Literal addresses and localhost are not asked for.
    """

    server: tuple[str, int]
    clock: Clock
    port: int | None = None
    speed: float = 1.0
    _known: dict[str, Known] = field(default_factory=dict)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def places(self, url: SplitResult) -> list[Place]:
        host = url.hostname or ""
        if _needs_no_asking(host):
            return SystemResolver().places(url)
        port, tls = (url.port, url.scheme == "https") if url.port or not self.port else (self.port, False)
        return [Place(address, port or _PORTS[url.scheme], tls) for address in self.addresses(host)]

    def addresses(self, host: str) -> tuple[str, ...]:
        """IPv4 addresses of ``host``. Raises socket.gaierror if there are none, or the name server does not answer."""
        name = host.lower().rstrip(".")
        if not self._fresh(name):
            with self._asking:
                if not self._fresh(name):
                    self._known[name] = self._asked(name)
        return self._known[name].addresses

    def _fresh(self, name: str) -> bool:
        return name in self._known and self.clock.monotonic() < self._known[name].until

    def _asked(self, name: str) -> Known:
        from drillbook.web.dns_query import ask

        asked, ttl, links = self.clock.monotonic(), float("inf"), 0
        while True:
            told = ask(self.server, name, PATIENCE, self.clock)
            ttl = min(ttl, told.ttl)
            if told.addresses:
                return Known(told.addresses, asked + ttl / self.speed)
            links += 1
            if told.alias is None or links > _LONGEST_CHAIN:
                raise socket.gaierror(socket.EAI_NONAME, f"{name} has no address ({told.code})")
            name = told.alias


def resolver_of(text: str, clock: Clock) -> Resolver:
    """The resolver that ``text`` names, one for all who ask with the same text and clock. Raises UsageError."""
    if (text, clock) not in _made:
        _made[text, clock] = _stub(text, clock) if text else SystemResolver()
    return _made[text, clock]


_made: dict[tuple[str, Clock], Resolver] = {}


def _stub(text: str, clock: Clock) -> StubResolver:
    try:
        url = urlsplit(text)
        settings = {name: float(values[-1]) for name, values in parse_qs(url.query).items()}
        if url.scheme != "dns" or not url.hostname or not url.port or settings.keys() - {"port", "speed"}:
            raise ValueError("not of that form")
    except ValueError:
        raise UsageError(f"{text!r} names no resolver", do="write dns://127.0.0.1:5353, or {resolver}") from None
    port = settings.get("port")
    return StubResolver((url.hostname, url.port), clock, int(port) if port else None, settings.get("speed", 1.0))


def dial(places: list[Place], host: str, timeout: float, context: ssl.SSLContext | None) -> socket.socket:
    """A connection to the first place that takes it, under TLS with ``context`` where the place has TLS.

    Raises the last place's OSError if none does.
    """
    for number, place in enumerate(places, start=1):
        try:
            sock = socket.create_connection((place.address, place.port), timeout)
        except OSError:
            if number == len(places):
                raise
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(sock, server_hostname=host) if place.tls and context else sock
    raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")


def _needs_no_asking(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host in ("", "localhost")
    return True
