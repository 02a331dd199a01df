"""Which steps of a plan may start now: the plan's ``after`` as a graph, without clocks or threads."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from drillbook.errors import UsageError
from drillbook.recovery import Plan, Step


class Order:
    """Hands out each step once, when all it waits for have succeeded.

    Raises UsageError for a step name used twice, an ``after`` that names no step, and steps that wait for each other.
    """

    def __init__(self, plan: Plan) -> None:
        self._waiting = {step.name: step for step in plan.steps}
        self._graph = TopologicalSorter(_waits(plan))
        try:
            self._graph.prepare()
        except CycleError as error:
            circle = " → ".join(reversed(error.args[1]))
            raise UsageError(
                f"steps of plan {plan.name!r} wait for each other: {circle}", do="break the circle"
            ) from None

    def take_ready(self) -> list[Step]:
        """The steps that may start now; each is handed out once."""
        return [self._waiting.pop(name) for name in self._graph.get_ready()]

    def succeeded(self, step: Step) -> None:
        """``step`` is done: what waited for it alone may start."""
        self._graph.done(step.name)

    @property
    def never_started(self) -> list[Step]:
        """The steps not handed out; once nothing runs any more, those that will not run."""
        return list(self._waiting.values())


def _waits(plan: Plan) -> Mapping[str, Sequence[str]]:
    """What each step comes after."""
    names = [step.name for step in plan.steps]
    _refuse_doubles(plan, names)
    waits: dict[str, Sequence[str]] = {}
    previous: Sequence[str] = ()
    for step in plan.steps:
        after = previous if step.after is None else step.after
        _refuse_strangers(plan, step, after, names)
        waits[step.name], previous = after, (step.name,)
    return waits


def _refuse_doubles(plan: Plan, names: list[str]) -> None:
    if doubles := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"plan {plan.name!r} has two steps named {doubles[0]!r}", do="give each step its own name")


def _refuse_strangers(plan: Plan, step: Step, after: Sequence[str], names: list[str]) -> None:
    for name in after:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UsageError(
                f"step {step.name!r} of plan {plan.name!r} comes after {name!r}, which is no step of the plan",
                do=f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(names)}",
            )
