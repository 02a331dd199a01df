"""Scenario 2: some services fail or throttle, the others go on. Find them, see that the rest copes, give them room.

The runbook names a budget for the first step alone (5 minutes); the others share what is left of half an hour.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import concurrency, environment, notice, table_capacity
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, TemporaryError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step

from . import customers
from .names import FUNCTIONS, PRIMARY, TABLES, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
INCIDENT_SERVICE = FUNCTIONS[0]
VENDOR_SERVICE = "roadcall-vendor-svc-prod"
EXECUTIONS = 500
"""As many as the runbook reserves."""
AFFECTED = "alarms that told of the degradation"
FINDS, FALLS_BACK = "identify the affected services", "see that vendor matching falls back"
GIVES_ROOM, RAISES = "give the incidents table room", "raise the concurrency of the incident service"
LEADS_BACK, WATCHES = "give vendor matching its directory back", "watch the errors fall"


def relieve(world: World) -> Plan:
    """Steps 1 to 4. What gives room goes side by side with the look at what goes on without it."""
    return Plan("relieve the degraded services", (*_find(world), *_relieve(world), *_watch(world)))


def _find(world: World) -> tuple[Step, ...]:
    return (
        Step(FINDS, lambda: find_affected(world), Phase.DECIDE, budget=5 * MINUTE,
             check=lambda: recall(world, AFFECTED) is not None),
        replace(notice.record_step(world, "declare the incident", "declared",
                                   lambda: f"degraded: {', '.join(recall(world, AFFECTED))}", budget=1 * MINUTE),
                after=(FINDS,)),
    )  # fmt: skip


def _relieve(world: World) -> tuple[Step, ...]:
    return (
        Step(FALLS_BACK, lambda: None, Phase.VERIFY, budget=5 * MINUTE, after=(FINDS,),
             check=lambda: matches_well(world), verify=lambda: falls_back(world)),
        Step(GIVES_ROOM, lambda: table_capacity.put_on_demand(world, TABLES["incidents"], region=PRIMARY),
             budget=10 * MINUTE, after=(FINDS,)),
        Step(RAISES, lambda: concurrency.reserve(world, INCIDENT_SERVICE, EXECUTIONS, region=PRIMARY),
             budget=5 * MINUTE, after=(FINDS,),
             verify=lambda: concurrency.reserved(world, INCIDENT_SERVICE, region=PRIMARY) == EXECUTIONS),
        Step(LEADS_BACK, lambda: lead_back(world), budget=5 * MINUTE, after=(FALLS_BACK,),
             verify=lambda: matches_well(world)),
    )  # fmt: skip


def _watch(world: World) -> tuple[Step, ...]:
    return (
        Step(WATCHES, lambda: None, Phase.VERIFY, budget=10 * MINUTE, after=(GIVES_ROOM, RAISES, LEADS_BACK),
             verify=lambda: alarms_are_over(world)),
        notice.notice_step(world, "tell the customers", topic_arn(session_of(world).account, PRIMARY),
                           "Roadside assistance works as usual again",
                           "Reports that were refused in the last minutes can be sent again.", budget=5 * MINUTE),
    )  # fmt: skip


# -- the steps --------------------------------------------------------------------------------------------------------


def find_affected(world: World) -> None:
    """By the alarms. The runbook asks for DynamoDB's UserErrors, in which throttled requests are not counted (AWS:
    "DynamoDB Metrics and dimensions"), and for Lambda's Errors of all functions together, which name none."""
    found = alarming(world)
    if not found:
        raise PermanentError("no alarm of the service is raised", do="look at what customers report instead")
    remember(world, AFFECTED, found)


def alarming(world: World) -> list[str]:
    """The alarms of the service that are raised now."""
    with calling("read the alarms"):
        alarms = session_of(world).client("cloudwatch", PRIMARY).get_paginator("describe_alarms")
        found = [alarm for page in alarms.paginate(AlarmNamePrefix="roadcall-") for alarm in page["MetricAlarms"]]
    return sorted(alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM")


def alarms_are_over(world: World) -> bool:
    """Is each alarm that told of the trouble quiet again? Raises TemporaryError naming those that are not."""
    if left := sorted(set(alarming(world)) & set(recall(world, AFFECTED))):
        raise TemporaryError(f"still raised: {', '.join(left)}", do="look at the metrics of these alarms")
    return True


def lead_back(world: World) -> None:
    """To the table that the template names; a changed environment starts the service afresh, its breaker closed."""
    environment.set_variables(world, VENDOR_SERVICE, {"VENDORS_TABLE": TABLES["vendors"]}, region=PRIMARY)


def falls_back(world: World) -> bool:
    """Does vendor matching go on without its directory, and say so?"""
    found = match(world)
    if not found["degraded"]:
        raise TemporaryError("vendor matching has not noticed that its directory is lost", do="look at the breaker")
    return True


def matches_well(world: World) -> bool:
    """Does a customer get the vendor of the area, out of the directory?"""
    found = match(world)
    return found["id"] == "vendor-north" and not found["degraded"]


def match(world: World) -> dict[str, object]:
    """Who comes to the north, for a customer. Raises TemporaryError if nobody is named."""
    answer = customers.request(world, "/matches/north")
    if answer.status != 200:
        said = answer.failure or f"HTTP {answer.status}"
        raise TemporaryError(f"/matches/north: {said}", do=f"see the logs of {VENDOR_SERVICE}")
    found: dict[str, object] = json.loads(answer.text)
    return found


# -- the check --------------------------------------------------------------------------------------------------------


def vendor_matching_is_whole(world: World) -> Reading:
    """Is the vendor that a customer gets the directory's, and not what the service falls back to?"""
    try:
        found = match(world)
    except TemporaryError as error:
        return Reading(False, error.what)
    told = f"{found['name']} comes to the north"
    return Reading(not found["degraded"], f"{told}, as a fallback" if found["degraded"] else told)
