"""Striking faults and running plans as a drill does, without a canary."""

from __future__ import annotations

from collections.abc import Callable

from drillbook import service_actions, service_code
from drillbook.events import Json
from drillbook.recovery import Outcome, Plan, PlanResult
from drillbook.runner import Runner
from drillbook.world import World


def let_a_second_begin(world: World) -> None:
    """Point-in-time recovery knows whole seconds: what was done to the table before now belongs to an earlier one."""
    world.clock.sleep(1.15 - world.clock.now().microsecond / 1e6)


def strike(world: World, fault: str) -> Json:
    let_a_second_begin(world)
    built = service_actions.build_fault(world, fault)
    assert world.journal is not None
    entry = world.journal.carry_out(built.fault, factory=built.factory, settings=built.settings, world=world)
    assert built.fault.observe(entry.before)
    return entry.before


def run(world: World, plan: Plan) -> PlanResult:
    assert world.journal is not None
    return Runner(world.clock, world.events, world.journal.memory(world.run_id)).run(plan)


def recover(world: World, plan: str) -> PlanResult:
    return run(world, service_actions.build_plan(world, plan))


def sabotaged(world: World, sabotage: str, plan: str) -> PlanResult:
    wrap: Callable[..., Callable[[World], Plan]] = service_code.load(world.service.folder, f"sabotage.py:{sabotage}")
    return run(world, wrap(service_actions.plan_factory(world.service, plan))(world))


def outcomes(result: PlanResult) -> set[Outcome]:
    return {step.outcome for step in result.steps}
