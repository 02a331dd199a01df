"""The alarms on a table or a database do not follow its restore: CloudWatch knows both by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

_ALARM_ARGUMENTS = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "MetricName",
    "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "EvaluationPeriods", "DatapointsToAlarm",
    "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile",
)  # fmt: skip


OF_A_TABLE, OF_A_CLUSTER, OF_AN_INSTANCE = "TableName", "DBClusterIdentifier", "DBInstanceIdentifier"
"""By which dimension a metric says whose it is."""


class CopiedAlarmsSettings(Settings):
    source: str
    target: str
    dimension: str = OF_A_TABLE
    region: str | None = None


class CopiedAlarms:
    """For each metric alarm on ``source`` one like it on ``target``, named ``<alarm> (<target>)``."""

    Settings = CopiedAlarmsSettings

    def __init__(self, world: World, settings: CopiedAlarmsSettings) -> None:
        self._settings, session = settings, session_of(world)
        self._cloudwatch = session.client("cloudwatch", settings.region)
        self.settle = session.settle

    def describe(self) -> str:
        return f"copy the alarms of {self._settings.source} to {self._settings.target}"

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
        present = {alarm["AlarmName"] for alarm in self._on(self._settings.target)}
        copies = [self._copy(alarm) for alarm in self._on(self._settings.source)]
        return [copy for copy in copies if copy["AlarmName"] not in present]

    def _copy(self, alarm: dict[str, Any]) -> dict[str, Any]:
        kept = {name: alarm[name] for name in _ALARM_ARGUMENTS if alarm.get(name) not in (None, "", [])}
        ours = self._settings.dimension
        dimensions = [
            {"Name": each["Name"], "Value": self._settings.target if each["Name"] == ours else each["Value"]}
            for each in alarm["Dimensions"]
        ]
        return {**kept, "AlarmName": f"{alarm['AlarmName']} ({self._settings.target})", "Dimensions": dimensions}

    def _standing(self, names: list[str]) -> list[str]:
        present = {alarm["AlarmName"] for alarm in self._on(self._settings.target)}
        return sorted(present & set(names))

    def _on(self, name: str) -> Iterator[dict[str, Any]]:
        """The metric alarms whose metric is that of ``name``."""
        for page in self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
            for alarm in page["MetricAlarms"]:
                if {"Name": self._settings.dimension, "Value": name} in alarm.get("Dimensions", []):
                    yield alarm


def copy_alarms(
    world: World, source: str, target: str, region: str | None = None, *, dimension: str = OF_A_TABLE
) -> None:
    """Give ``target`` the metric alarms that ``source`` has, where it does not have them yet."""
    settings = CopiedAlarmsSettings(source=source, target=target, dimension=dimension, region=region)
    if CopiedAlarms(world, settings).touches():
        make(world, CopiedAlarms, settings)
