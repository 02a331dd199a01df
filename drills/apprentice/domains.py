"""Names: the service's own, which fails over, and one for the API of each region.

The primary record holds as long as the primary region answers *and* nobody has thrown the switch: an object in the
standby region. So a failover needs no change of Route 53, which is controlled from us-east-1; and when that region
comes back with its old data, the name does not follow it by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.waiting import wait_for

from .names import API_NAME, AWAY, HOME, SWITCH, TAG_LIST, ZONE, artifacts_of, name_of

if TYPE_CHECKING:
    from drillbook.aws.session import Session

INTERVAL, SWITCH_INTERVAL, THRESHOLD = 30, 10, 3
"""AWS seconds between probes, and how many in a row change the status. Who throws the switch waits for it."""
_PATIENCE = 60.0


def stand_up(session: Session) -> None:
    route53 = session.client("route53", HOME)
    if route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]:
        return
    zone = route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"]
    records = [_alias(name_of(region), _domain(session, name_of(region), region)) for region in (HOME, AWAY)]
    checks = {HOME: _primary_check(route53), AWAY: _endpoint_check(route53, AWAY)}
    for region, role in ((HOME, "PRIMARY"), (AWAY, "SECONDARY")):
        record = _alias(API_NAME, _domain(session, API_NAME, region))
        records.append(record | {"SetIdentifier": region, "Failover": role, "HealthCheckId": checks[region]})
    change(session, zone, records)


def change(session: Session, zone: str, records: list[dict[str, Any]]) -> None:
    """Put records into a zone, and wait until all name servers know."""
    route53 = session.client("route53", HOME)
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]}
    made = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]["Id"]
    wait_for(
        "the records being known to all name servers",
        lambda: str(route53.get_change(Id=made)["ChangeInfo"]["Status"]),
        until=lambda status: status == "INSYNC",
        timeout=_PATIENCE,
        interval=0.05,
        clock=session.clock,
    )


def zone_id(session: Session) -> str:
    found = session.client("route53", HOME).list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
    return str(found[0]["Id"])


def _domain(session: Session, name: str, region: str) -> dict[str, Any]:
    """A custom domain name of the API in one region. What it leads to is the API's stack's to say."""
    gateway = session.client("apigateway", region)
    certificate = f"arn:aws:acm:{region}:{session.account}:certificate/00000000-0000-0000-0000-000000000000"
    made: dict[str, Any] = gateway.create_domain_name(
        domainName=name, regionalCertificateArn=certificate, endpointConfiguration={"types": ["REGIONAL"]}
    )
    return made


def _alias(name: str, domain: dict[str, Any]) -> dict[str, Any]:
    target = {"HostedZoneId": domain["regionalHostedZoneId"], "DNSName": domain["regionalDomainName"]}
    return {"Name": name, "Type": "A", "AliasTarget": {**target, "EvaluateTargetHealth": False}}


def _primary_check(route53: Any) -> str:
    """Healthy while the region answers and the switch is not thrown."""
    children = [_endpoint_check(route53, HOME), _switch_check(route53)]
    config = {"Type": "CALCULATED", "ChildHealthChecks": children, "HealthThreshold": len(children)}
    return _check(route53, "primary", config)


def _endpoint_check(route53: Any, region: str) -> str:
    return _check(route53, f"health of {region}", _endpoint(name_of(region), "/health/", INTERVAL))


def _switch_check(route53: Any) -> str:
    """Healthy while the object is *not* there."""
    place = f"{artifacts_of(AWAY)}.s3.{AWAY}.amazonaws.com"
    return _check(route53, "failover declared", {**_endpoint(place, f"/{SWITCH}", SWITCH_INTERVAL), "Inverted": True})


def _endpoint(name: str, path: str, interval: int) -> dict[str, Any]:
    asked = {"Type": "HTTPS", "FullyQualifiedDomainName": name, "ResourcePath": path}
    return {**asked, "RequestInterval": interval, "FailureThreshold": THRESHOLD}


def _check(route53: Any, name: str, config: dict[str, Any]) -> str:
    made: str = route53.create_health_check(CallerReference=f"{ZONE} {name}", HealthCheckConfig=config)["HealthCheck"][
        "Id"
    ]
    tags = [*TAG_LIST, {"Key": "Name", "Value": name}]
    route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=made, AddTags=tags)
    return made
