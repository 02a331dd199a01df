"""Where the names lead, and the health checks.

Customers call one name, a failover pair: the primary region, or the standby. It does not fail over by itself, because
the standby is passive: until its stack is deployed nothing there would answer. The primary's record therefore has a
health check that sees nothing and that people switch (AWS: "Creating Disaster Recovery Mechanisms Using Amazon Route
53"); another one looks at the primary region and raises the alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import Session, session_of
from drillbook.waiting import wait_for

from .names import FRONT, HEALTH_ALARM, NAMES_STACK, TAG_LIST, ZONE, own_name, primary, standby

if TYPE_CHECKING:
    from drillbook.world import World

WATCH, SWITCH = "product-primary-watch", "product-primary-switch"
"""The callers' references of the health checks, by which they are found."""
_GLOBAL = "us-east-1"
"""Where Route 53's metrics are."""


def names(world: World) -> None:
    """The hosted zone, the health checks with their alarm, and a record for each name, led to where it is now."""
    session = session_of(world)
    zone = zone_of(session) or _create_zone(session)
    for reference in (WATCH, SWITCH):
        if not check_of(session, reference):
            _create_check(world, reference)
    wanted = [_front(world, primary(world)), _front(world, standby(world)), *_own_names(world)]
    present = _records(session, zone)
    changes = [{"Action": "UPSERT", "ResourceRecordSet": each} for each in wanted if each not in present]
    if changes:
        _change(world, zone, changes)
    _watch(session, str(check_of(session, WATCH)))


def zone_of(session: Session) -> str:
    """The zone's id; empty if there is none."""
    found = session.client("route53").list_hosted_zones_by_name(DNSName=f"{ZONE}.", MaxItems="1")["HostedZones"]
    return next((each["Id"].rpartition("/")[2] for each in found if each["Name"] == f"{ZONE}."), "")


def check_of(session: Session, reference: str) -> str:
    """The id of the health check that was made with ``reference``; empty if there is none."""
    pages = session.client("route53").get_paginator("list_health_checks").paginate()
    found = [each for page in pages for each in page["HealthChecks"]]
    return next((each["Id"] for each in found if each["CallerReference"] == reference), "")


def targets(session: Session, region: str) -> dict[str, str]:
    """What the names stack of ``region`` says its names lead to: FrontTarget, OwnTarget, HostedZone."""
    (stack,) = session.client("cloudformation", region).describe_stacks(StackName=NAMES_STACK)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def alias(found: dict[str, str], target: str) -> dict[str, Any]:
    name = found[target].lower().rstrip(".") + "."
    return {"HostedZoneId": found["HostedZone"], "DNSName": name, "EvaluateTargetHealth": False}


def _change(world: World, zone: str, changes: list[dict[str, Any]]) -> None:
    """Change the records, and wait until every name server knows."""
    route53 = session_of(world).client("route53")
    change = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})["ChangeInfo"]
    wait_for(
        "every name server knowing the names",
        lambda: route53.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC",
        timeout=300,
        interval=0.05,
        clock=world.clock,
    )


def _front(world: World, region: str) -> dict[str, Any]:
    session = session_of(world)
    record = {
        "Name": f"{FRONT}.",
        "Type": "A",
        "SetIdentifier": region,
        "Failover": "PRIMARY" if region == primary(world) else "SECONDARY",
        "AliasTarget": alias(targets(session, region), "FrontTarget"),
    }
    return record | ({"HealthCheckId": check_of(session, SWITCH)} if region == primary(world) else {})


def _own_names(world: World) -> list[dict[str, Any]]:
    session = session_of(world)
    return [
        {
            "Name": f"{own_name(world, region)}.",
            "Type": "A",
            "AliasTarget": alias(targets(session, region), "OwnTarget"),
        }
        for region in (primary(world), standby(world))
    ]


def _records(session: Session, zone: str) -> list[dict[str, Any]]:
    pages = session.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return [each for page in pages for each in page["ResourceRecordSets"]]


def _create_zone(session: Session) -> str:
    made = session.client("route53").create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"]
    return str(made).rpartition("/")[2]


def _create_check(world: World, reference: str) -> None:
    """Three checking regions are the fewest that Route 53 takes; each asks every 30 seconds.

    The API answers ``/health`` by itself: the check says that the region is there. Whether its functions work, the
    other alarms say.
    """
    looks_at = {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": own_name(world, primary(world)),
        "ResourcePath": "/health",
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "Regions": ["eu-west-1", "us-east-1", "ap-southeast-1"],
        "Disabled": reference == SWITCH,
    }
    session_of(world).client("route53").create_health_check(CallerReference=reference, HealthCheckConfig=looks_at)


def _watch(session: Session, check: str) -> None:
    cloudwatch = session.client("cloudwatch", _GLOBAL)
    if cloudwatch.describe_alarms(AlarmNames=[HEALTH_ALARM])["MetricAlarms"]:
        return
    cloudwatch.put_metric_alarm(
        AlarmName=HEALTH_ALARM,
        Namespace="AWS/Route53",
        MetricName="HealthCheckStatus",
        Dimensions=[{"Name": "HealthCheckId", "Value": check}],
        Statistic="Minimum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="missing",
        Tags=TAG_LIST,
    )
