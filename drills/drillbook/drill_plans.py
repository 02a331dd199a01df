"""The recovery plans of one drill: run step by step, sabotaged where that was asked for, and timed as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.drill_record import Conditions, Log, NotMet
from drillbook.events import EventKind, EventStream
from drillbook.objective import Basis
from drillbook.probe import Reading
from drillbook.runner import Runner, nobody_confirms, nobody_is_needed
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook.recovery import PlanResult, Step
    from drillbook.world import World


@dataclass(frozen=True)
class Ran:
    """A plan as the service file calls it, and how long it took: monotonic seconds from its first step to its last."""

    name: str
    result: PlanResult
    seconds: float


class Plans:
    """Runs the drill's plans, one after another."""

    def __init__(self, log: Log, conditions: Conditions, events: EventStream) -> None:
        self._log, self._conditions, self._events = log, conditions, events
        self.ran: list[Ran] = []

    def run(self, world: World, name: str, began: str = "t_exec0", ended: str = "t_exec1") -> None:
        """Run the plan called ``name``; the instants of its beginning and end are told under those names.

        Raises NotMet, naming the step, if it fails.
        """
        last = len(self.ran) + 1 >= len(self._log.assignment.plans)
        build = partial(service_actions.build_plan, name=name)
        factory = self._log.sabotage.spoil(world.service, build, last=last)
        start = self._instant(began, name)
        memory = self._conditions.journal.memory(self._log.run_id, anew=True)
        runner = Runner(self._events.clock, self._events, memory, self._confirm(world), world.speed)
        result = runner.run(factory(world))
        self._note(Ran(name, result, self._instant(ended, name) - start))

    def _confirm(self, world: World) -> Callable[[Step], bool]:
        on_account = world.basis is Basis.MEASURED_AWS
        return self._conditions.confirm or (nobody_confirms if on_account else nobody_is_needed)

    def took(self, world: World, name: str, limit: float) -> Reading:
        """Did the plan called ``name``, when it was last run, take at most ``limit`` monotonic seconds?"""
        ran = next((each for each in reversed(self.ran) if each.name == name), None)
        if ran is None:
            return Reading(None, "it was not run")
        scaled = f", where AWS's durations are divided by {world.speed:g}" if world.speed != 1 else ""
        return Reading(ran.seconds <= limit, f"it took {duration_text(ran.seconds)} ({world.basis}{scaled})")

    def _note(self, ran: Ran) -> None:
        self.ran.append(ran)
        self._log.plans.append(ran.result)
        if failure := ran.result.failure:
            raise NotMet(f"the recovery plan {ran.name!r} failed at the step {failure.step!r}: {failure.error}")

    def _instant(self, name: str, plan: str) -> float:
        return self._events.emit(EventKind.INSTANT, name, plan=plan).at
