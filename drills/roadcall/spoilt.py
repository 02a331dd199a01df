"""Restores that go wrong on purpose, the runbook's own mistakes among them. A drill that stays green proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import environment
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.recovery import Plan, PlanFactory, Step

from . import corruption
from .names import FUNCTIONS, PRIMARY, STAGE, TABLES

if TYPE_CHECKING:
    from drillbook.world import World

Deed = Callable[["World"], object]


def wrong_instant(factory: PlanFactory) -> PlanFactory:
    """Restore to the present: the corruption is restored along with the rest."""
    return _instead(factory, corruption.ASSESSES, _choose_the_present)


def only_the_variable(factory: PlanFactory) -> PlanFactory:
    """The runbook's read-only mode: ``--environment Variables={READ_ONLY_MODE=true}`` wipes every other variable."""
    return _instead(factory, corruption.STOPS, _wipe_the_environment)


def no_such_throttle(factory: PlanFactory) -> PlanFactory:
    """The runbook's throttle: there is no ``/throttle/rateLimit``."""
    return _instead(factory, corruption.STOPS, _throttle_as_the_runbook_says)


def nothing_to_restore_from(world: World) -> None:
    """Point-in-time recovery of the incidents table was never turned on."""
    with calling(f"turn off point-in-time recovery of {corruption.TABLE}"):
        session_of(world).client("dynamodb", PRIMARY).update_continuous_backups(
            TableName=corruption.TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
        )


def mute_alarms(world: World) -> None:
    """Somebody was woken up once too often."""
    cloudwatch = session_of(world).client("cloudwatch", PRIMARY)
    with calling("turn off the actions of the alarms"):
        cloudwatch.disable_alarm_actions(AlarmNames=[f"{FUNCTIONS[0]}-errors", "roadcall-api-5xx-prod"])


def without_a_vendor(world: World) -> None:
    """Incidents name somebody who is not in the directory any more."""
    with calling("delete a vendor"):
        session_of(world).client("dynamodb", PRIMARY).delete_item(
            TableName=TABLES["vendors"], Key={"id": {"S": "vendor-south"}}
        )


def _choose_the_present(world: World) -> None:
    corruption.assess(world)
    remember(
        world, corruption.INSTANT, {**recall(world, corruption.INSTANT), "restore to": utc_text(world.clock.now())}
    )


def _wipe_the_environment(world: World) -> None:
    """What that command does, as a change that heal takes back; what names a secret stays, as no journal keeps it."""
    function = FUNCTIONS[0]
    with calling(f"read the environment of {function}"):
        told = session_of(world).client("lambda", PRIMARY).get_function_configuration(FunctionName=function)
    others = [name for name in told["Environment"]["Variables"] if "SECRET" not in name]
    environment.set_variables(world, function, {**dict.fromkeys(others), "READ_ONLY_MODE": "true"}, region=PRIMARY)


def _throttle_as_the_runbook_says(world: World) -> None:
    patch = [{"op": "replace", "path": "/throttle/rateLimit", "value": "0"}]
    with calling("throttle the API as the runbook says"):
        session_of(world).client("apigateway", PRIMARY).update_stage(
            restApiId=corruption.api_id(world), stageName=STAGE, patchOperations=patch
        )


def _instead(factory: PlanFactory, name: str, deed: Deed) -> PlanFactory:
    """The plan with another deed in one step, which nothing checks."""

    def sabotaged(world: World) -> Plan:
        plan = factory(world)

        def spoilt(step: Step) -> Step:
            return replace(step, act=lambda: deed(world), check=None, verify=None) if step.name == name else step

        return replace(plan, steps=tuple(spoilt(step) for step in plan.steps))

    return sabotaged
