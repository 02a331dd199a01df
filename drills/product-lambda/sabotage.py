"""Recoveries that go wrong on purpose, and what is taken away from them. A drill that stays green proves nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.faults.region import RegionDark, RegionDarkSettings
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.recovery import Plan, PlanFactory, Step
from drillbook.waiting import wait_for

from . import backups, failover, rebuild
from .names import APPLICATION_TEMPLATE, PACKAGES, STAGING_TABLE, TABLE, VAULT, standby
from .recovery import EVIDENCE, find_when_corruption_began, repoint, restored_table

if TYPE_CHECKING:
    from drillbook.world import World

KEY = "PRICING_API_KEY"

# -- recoveries that go wrong -----------------------------------------------------------------------------------------


def wrong_instant(factory: PlanFactory) -> PlanFactory:
    """Restore to the present instead of to the moment before the corruption."""
    return _doing(factory, "find when corruption began", _choose_the_present)


def wrong_table(factory: PlanFactory) -> PlanFactory:
    """Point the functions at the staging table, which looks much like the right one."""
    return _doing(factory, "repoint functions", lambda world: repoint(world, STAGING_TABLE))


def wiped_variables(factory: PlanFactory) -> PlanFactory:
    """Set the environment as the runbook's command does: what it does not name is gone."""
    return _doing(factory, "repoint functions", _repoint_and_wipe)


def deployed_as_it_is(factory: PlanFactory) -> PlanFactory:
    """The runbook's only step: a new deployment, of the same broken methods."""
    return _without(factory, {"put the stage back", "repair the methods", "check through the API"})


def both_regions_dark(factory: PlanFactory) -> PlanFactory:
    """The standby's region is lost as well, just when somebody looks at it."""
    return _doing(factory, "look at the standby's table", _look_into_the_dark)


def no_snapshot(factory: PlanFactory) -> PlanFactory:
    """Whoever deleted everything deleted the snapshots, too."""
    return _doing(factory, "choose the snapshot", _choose_among_none)


# -- what is taken away before anything strikes -----------------------------------------------------------------------


def without_replica(world: World) -> None:
    dynamodb = session_of(world).client("dynamodb")
    dynamodb.update_table(TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": standby(world)}}])
    wait_for(
        "the replica being gone",
        lambda: not dynamodb.describe_table(TableName=TABLE)["Table"].get("Replicas"),
        timeout=60,
        interval=0.05,
        clock=world.clock,
    )


def without_snapshots(world: World) -> None:
    backup = session_of(world).client("backup")
    for page in backup.get_paginator("list_recovery_points_by_backup_vault").paginate(BackupVaultName=VAULT):
        for point in page["RecoveryPoints"]:
            backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point["RecoveryPointArn"])


def worthless_snapshot(world: World) -> None:
    """The newest snapshot is of a moment when a product was broken; nobody has looked since."""
    dynamodb = session_of(world).client("dynamodb")
    whole = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "seed-001"}})["Item"]
    dynamodb.put_item(TableName=TABLE, Item={**whole, "price": {"S": "nonsense"}})
    backups.await_job(world, backups.begin(session_of(world)))
    dynamodb.put_item(TableName=TABLE, Item=whole)


def without_recovery(world: World) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    session_of(world).client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification=off
    )


# -- how --------------------------------------------------------------------------------------------------------------


def _choose_the_present(world: World) -> None:
    find_when_corruption_began(world)
    remember(world, EVIDENCE, {**recall(world, EVIDENCE), "restore to": utc_text(world.clock.now())})


def _repoint_and_wipe(world: World) -> None:
    repoint(world, restored_table(world))
    if recall(world, "wiped") is None:
        make(world, WipedEnvironment, WipedEnvironmentSettings())
        remember(world, "wiped", value=True)


class WipedEnvironmentSettings(Settings):
    pass


class WipedEnvironment:
    """Leave each function three variables of four. Undoing takes the fourth from the template: no secret is kept."""

    Settings = WipedEnvironmentSettings

    def __init__(self, world: World, settings: WipedEnvironmentSettings) -> None:
        del settings
        self._world, self._functions = world, session_of(world).client("lambda")
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"set the functions' environments without {KEY}"

    def touches(self) -> list[str]:
        return sorted(PACKAGES)

    def capture(self) -> Json:
        return None

    def apply(self, before: Json) -> None:  # noqa: ARG002 - there is nothing to know
        for function in PACKAGES:
            variables = self._variables(function)
            self._set(function, {name: value for name, value in variables.items() if name != KEY})

    def restore(self, before: Json) -> None:  # noqa: ARG002 - the template says it
        template = (self._world.service.folder / APPLICATION_TEMPLATE).read_text()
        key = re.findall(rf"{KEY}: (\S+)", template)[0]
        for function in PACKAGES:
            self._set(function, {**self._variables(function), KEY: key})

    def restored(self, before: Json) -> bool:  # noqa: ARG002 - whatever they were, the key was among them
        return all(KEY in self._variables(function) for function in PACKAGES)

    def _variables(self, function: str) -> dict[str, str]:
        found = wait_until_settled(self._functions, function, self._world.clock)
        return dict(found["Environment"]["Variables"])

    def _set(self, function: str, variables: dict[str, str]) -> None:
        with calling(f"set the environment of {function}"):
            self._functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
        wait_until_settled(self._functions, function, self._world.clock)


def _look_into_the_dark(world: World) -> None:
    if recall(world, "darkened") is None:
        make(world, RegionDark, RegionDarkSettings(region=standby(world)))
        remember(world, "darkened", value=True)
    failover.look_at_the_standby(world)


def _choose_among_none(world: World) -> None:
    without_snapshots(world)
    rebuild.choose(world)


def _doing(factory: PlanFactory, name: str, deed: Callable[[World], object]) -> PlanFactory:
    """The plan with another deed in the step ``name``, which nothing checks."""

    def sabotaged(world: World) -> Plan:
        def spoilt(step: Step) -> Step:
            return replace(step, act=lambda: deed(world), check=None, verify=None) if step.name == name else step

        plan = factory(world)
        return replace(plan, steps=tuple(spoilt(step) for step in plan.steps))

    return sabotaged


def _without(factory: PlanFactory, names: Collection[str]) -> PlanFactory:
    def sabotaged(world: World) -> Plan:
        plan = factory(world)
        return replace(plan, steps=tuple(step for step in plan.steps if step.name not in names))

    return sabotaged
