"""Failure domains: which regions, zones, links and services of the embedded cloud are broken now.

This is the state alone. The server enforces it at the door, each plane on its own processes and replication.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from drillbook.errors import UsageError
from drillbook.events import Json

Kind = Literal["unavailable", "throttled", "slow"]


@dataclass(frozen=True)
class ServiceFault:
    """One service of one region fails: 503, throttled, or ``seconds`` slower. ``service`` as in a request's signature
    (``dynamodb``, ``rds``, ``lambda``, ``execute-api``). ``share`` of the requests are hit."""

    region: str
    service: str
    kind: Kind
    seconds: float = 0.0
    share: float = 1.0


@dataclass(frozen=True)
class Failures:
    """Everything that is broken at one moment."""

    regions: frozenset[str] = frozenset()
    """Dark regions: nothing there answers, no process of theirs runs."""
    zones: frozenset[str] = frozenset()
    """Dark availability zones, such as ``us-east-1a``."""
    partitions: frozenset[frozenset[str]] = frozenset()
    """Pairs of regions that do not reach one another; clients reach both."""
    services: frozenset[ServiceFault] = frozenset()

    def dark(self, region: str, zone: str | None = None) -> bool:
        """Is the region, or this zone of it, without any life?"""
        return region in self.regions or zone in self.zones

    def linked(self, one: str, other: str) -> bool:
        """Can data flow between the two regions (or within one that lives)?"""
        return not (self.regions & {one, other}) and frozenset({one, other}) not in self.partitions

    def service(self, region: str, service: str) -> ServiceFault | None:
        """How this service of this region fails; None if it does not."""
        return next((fault for fault in self.services if (fault.region, fault.service) == (region, service)), None)

    def and_also(self, more: Failures) -> Failures:
        """All of these and all of those."""
        return Failures(**{name: getattr(self, name) | getattr(more, name) for name in vars(self)})

    def without(self, mended: Failures) -> Failures:
        """These but those."""
        return Failures(**{name: getattr(self, name) - getattr(mended, name) for name in vars(self)})

    def as_json(self) -> dict[str, Json]:
        return {
            "regions": sorted(self.regions),
            "zones": sorted(self.zones),
            "partitions": sorted(sorted(pair) for pair in self.partitions),
            "services": [vars(fault) for fault in sorted(self.services, key=lambda one: (one.region, one.service))],
        }

    @classmethod
    def from_json(cls, said: Json) -> Failures:
        """Raises UsageError for what ``as_json`` never wrote."""
        try:
            return cls(
                regions=frozenset(_names(said, "regions")),
                zones=frozenset(_names(said, "zones")),
                partitions=frozenset(_pair(pair) for pair in said.get("partitions", ())),
                services=frozenset(_service_fault(fault) for fault in said.get("services", ())),
            )
        except (AttributeError, TypeError, ValueError) as error:
            what = f"these are no failures of the embedded cloud: {error}"
            raise UsageError(
                what, do="name regions, zones, partitions and services as the cloud's status does"
            ) from None


def _names(said: Json, kind: str) -> list[str]:
    names = said.get(kind, ())
    if not (isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)):
        raise ValueError(f"{kind} is no list of names")
    return list(names)


def _pair(said: Json) -> frozenset[str]:
    if not isinstance(said, list | tuple) or len(set(map(str, said))) != 2:
        raise ValueError(f"{said!r} is no pair of regions")
    return frozenset(map(str, said))


def _service_fault(said: Json) -> ServiceFault:
    fault = ServiceFault(**said)
    if fault.kind not in get_args(Kind):
        raise ValueError(f"kind {fault.kind!r} is none of {', '.join(get_args(Kind))}")
    if not 0.0 <= float(fault.share) <= 1.0 or float(fault.seconds) < 0:
        raise ValueError("share is from 0 to 1, seconds are not negative")
    return fault


Listener = Callable[[Failures, Failures], None]
"""Called with what was broken before and what is broken now."""


@dataclass
class Domains:
    """The failures of a running cloud. ``now`` is replaced as a whole, so reading it needs no lock."""

    now: Failures = field(default_factory=Failures)
    _listeners: list[Listener] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, listener: Listener) -> None:
        """Be told of each change, in the thread that makes it and before ``become`` returns, so that a fault is in
        effect when its injection has returned. Listeners are called in the order in which they came."""
        self._listeners.append(listener)

    def become(self, failures: Failures) -> None:
        """Break and mend until exactly ``failures`` are there. One change at a time.

        Every listener is told, whatever the others make of it; then the first error is raised.
        """
        self._change(lambda _: failures)

    def add(self, failures: Failures) -> None:
        """Break these, too. As ``become``, whatever somebody else breaks or mends at the same time."""
        self._change(lambda now: now.and_also(failures))

    def remove(self, failures: Failures) -> None:
        """Mend these alone. As ``become``, whatever somebody else breaks or mends at the same time."""
        self._change(lambda now: now.without(failures))

    def _change(self, changed: Callable[[Failures], Failures]) -> None:
        errors: list[Exception] = []
        with self._lock:
            before = self.now
            self.now = failures = changed(before)
            for listener in self._listeners if before != failures else ():
                try:
                    listener(before, failures)
                except Exception as error:  # noqa: BLE001 - one plane's failure must not keep a fault from the others
                    errors.append(error)
        if errors:
            raise errors[0]

    def heal(self) -> None:
        """Nothing is broken any more."""
        self.become(Failures())
