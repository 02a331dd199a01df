"""Recoveries of the habit tracker that go wrong on purpose: a drill that stays green with one proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import environment
from drillbook.aws.recovery.journalled import remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.recovery import Plan, PlanFactory

from . import corruption
from .names import AWAY, HOME, VAULT, function_of

if TYPE_CHECKING:
    from drillbook.world import World


def wrong_instant(factory: PlanFactory) -> PlanFactory:
    """Take a moment after it for the beginning of the corruption."""

    def sabotaged(world: World) -> Plan:
        return _with_step(factory(world), corruption.FINDS, lambda: remember(world, corruption.BEGAN, _too_late(world)))

    return sabotaged


def wiped_variables(factory: PlanFactory) -> PlanFactory:
    """Restart the function as the runbook does: with FORCE_RESTART as its only variable."""

    def sabotaged(world: World) -> Plan:
        return _with_step(factory(world), corruption.RESTARTS, lambda: _leave_one_variable(world))

    return sabotaged


def without_backups(factory: PlanFactory) -> PlanFactory:
    """Whatever the hourly backup made is gone when the plan begins."""

    def sabotaged(world: World) -> Plan:
        no_backups(world)
        return factory(world)

    return sabotaged


def no_backups(world: World) -> None:
    """There is no recovery point in either region."""
    for region in (HOME, AWAY):
        backup = session_of(world).client("backup", region)
        with calling(f"delete the recovery points of {VAULT} in {region}"):
            for point in backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]:
                backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point["RecoveryPointArn"])


def _leave_one_variable(world: World) -> None:
    functions, name = session_of(world).client("lambda", HOME), function_of(HOME)
    with calling(f"read the variables of {name}"):
        present = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    environment.set_variables(world, name, {**dict.fromkeys(present), "FORCE_RESTART": "1"}, region=HOME)


def _too_late(world: World) -> str:
    """Two seconds on: the plan restores to the last whole second before, which must not be before the corruption."""
    return utc_text(world.clock.now() + timedelta(seconds=2))


def _with_step(plan: Plan, name: str, act: Callable[[], object]) -> Plan:
    """``plan`` with another deed in step ``name``, if it has that step, which nothing checks."""
    steps = [replace(step, act=act, check=None, verify=None) if step.name == name else step for step in plan.steps]
    return replace(plan, steps=tuple(steps))
