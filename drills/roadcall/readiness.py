"""Could us-west-2 take over, if it had to? The runbook's preparation, looked at and never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.probe import Reading

from .alarms import LAG_LIMIT_MS
from .assessment import look_at_the_replica
from .backups import protected
from .edge import HEALTH, health_checks
from .names import CLUSTERS, DR, PRIMARY, REGIONS, TABLES, VAULT, recordings
from .switch import is_thrown

if TYPE_CHECKING:
    from drillbook.world import World

RECORDINGS_LIMIT = 15 * 60.0
"""Seconds. AWS: "S3 Replication Time Control replicates 99.99 % of new objects within 15 minutes"."""
BACKUP_AGE = timedelta(hours=24)


def replicas_are_active(world: World) -> Reading:
    """Has every table an ACTIVE replica in the other region, and does each side say so?"""
    wrong = [
        f"{name} in {region} has {found or 'no replica'}"
        for name in TABLES.values()
        for region, other in zip(REGIONS, reversed(REGIONS), strict=True)
        if (found := _replicas(world, name, region)).get(other) != "ACTIVE"
    ]
    return Reading(not wrong, "; ".join(wrong) or f"{len(TABLES)} tables have an ACTIVE replica in both regions")


def ledger_lags_less_than_a_second(world: World) -> Reading:
    """The average of AuroraGlobalDBReplicationLag, while there is a replica: of one that is gone, the metric still
    tells what it was."""
    try:
        look_at_the_replica(world)
    except PermanentError as error:
        return Reading(False, error.what)
    found = _statistics(
        world, DR, "AWS/RDS", "AuroraGlobalDBReplicationLag", {"DBClusterIdentifier": CLUSTERS[DR]}, "Average"
    )
    if not found:
        return Reading(False, f"{CLUSTERS[DR]} tells no replication lag")
    lag = sum(found) / len(found)
    return Reading(lag < LAG_LIMIT_MS, f"the ledger's replica lags by {lag:.0f} ms", {"lag_ms": lag})


def recordings_replicate(world: World) -> Reading:
    """ReplicationLatency of the last hour. It needs the rule's id, which the runbook leaves out; the proof is a copy.

    While nothing is recorded S3 tells no latency, so the newest recording must be in the other region, too.
    """
    session = session_of(world)
    source, target = (recordings(session.account, region) for region in REGIONS)
    named = {"SourceBucket": source, "DestinationBucket": target, "RuleId": "recordings"}
    latency = max(_statistics(world, PRIMARY, "AWS/S3", "ReplicationLatency", named, "Maximum"), default=0.0)
    missing = sorted(_keys(world, source, PRIMARY) - _keys(world, target, DR))
    if missing:
        return Reading(False, f"{len(missing)} recordings are not in {target}, such as {missing[0]}")
    return Reading(latency < RECORDINGS_LIMIT, f"every recording is there, latency {latency:.0f} s")


def backups_are_recent(world: World) -> Reading:
    """Has each table and the ledger a complete recovery point of the last 24 hours?"""
    session = session_of(world)
    with calling(f"list the recovery points in {VAULT}"):
        points = session.client("backup", PRIMARY).list_recovery_points_by_backup_vault(
            BackupVaultName=VAULT, ByCreatedAfter=world.clock.now() - BACKUP_AGE
        )["RecoveryPoints"]
    complete = {point["ResourceArn"] for point in points if point["Status"] == "COMPLETED"}
    missing = [arn.rpartition(":")[2] for arn in protected(session.account) if arn not in complete]
    if missing:
        return Reading(False, f"no backup of the last 24 hours: {', '.join(missing)}")
    return Reading(True, f"{len(complete)} resources have a backup of the last 24 hours")


def health_checks_are_green(world: World) -> Reading:
    """Do Route 53's checkers reach the primary region, and is the failover switch not thrown?"""
    route53 = session_of(world).client("route53")
    checks = health_checks(session_of(world))
    with calling("read the status of the primary's health check"):
        seen = route53.get_health_check_status(HealthCheckId=checks[HEALTH])["HealthCheckObservations"]
    bad = [one["StatusReport"]["Status"] for one in seen if not one["StatusReport"]["Status"].startswith("Success")]
    if bad or not seen:
        return Reading(False, bad[0] if bad else "no checker has looked yet")
    if is_thrown(world):
        return Reading(False, "the failover switch is thrown: customers are led to the other region")
    return Reading(True, f"{len(seen)} checkers reach {PRIMARY}")


def _replicas(world: World, table: str, region: str) -> dict[str, str]:
    """The state of each replica that ``region`` knows of; none if the table is not there."""
    try:
        with calling(f"describe {table} in {region}"):
            found = session_of(world).client("dynamodb", region).describe_table(TableName=table)["Table"]
    except PermanentError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return {}
    return {one["RegionName"]: one["ReplicaStatus"] for one in found.get("Replicas", [])}


def _statistics(
    world: World, region: str, namespace: str, metric: str, dimensions: dict[str, str], statistic: str
) -> list[float]:
    """Of the last hour, one each five minutes, in the target's own time."""
    now = world.clock.now()
    asked: dict[str, Any] = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "StartTime": now - timedelta(seconds=3600 / world.speed),
        "EndTime": now,
        "Period": 300,
        "Statistics": [statistic],
    }
    with calling(f"read the metric {metric} in {region}"):
        found = session_of(world).client("cloudwatch", region).get_metric_statistics(**asked)
    return [point[statistic] for point in found["Datapoints"]]


def _keys(world: World, bucket: str, region: str) -> set[str]:
    with calling(f"list {bucket}"):
        pages = session_of(world).client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {each["Key"] for page in pages for each in page.get("Contents", [])}
