"""The door of the embedded cloud: no answer comes out of a dark region or across a cut link.

Nothing there refuses a request: the connection is held as a network would leave it hanging, and then breaks. Service
faults (503, throttling, slowness) are answers, and made by ``faulty.py``.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from drillbook.clock import Clock
from drillbook.embedded import faulty
from drillbook.embedded.domains import Domains, Failures, ServiceFault
from drillbook.embedded.journey import Journey, journey
from drillbook.embedded.serving import NoAnswer

CONTROL = "/_drillbook/"
PATIENCE = 60.0
"""AWS seconds after which a connection into a dark region is reset."""
DRAIN = 0.5
"""Seconds that breaking something waits for requests which were let in before, so that none takes effect after it."""


class Passage:
    """One request inside the cloud."""

    __slots__ = ("_connection", "_door", "environ")

    def __init__(self, door: RegionDoor, environ: dict[str, Any], connection: socket.socket) -> None:
        self._door, self.environ, self._connection = door, environ, connection

    def __enter__(self) -> Passage:
        self._door.inside.add(self)
        try:
            self.check()
        except NoAnswer:
            self._door.inside.discard(self)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._door.inside.discard(self)

    def check(self) -> None:
        """Raises NoAnswer if this request's regions are dark or cut off now."""
        self._door.check(self.environ)

    @property
    def journey(self) -> Journey:
        return self._door.journey(self.environ)

    def abort(self) -> None:
        """Break the connection now; whatever answer is being made finds nobody."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class RegionDoor:
    """The doorkeeper: knows who is inside. ``patience`` is seconds."""

    def __init__(self, domains: Domains, clock: Clock, patience: float) -> None:
        self.domains, self.patience, self._clock = domains, patience, clock
        self.inside: set[Passage] = set()
        """Adding to and discarding from a set is atomic."""
        self.doors: Sequence[Any] = ()

    def check(self, environ: dict[str, Any]) -> None:
        """Raises NoAnswer if what this request needs is dark or cut off now."""
        failures = self.domains.now
        if (failures.regions or failures.partitions) and not self.journey(environ).possible(failures):
            raise NoAnswer(self.patience)

    def fault(self, environ: dict[str, Any]) -> ServiceFault | None:
        """What is wrong with the service that this request is for, if this request is hit."""
        failures = self.domains.now
        if not failures.services:
            return None
        way = self.journey(environ)
        found = (failures.service(region, way.service) for region in way.regions)
        return next((fault for fault in found if fault and faulty.strikes(fault)), None)

    def passage(self, environ: dict[str, Any], connection: socket.socket) -> Passage:
        return Passage(self, environ, connection)

    def journey(self, environ: dict[str, Any]) -> Journey:
        if str(environ["PATH_INFO"]).startswith(CONTROL):
            return Journey(frozenset(), frozenset())
        return journey(environ, self.doors)

    def changed(self, _: Failures, now: Failures) -> None:
        """Abort what is inside and may not be; wait until it has left, at most ``DRAIN`` seconds."""
        leaving = [one for one in self.inside.copy() if not one.journey.possible(now)]
        for passage in leaving:
            passage.abort()
        deadline = self._clock.monotonic() + DRAIN
        while any(one in self.inside for one in leaving) and self._clock.monotonic() < deadline:
            self._clock.sleep(0.002)
