"""Which steps of a plan may start now: the plan's ``after`` as a graph, without clocks or threads."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence

from drillbook.errors import UsageError
from drillbook.recovery import Plan, Step


class Order:
    """Hands out each step once, when all it waits for have succeeded.

    Raises UsageError for a step name used twice, an ``after`` that names no step, and steps that wait for each other.
    """

    def __init__(self, plan: Plan) -> None:
        self._waits = _waits(plan)
        self._waiting = {step.name: step for step in plan.steps}
        self._succeeded: set[str] = set()

    def take_ready(self) -> list[Step]:
        """The steps that may start now, in the plan's order; each is handed out once."""
        ready = [step for name, step in self._waiting.items() if self._waits[name] <= self._succeeded]
        for step in ready:
            del self._waiting[step.name]
        return ready

    def succeeded(self, step: Step) -> None:
        """``step`` is done: what waited for it may start."""
        self._succeeded.add(step.name)

    @property
    def never_started(self) -> list[Step]:
        """The steps not handed out; once nothing runs any more, those that will not run."""
        return list(self._waiting.values())


def _waits(plan: Plan) -> Mapping[str, frozenset[str]]:
    names = [step.name for step in plan.steps]
    _refuse_doubles(plan, names)
    waits: dict[str, frozenset[str]] = {}
    previous: Sequence[str] = ()
    for step in plan.steps:
        after = previous if step.after is None else step.after
        _refuse_strangers(plan, step, after, names)
        waits[step.name], previous = frozenset(after), (step.name,)
    _refuse_circles(plan, waits)
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


def _refuse_circles(plan: Plan, waits: Mapping[str, frozenset[str]]) -> None:
    left = dict(waits)
    while free := [name for name, after in left.items() if after.isdisjoint(left)]:
        for name in free:
            del left[name]
    if left:
        raise UsageError(
            f"in plan {plan.name!r} these steps wait for each other: {', '.join(left)}", do="break the circle in after"
        )
