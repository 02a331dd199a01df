"""The Route 53 calls that moto answers without truth, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.route53.exceptions import InvalidInput
from moto.route53.models import HealthCheck
from moto.route53.responses import Route53

from drillbook.embedded.addresses import address_of, region_at
from drillbook.embedded.dns.answers import DEFAULT_LOCATION, Names, Reply
from drillbook.embedded.dns.backend import InvalidDomainName, TrueRoute53
from drillbook.embedded.dns.check_settings import ENDPOINT_TYPES
from drillbook.embedded.dns.checker import Finding
from drillbook.embedded.dns.health import Health
from drillbook.embedded.dns.names import canonical, is_name
from drillbook.embedded.dns.rounds import Rounds

_MOST_RECORDS = 300
_PATIENCE = 1.0
"""Seconds for which GetChange holds its answer: the SDKs' waiter asks again only after 30."""


class TrueRoute53Api(Route53):
    """moto's, with changes, health and answers that are so."""

    names: ClassVar[Names]
    health: ClassVar[Health]
    rounds: ClassVar[Rounds]

    @property
    def route53(self) -> TrueRoute53:
        backend = self.backend
        assert isinstance(backend, TrueRoute53)
        return backend

    def create_hosted_zone(self) -> ActionResult:
        if not is_name(self._get_param("Name")):
            raise InvalidDomainName(self._get_param("Name"))
        return self._with_change(super().create_hosted_zone(), self._get_param("HostedZoneConfig.Comment"))

    def delete_hosted_zone(self) -> ActionResult:
        return self._with_change(super().delete_hosted_zone())

    def change_resource_record_sets(self) -> ActionResult:
        if not self._get_param("ChangeBatch.Changes"):
            raise InvalidInput("Invalid request: a ChangeBatch must contain at least one Change")
        return self._with_change(super().change_resource_record_sets(), self._get_param("ChangeBatch.Comment"))

    def list_resource_record_sets(self) -> ActionResult:
        """From the given name, type and identifier on.
        https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html"""
        name, kind, identifier = (self._get_param(f"StartRecord{part}") for part in ("Name", "Type", "Identifier"))
        if (kind and not name) or (identifier and not kind):
            raise InvalidInput("The input is not valid")
        most = min(self._get_int_param("MaxItems", _MOST_RECORDS) or _MOST_RECORDS, _MOST_RECORDS)
        records = self.route53.records_from(self._get_param("HostedZoneId"), name or "", kind or "", identifier or "")
        page, rest = records[:most], records[most:]
        following = rest[0] if rest else None
        return ActionResult(
            {
                "ResourceRecordSets": page,
                "IsTruncated": following is not None,
                "NextRecordName": following and following.name,
                "NextRecordType": following and following.type,
                "NextRecordIdentifier": following and following.set_identifier,
                "MaxItems": most,
            }
        )

    def get_change(self) -> ActionResult:
        change, clock = self.route53.change(self._get_param("Id")), self.route53.cloud.clock
        left = (change.due - clock.now()).total_seconds()
        if 0 < left <= _PATIENCE:
            clock.sleep(left)
        return ActionResult({"ChangeInfo": change.info(clock.now())})

    def create_health_check(self) -> ActionResult:
        config = self._get_param("HealthCheckConfig")
        check = self.route53.create_health_check(self._get_param("CallerReference"), _arguments(config))
        self.rounds.wake()
        location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.id}"
        return ActionResult({"HealthCheck": check, "Location": location})

    def update_health_check(self) -> ActionResult:
        asked = _arguments(self.params) | {
            "version": self._get_param("HealthCheckVersion"),
            "reset": self._get_param("ResetElements"),
        }
        check = self.route53.update_health_check(self._get_param("HealthCheckId"), asked)
        self.rounds.wake()
        return ActionResult({"HealthCheck": check})

    def delete_health_check(self) -> EmptyResult:
        self.route53.delete_health_check(self._get_param("HealthCheckId"))
        return EmptyResult()

    def get_health_check_count(self) -> ActionResult:
        return ActionResult({"HealthCheckCount": len(self.route53.health_checks)})

    def get_health_check_status(self) -> ActionResult:
        """https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheckStatus.html"""
        check = self._observable()
        seen = [(checker.region, checker.last) for checker in self.health.living(check)]
        return ActionResult({"HealthCheckObservations": _observations(seen)})

    def get_health_check_last_failure_reason(self) -> ActionResult:
        """https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheckLastFailureReason.html"""
        check = self._observable()
        seen = [(checker.region, checker.last_failure) for checker in self.health.living(check)]
        return ActionResult({"HealthCheckObservations": _observations(seen)})

    # moto derives the method's name from the operation's, TestDNSAnswer.
    def test_dns_answer(self) -> ActionResult:
        """What a client near the resolver would be told. A resolver whose region is not known, and none at all, count
        as one in us-east-1. https://docs.aws.amazon.com/Route53/latest/APIReference/API_TestDNSAnswer.html"""
        zone = self.route53.get_hosted_zone(self._get_param("HostedZoneId"))
        name, kind = canonical(self._get_param("RecordName")), self._get_param("RecordType")
        if zone.private_zone:
            raise InvalidInput("TestDNSAnswer is for public hosted zones only")
        client = self._get_param("EDNS0ClientSubnetIP") or self._get_param("ResolverIP") or ""
        location = (region_at(client) if client.count(".") == 3 else None) or DEFAULT_LOCATION
        inside = name == canonical(zone.name) or name.endswith("." + canonical(zone.name))
        reply = self.names.reply(name, kind, location) if inside else Reply("REFUSED")
        servers = zone.delegation_set.name_servers if zone.delegation_set else [""]
        return ActionResult(
            {
                "Nameserver": servers[0],
                "RecordName": name.rstrip("."),
                "RecordType": kind,
                "RecordData": [entry.value for entry in reply.answers],
                "ResponseCode": reply.code,
                "Protocol": "UDP",
            }
        )

    def _with_change(self, result: ActionResult, comment: str | None = None) -> ActionResult:
        change = self.route53.submit(comment)
        answer: dict[str, Any] = result.result  # type: ignore[assignment]
        answer["ChangeInfo"] = change.info(change.submitted)
        return result

    def _observable(self) -> HealthCheck:
        check = self.route53.get_health_check(self._get_param("HealthCheckId"))
        if check.type_ not in ENDPOINT_TYPES:
            raise InvalidInput(f"The status of a health check of type {check.type_} cannot be got by this action")
        return check


def _arguments(config: dict[str, Any]) -> dict[str, Any]:
    """A health check's configuration by moto's names."""
    return {
        "ip_address": config.get("IPAddress"),
        "port": config.get("Port"),
        "type": config.get("Type"),
        "resource_path": config.get("ResourcePath"),
        "fqdn": config.get("FullyQualifiedDomainName"),
        "search_string": config.get("SearchString"),
        "request_interval": config.get("RequestInterval"),
        "failure_threshold": config.get("FailureThreshold"),
        "health_threshold": config.get("HealthThreshold"),
        "measure_latency": config.get("MeasureLatency"),
        "inverted": config.get("Inverted"),
        "disabled": config.get("Disabled"),
        "enable_sni": config.get("EnableSNI"),
        "children": config.get("ChildHealthChecks"),
        "regions": config.get("Regions"),
        "alarm_identifier": config.get("AlarmIdentifier"),
        "insufficient_data": config.get("InsufficientDataHealthStatus"),
    }


def _observations(seen: list[tuple[str, tuple[Finding, datetime] | None]]) -> list[dict[str, Any]]:
    """A checker that has nothing to report yet is left out."""
    return [
        {
            "Region": region,
            "IPAddress": address_of(region),
            "StatusReport": {"Status": last[0].said, "CheckedTime": last[1].astimezone(UTC).replace(tzinfo=None)},
        }
        for region, last in seen
        if last is not None
    ]
