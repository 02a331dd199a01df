"""What the name servers of Route 53 answer to a question, from the hosted zones as they have been propagated.

Not answered: private hosted zones (there is no VPC to ask from), DNSSEC, traffic policies.
Source for aliases: "Choosing between alias and non-alias records"
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html).
AWS states no rule by which an alias to API Gateway, CloudFront or an S3 website becomes unhealthy, so here it never
does, whatever EvaluateTargetHealth says: a recovery that relies on it needs a health check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from moto.route53.models import RecordSet

from drillbook.embedded.dns.names import SERVICE_TTL, canonical, service_address
from drillbook.embedded.dns.routing import choose

DEFAULT_LOCATION = "us-east-1"
"""Where a client is taken to be whose address tells nothing; TestDNSAnswer's default resolver is there, too.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_TestDNSAnswer.html"""
_DEEPEST = 8
Code = Literal["NOERROR", "NXDOMAIN", "REFUSED"]


@dataclass(frozen=True)
class Entry:
    """One resource record of an answer, its value as a zone file has it. ``ttl`` in AWS seconds."""

    name: str
    kind: str
    ttl: int
    value: str


@dataclass(frozen=True)
class Reply:
    code: Code
    answers: tuple[Entry, ...] = ()
    authority: tuple[Entry, ...] = ()
    own: bool = True
    """Is this name server the authority?"""


REFUSED = Reply("REFUSED", own=False)


@dataclass(frozen=True)
class Zone:
    """A hosted zone as the name servers know it."""

    id: str
    name: str
    records: tuple[RecordSet, ...]

    def at(self, name: str, kind: str) -> list[RecordSet]:
        return _by_name(self.records).get(name, {}).get(kind, [])

    def holder(self, name: str) -> str | None:
        """The name whose records answer for ``name``: itself, or a wildcard over it (RFC 4592); None: NXDOMAIN."""
        known = _by_name(self.records)
        if name in known:
            return name
        while name != self.name:
            name = name.partition(".")[2]
            if f"*.{name}" in known:
                return f"*.{name}"
            if name in known:
                return None
        return None


@lru_cache(64)
def _by_name(records: tuple[RecordSet, ...]) -> dict[str, dict[str, list[RecordSet]]]:
    """Records by name and type. Names above them are there, too, and have none."""
    found: dict[str, dict[str, list[RecordSet]]] = {}
    for record in records:
        name = canonical(record.name)
        found.setdefault(name, {}).setdefault(str(record.type), []).append(record)
        while name := name.partition(".")[2]:
            found.setdefault(name, {})
    return found


@dataclass(frozen=True)
class Names:
    """Answers questions. ``healthy`` tells of a health check, by its id, whether it is."""

    zones: Callable[[], Iterable[Zone]]
    healthy: Callable[[str], bool]

    def reply(self, name: str, kind: str, location: str = DEFAULT_LOCATION) -> Reply:
        """What a client near the region ``location`` is told of ``name``."""
        name = canonical(name)
        zone = self.zone_of(name)
        return _service(name, kind) if zone is None else self._in_zone(zone, name, kind, location, _DEEPEST)

    def address(self, name: str) -> str | None:
        """An IPv4 address, as a resolver finds it that follows aliases through all zones; None if there is none."""
        for _ in range(_DEEPEST):
            entries = self.reply(name, "A").answers
            addresses = [entry.value for entry in entries if entry.kind == "A"]
            if addresses or not entries:
                return next(iter(addresses), None)
            name = entries[-1].value
        return None

    def zone_of(self, name: str) -> Zone | None:
        """The hosted zone with the longest name that ``name`` is in."""
        fitting = [zone for zone in self.zones() if name == zone.name or name.endswith("." + zone.name)]
        return max(fitting, key=lambda zone: len(zone.name), default=None)

    def _in_zone(self, zone: Zone, name: str, kind: str, location: str, depth: int) -> Reply:
        if (delegated := self._delegation(zone, name)) is not None:
            return delegated
        holder = zone.holder(name)
        if holder is None:
            return Reply("NXDOMAIN", authority=_start(zone))
        for asked in (kind, "CNAME"):
            chosen = choose(group, location, self._fit) if (group := zone.at(holder, asked)) else []
            entries = tuple(entry for one in chosen for entry in self._entries(zone, one, name, location, depth))
            if entries and asked == kind:
                return Reply("NOERROR", entries)
            if entries and depth:
                return self._followed(zone, entries, kind, location, depth - 1)
        return Reply("NOERROR", authority=_start(zone))

    def _followed(self, zone: Zone, entries: tuple[Entry, ...], kind: str, location: str, depth: int) -> Reply:
        """An alias within its zone is answered together with what it leads to."""
        target = canonical(entries[0].value)
        if self.zone_of(target) != zone:
            return Reply("NOERROR", entries)
        rest = self._in_zone(zone, target, kind, location, depth)
        return replace(rest, answers=entries + rest.answers)

    def _entries(self, zone: Zone, record: RecordSet, name: str, location: str, depth: int) -> tuple[Entry, ...]:
        """A record's data. An alias record's are its target's, as if they were its own."""
        kind, alias = str(record.type), record.alias_target
        if not alias:
            return tuple(Entry(name, kind, int(record.ttl or 0), value) for value in values(record))
        target, there = canonical(alias["DNSName"]), self._target(zone, alias)
        if there is None:
            found = _service(target, kind)
        elif depth:
            found = self._in_zone(there, target, kind, location, depth - 1)
        else:
            return ()
        return tuple(replace(entry, name=name) for entry in found.answers if entry.kind == kind)

    def _target(self, zone: Zone, alias: dict[str, Any]) -> Zone | None:
        """The hosted zone that an alias leads to; None for a resource of AWS."""
        wanted = _zone_id(alias)
        return next((one for one in (zone, *self.zones()) if one.id == wanted), None)

    def _fit(self, record: RecordSet, depth: int = _DEEPEST) -> bool:
        """Is this record healthy: its health check, and what it leads to if it evaluates its target's health?"""
        if record.health_check_id and not self.healthy(record.health_check_id):
            return False
        alias = record.alias_target
        if not alias or not depth or not _true(alias.get("EvaluateTargetHealth")):
            return True
        there = next((zone for zone in self.zones() if zone.id == _zone_id(alias)), None)
        group = there.at(canonical(alias["DNSName"]), str(record.type)) if there else []
        return not group or any(self._fit(one, depth - 1) for one in group)

    def _delegation(self, zone: Zone, name: str) -> Reply | None:
        """A referral to another zone's name servers, if an NS record below the zone's own name says so."""
        while name != zone.name:
            if servers := zone.at(name, "NS"):
                own = self._entries(zone, servers[0], name, DEFAULT_LOCATION, 0)
                return Reply("NOERROR", authority=own, own=False)
            name = name.partition(".")[2]
        return None


def values(record: RecordSet) -> list[str]:
    """A record's values, which moto keeps in two forms."""
    return [str(one["Value"] if isinstance(one, dict) else one) for one in record.records or []]


def _service(name: str, kind: str) -> Reply:
    address = service_address(name)
    if address is None:
        return REFUSED
    return Reply("NOERROR", (Entry(name, "A", SERVICE_TTL, address),) if kind == "A" else ())


def _start(zone: Zone) -> tuple[Entry, ...]:
    """The start of authority, by whose last number resolvers keep a negative answer (RFC 2308)."""
    return tuple(
        Entry(zone.name, "SOA", min(int(record.ttl or 0), int(value.split()[-1])), value)
        for record in zone.at(zone.name, "SOA")
        for value in values(record)
    )


def _zone_id(alias: dict[str, Any]) -> str:
    return str(alias["HostedZoneId"]).removeprefix("/hostedzone/")


def _true(given: Any) -> bool:
    return given is True or str(given).lower() == "true"
