"""Break the recovery on purpose, and see the drill go red. A drill that stays green under sabotage proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from drillbook import pythonic, service_code
from drillbook.errors import UsageError
from drillbook.events import EventKind
from drillbook.objective import Basis
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
    drill: str | None = None
    """Only the drill of this name is sabotaged."""
    kills_canary: bool = False
    skip: str = ""
    plan: str = ""
    before: str = ""
    _skipped: set[str] = field(default_factory=set)
    """Plans from which the step was taken."""

    def __bool__(self) -> bool:
        return bool(self.name)

    def concerns(self, drill: str, faults: Collection[str]) -> bool:
        """Is the drill of this name, in which these faults strike, to be sabotaged? A canary dies when one strikes."""
        if self.kills_canary and not faults:
            return False
        return self.drill in (None, drill) and (self.fault is None or self.fault in faults)

    def take_away(self, world: World) -> None:
        """Take away what the recovery will need, before anything strikes. The world is thrown away afterwards.

        Raises UsageError where it is a real account's, and whatever the sabotage's own code raises.
        """
        if not self.before:
            return
        if world.basis is Basis.MEASURED_AWS:
            what = f"the sabotage {self.name!r} takes away what an account would miss"
            raise UsageError(what, do="run it on an emulated or a local target")
        world.events.emit(EventKind.NOTE, f"sabotage: {self.name}", before=self.before)
        pythonic.call(world, self.before, {})

    def spoil(self, service: Service, factory: PlanFactory, *, last: bool = True) -> PlanFactory:
        """The plan's factory with the sabotage in it.

        ``last``: no further plan is run in the drill. If the step to be skipped was in none of them, its factory raises
        UsageError: the drill would tell nothing of the sabotage.
        """
        if self.plan:
            spoiler = cast(Callable[[PlanFactory], PlanFactory], service_code.load(service.folder, self.plan))
            return spoiler(factory)
        if self.skip:
            return lambda world: self._without(factory(world), last=last)
        return factory

    def _without(self, plan: Plan, *, last: bool) -> Plan:
        """The plan with the one step claiming to be done, and doing nothing."""
        names = [each.name for each in plan.steps]
        if self.skip in names:
            self._skipped.add(plan.name)
        elif last and not self._skipped:
            raise UsageError(f"the plan {plan.name!r} has no step {self.skip!r}", do=nearest(self.skip, names))
        return replace(plan, steps=tuple(_hollow(each) if each.name == self.skip else each for each in plan.steps))


def find(service: Service, name: str) -> Sabotage:
    """The service's sabotage called ``name``; an empty name is none. Raises UsageError for an unknown one."""
    if not name:
        return Sabotage()
    if name not in service.sabotages:
        what = f"{service.name} has no sabotage {name!r}"
        raise UsageError(what, do=nearest(name, service.sabotages))
    spec = service.sabotages[name]
    return Sabotage(
        name,
        fault=spec.fault,
        drill=spec.drill,
        kills_canary=spec.canary == "dead",
        skip=spec.skip or "",
        plan=spec.plan or "",
        before=spec.before or "",
    )


def _hollow(step: Step) -> Step:
    return replace(step, act=lambda: None, check=None, verify=None, manual=False)
