"""The validation checklist: what a recovery must have brought back, looked at from outside and from the metrics.

What no machine can look at here is a step for people: payments are another firm's, and there are no traces in the
embedded cloud.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.probe import Reading
from drillbook.recovery import Plan, Step

from .names import API_NAME, FUNCTIONS, PRIMARY, TABLES, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
WINDOW = timedelta(minutes=5)
SENDS = "send a test notice"
BY_PEOPLE = {
    "confirm that the notice arrived": "Ask the on-call engineer whether the test notice arrived.",
    "pay once": "Make a payment of one cent with the payment provider, and take it back.",
    "look at the traces": "Look in X-Ray whether requests of the last minutes have traces.",
}


def walk(world: World) -> Plan:
    """What of the checklist has to be done rather than looked at."""
    sent = notice.notice_step(world, SENDS, topic_arn(session_of(world).account, PRIMARY), "Test of the notices",
                              "Validation after a recovery: please confirm.", budget=5 * MINUTE)  # fmt: skip
    people = (
        Step(name, lambda text=text: text, budget=10 * MINUTE, after=(SENDS,), manual=True)  # type: ignore[misc]
        for name, text in BY_PEOPLE.items()
    )
    return Plan("walk through the checklist", (sent, *people))


def nothing_is_throttled(world: World) -> Reading:
    """Neither table nor function refused anything for lack of room in the last minutes."""
    counted = {name: _of_table(world, name) for name in TABLES.values()}
    counted |= {name: _total(world, "AWS/Lambda", "Throttles", {"FunctionName": name}) for name in FUNCTIONS}
    wrong = ", ".join(f"{name}: {count:g}" for name, count in counted.items() if count)
    return Reading(not wrong, wrong or f"{len(counted)} tables and functions refused nothing", {"throttled": counted})


def metrics_arrive(world: World) -> Reading:
    """Are requests and invocations counted?"""
    requests = _total(world, "AWS/ApiGateway", "Count", {"ApiName": API_NAME})
    invocations = _total(world, "AWS/Lambda", "Invocations", {"FunctionName": FUNCTIONS[0]})
    told = f"{requests:g} requests and {invocations:g} invocations were counted"
    return Reading(requests > 0 and invocations > 0, told, {"requests": requests, "invocations": invocations})


def alarms_are_active(world: World) -> Reading:
    """Is there an alarm for the API, each function and each table, and would somebody hear of it?"""
    wanted = {"roadcall-api-5xx-prod", *(f"{name}-errors" for name in FUNCTIONS)}
    wanted |= {f"{name}-throttled" for name in TABLES.values()}
    with calling("read the alarms"):
        pages = session_of(world).client("cloudwatch", PRIMARY).get_paginator("describe_alarms").paginate()
        found = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    mute = [name for name in wanted & found.keys() if not _is_heard(found[name])]
    wrong = [f"{name} is missing" for name in sorted(wanted - found.keys())] + [
        f"{name} is mute" for name in sorted(mute)
    ]
    return Reading(not wrong, "; ".join(wrong) or f"{len(wanted)} alarms are active")


def logs_are_written(world: World) -> Reading:
    """Has the incident service written to its log in the last minutes?"""
    group = f"/aws/lambda/{FUNCTIONS[0]}"
    since = round((world.clock.now() - WINDOW).timestamp() * 1000)
    with calling(f"read the log {group}"):
        events = (
            session_of(world).client("logs", PRIMARY).filter_log_events(logGroupName=group, startTime=since, limit=1)
        )
    return Reading(bool(events["events"]), f"{group} {'is' if events['events'] else 'is not'} written")


def _is_heard(alarm: dict[str, Any]) -> bool:
    return bool(alarm["ActionsEnabled"] and alarm["AlarmActions"])


def _of_table(world: World, name: str) -> float:
    """The runbook's UserErrors does not count what is throttled (AWS: "DynamoDB metrics and dimensions")."""
    ways = ("ReadThrottleEvents", "WriteThrottleEvents")
    return sum(_total(world, "AWS/DynamoDB", way, {"TableName": name}) for way in ways)


def _total(world: World, namespace: str, metric: str, dimensions: dict[str, str]) -> float:
    now = world.clock.now()
    with calling(f"read the metric {metric}"):
        found = session_of(world).client("cloudwatch", PRIMARY).get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - WINDOW / world.speed,
            EndTime=now + WINDOW / world.speed,
            Period=60,
            Statistics=["Sum"],
        )  # fmt: skip
    return float(sum(point["Sum"] for point in found["Datapoints"]))
