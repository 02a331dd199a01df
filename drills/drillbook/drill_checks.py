"""The checks of a drill: contents, counts, configuration, and whatever else must hold. Each is noted for the judge."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.drill_record import Log, NotMet
from drillbook.errors import DrillbookError, UsageError
from drillbook.events import EventKind, EventStream
from drillbook.probe import Reading
from drillbook.service_yaml import nearest

if TYPE_CHECKING:
    from drillbook.world import World


class Checks:
    """Makes checks and notes them in the drill's log."""

    def __init__(self, log: Log, events: EventStream) -> None:
        self._log, self._events = log, events

    def contents(self, world: World, name: str) -> None:
        """The service's check called ``name``. Raises NotMet if it does not hold, or cannot tell."""
        self.found(name, service_actions.build_check(world, name)())

    def configuration(self, world: World, name: str) -> None:
        """Is a restored resource configured as its source? Raises NotMet with each difference."""
        known = world.service.configuration
        if name not in known:
            what = f"{world.service.name} has nothing called {name!r} under configuration"
            raise UsageError(what, do=nearest(name, known))
        source, restored, differences = service_actions.compare_configuration(world, known[name])
        rows = [each.as_json() for each in differences]
        self._log.configuration.append({"name": name, "source": source, "restored": restored, "differences": rows})
        told = "; ".join(map(str, differences)) or f"{restored} is configured as {source}"
        self.found(_configuration_of(name), Reading(not differences, told))

    def complete(self, world: World) -> None:
        """After a finding that ended the scenario early: the checks it did not reach, for a report names all causes."""
        made = {str(check["name"]) for check in self._log.checks}
        assignment = self._log.assignment
        unread = [each for each in assignment.configurations if _configuration_of(each) not in made]
        rest = [(self.contents, name) for name in assignment.checks if name not in made]
        rest += [(self.configuration, name) for name in unread]
        for check, name in rest:
            with suppress(NotMet, DrillbookError):
                check(world, name)

    def found(self, name: str, reading: Reading) -> None:
        """Note what a check found. Raises NotMet unless it holds; unknown is not passed."""
        self._note(name, reading)
        if reading.ok is not True:
            raise NotMet(f"{name}: {'could not tell: ' if reading.ok is None else ''}{reading.value}")

    def unmet(self, name: str, why: str) -> NotMet:
        """Note that ``name`` does not hold, and return what to raise."""
        self._note(name, Reading(False, why))
        return NotMet(f"{name}: no: {why}")

    def _note(self, name: str, reading: Reading) -> None:
        self._log.checks.append({"name": name, "ok": reading.ok, "detail": reading.value})
        self._events.emit(EventKind.CHECK, name, ok=reading.ok, detail=reading.value)


def _configuration_of(resource: str) -> str:
    """What the comparison of a resource's configuration is called among the checks."""
    return f"configuration of the {resource}"
