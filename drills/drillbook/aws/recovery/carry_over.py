"""Give a restored table the settings that the restore dropped.

AWS ("Restoring a table in DynamoDB from a point in time") names what is to be set up by hand: auto scaling, IAM
policies, CloudWatch alarms, tags, stream, TTL, deletion protection, point-in-time recovery. Deleting the restored
table takes its settings with it, so only the alarms are changes of their own in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import acting, session_of
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RUN_TAG = "drillbook-run"
_UPDATE_PATIENCE = 120.0
_ALARM_ARGUMENTS = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "MetricName",
    "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "EvaluationPeriods", "DatapointsToAlarm",
    "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile",
)  # fmt: skip


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


class CopiedAlarmsSettings(Settings):
    source: str
    target: str
    region: str | None = None


class CopiedAlarms:
    """For each metric alarm on the table ``source`` one like it on ``target``, named ``<alarm> (<target>)``."""

    Settings = CopiedAlarmsSettings

    def __init__(self, world: World, settings: CopiedAlarmsSettings) -> None:
        self._settings, session = settings, session_of(world)
        self._cloudwatch = session.client("cloudwatch", settings.region)
        self.settle = session.settle

    def describe(self) -> str:
        return f"copy the alarms of the table {self._settings.source} to {self._settings.target}"

    def touches(self) -> list[str]:
        with calling(self.describe()):
            return [f"alarm {copy['AlarmName']}" for copy in self._missing()]

    def capture(self) -> Json:
        """The names of the alarms that are to be made; those that exist already are not ours to remove."""
        with calling(self.describe()):
            return {"made": [copy["AlarmName"] for copy in self._missing()]}

    def apply(self, before: Json) -> None:
        with calling(self.describe()):
            for copy in self._missing():
                if copy["AlarmName"] in before["made"]:
                    self._cloudwatch.put_metric_alarm(**copy)

    def restore(self, before: Json) -> None:
        with calling(f"remove the alarms of {self._settings.target}"):
            if standing := self._standing(before["made"]):
                self._cloudwatch.delete_alarms(AlarmNames=standing)

    def restored(self, before: Json) -> bool:
        with calling(f"read the alarms of {self._settings.target}"):
            return not self._standing(before["made"])

    def _missing(self) -> list[dict[str, Any]]:
        """The arguments of PutMetricAlarm for each copy that is not there yet."""
        present = {alarm["AlarmName"] for alarm in _alarms_on(self._cloudwatch, self._settings.target)}
        copies = [self._copy(alarm) for alarm in _alarms_on(self._cloudwatch, self._settings.source)]
        return [copy for copy in copies if copy["AlarmName"] not in present]

    def _copy(self, alarm: dict[str, Any]) -> dict[str, Any]:
        kept = {name: alarm[name] for name in _ALARM_ARGUMENTS if alarm.get(name) not in (None, "", [])}
        dimensions = [
            {"Name": each["Name"], "Value": self._settings.target if each["Name"] == "TableName" else each["Value"]}
            for each in alarm["Dimensions"]
        ]
        return {**kept, "AlarmName": f"{alarm['AlarmName']} ({self._settings.target})", "Dimensions": dimensions}

    def _standing(self, names: list[str]) -> list[str]:
        present = {alarm["AlarmName"] for alarm in _alarms_on(self._cloudwatch, self._settings.target)}
        return sorted(present & set(names))


def copy_alarms(world: World, source: str, target: str) -> None:
    """Give ``target`` the metric alarms that ``source`` has, where it does not have them yet."""
    settings = CopiedAlarmsSettings(source=source, target=target)
    if CopiedAlarms(world, settings).touches():
        make(world, CopiedAlarms, settings)


def _alarms_on(cloudwatch: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
        for alarm in page["MetricAlarms"]:
            if {"Name": "TableName", "Value": table} in alarm.get("Dimensions", []):
                yield alarm


def _dynamodb(world: World) -> Any:
    return session_of(world).client("dynamodb")


def _described(dynamodb: Any, table: str) -> dict[str, Any]:
    found: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    return found
