"""Post-recovery actions: the service is back; is it whole, and what do we learn?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.errors import TemporaryError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step

from .names import bucket_of

if TYPE_CHECKING:
    from drillbook.world import World

ALARMS = ("5xx alarm", "function errors alarm", "health check alarm")


def after_recovery(world: World) -> Plan:
    """The runbook's six actions. Nothing in here repairs anything: what does not hold is said."""
    return Plan(
        "post-recovery actions",
        (
            _look(world, "try every endpoint", "every endpoint works"),
            _look(world, "verify product data", "products are intact"),
            _look(world, "measure performance", "products are served fast"),
            Step("see that the alarms are quiet", lambda: None, Phase.VERIFY, budget=300,
                 verify=lambda: alarms_are_quiet(world)),
            notice.record_step(world, "close the incident", "closed", "every action after the recovery was taken"),
            Step("file the incident", lambda: notice.file_incident(world, place(world)), Phase.COMMUNICATE, budget=60),
            Step("find the root cause", lambda: "Find out why it happened, and write it into the incident's record.",
                 Phase.COMMUNICATE, budget=3600, manual=True),
            Step("improve the runbook", lambda: "Write into the runbook what went otherwise than it says.",
                 Phase.COMMUNICATE, budget=3600, manual=True),
        ),
    )  # fmt: skip


def place(world: World) -> str:
    return f"{bucket_of(session_of(world))}/incidents/{world.run_id}.json"


def incident_is_filed(world: World) -> Reading:
    """Can somebody who was not there read how it went, from the declaration to the end?"""
    from botocore.exceptions import ClientError

    bucket, _, key = place(world).partition("/")
    with calling(f"read {place(world)}"):
        try:
            body = session_of(world).client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code_of(error) != "NoSuchKey":
                raise
            return Reading(False, "nothing is filed")
    entries = [each["entry"] for each in json.loads(body)["entries"]]
    missing = [entry for entry in ("declared", "recovered", "closed") if entry not in entries]
    return Reading(not missing, f"filed without {', '.join(missing)}" if missing else f"filed: {', '.join(entries)}")


def _look(world: World, name: str, check: str) -> Step:
    """A step that holds if a check of the service file holds."""
    return Step(name, lambda: None, Phase.VERIFY, budget=120, verify=lambda: holds(world, check))


def holds(world: World, check: str) -> bool:
    """Raises TemporaryError with what the check saw, if it does not hold."""
    seen = service_actions.build_check(world, check)()
    if not seen.ok:
        raise TemporaryError(f"{check}: {seen.value}", do="the recovery is not over: go back to the scenario's plan")
    return True


def alarms_are_quiet(world: World) -> bool:
    return all(service_actions.build_probe(world, alarm).read().ok for alarm in ALARMS)
