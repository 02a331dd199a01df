"""What happened to alarms, for DescribeAlarmHistory. Survives the alarm, as on AWS (there for 30 days)."""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import Any

from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

KEPT = 2_000


class AlarmHistory:
    """Of all alarms of a cloud, newest last."""

    def __init__(self) -> None:
        self._items: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
        """``kind`` is StateUpdate, ConfigurationUpdate or Action."""
        item = {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
            "Timestamp": utcnow(),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data, default=str),
        }
        with self._lock:
            self._items.append((_place(alarm.alarm_arn), item))

    def describe(self, request: CloudWatchResponse) -> ActionResult:
        """DescribeAlarmHistory, without paging: MaxRecords (100) of the newest, or of the oldest."""
        backend, asked = request.cloudwatch_backend, request._get_params()
        place = f"{backend.region_name}:{backend.account_id}"
        with self._lock:
            items = [item for of, item in self._items if of == place and _fits(item, asked)]
        if asked.get("ScanBy") != "TimestampAscending":
            items.reverse()
        return ActionResult({"AlarmHistoryItems": items[: int(asked.get("MaxRecords") or 100)]})

    def contents(self) -> list[tuple[str, dict[str, Any]]]:
        """All that is kept, for a saved world."""
        with self._lock:
            return list(self._items)

    def hold(self, contents: list[tuple[str, dict[str, Any]]]) -> None:
        """Have exactly this."""
        with self._lock:
            self._items = deque(contents, maxlen=KEPT)


def _place(arn: str) -> str:
    return ":".join(arn.split(":")[3:5])


def _fits(item: dict[str, Any], asked: dict[str, Any]) -> bool:
    for wanted in ("AlarmName", "HistoryItemType"):
        if asked.get(wanted) not in (None, item[wanted]):
            return False
    start, end = asked.get("StartDate"), asked.get("EndDate")
    return (start is None or start <= item["Timestamp"]) and (end is None or item["Timestamp"] <= end)
