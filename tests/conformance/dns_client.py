"""A zone, and questions to the name servers that serve it, for the tests of what DNS answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from dnslib import QTYPE, RCODE, DNSRecord

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .conftest import Endpoint

Settings = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """An answer: its code, the values by record, and the shortest time to live."""

    code: str
    values: tuple[str, ...]
    ttl: int
    message: DNSRecord


@dataclass(frozen=True)
class Zone:
    """A hosted zone of a test's own."""

    endpoint: Endpoint
    route53: Any
    id: str
    name: str

    @property
    def endpoint_port(self) -> int:
        """A port where something listens."""
        return urlsplit(self.endpoint.url).port or 80

    def record(self, label: str, *values: str, kind: str = "A", ttl: int = 60, **more: Any) -> Settings:
        """A record set as the API takes it; an alias if ``more`` says so."""
        asked = {"Name": f"{label}.{self.name}" if label else self.name, "Type": kind, **more}
        if "AliasTarget" not in more:
            asked |= {"TTL": ttl, "ResourceRecords": [{"Value": value} for value in values]}
        return asked

    def alias(self, label: str, evaluate: bool = True) -> Settings:
        target = {"HostedZoneId": self.id, "DNSName": f"{label}.{self.name}", "EvaluateTargetHealth": evaluate}
        return {"AliasTarget": target}

    def change(self, *records: Settings, action: str = "UPSERT") -> str:
        """The change's id, at once."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for record in records]}
        answer = self.route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)
        return str(answer["ChangeInfo"]["Id"])

    def put(self, *records: Settings, action: str = "UPSERT") -> None:
        """Change, and wait until all name servers know."""
        in_sync(self.route53, self.change(*records, action=action))

    def ask(self, label: str, kind: str = "A", tcp: bool = False) -> Told:
        return ask(self.endpoint, f"{label}.{self.name}" if label else self.name, kind, tcp=tcp)


def ask(endpoint: Endpoint, name: str, kind: str = "A", *, tcp: bool = False) -> Told:
    host, _, port = endpoint.status("dns")["address"].partition(":")
    answer = DNSRecord.parse(DNSRecord.question(name, kind).send(host, int(port), tcp=tcp, timeout=5))
    shown = tuple(str(rr.rdata) for rr in answer.rr)
    return Told(str(RCODE.get(answer.header.rcode)), shown, min((rr.ttl for rr in answer.rr), default=0), answer)


def make_zone(endpoint: Endpoint, client: Callable[..., Any], name: str) -> Zone:
    route53 = client("route53")
    made = route53.create_hosted_zone(Name=name, CallerReference=uuid4().hex)
    in_sync(route53, made["ChangeInfo"]["Id"])
    return Zone(endpoint, route53, made["HostedZone"]["Id"].removeprefix("/hostedzone/"), name)


def in_sync(route53: Any, change: str) -> None:
    wait_for(
        "the propagation of the change",
        lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC",
        timeout=30,
        clock=SystemClock(),
    )


def authority(told: Told) -> list[str]:
    return [str(QTYPE.get(rr.rtype)) for rr in told.message.auth]


def seen(look: Callable[[], Any], wanted: Iterable[Any] = (), times: int = 200) -> set[Any]:
    """What ``look`` shows in so many looks; fewer, when everything ``wanted`` has been seen."""
    found: set[Any] = set()
    for _ in range(times):
        found.add(look())
        if wanted and found >= set(wanted):
            break
    return found
