"""An Aurora cluster's configuration, told without its name, so that a restored cluster can be compared with its source.

What a restore does not bring back unless it is asked to, or not at all (AWS: "Restoring a DB cluster to a specified
time", "Restoring from a DB cluster snapshot"): instances, security and parameter groups, deletion protection, backup
retention, log exports, IAM authentication, tags, and alarms on the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.aws.session import Session

OWN_TAGS = "drillbook-"
"""Tags beginning so mark what a drill made; they are no configuration of the service."""
_FACTS = {
    "engine": "Engine",
    "engine version": "EngineVersion",
    "database": "DatabaseName",
    "master user": "MasterUsername",
    "parameter group": "DBClusterParameterGroup",
    "subnet group": "DBSubnetGroup",
    "deletion protection": "DeletionProtection",
    "backup retention, days": "BackupRetentionPeriod",
    "backup window": "PreferredBackupWindow",
    "maintenance window": "PreferredMaintenanceWindow",
    "IAM authentication": "IAMDatabaseAuthenticationEnabled",
    "encrypted": "StorageEncrypted",
    "copies tags to snapshots": "CopyTagsToSnapshot",
    "log exports": "EnabledCloudwatchLogsExports",
}
_INSTANCE_FACTS = ("DBInstanceClass", "PromotionTier", "PubliclyAccessible", "MonitoringInterval")
_ALARM_FACTS = ("Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold", "AlarmActions")


def describe_configuration(session: Session, cluster: str, region: str | None = None) -> dict[str, Json]:
    """Everything set on ``cluster`` that a restore might lose. Contents and names are not in it. Reads only.

    Raises PermanentError if the cluster is not there or may not be read, TemporaryError if trying again may help.
    """
    rds = session.client("rds", region)
    with calling(f"read the configuration of the cluster {cluster}"):
        found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        return {
            **{name: found.get(fact) or None for name, fact in _FACTS.items()},
            "security groups": sorted(each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])),
            "tags": _tags(found),
            "instances": _instances(rds, found),
            "alarms": _alarms(session, region, cluster),
        }


def _tags(found: dict[str, Any]) -> dict[str, Json]:
    tags = {tag["Key"]: tag["Value"] for tag in found.get("TagList", [])}
    return {key: value for key, value in sorted(tags.items()) if not key.startswith(("aws:", OWN_TAGS))}


def _instances(rds: Any, found: dict[str, Any]) -> list[str]:
    """What each is like. Which of them writes is no configuration: it changes with each failover."""
    names = [member["DBInstanceIdentifier"] for member in found["DBClusterMembers"]]
    described = [rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0] for name in names]
    return sorted(" ".join(f"{fact}={each.get(fact)}" for fact in _INSTANCE_FACTS) for each in described)


def _alarms(session: Session, region: str | None, cluster: str) -> list[Json]:
    found = [
        {fact: alarm[fact] for fact in _ALARM_FACTS if alarm.get(fact) not in (None, [])}
        for alarm in _alarms_on(session.client("cloudwatch", region), cluster)
    ]
    return sorted(found, key=repr)


def _alarms_on(cloudwatch: Any, cluster: str) -> Iterator[dict[str, Any]]:
    for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
        for alarm in page["MetricAlarms"]:
            if {"Name": "DBClusterIdentifier", "Value": cluster} in alarm.get("Dimensions", []):
                yield alarm
