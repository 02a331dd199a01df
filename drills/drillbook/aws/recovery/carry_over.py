"""Give a restored table the settings that the restore dropped.

AWS ("Restoring a table in DynamoDB from a point in time") names what is to be set up by hand: auto scaling, IAM
policies, CloudWatch alarms, tags, stream, TTL, deletion protection, point-in-time recovery. Deleting the restored
table takes its settings with it, so only the alarms are changes of their own in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.alarms import copy_alarms
from drillbook.aws.session import acting, session_of
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RUN_TAG = "drillbook-run"
_UPDATE_PATIENCE = 120.0


def carry_over(world: World, source: str, target: str) -> None:
    """Make the settings of ``target`` those of ``source``. Doing it again changes nothing.

    Provisioned tables' auto scaling is not carried over; the configuration diff shows it if there was any.
    """
    with acting("recovery"), calling(f"give {target} the settings of {source}"):
        _tag(world, source, target)
        _stream(world, source, target)
        _time_to_live(world, source, target)
        _point_in_time_recovery(world, source, target)
        _policy(world, source, target)
        _deletion_protection(world, source, target)
    copy_alarms(world, source, target)


def _tag(world: World, source: str, target: str) -> None:
    dynamodb = _dynamodb(world)
    arn = _described(dynamodb, source)["TableArn"]
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    tags = [tag for page in pages for tag in page.get("Tags", []) if not tag["Key"].startswith(("aws:", "drillbook-"))]
    ours = {"Key": RUN_TAG, "Value": world.run_id}
    dynamodb.tag_resource(ResourceArn=_described(dynamodb, target)["TableArn"], Tags=[*tags, ours])


def _stream(world: World, source: str, target: str) -> None:
    dynamodb = _dynamodb(world)
    wanted = _described(dynamodb, source).get("StreamSpecification")
    if wanted and _described(dynamodb, target).get("StreamSpecification") != wanted:
        _update(world, target, StreamSpecification=wanted)


def _time_to_live(world: World, source: str, target: str) -> None:
    dynamodb = _dynamodb(world)
    wanted, present = (
        dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"] for table in (source, target)
    )
    if _is_on(wanted) and not _is_on(present):
        specification = {"Enabled": True, "AttributeName": wanted["AttributeName"]}
        dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=specification)


def _is_on(time_to_live: dict[str, Any]) -> bool:
    return time_to_live["TimeToLiveStatus"] in ("ENABLED", "ENABLING")


def _point_in_time_recovery(world: World, source: str, target: str) -> None:
    dynamodb = _dynamodb(world)
    wanted, present = (_recovery(dynamodb, table) for table in (source, target))
    if wanted == "ENABLED" != present:
        dynamodb.update_continuous_backups(
            TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )


def _recovery(dynamodb: Any, table: str) -> str:
    found = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    status: str = found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", "DISABLED")
    return status


def _policy(world: World, source: str, target: str) -> None:
    from botocore.exceptions import ClientError

    dynamodb = _dynamodb(world)
    try:
        policy = dynamodb.get_resource_policy(ResourceArn=_described(dynamodb, source)["TableArn"])["Policy"]
    except ClientError as error:
        if code_of(error) in ("PolicyNotFoundException", "UnknownOperationException"):
            return
        raise
    dynamodb.put_resource_policy(
        ResourceArn=_described(dynamodb, target)["TableArn"],
        Policy=policy.replace(f"table/{source}", f"table/{target}"),
    )


def _deletion_protection(world: World, source: str, target: str) -> None:
    dynamodb = _dynamodb(world)
    wanted, present = (
        _described(dynamodb, table).get("DeletionProtectionEnabled", False) for table in (source, target)
    )
    if wanted and not present:
        _update(world, target, DeletionProtectionEnabled=True)


def _update(world: World, table: str, **change: Any) -> None:
    """UpdateTable, and wait until it is done: AWS takes one change of a table at a time (AWS: UpdateTable)."""
    dynamodb = _dynamodb(world)
    dynamodb.update_table(TableName=table, **change)
    wait_for(
        f"the update of the table {table}",
        lambda: _described(dynamodb, table)["TableStatus"] == "ACTIVE",
        timeout=_UPDATE_PATIENCE,
        interval=1.0 / world.speed,
        clock=world.clock,
    )


def _dynamodb(world: World) -> Any:
    return session_of(world).client("dynamodb")


def _described(dynamodb: Any, table: str) -> dict[str, Any]:
    found: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    return found
