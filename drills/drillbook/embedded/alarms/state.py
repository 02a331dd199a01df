"""An alarm's state in the API: how it starts, how it changes, and what a change sets off.

Sources: "PutMetricAlarm" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html) and
"SetAlarmState" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend

from drillbook.embedded.alarms.history import AlarmHistory
from drillbook.embedded.alarms.rule import AlarmState

_log = logging.getLogger(__name__)


def put_metric_alarm(original: Callable[..., Alarm], history: AlarmHistory) -> Callable[..., Alarm]:
    def put(backend: CloudWatchBackend, **settings: Any) -> Alarm:
        """A new alarm starts with INSUFFICIENT_DATA; one that is put again keeps its state (PutMetricAlarm)."""
        before = backend.alarms.get(settings["name"])
        alarm = original(backend, **settings)
        if before is None:
            alarm.state_value = str(AlarmState.INSUFFICIENT_DATA)
        else:
            alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
            alarm.state_reason_data, alarm.history = before.state_reason_data, before.history
            alarm.state_updated_timestamp = before.state_updated_timestamp
        verb = "created" if before is None else "updated"
        history.add(alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" {verb}', {"type": verb})
        return alarm

    return put


def update_state(original: Callable[..., None], history: AlarmHistory) -> Callable[..., None]:
    def update(alarm: Alarm, reason: str, reason_data: str, state_value: str) -> None:
        """The one gate for state changes, the evaluator's and SetAlarmState's."""
        before = alarm.state_value
        original(alarm, reason, reason_data, state_value)
        if before == state_value:
            return
        new = {"stateValue": state_value, "stateReason": reason}
        data = {"version": "1.0", "oldState": {"stateValue": before}, "newState": new}
        history.add(alarm, "StateUpdate", f"Alarm updated from {before} to {state_value}", data)
        _act(alarm, before, history)

    return update


def _act(alarm: Alarm, before: str, history: AlarmHistory) -> None:
    """Publish to the SNS topics that the new state names. A topic that is not there is told in the history."""
    actions = {
        AlarmState.ALARM: alarm.alarm_actions,
        AlarmState.OK: alarm.ok_actions,
        AlarmState.INSUFFICIENT_DATA: alarm.insufficient_data_actions,
    }[AlarmState(alarm.state_value)]
    for arn in actions if alarm.actions_enabled else []:
        told = _publish(alarm, before, arn) if ":sns:" in arn else "is not emulated"
        history.add(alarm, "Action", f"Action {arn}: {told}", {"actionState": told, "notificationResource": arn})


def _publish(alarm: Alarm, before: str, topic: str) -> str:
    from moto.core.exceptions import ServiceException
    from moto.sns.models import sns_backends
    from werkzeug.exceptions import HTTPException

    _, _, _, region, account = topic.split(":")[:5]
    message = {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.alarm_arn,
        "AWSAccountId": account,
        "Region": region,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": alarm.state_updated_timestamp.isoformat(timespec="milliseconds") + "+0000",
        "OldStateValue": before,
    }
    subject = f'{alarm.state_value}: "{alarm.name}" in {region}'
    try:
        sns_backends[account][region].publish(json.dumps(message), topic, subject=subject[:100])
    except (ServiceException, HTTPException) as error:
        _log.warning("alarm %s: %s", alarm.name, error)
        return f"Failed: {error}"
    return "Succeeded"
