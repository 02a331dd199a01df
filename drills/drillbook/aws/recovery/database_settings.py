"""The settings of a database that its restore drops or takes from the account's defaults, as restores ask for them.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html and
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-pitr.html: without being told otherwise a restored
database has the default security group and parameter group, one zone and no deletion protection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.database_kinds import CLUSTER, Kind, own_tags, rds_of
from drillbook.aws.recovery.database_kinds import wait_until_available as wait
from drillbook.aws.session import acting

if TYPE_CHECKING:
    from drillbook.world import World

_OF_BOTH = ("DeletionProtection", "CopyTagsToSnapshot")
_OF_INSTANCE = ("DBInstanceClass", "MultiAZ", "PubliclyAccessible", "AutoMinorVersionUpgrade", "StorageType")
_AFTERWARDS = ("BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow")
_MODIFICATION_PATIENCE = 3600.0


def of_instance(instance: dict[str, Any]) -> dict[str, Any]:
    """Parameters of RestoreDBInstance… that make the restored instance like ``instance``."""
    wanted = _kept(instance, (*_OF_BOTH, *_OF_INSTANCE)) | _common(instance)
    if str(instance.get("StorageType", "")).startswith("io"):
        # Of other types RDS tells the baseline, which may not be asked for.
        wanted |= _kept(instance, ("Iops",))
    groups = {
        "DBParameterGroupName": _first(instance, "DBParameterGroups", "DBParameterGroupName"),
        "OptionGroupName": _first(instance, "OptionGroupMemberships", "OptionGroupName"),
        "DBSubnetGroupName": instance.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
    }
    return wanted | _chosen(groups)


def of_cluster(cluster: dict[str, Any]) -> dict[str, Any]:
    """Parameters of RestoreDBCluster… that make the restored cluster like ``cluster``."""
    wanted = _kept(cluster, _OF_BOTH) | _common(cluster)
    wanted |= _chosen({
        "DBClusterParameterGroupName": cluster.get("DBClusterParameterGroup", ""),
        "DBSubnetGroupName": cluster.get("DBSubnetGroup", ""),
    })  # fmt: skip
    if scaling := cluster.get("ServerlessV2ScalingConfiguration"):
        wanted["ServerlessV2ScalingConfiguration"] = {
            name: scaling[name] for name in ("MinCapacity", "MaxCapacity") if name in scaling
        }
    return wanted


def carry_over(world: World, kind: Kind, source: dict[str, Any], target: str, region: str | None = None) -> None:
    """Give ``target`` the backup and maintenance settings of ``source`` that no restore takes, and the owner's tags.

    Doing it again changes nothing; what ``target`` has besides is kept. Deleting ``target`` undoes it.
    """
    rds, found = rds_of(world, region), wait(world, kind, target, region)
    differing = {name: source[name] for name in _AFTERWARDS if source.get(name) not in (None, found.get(name))}
    missing = [tag for tag in own_tags(source) if tag not in found.get("TagList", [])]
    with acting("recovery"), calling(f"give the {kind.noun} {target} the settings of its source"):
        if missing:
            rds.add_tags_to_resource(ResourceName=found[kind.arn], Tags=missing)
        if differing:
            modify = rds.modify_db_cluster if kind is CLUSTER else rds.modify_db_instance
            modify(**{kind.name: target}, ApplyImmediately=True, **differing)
    if differing:
        wait(world, kind, target, region, timeout=_MODIFICATION_PATIENCE)


def _common(found: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if groups := [one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", [])]:
        wanted["VpcSecurityGroupIds"] = groups
    if found.get("IAMDatabaseAuthenticationEnabled"):
        wanted["EnableIAMDatabaseAuthentication"] = True
    if exports := found.get("EnabledCloudwatchLogsExports"):
        wanted["EnableCloudwatchLogsExports"] = exports
    return wanted


def _kept(found: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names if found.get(name) not in (None, "", [])}


def _first(found: dict[str, Any], groups: str, name: str) -> str:
    return str(next((one[name] for one in found.get(groups, [])), ""))


def _chosen(groups: dict[str, str]) -> dict[str, str]:
    """Groups that the owner chose: AWS's own are the default anyway, and some may not be named."""
    return {parameter: name for parameter, name in groups.items() if name and not name.startswith("default")}
