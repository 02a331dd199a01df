"""Route 53's control plane: moto's, with changes that take their time, valid batches, and whole health checks.

On AWS the control plane runs in us-east-1 and is not available while that region is not, whereas the name servers and
the health checkers go on everywhere: do not plan a recovery that has to change a record.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/disaster-recovery-resiliency.html
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar
from uuid import uuid4

from moto.route53 import urls
from moto.route53.exceptions import NoSuchHealthCheck, Route53ClientError
from moto.route53.models import FakeZone, HealthCheck, RecordSet, Route53Backend

from drillbook.embedded.dns import changes
from drillbook.embedded.dns.answers import Zone, values
from drillbook.embedded.dns.check_settings import check_new, check_update
from drillbook.embedded.dns.health_check import TrueHealthCheck
from drillbook.embedded.dns.names import canonical
from drillbook.embedded.dns.propagation import Change, propagated, remember, submitted
from drillbook.embedded.planes import CloudState

_RESETTABLE = {
    "ChildHealthChecks": "children",
    "FullyQualifiedDomainName": "fqdn",
    "Regions": "regions",
    "ResourcePath": "resource_path",
}
_lock = threading.RLock()


class NoSuchChange(Route53ClientError):
    def __init__(self, change: str) -> None:
        super().__init__("NoSuchChange", f"Could not find resource with ID: {change}")


class HostedZoneAlreadyExists(Route53ClientError):
    def __init__(self, caller_reference: str) -> None:
        super().__init__("HostedZoneAlreadyExists", f"A hosted zone with caller reference {caller_reference} exists")


class HealthCheckAlreadyExists(Route53ClientError):
    def __init__(self, caller_reference: str) -> None:
        told = f"A health check with caller reference {caller_reference} and other settings exists already"
        super().__init__("HealthCheckAlreadyExists", told)


class HealthCheckVersionMismatch(Route53ClientError):
    def __init__(self) -> None:
        super().__init__("HealthCheckVersionMismatch", "The given version is not that of the health check")


class InvalidDomainName(Route53ClientError):
    def __init__(self, name: str) -> None:
        super().__init__("InvalidDomainName", f"The domain name {name!r} is not valid")


class TrueRoute53(Route53Backend):
    """``changes`` by id, for GetChange."""

    cloud: ClassVar[CloudState]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.changes: dict[str, Change] = {}

    @property
    def _url_module(self) -> Any:
        """moto derives its name from the class's module, which here is not moto's."""
        return urls

    def submit(self, comment: str | None = None) -> Change:
        change = submitted(self.cloud, comment)
        self.changes[change.id] = change
        return change

    def change(self, change_id: str) -> Change:
        """Raises NoSuchChange."""
        plain = change_id.removeprefix("/change/")
        if plain not in self.changes:
            raise NoSuchChange(plain)
        return self.changes[plain]

    def served(self) -> list[Zone]:
        """The public hosted zones that the name servers know now."""
        public = [zone for zone in list(self.zones.values()) if not zone.private_zone]
        known = [(zone, propagated(self.cloud, zone)) for zone in public]
        return [Zone(zone.resource_id, canonical(zone.name), records) for zone, records in known if records]

    def create_hosted_zone(self, name: str, *args: Any, **settings: Any) -> FakeZone:
        """Raises HostedZoneAlreadyExists for a caller reference that a zone has."""
        reference = settings.get("caller_reference")
        if reference and any(zone.caller_reference == reference for zone in self.zones.values()):
            raise HostedZoneAlreadyExists(reference)
        zone: FakeZone = super().create_hosted_zone(canonical(name), *args, **settings)
        for record in zone.rrsets:  # moto keeps some values in another form than those that a client gives
            record.records = values(record)
        return zone

    def records_from(self, zone_id: str, name: str, kind: str, identifier: str) -> list[RecordSet]:
        """A zone's records in Route 53's order, by the labels of their names from the last on, from these on."""
        start = (_labels(name), kind, identifier) if name else ()
        records = sorted(self.get_hosted_zone(zone_id).rrsets, key=_order)
        return [record for record in records if _order(record) >= start]

    def change_resource_record_sets(self, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        """All of it or nothing. Raises as ``changes.apply``."""
        with _lock:
            zone = self.get_hosted_zone(zoneid)
            records = changes.apply(zone, change_list, self.health_checks)
            remember(self.cloud, zone)
            zone.rrsets = records

    def create_health_check(self, caller_reference: str, health_check_args: dict[str, Any]) -> HealthCheck:
        """The same request again gives the same check. Raises InvalidInput or HealthCheckAlreadyExists."""
        check_new(health_check_args, self.health_checks)
        with _lock:
            for known in self.health_checks.values():
                if known.caller_reference == caller_reference:
                    if getattr(known, "given", None) != health_check_args:
                        raise HealthCheckAlreadyExists(caller_reference)
                    return known
            check = TrueHealthCheck(str(uuid4()), caller_reference, health_check_args)  # type: ignore[abstract]
            self.health_checks[check.id] = check
            return check

    def update_health_check(self, health_check_id: str, health_check_args: dict[str, Any]) -> HealthCheck:
        """https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html"""
        known = self.get_health_check(health_check_id)
        version = health_check_args.pop("version", None)
        if version is not None and version != known.health_check_version:
            raise HealthCheckVersionMismatch
        check_update(known, health_check_args, self.health_checks)
        reset = health_check_args.pop("reset", None) or ()
        for name in ("alarm_identifier", "insufficient_data"):
            if (value := health_check_args.pop(name, None)) is not None:
                setattr(known, name, value)
        check: HealthCheck = super().update_health_check(health_check_id, health_check_args)
        for element in reset:
            setattr(check, _RESETTABLE[element], None)
        check.health_check_version += 1
        return check

    def delete_health_check(self, health_check_id: str) -> None:
        if health_check_id not in self.health_checks:
            raise NoSuchHealthCheck(health_check_id)
        super().delete_health_check(health_check_id)


def _labels(name: str) -> tuple[str, ...]:
    return tuple(reversed(canonical(name).rstrip(".").split(".")))


def _order(record: RecordSet) -> tuple[tuple[str, ...], str, str]:
    return _labels(str(record.name)), str(record.type), str(record.set_identifier or "")
