"""A batch of changes to a hosted zone's records: all of it is valid and made, or nothing is.

Source for the rules: "ChangeResourceRecordSets" and its data types
(https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html,
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html).
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from moto.route53.exceptions import InvalidActionValue, InvalidInput, NoSuchHealthCheck, Route53ClientError
from moto.route53.models import FakeZone, RecordSet
from moto.route53.utils import validate_domain_name

from drillbook.embedded.dns.answers import values
from drillbook.embedded.dns.names import canonical, is_name, stored
from drillbook.embedded.dns.wire import is_valid

_POLICIES = (
    "Failover",
    "Weight",
    "Region",
    "GeoLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
)
Settings = dict[str, Any]
"""A record set as a request gives it."""


class InvalidChangeBatch(Route53ClientError):
    """Nothing of the batch was made."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidChangeBatch", f"[{message}]")


def apply(zone: FakeZone, changes: list[Settings], health_checks: Collection[str]) -> list[RecordSet]:
    """The zone's records after ``changes``. The zone itself is left as it is.

    Raises InvalidInput, InvalidChangeBatch or NoSuchHealthCheck, as Route 53 does.
    """
    records = list(zone.rrsets)
    for change in changes:
        action, asked = change["Action"], _settings(change)
        if action not in ("CREATE", "UPSERT", "DELETE"):
            raise InvalidActionValue(action)
        _check_form(action, asked)
        _check_place(zone, asked)
        existing = next((record for record in records if _key(record) == _asked_key(asked)), None)
        if action == "DELETE":
            records.remove(_deletable(asked, existing))
            continue
        if action == "CREATE" and existing is not None:
            raise InvalidChangeBatch(f"Tried to create resource record set {_told(asked)} but it already exists")
        others = [record for record in records if record is not existing]
        _check_values(asked)
        _check_beside(zone, asked, others)
        if (check := asked.get("HealthCheckId")) and check not in health_checks:
            raise NoSuchHealthCheck(check)
        records = [*others, _record(asked)]
    _check_aliases(zone, records)
    return records


def _settings(change: Settings) -> Settings:
    asked: Settings = copy.deepcopy(change["ResourceRecordSet"])
    validate_domain_name(asked["Name"], code="InvalidChangeBatch")
    if not is_name(asked["Name"]):
        raise InvalidChangeBatch(
            f"FATAL problem: DomainLabelTooLong or DomainLabelEmpty encountered with '{asked['Name']}'"
        )
    asked["Name"] = stored(asked["Name"])
    if asked.get("ResourceRecords"):
        asked["ResourceRecords"] = [one["Value"] for one in asked["ResourceRecords"]]
    return asked


def _check_form(action: str, asked: Settings) -> None:
    where = f"Change with [Action={action}, Name={asked['Name']}, Type={asked['Type']}, SetIdentifier="
    where += f"{asked.get('SetIdentifier', 'null')}]"
    plain = asked.get("TTL") is not None and bool(asked.get("ResourceRecords"))
    ways = [way for way, there in (("AliasTarget", asked.get("AliasTarget")), ("ResourceRecords", plain)) if there]
    if len(ways) != 1:
        found = "more than one" if ways else "none"
        wanted = "[AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
        raise InvalidInput(f"Invalid request: Expected exactly one of {wanted}, but found {found} in {where}")
    policies = [policy for policy in _POLICIES if asked.get(policy) is not None]
    if len(policies) > 1:
        raise InvalidInput(f"Invalid request: Expected at most one of {list(_POLICIES)}, but found more in {where}")
    if policies and not asked.get("SetIdentifier"):
        raise InvalidInput(f"Invalid request: Missing field 'SetIdentifier' in {where}")
    if asked.get("SetIdentifier") and not policies:
        raise InvalidInput(f"Invalid request: Expected exactly one of {list(_POLICIES)}, but found none in {where}")


def _check_place(zone: FakeZone, asked: Settings) -> None:
    name, apex = canonical(asked["Name"]), canonical(zone.name)
    if name != apex and not name.endswith("." + apex):
        raise InvalidChangeBatch(f"RRSet with DNS name {asked['Name']} is not permitted in zone {zone.name}")
    if asked["Type"] == "CNAME" and name == apex:
        raise InvalidChangeBatch(
            f"RRSet of type CNAME with DNS name {asked['Name']} is not permitted at apex in zone {zone.name}"
        )


def _check_values(asked: Settings) -> None:
    for value in asked.get("ResourceRecords") or ():
        if not is_valid(asked["Type"], value):
            raise InvalidChangeBatch(
                f"Invalid Resource Record: 'FATAL problem: {asked['Type']}RRDATAInvalid "
                f"(Value is not valid for a record of this type) encountered with '{value}''"
            )
    if asked["Type"] == "CNAME" and len(asked.get("ResourceRecords") or ()) > 1:
        raise InvalidChangeBatch(f"RRSet of type CNAME with DNS name {asked['Name']} has more than one value")


def _check_beside(zone: FakeZone, asked: Settings, others: list[RecordSet]) -> None:
    """What one name may hold side by side."""
    same_name = [record for record in others if record.name == asked["Name"]]
    if any("CNAME" in (record.type, asked["Type"]) and record.type != asked["Type"] for record in same_name):
        raise InvalidChangeBatch(
            f"RRSet of type {asked['Type']} with DNS name {asked['Name']} is not permitted as it conflicts with other "
            f"records with the same DNS name in zone {zone.name}"
        )
    mine = _policy(_record(asked))
    for record in same_name:
        if record.type == asked["Type"] and _policy(record) != mine:
            raise InvalidChangeBatch(
                f"RRSet with DNS name {asked['Name']}, type {asked['Type']} cannot be created as other RRSets exist "
                "with the same name and type but another routing policy"
            )
        if record.type == asked["Type"] and _place(record) == _place(_record(asked)):
            raise InvalidChangeBatch(
                f"RRSet {_told(asked)} cannot be created as another one with the same {mine} exists"
            )


def _check_aliases(zone: FakeZone, records: list[RecordSet]) -> None:
    there = {(canonical(record.name), record.type) for record in records}
    for record in records:
        target = record.alias_target
        if not target or str(target["HostedZoneId"]).removeprefix("/hostedzone/") != zone.resource_id:
            continue
        if (canonical(target["DNSName"]), record.type) not in there:
            raise InvalidChangeBatch(
                f"Tried to create an alias that targets {target['DNSName']}, type {record.type} in zone "
                f"{zone.resource_id}, but that target was not found"
            )


def _deletable(asked: Settings, existing: RecordSet | None) -> RecordSet:
    """To be deleted, a record must be given with all its values, in whatever order."""
    if existing is None:
        raise InvalidChangeBatch(f"Tried to delete resource record set {_told(asked)} but it was not found")
    given = _record(asked)
    same_data = sorted(values(given)) == sorted(values(existing)) and _alias(given) == _alias(existing)
    if not same_data or str(given.ttl) != str(existing.ttl) or _place(given) != _place(existing):
        raise InvalidChangeBatch(
            f"Tried to delete resource record set {_told(asked)} but the values provided do not match the current "
            "values"
        )
    return existing


def _alias(record: RecordSet) -> tuple[str, str] | None:
    target = record.alias_target
    return (canonical(target["DNSName"]), str(target["HostedZoneId"])) if target else None


def _policy(record: RecordSet) -> str:
    """The routing policy's own word for itself."""
    for policy, value in (
        ("failover", record.failover),
        ("weight", record.weight),
        ("region", record.region),
        ("geolocation", record.geo_location),
        ("multivalue", record.multi_value_answer),
    ):
        if value is not None:
            return policy
    return "simple"


def _place(record: RecordSet) -> object:
    """What no other record of the group may have as well; records without such a thing never clash."""
    unique = record.failover or record.region or record.geo_location
    return unique or (record.weight, record.set_identifier)


def _record(asked: Settings) -> RecordSet:
    return RecordSet(asked)  # type: ignore[abstract]  # what its metaclass demands is for CloudFormation's own types


def _key(record: RecordSet) -> tuple[str, str, str | None]:
    return stored(record.name), str(record.type), record.set_identifier


def _asked_key(asked: Settings) -> tuple[str, str, str | None]:
    return asked["Name"], asked["Type"], asked.get("SetIdentifier")


def _told(asked: Settings) -> str:
    identifier = f", set identifier='{asked['SetIdentifier']}'" if asked.get("SetIdentifier") else ""
    return f"[name='{asked['Name']}', type='{asked['Type']}'{identifier}]"
