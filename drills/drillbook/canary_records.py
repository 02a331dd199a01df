"""The canary's own records are a change, too: journalled before the first is written, removed by heal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook import fault
from drillbook.errors import JournalError, TemporaryError
from drillbook.events import Json
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.journal import Journal
    from drillbook.measure.front_door import FrontDoor
    from drillbook.measure.history import History
    from drillbook.world import World

FACTORY = "drillbook.canary_records:CanaryRecords"


def place_of(history: Path, journal: Journal) -> str:
    """The history's path as the journal keeps it: evidence names no path of a machine."""
    return os.path.relpath(history.resolve(), journal.path.parent.resolve())


def journal_of(world: World) -> Journal:
    """Raises JournalError in a world without a journal."""
    if world.journal is None:
        raise JournalError("a canary's records are only kept track of in a journal", do="give the world a journal")
    return world.journal


class CanaryRecords:
    """Every record that a canary wrote through the service's front door."""

    class Settings(fault.Settings):
        history: str
        """The canary's history, which says what it may have written; relative to the journal's directory."""
        prefix: str

    def __init__(self, world: World, settings: Settings) -> None:
        self._world, self._settings = world, settings
        canary = world.service.canary
        self.settle = canary.timeout + 1.0

    def describe(self) -> str:
        return f"the canary writes records {self._settings.prefix}…"

    def touches(self) -> list[str]:
        return [f"records {self._settings.prefix}…"]

    def capture(self) -> Json:
        return None

    def apply(self, before: Json) -> None:
        """Nothing: the canary's process writes them."""

    def restore(self, before: Json) -> None:
        """Raises TemporaryError while records can be deleted but are not: a region that returns answers late."""
        del before
        from drillbook.measure.cleanup import cleanup
        from drillbook.measure.history import Kind

        wait_for(
            "the end of the canary's last requests",
            self._nothing_is_under_way,
            timeout=3 * self.settle,
            interval=0.2,
            clock=self._world.clock,
        )
        history = self._history()
        if history is not None:
            door = self._door()
            left = cleanup(door, history, self._world.clock).left
            if left and Kind.DELETE in door.kinds:
                raise TemporaryError(f"{len(left)} records could not be deleted, such as {left[0]}")

    def restored(self, before: Json) -> bool:
        """Is none of the canary's records readable? A record that cannot be read at all is not known to be gone."""
        del before
        from drillbook.measure.final import read_final
        from drillbook.measure.history import ABSENT

        history = self._history()
        if history is None:
            return True
        return all(seen == ABSENT for seen in read_final(self._door(), history, self._world.clock).keys.values())

    def _nothing_is_under_way(self) -> bool:
        """A canary that was killed did not end its history: what it asked last may still be carried out.

        Nor did one that has just lost its drill, and is about to end.
        """
        history = self._history()
        if history is None or history.ended:
            return True
        silent_for = self._world.clock.now().timestamp() - self._path.stat().st_mtime
        return abs(silent_for) >= self.settle

    @property
    def _path(self) -> Path:
        return journal_of(self._world).path.parent / self._settings.history

    def _history(self) -> History | None:
        from drillbook.measure.history import read

        return read(self._path, live=True) if self._path.exists() and self._path.stat().st_size else None

    def _door(self) -> FrontDoor:
        from drillbook.instrument import front_door_of

        return front_door_of(self._world)
