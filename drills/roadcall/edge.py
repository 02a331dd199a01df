"""The zone, the API's names in both regions, and the failover record between them.

The record's health check looks at the failover switch: an object in the region that takes over. People decide when to
fail over, since the database does not follow by itself; and they can, although Route 53's records cannot be changed
while us-east-1 is lost (AWS: "Creating Disaster Recovery Mechanisms Using Amazon Route 53", by which the standby takes
over the primary).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import Session, session_of
from drillbook.waiting import wait_for

from .names import API, DOMAIN, DR, HEALTH_NAME, PRIMARY, REGIONS, SWITCH_KEY, TAGS, regional_api, switch_bucket

if TYPE_CHECKING:
    from drillbook.world import World

Record = dict[str, Any]
Target = dict[str, str]
HEALTH, SWITCH = "roadcall-primary-health", "roadcall-failover-switch"
"""Caller references of the two health checks, by which they are found again."""
CHECKERS = [PRIMARY, DR, "eu-west-1"]
"""Those in a region that is lost have no say."""
WELL, LOST = "192.0.2.1", "192.0.2.2"
"""Addresses that lead nowhere (RFC 5737): only their difference matters."""


def stand_up_names(session: Session) -> dict[str, tuple[Target, Target]]:
    """The custom domain names of both regions, the service's own and the region's; where each leads to."""
    return {
        region: (_domain_name(session, region, API), _domain_name(session, region, regional_api(region)))
        for region in REGIONS
    }


def stand_up(world: World, names: dict[str, tuple[Target, Target]]) -> None:
    """The zone with its records; returns when every name server has them."""
    route53 = session_of(world).client("route53")
    made = route53.create_hosted_zone(Name=DOMAIN, CallerReference="roadcall")
    switch = _check(route53, SWITCH, _switch_check(session_of(world).account))
    primary = _check(route53, HEALTH, _primary_check())
    records = [_alias(regional_api(region), own) for region, (_, own) in names.items()]
    records.append(_alias(API, names[PRIMARY][0], SetIdentifier=PRIMARY, Failover="PRIMARY", HealthCheckId=switch))
    records.append(_alias(API, names[DR][0], SetIdentifier=DR, Failover="SECONDARY"))
    records.append(_sign(WELL, SetIdentifier="well", Failover="PRIMARY", HealthCheckId=primary))
    records.append(_sign(LOST, SetIdentifier="lost", Failover="SECONDARY"))
    change = route53.change_resource_record_sets(
        HostedZoneId=made["HostedZone"]["Id"],
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]},
    )
    wait_for(
        "the records reaching every name server",
        lambda: route53.get_change(Id=change["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC",
        timeout=120,
        interval=0.05,
        clock=world.clock,
    )


def is_there(session: Session) -> bool:
    """The zone is made last."""
    zones = session.client("route53").list_hosted_zones_by_name(DNSName=DOMAIN)["HostedZones"]
    return any(zone["Name"].rstrip(".") == DOMAIN for zone in zones)


def health_checks(session: Session) -> dict[str, str]:
    """The health checks' ids by caller reference."""
    pages = session.client("route53").get_paginator("list_health_checks").paginate()
    return {each["CallerReference"]: each["Id"] for page in pages for each in page["HealthChecks"]}


def _domain_name(session: Session, region: str, name: str) -> Target:
    made = session.client("apigateway", region).create_domain_name(
        domainName=name,
        regionalCertificateArn=f"arn:aws:acm:{region}:{session.account}:certificate/00000000-0000-0000-0000-000000000001",
        endpointConfiguration={"types": ["REGIONAL"]},
        tags=TAGS,
    )
    return {"HostedZoneId": made["regionalHostedZoneId"], "DNSName": made["regionalDomainName"]}


def _alias(name: str, target: Target, **routing: str) -> Record:
    return {"Name": name, "Type": "A", "AliasTarget": {**target, "EvaluateTargetHealth": False}, **routing}


def _sign(address: str, **routing: str) -> Record:
    """What the primary's health check sees, told by DNS: its status is asked of us-east-1, which may be lost."""
    return {"Name": HEALTH_NAME, "Type": "A", "TTL": 10, "ResourceRecords": [{"Value": address}], **routing}


def _check(route53: Any, reference: str, config: Record) -> str:
    made = route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]["Id"]
    tags = [{"Key": key, "Value": value} for key, value in (TAGS | {"Name": reference}).items()]
    route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=made, AddTags=tags)
    return str(made)


def _switch_check(account: str) -> Record:
    """Unhealthy when the object is there; healthy when it is not, or nobody can tell."""
    return {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": f"{switch_bucket(account)}.s3.{DR}.amazonaws.com",
        "ResourcePath": f"/{SWITCH_KEY}",
        "RequestInterval": 30,
        "FailureThreshold": 1,
        "Inverted": True,
        "Regions": CHECKERS,
    }


def _primary_check() -> Record:
    return {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": regional_api(PRIMARY),
        "ResourcePath": "/health",
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "Regions": CHECKERS,
    }
