"""Recoveries that go wrong on purpose. A drill that stays green with one of these proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.recovery.journalled import recall, remember
from drillbook.clock import utc_text
from drillbook.recovery import Plan, PlanFactory, Step

from .names import STAGING_TABLE
from .recovery import EVIDENCE, find_when_corruption_began, repoint

if TYPE_CHECKING:
    from drillbook.world import World


def wrong_instant(factory: PlanFactory) -> PlanFactory:
    """Restore to the present instead of to the moment before the corruption."""

    def sabotaged(world: World) -> Plan:
        return _with_step(factory(world), "find when corruption began", act=lambda: _choose_the_present(world))

    return sabotaged


def wrong_table(factory: PlanFactory) -> PlanFactory:
    """Point the functions at the staging table, which looks much like the right one."""

    def sabotaged(world: World) -> Plan:
        return _with_step(factory(world), "repoint functions", act=lambda: repoint(world, STAGING_TABLE))

    return sabotaged


def _choose_the_present(world: World) -> None:
    find_when_corruption_began(world)
    remember(world, EVIDENCE, {**recall(world, EVIDENCE), "restore to": utc_text(world.clock.now())})


def _with_step(plan: Plan, name: str, *, act: Callable[[], object]) -> Plan:
    """``plan`` with another deed in step ``name``, which nothing checks."""

    def sabotaged(step: Step) -> Step:
        return replace(step, act=act, check=None, verify=None) if step.name == name else step

    return replace(plan, steps=tuple(sabotaged(step) for step in plan.steps))
