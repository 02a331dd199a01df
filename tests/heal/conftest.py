"""A room of values, a journal, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drillbook.clock import VirtualClock
from drillbook.events import EventStream, Json
from drillbook.heal import HealResult, heal, heal_one
from drillbook.journal import Entry, Journal
from drillbook.objective import Basis
from drillbook.world import World

RUN = "run-1"


class Room:
    """Values that changes set, and what is to happen to them later or instead."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.values: dict[str, Json] = {}
        self.log: list[str] = []
        self.late: list[tuple[float, str, Json]] = []
        """Calls in flight: when they land (monotonic), and what they set."""
        self.on_restore: Callable[[str], None] = lambda _: None

    def read(self, key: str) -> Json:
        for landing in [call for call in self.late if call[0] <= self.clock.monotonic()]:
            self.late.remove(landing)
            self.values[landing[1]] = landing[2]
        return self.values.get(key)


class Set:
    """Sets one value."""

    def __init__(self, room: Room, key: str, to: Json, settle: float = 2.0, touches: list[str] | None = None) -> None:
        self.room, self.key, self.to, self.settle = room, key, to, settle
        self._touches = [key] if touches is None else touches

    def describe(self) -> str:
        return f"set {self.key} to {self.to}"

    def touches(self) -> list[str]:
        return self._touches

    def capture(self) -> Json:
        return self.room.read(self.key)

    def apply(self, before: Json) -> None:
        self.room.values[self.key] = self.to

    def restore(self, before: Json) -> None:
        self.room.read(self.key)
        self.room.log.append(f"restore {self.key}")
        self.room.on_restore(self.key)
        self.room.values[self.key] = before

    def restored(self, before: Json) -> bool:
        return bool(self.room.read(self.key) == before)


class Dies(Set):
    """Its process dies before it knows whether its call, which lands after ``lands`` seconds, was made."""

    lands = 1.0

    def apply(self, before: Json) -> None:
        self.room.late.append((self.room.clock.monotonic() + self.lands, self.key, self.to))
        raise KeyboardInterrupt


class Bench:
    """A journal on a room, and a healer for it."""

    def __init__(self, journal: Journal, clock: VirtualClock, tmp_path: Path) -> None:
        self.journal, self.clock, self.room = journal, clock, Room(clock)
        self.events = EventStream(clock)
        service = cast(Any, SimpleNamespace(path=tmp_path / "service.yaml"))
        self.world = World("local", Basis.MEASURED_LOCAL, service, clock, self.events, tmp_path, run_id=RUN)
        self.connect: Callable[[Entry], World | None] = lambda _: self.world

    def set(self, key: str, to: Json, *, kind: type[Set] = Set, **more: Any) -> None:
        change = kind(self.room, key, to, **more)
        settings = {"key": key, "to": to, "settle": change.settle, "touches": change.touches()}
        self.journal.carry_out(change, factory=kind.__name__, settings=settings, world=self.world)

    def set_and_die(self, key: str, to: Json, *, lands: float, settle: float = 2.0) -> None:
        """As after a kill: the call is on its way, and nobody could write that the change is quiet."""
        kind = cast(type[Set], type("Dies", (Dies,), {"lands": lands}))
        with pytest.raises(KeyboardInterrupt):
            self.set(key, to, kind=kind, settle=settle)
        with self.journal._file.transaction() as connection:
            connection.execute("update entries set quiet_utc = null, quiet_monotonic = null")

    def rebuild(self, world: World, factory: str, settings: Mapping[str, Json]) -> Set:
        return Set(self.room, **settings)

    def heal_one(self, key: str) -> None:
        """Undo the first change of ``key``, out of turn."""
        entry = next(each for each in self.journal.entries(RUN) if each.settings["key"] == key)
        heal_one(self.journal, entry, self.world, self.events, rebuild=self.rebuild)

    def heal(self, **more: Any) -> HealResult:
        return heal(self.journal, self.connect, self.clock, self.events, rebuild=self.rebuild, **more)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    with Journal(tmp_path / "journal") as journal:
        yield Bench(journal, clock, tmp_path)
