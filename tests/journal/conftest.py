"""A world small enough to break by hand: values in a dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drillbook.clock import VirtualClock
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.world import World


class SetValue:
    """Sets one value of a dictionary to another one."""

    settle = 2.0

    def __init__(self, values: dict[str, Any], key: str = "colour", to: Any = "grey") -> None:
        self.values, self.key, self.to = values, key, to
        self.seen: list[Any] = []

    def describe(self) -> str:
        return f"set {self.key} to {self.to}"

    def touches(self) -> list[str]:
        return [self.key]

    def capture(self) -> Any:
        return self.values.get(self.key)

    def apply(self, before: Any) -> None:
        self.seen.append(before)
        self.values[self.key] = self.to

    def restore(self, before: Any) -> None:
        self.values[self.key] = before

    def restored(self, before: Any) -> bool:
        return bool(self.values.get(self.key) == before)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> World:
    service = cast(Any, SimpleNamespace(name="shop", path=tmp_path / "shop" / "service.yaml"))
    return World("local", Basis.MEASURED_LOCAL, service, clock, EventStream(clock), tmp_path, run_id="run-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".drillbook" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened
