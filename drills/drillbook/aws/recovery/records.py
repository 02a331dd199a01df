"""Shift traffic by DNS: change the records of one name in Route 53, and know when clients follow.

Records are read, edited and written as a whole in one batch that deletes what was read and creates what is wanted:
Route 53 refuses it if somebody else changed a record meanwhile, and makes all of it or none (AWS:
ChangeResourceRecordSets). Clients follow when all name servers know (GetChange: INSYNC) and what resolvers keep has
expired (the time to live of the records before).

The control plane of Route 53 is in us-east-1 alone (AWS: "Fault isolation boundaries", global services). While that
region is lost, records fail over by their health checks and nothing here can be done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.control_plane import through_us_east_1
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.aws.session import acting, session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

SYNC_PATIENCE = 1800.0
"""Usually a minute; boto's own waiter gives up after 30."""
ALIAS_TTL = 60.0
"""What resolvers keep an alias to CloudFront, API Gateway or a load balancer for (AWS: "Choosing between alias and
non-alias records")."""
_IDENTITY = ("Name", "Type", "SetIdentifier")

RecordSet = dict[str, Any]


@dataclass(frozen=True)
class Alias:
    """An AWS resource, or another record of the zone, that a name stands for. ``zone`` is the target's hosted zone."""

    zone: str
    name: str
    evaluate: bool = True
    """Does the record fail over when its target is unhealthy?"""


Place = Sequence[str] | Alias
"""Where a name leads: addresses (or names, for CNAME), or an alias."""


class RecordsSettings(Settings):
    zone: str
    name: str
    kind: str
    edits: dict[str, dict[str, Json]]
    """By set identifier ("" for a simple record): what its fields are to be; None removes a field."""


class Records(Setting[RecordsSettings]):
    """Edit some record sets of one name and type. Those of other identifiers are neither read nor written."""

    Settings = RecordsSettings
    service = "route53"

    def describe(self) -> str:
        fields = sorted({field for edit in self.settings.edits.values() for field in edit})
        which = ", ".join(identifier for identifier in sorted(self.settings.edits) if identifier)
        return f"set {', '.join(fields)} of {self.settings.name} {self.settings.kind}" + (
            f" ({which})" if which else ""
        )

    def touches(self) -> list[str]:
        wanted = self.settings
        return [f"arn:aws:route53:::hostedzone/{wanted.zone} {wanted.name} {wanted.kind}"]

    def read(self) -> Json:
        found = {each.get("SetIdentifier", ""): each for each in _group(self.client, *self._place())}
        for identifier in self.settings.edits:
            if identifier not in found:
                _refuse_missing(self.settings.name, self.settings.kind, identifier, list(found))
        return [found[identifier] for identifier in sorted(self.settings.edits)]

    def capture(self) -> Json:
        with through_us_east_1():
            return super().capture()

    def apply(self, before: Json) -> None:
        with through_us_east_1():
            super().apply(before)

    def wanted(self, before: Json) -> Json:
        return [_edited(record, self.settings.edits[record.get("SetIdentifier", "")]) for record in before]

    def write(self, state: Json) -> None:
        present = self.read()
        gone = [record for record in present if record not in state]
        new = [record for record in state if record not in present]
        if new:
            self._change([("DELETE", record) for record in gone] + [("CREATE", record) for record in new])

    def confirm(self) -> None:
        """Wait until all name servers know the records as they stand: a change of nothing is known after the others."""
        with through_us_east_1(), calling(f"confirm the records of {self.settings.name}"):
            self._change([("UPSERT", record) for record in self.read()])

    def _change(self, changes: list[tuple[str, RecordSet]]) -> None:
        batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        answer = self.client.change_resource_record_sets(
            HostedZoneId=self.settings.zone, ChangeBatch={"Comment": "drillbook", "Changes": batch}
        )
        wait_for(
            f"all name servers knowing {self.settings.name}",
            lambda: self.client.get_change(Id=answer["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC",
            timeout=SYNC_PATIENCE,
            interval=5.0 / self.session.speed,
            clock=self.world.clock,
            do="look at the change in Route 53; the status of its control plane is on health.aws.amazon.com",
        )

    def _place(self) -> tuple[str, str, str]:
        return self.settings.zone, self.settings.name, self.settings.kind


def point(world: World, zone: str, name: str, kind: str, to: Place, *, set_identifier: str = "", ttl: int = 60) -> None:
    """Let one record lead to ``to``. Its time to live, weight, role and health check stay.

    ``ttl``, seconds, is used only where an alias becomes a plain record. Returns when clients follow. Raises
    PermanentError if there is no such record.
    """
    (present,) = _present(world, zone, name, kind, [set_identifier])
    _shift(world, zone, name, kind, {set_identifier: _towards(to, present.get("TTL", ttl))})


def leads_to(world: World, zone: str, name: str, kind: str, to: Place, *, set_identifier: str = "") -> bool:
    """Does the record lead to ``to``, whatever its time to live? Says nothing of resolvers."""
    (present,) = _present(world, zone, name, kind, [set_identifier])
    return _edited(present, _towards(to, present.get("TTL"))) == present


def weigh(world: World, zone: str, name: str, kind: str, weights: Mapping[str, int]) -> None:
    """Give weighted records their weights, by set identifier, all at once; 0 gets no traffic while another has some."""
    for record in _present(world, zone, name, kind, list(weights)):
        if "Weight" not in record:
            raise PermanentError(f"the record {record['SetIdentifier']} of {name} is not weighted", do=_LOOK)
    _shift(world, zone, name, kind, {identifier: {"Weight": weight} for identifier, weight in weights.items()})


def make_primary(world: World, zone: str, name: str, kind: str, set_identifier: str) -> None:
    """Exchange the roles of a failover pair, so that ``set_identifier`` is the primary."""
    with through_us_east_1(), calling(f"read the records of {name}"):
        pair = list(_group(session_of(world).client("route53"), zone, name, kind))
    roles = {record.get("SetIdentifier", ""): record.get("Failover") for record in pair}
    if set_identifier not in roles:
        _refuse_missing(name, kind, set_identifier, list(roles))
    if sorted(map(str, roles.values())) != ["PRIMARY", "SECONDARY"]:
        raise PermanentError(f"{name} {kind} is no failover pair", do=_LOOK)
    edits = {each: {"Failover": "PRIMARY" if each == set_identifier else "SECONDARY"} for each in roles}
    _shift(world, zone, name, kind, edits)


def return_home(world: World, zone: str, name: str, kind: str) -> None:
    """Fail traffic back: every record of the name that this run shifted is as it was before the first shift."""
    home = recall(world, _home(zone, name, kind)) or {}
    if home:
        present = {each.get("SetIdentifier", ""): each for each in _present(world, zone, name, kind, list(home))}
        _shift(world, zone, name, kind, {each: _back(home[each], present[each]) for each in home})


def is_home(world: World, zone: str, name: str, kind: str) -> bool:
    """Is every record that this run shifted as it was before?"""
    home = recall(world, _home(zone, name, kind)) or {}
    return all(each in home.values() for each in _present(world, zone, name, kind, list(home)))


def wait_until_answered(
    world: World, zone: str, name: str, kind: str, values: Sequence[str], *, timeout: float = SYNC_PATIENCE
) -> None:
    """Wait until Route 53 answers the question for ``name`` with ``values`` (AWS: TestDNSAnswer), in any order.

    ``timeout`` is seconds. What resolvers keep is not asked. Raises WaitTimeout with the last answer.
    """
    route53 = session_of(world).client("route53")

    def look() -> list[str]:
        with acting("recovery"), calling(f"ask Route 53 for {name}"):
            asked = {"HostedZoneId": zone, "RecordName": name, "RecordType": kind}
            return sorted(route53.test_dns_answer(**asked)["RecordData"])

    wait_for(
        f"{name} leading to {', '.join(values)}",
        look,
        until=lambda seen: seen == sorted(values),
        timeout=timeout,
        interval=5.0 / world.speed,
        clock=world.clock,
        do="look at the health checks of the records: an unhealthy one is not answered",
    )


# -- one shift --------------------------------------------------------------------------------------------------------

_LOOK = "look at the records of the zone and name one that is there"


def _shift(world: World, zone: str, name: str, kind: str, edits: dict[str, dict[str, Json]]) -> None:
    """Edit, and wait until no client has an answer from before. A wait that was cut off is taken up again."""
    settings = RecordsSettings(zone=zone, name=name, kind=kind, edits=edits)
    change, key = Records(world, settings), f"dns shift of {zone} {name} {kind}"
    if not change.is_done():
        before = change.capture()
        kept = recall(world, _home(zone, name, kind)) or {}
        remember(world, _home(zone, name, kind), {each.get("SetIdentifier", ""): each for each in before} | kept)
        remember(world, key, {"ttl": max(_ttl(change.client, zone, each) for each in before), "known": None})
        make(world, Records, settings)
    elif (recall(world, key) or {"known": ""})["known"] is None:
        with acting("recovery"):
            change.confirm()
    _wait_for_resolvers(world, key)


def _wait_for_resolvers(world: World, key: str) -> None:
    noted = recall(world, key)
    if noted is None:
        return
    if noted["known"] is None:
        noted |= {"known": utc_text(world.clock.now())}
        remember(world, key, noted)
    gone_by = (world.clock.now() - datetime.fromisoformat(noted["known"])).total_seconds()
    if (left := noted["ttl"] / world.speed - gone_by) > 0:
        world.clock.sleep(left)


def _present(world: World, zone: str, name: str, kind: str, identifiers: list[str]) -> list[RecordSet]:
    settings = RecordsSettings(zone=zone, name=name, kind=kind, edits={each: {} for each in identifiers})
    found: list[RecordSet] = Records(world, settings).capture()
    return found


def _home(zone: str, name: str, kind: str) -> str:
    return f"dns home of {zone} {name} {kind}"


def _towards(to: Place, ttl: int | None) -> dict[str, Json]:
    if isinstance(to, Alias):
        target = {"HostedZoneId": to.zone, "DNSName": _absolute(to.name), "EvaluateTargetHealth": to.evaluate}
        return {"AliasTarget": target, "ResourceRecords": None, "TTL": None}
    return {"ResourceRecords": [{"Value": value} for value in to], "TTL": ttl, "AliasTarget": None}


def _back(home: RecordSet, present: RecordSet) -> dict[str, Json]:
    return {field: home.get(field) for field in home.keys() | present.keys() if field not in _IDENTITY}


def _edited(record: RecordSet, edit: Mapping[str, Json]) -> RecordSet:
    merged = {**record, **edit}
    return {field: value for field, value in merged.items() if value is not None}


def _group(route53: Any, zone: str, name: str, kind: str) -> Iterator[RecordSet]:
    """The record sets of one name and type. Route 53 lists from a name on, so we end at the first other one."""
    pages = route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=kind
    )
    for page in pages:
        for record in page["ResourceRecordSets"]:
            if (record["Name"], record["Type"]) != (_absolute(name), kind):
                return
            yield record


def _ttl(route53: Any, zone: str, record: RecordSet) -> float:
    """Seconds that resolvers may keep the record. An alias into its own zone has its target's (AWS: alias records)."""
    target = record.get("AliasTarget")
    if target is None:
        return float(record["TTL"])
    if target["HostedZoneId"].removeprefix("/hostedzone/") != zone.removeprefix("/hostedzone/"):
        return ALIAS_TTL
    with calling(f"read the records of {target['DNSName']}"):
        led_to = list(_group(route53, zone, target["DNSName"], record["Type"]))
    return max((float(each.get("TTL", ALIAS_TTL)) for each in led_to), default=ALIAS_TTL)


def _absolute(name: str) -> str:
    """As Route 53 lists a name: lower case, with its last dot, ``*`` as ``\\052`` (AWS: "DNS domain name format")."""
    return name.lower().rstrip(".").replace("*", "\\052") + "."


def _refuse_missing(name: str, kind: str, identifier: str, there: list[str]) -> None:
    which = f" with the identifier {identifier}" if identifier else ""
    known = ", ".join(sorted(each or "a simple record" for each in there)) or "none"
    raise PermanentError(f"there is no record {name} {kind}{which} (there: {known})", code="NoSuchRecordSet", do=_LOOK)
