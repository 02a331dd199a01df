"""CloudWatch alarms that evaluate and act.

A period of an alarm takes ``period / speed`` here, and periods begin at multiples of that since the Unix epoch, as
AWS's begin at full minutes. An alarm is looked at shortly after each of its periods has ended, with the periods that
have ended: a breach shows in the state at most one scaled period and the grace later.

Emulated: alarms on one metric, statistics and percentiles, M out of N, missing data, history, SNS actions. Not:
metric math, anomaly detection and composite alarms (these stay as they are), units, other actions than SNS.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from unittest import mock
from weakref import WeakKeyDictionary

from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse

from drillbook.clock import utc_text
from drillbook.embedded import keeping
from drillbook.embedded.alarms import state as alarms_state
from drillbook.embedded.alarms.history import AlarmHistory
from drillbook.embedded.alarms.rule import EXTRA_PERIODS, AlarmState, Finding, Rule, evaluate, statistic
from drillbook.embedded.metrics import api as metrics_api
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

GRACE = 0.02
"""Seconds after the end of a period before it is looked at."""
CATCH_UP = 10
"""Periods that a busy machine may have missed and that are evaluated one after the other all the same."""
NO_ALARMS = 0.25
"""Seconds between looks while there is nothing to evaluate."""


def plane() -> Alarms:
    return Alarms()


class Alarms:
    """The plane: one thread evaluates the alarms of all accounts and regions."""

    name = "alarms"
    cloud: CloudState

    def __init__(self) -> None:
        self.history = AlarmHistory()
        self._patches = ExitStack()
        self._closed = threading.Event()
        self._evaluated: WeakKeyDictionary[Alarm, int] = WeakKeyDictionary()
        self._evaluations = 0
        self._thread = threading.Thread(target=self._evaluate_forever, name="alarms", daemon=True)

    def install(self, cloud: CloudState) -> None:
        self.cloud, self._metrics = cloud, store_of(cloud)
        backend, history = CloudWatchBackend, self.history
        for owner, name, replacement in (
            (backend, "put_metric_alarm", alarms_state.put_metric_alarm(backend.put_metric_alarm, history)),
            (Alarm, "update_state", alarms_state.update_state(Alarm.update_state, history)),
            (backend, "put_metric_data", metrics_api.put_metric_data(backend.put_metric_data, cloud)),
            (backend, "get_metric_statistics", metrics_api.get_metric_statistics(backend.get_metric_statistics)),
            (backend, "get_metric_data", metrics_api.get_metric_data(backend.get_metric_data)),
            (backend, "get_all_metrics", metrics_api.get_all_metrics(backend.get_all_metrics, self._metrics)),
        ):
            self._patches.enter_context(mock.patch.object(owner, name, replacement))
        describe = mock.patch.object(
            CloudWatchResponse, "describe_alarm_history", lambda request: self.history.describe(request), create=True
        )
        self._patches.enter_context(describe)
        self._thread.start()

    def status(self) -> dict[str, Json]:
        return {"alarms": sum(1 for _ in _metric_alarms()), "evaluations": self._evaluations}

    def save(self, folder: Path) -> None:
        keeping.write(folder, (self.history.contents(), self._metrics.contents()))

    def load(self, folder: Path) -> None:
        if kept := keeping.read(folder):
            history, metrics = kept
            self.history.hold(history)
            self._metrics.hold(metrics)

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(2)
        self._patches.close()

    def _evaluate_forever(self) -> None:
        pause = NO_ALARMS
        while not self._closed.wait(pause):
            now = self.cloud.clock.now().timestamp()
            ends = [self._look(alarm, now) for alarm in list(_metric_alarms())]
            soonest = min(ends, default=now + NO_ALARMS) + GRACE
            pause = min(NO_ALARMS, max(0.005, soonest - self.cloud.clock.now().timestamp()))

    def _look(self, alarm: Alarm, now: float) -> float:
        """Evaluate ``alarm`` for each period that has ended since the last time. Returns when the present one ends."""
        period = int(alarm.period)
        ended = self._metrics.tick(now - GRACE) // period
        last = self._evaluated.setdefault(alarm, ended)
        if not self.cloud.domains.now.dark(str(alarm.region_name)):  # What a dark region missed is not made up for.
            for number in range(max(last, ended - CATCH_UP) + 1, ended + 1):
                self._evaluate(alarm, number, period)
        self._evaluated[alarm] = ended
        return self._metrics.moment((ended + 1) * period)

    def _evaluate(self, alarm: Alarm, ended: int, period: int) -> None:
        """``ended`` counts the periods since the epoch that are over; ``period`` is in ticks."""
        self._evaluations += 1
        rule = _rule(alarm)
        series = _series(alarm)
        name = alarm.extended_statistic or alarm.statistic
        periods = range(ended - rule.needed - EXTRA_PERIODS, ended)
        values = [self._metrics.between(series, number * period, (number + 1) * period) for number in periods]
        datapoints = [statistic(name, some) for some in values]
        finding = evaluate(rule, datapoints, AlarmState(alarm.state_value))
        if finding.state != alarm.state_value:
            told = _reason_data(alarm, finding, name, self.cloud.clock.now())
            alarm.update_state(finding.reason, told, str(finding.state))


def _metric_alarms() -> Iterator[Alarm]:
    """Alarms on one metric of their own."""
    for account in list(cloudwatch_backends.values()):
        for backend in list(account.values()):
            for alarm in list(backend.alarms.values()):
                if alarm.rule is None and alarm.metric_name and not alarm.metric_data_queries:
                    yield alarm


def _rule(alarm: Alarm) -> Rule:
    needed = int(alarm.evaluation_periods or 1)
    return Rule(
        operator=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        needed=needed,
        to_alarm=int(alarm.datapoints_to_alarm or needed),
        missing=alarm.treat_missing_data or "missing",
    )


def _series(alarm: Alarm) -> Series:
    account = alarm.alarm_arn.split(":")[4]
    named = {str(one.name): str(one.value) for one in alarm.dimensions}
    return Series(account, alarm.region_name, alarm.namespace, alarm.metric_name, dimensions(named))


def _reason_data(alarm: Alarm, finding: Finding, name: str, now: datetime) -> str:
    shown = [value for value in reversed(finding.used) if value is not None]
    facts = {
        "version": "1.0",
        "queryDate": utc_text(now),
        "statistic": name,
        "period": alarm.period,
        "recentDatapoints": shown,
        "threshold": alarm.threshold,
    }
    return json.dumps(facts)
