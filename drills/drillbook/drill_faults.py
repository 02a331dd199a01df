"""The faults of one drill: each is injected through the journal, and can be lifted from it while the drill goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.drill_record import Conditions, Log
from drillbook.errors import UsageError
from drillbook.events import EventKind, EventStream
from drillbook.fault import Fault
from drillbook.heal import heal_one
from drillbook.objective import Interval
from drillbook.safeguard import Rails
from drillbook.service_yaml import nearest
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.journal import Entry
    from drillbook.rails import TimeBox
    from drillbook.world import World

_LONGEST_LOOK = 10.0
"""Seconds that a fault is given at least until it is seen to be in effect."""


@dataclass(frozen=True)
class InPlace:
    """A fault that struck and has not been lifted."""

    name: str
    fault: Fault
    entry: Entry


class Faults:
    """What strikes in one drill. Recovery is measured from the first that does."""

    def __init__(self, log: Log, conditions: Conditions, events: EventStream) -> None:
        self._log, self._conditions, self._events = log, conditions, events
        self._in_place: list[InPlace] = []
        self.entries: set[int] = set()
        """The journal's numbers of all that struck."""
        self.first: Interval | None = None
        """The first fault: [its intent was in the journal, its effect was confirmed], monotonic seconds."""
        self.time_box: TimeBox | None = None
        """How long a fault may be in place, counted from the first; None while none is."""

    def strike(self, world: World, name: str, settings: Mapping[str, str]) -> None:
        """Ask the rails, write the intent, apply, and see that it is in effect.

        Raises Refused; FaultError or WaitTimeout if it cannot be seen to be in effect.
        """
        fault, factory, used = service_actions.build_fault(world, name, settings)
        self._log.blast_radius += [each for each in fault.touches() if each not in self._log.blast_radius]
        rails = Rails(world, go=self._conditions.go)
        rails.before_fault(fault, beside=[each for other in self._in_place for each in other.fault.touches()])
        self.time_box = self.time_box or rails.time_box()
        entry = self._conditions.journal.carry_out(fault, factory=factory, settings=used, world=world)
        self._in_place.append(InPlace(name, fault, entry))
        self.entries.add(entry.id)
        self._see_effect(self._in_place[-1])
        confirmed = self._events.emit(EventKind.INSTANT, "t_inject", fault=name).at
        self.first = self.first or Interval(self._intent_of(entry), confirmed)

    def lift(self, world: World, name: str) -> None:
        """Undo the fault called ``name`` now, from its journal entry, and read back that it is gone.

        Raises UsageError if it is not in place, FaultError if what was changed after it stands on what it did.
        """
        struck = self._named(name)
        heal_one(self._conditions.journal, struck.entry, world, self._events)
        self._in_place.remove(struck)
        self._events.emit(EventKind.INSTANT, "t_lifted", fault=name)
        if not self._in_place:
            self.time_box = None

    def _see_effect(self, struck: InPlace) -> None:
        wait_for(
            f"the effect of the fault {struck.name!r}",
            lambda: struck.fault.observe(struck.entry.before),
            timeout=max(_LONGEST_LOOK, struck.fault.settle * 2),
            clock=self._events.clock,
            interval=0.02,
            do="see why the target ignores the fault; a fault without effect proves nothing",
        )

    def _intent_of(self, entry: Entry) -> float:
        """When the journal had written the intent: the fault cannot have begun before."""
        return next(
            event.at
            for event in self._events.events
            if event.kind is EventKind.JOURNAL and event.data["id"] == entry.id and event.data["state"] == "intent"
        )

    def _named(self, name: str) -> InPlace:
        known = {each.name: each for each in self._in_place}
        if name not in known:
            raise UsageError(f"the fault {name!r} is not in place, so it cannot be over", do=nearest(name, known))
        return known[name]
