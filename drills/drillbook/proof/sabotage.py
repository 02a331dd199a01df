"""Break the recovery on purpose, and see the drill go red. A drill that stays green under sabotage proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from drillbook import service_code
from drillbook.errors import UsageError
from drillbook.recovery import Plan, Step
from drillbook.service_yaml import nearest

if TYPE_CHECKING:
    from drillbook.service import Service
    from drillbook.world import World

PlanFactory = Callable[["World"], Plan]


@dataclass(frozen=True)
class Sabotage:
    """One entry of a service's ``sabotages``; the one without a name does nothing."""

    name: str = ""
    fault: str | None = None
    """Only drills with this fault are sabotaged."""
    kills_canary: bool = False
    skip: str = ""
    plan: str = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    def applies_to(self, fault: str) -> bool:
        return self.fault in (None, fault)

    def spoil(self, service: Service, factory: PlanFactory) -> PlanFactory:
        """The plan's factory with the sabotage in it. Raises UsageError if it names a step that is not there."""
        if self.plan:
            spoiler = cast(Callable[[PlanFactory], PlanFactory], service_code.load(service.folder, self.plan))
            return spoiler(factory)
        if self.skip:
            return lambda world: _without(factory(world), self.skip)
        return factory


def find(service: Service, name: str) -> Sabotage:
    """The service's sabotage called ``name``; an empty name is none. Raises UsageError for an unknown one."""
    if not name:
        return Sabotage()
    if name not in service.sabotages:
        what = f"{service.name} has no sabotage {name!r}"
        raise UsageError(what, do=nearest(name, service.sabotages))
    spec = service.sabotages[name]
    return Sabotage(name, spec.fault, spec.canary == "dead", spec.skip or "", spec.plan or "")


def _without(plan: Plan, step: str) -> Plan:
    """The plan with one step that claims to be done and does nothing."""
    names = [each.name for each in plan.steps]
    if step not in names:
        raise UsageError(f"the plan {plan.name!r} has no step {step!r}", do=nearest(step, names))
    return replace(plan, steps=tuple(_hollow(each) if each.name == step else each for each in plan.steps))


def _hollow(step: Step) -> Step:
    return replace(step, act=lambda: None, check=None, verify=None, manual=False)
