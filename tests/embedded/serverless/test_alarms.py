"""Alarms evaluate what the planes count and what a service counts itself, in scaled periods, and act."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

CLOCK = SystemClock()
PERIOD = 0.6
"""Seconds here of a period of 60 s at speed 100."""
LOAD = 0.5
"""Seconds that a busy machine may add."""
FAILING = "def handler(event, context):\n    return 1 / event['by']\n"


class Alarm:
    """One alarm under test."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def put(self, **settings: Any) -> None:
        defaults = {
            "AlarmName": self.name,
            "Namespace": "tests",
            "MetricName": self.name,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        }
        self.client.put_metric_alarm(**(defaults | settings))

    def say(self, value: float) -> None:
        self.client.put_metric_data(Namespace="tests", MetricData=[{"MetricName": self.name, "Value": value}])

    @property
    def told(self) -> dict[str, Any]:
        return dict(self.client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0])

    @property
    def state(self) -> str:
        return str(self.told["StateValue"])

    def until(self, state: str, *, timeout: float = 6.0, meanwhile: Callable[[], object] = lambda: None) -> float:
        """Seconds until the alarm has this state."""
        began = CLOCK.monotonic()

        def look() -> bool:
            meanwhile()
            return self.state == state

        wait_for(f"{self.name} {state}", look, timeout=timeout, clock=CLOCK, interval=0.02)
        return CLOCK.monotonic() - began


@pytest.fixture
def alarm(client: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    one = Alarm(client("cloudwatch"), request.node.name)
    yield one
    one.client.delete_alarms(AlarmNames=[one.name])


def test_an_alarm_on_a_functions_errors_rises_in_time_and_falls_when_calls_succeed(
    alarm: Alarm, function: Callable[..., Any]
) -> None:
    one = function(FAILING)
    one.invoke({"by": 1})
    alarm.put(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": one.name}],
        TreatMissingData="notBreaching",
    )
    assert alarm.state == "INSUFFICIENT_DATA"
    alarm.until("OK")
    failed = CLOCK.now()
    one.invoke({"by": 0})
    alarm.until("ALARM")
    rose = (alarm.told["StateUpdatedTimestamp"] - failed).total_seconds()
    alarm.until("OK", meanwhile=lambda: one.invoke({"by": 1}))

    assert rose < 1.5 * PERIOD + LOAD
    assert "not greater than or equal to the threshold (1.0)" in alarm.told["StateReason"]


def test_an_alarm_on_the_front_doors_5xx(alarm: Alarm, api: Any, function: Callable[..., Any]) -> None:
    api.connect(api.resource("products"), function("broken"))
    api.deploy()
    name = api.client.get_rest_api(restApiId=api.id)["name"]
    alarm.put(Namespace="AWS/ApiGateway", MetricName="5XXError", Dimensions=[{"Name": "ApiName", "Value": name}])
    assert api.request("/products").status == 502

    alarm.until("ALARM", meanwhile=lambda: api.request("/products"))


@pytest.mark.slow  # The rule itself is test_alarms_rule.py's.
def test_two_of_three_datapoints_are_needed_where_two_are_asked_for(alarm: Alarm) -> None:
    alarm.put(EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching")
    alarm.until("OK")
    alarm.say(5)
    CLOCK.sleep(2 * PERIOD)
    assert alarm.state == "OK"
    alarm.say(5)

    alarm.until("ALARM", timeout=3 * PERIOD)


@pytest.mark.slow  # The rule itself is test_alarms_rule.py's.
def test_missing_data_is_insufficient_or_breaching_as_told(alarm: Alarm) -> None:
    alarm.put()
    alarm.say(0)
    alarm.until("OK")
    alarm.until("INSUFFICIENT_DATA")
    alarm.put(TreatMissingData="breaching")

    alarm.until("ALARM")


@pytest.mark.slow  # The rule itself is test_alarms_rule.py's.
def test_missing_data_that_is_ignored_keeps_the_state(alarm: Alarm) -> None:
    alarm.put(TreatMissingData="ignore")
    alarm.say(5)
    alarm.until("ALARM")
    CLOCK.sleep(5 * PERIOD)

    assert alarm.state == "ALARM"


def test_percentiles_and_averages(alarm: Alarm) -> None:
    alarm.put(Statistic="Average", Threshold=10.0)
    for value in (1, 1, 40):
        alarm.say(value)

    alarm.until("ALARM")


def test_a_state_that_was_set_holds_until_the_next_evaluation(alarm: Alarm) -> None:
    alarm.put(Period=300, TreatMissingData="notBreaching")
    alarm.client.set_alarm_state(AlarmName=alarm.name, StateValue="ALARM", StateReason="a test")
    assert (alarm.state, alarm.told["StateReason"]) == ("ALARM", "a test")

    assert 0 < alarm.until("OK") < 300 / 100 * 1.5


def test_history_tells_every_change_newest_first(alarm: Alarm) -> None:
    alarm.put(TreatMissingData="notBreaching")
    alarm.until("OK")
    alarm.say(5)
    alarm.until("ALARM")
    told = alarm.client.describe_alarm_history(AlarmName=alarm.name)["AlarmHistoryItems"]

    assert [item["HistorySummary"] for item in told] == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        f'Alarm "{alarm.name}" created',
    ]
    assert json.loads(told[0]["HistoryData"])["newState"]["stateValue"] == "ALARM"
    only = alarm.client.describe_alarm_history(AlarmName=alarm.name, HistoryItemType="StateUpdate", MaxRecords=1)
    assert len(only["AlarmHistoryItems"]) == 1
    assert told[0]["Timestamp"] >= told[1]["Timestamp"] >= told[2]["Timestamp"]


def test_an_alarm_that_is_put_again_keeps_its_state(alarm: Alarm) -> None:
    alarm.put(TreatMissingData="ignore")
    alarm.say(5)
    alarm.until("ALARM")
    since = alarm.told["StateUpdatedTimestamp"]
    alarm.put(TreatMissingData="ignore", Threshold=2.0)

    assert (alarm.state, alarm.told["StateUpdatedTimestamp"], alarm.told["Threshold"]) == ("ALARM", since, 2.0)


def test_an_alarm_publishes_to_its_topic(alarm: Alarm, client: Callable[..., Any]) -> None:
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="alarms")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alarm.put(AlarmActions=[topic, "arn:aws:sns:eu-west-1:111122223333:no-such-topic"])
    alarm.say(5)
    alarm.until("ALARM")
    got = wait_for(
        "the message", lambda: client("sqs").receive_message(QueueUrl=queue).get("Messages"), timeout=5, clock=CLOCK
    )[0]

    message = json.loads(json.loads(got["Body"])["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == (alarm.name, "ALARM")
    actions = alarm.client.describe_alarm_history(AlarmName=alarm.name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert sorted(json.loads(item["HistoryData"])["actionState"].split(":")[0] for item in actions) == [
        "Failed",
        "Succeeded",
    ]
