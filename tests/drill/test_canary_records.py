"""The canary's records are only cleared away when no more can come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from drillbook import service
from drillbook.canary_records import CanaryRecords
from drillbook.clock import VirtualClock
from drillbook.errors import TemporaryError
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.front_door import Answer
from drillbook.measure.history import ABSENT, HistoryWriter, Kind, Op, Res
from drillbook.objective import Basis
from drillbook.world import World

from .repository import CHECKOUT

SETTINGS = CanarySettings("r", rate=2.0, timeout=1.0)


class Door:
    """Everything can be deleted, once the service answers; it is noted when."""

    kinds = frozenset(Kind)

    def __init__(self, clock: VirtualClock, *, answers: float = 0.0) -> None:
        self.clock, self.answers, self.deleted = clock, answers, dict[str, float]()

    def ask(self, f: Kind, key: str, ver: int) -> Answer:
        if self.clock.monotonic() < self.answers:
            return Answer(Res.FAIL, "HTTP 403")
        if f is Kind.DELETE:
            self.deleted[key] = self.clock.monotonic()
        return Answer(Res.OK, "HTTP 200", ABSENT)

    def listing(self) -> None: ...


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = VirtualClock()
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield World(
            target="local",
            basis=Basis.MEASURED_LOCAL,
            service=service.load(CHECKOUT / "drills/notes-http/service.yaml"),
            clock=clock,
            events=EventStream(clock),
            workdir=tmp_path,
            run_id="r",
            journal=journal,
        )


def removed(world: World, path: Path, monkeypatch: pytest.MonkeyPatch, *, ended: bool) -> dict[str, float]:
    """When each record was removed, in seconds after the canary's last operation."""
    assert isinstance(world.clock, VirtualClock)
    with HistoryWriter(path, SETTINGS.as_json(), world.clock) as history:
        history.op(Op(0, Kind.INSERT, SETTINGS.key(1), 1, 0.0, 0.0, 0.01, Res.OK))
        if ended:
            history.end()
    os.utime(path, (world.clock.now().timestamp(),) * 2)
    door = Door(world.clock)
    records = CanaryRecords(world, CanaryRecords.Settings(history=path.name, prefix=SETTINGS.prefix))
    monkeypatch.setattr(records, "_door", lambda: door)
    records.restore(None)
    return door.deleted


def test_what_a_killed_canary_asked_last_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = removed(world, tmp_path / "history.jsonl", monkeypatch, ended=False)
    assert set(deleted) == {SETTINGS.key(number) for number in range(1, 2 + SETTINGS.workers)}
    assert min(deleted.values()) >= world.service.canary.timeout


def test_a_canary_that_ended_its_history_is_not_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert removed(world, tmp_path / "history.jsonl", monkeypatch, ended=True) == {SETTINGS.key(1): 0.0}


def test_records_that_a_service_on_its_way_back_does_not_delete_are_tried_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, SETTINGS.as_json(), world.clock) as history:
        history.op(Op(0, Kind.INSERT, SETTINGS.key(1), 1, 0.0, 0.0, 0.01, Res.OK))
        history.end()
    door = Door(cast(VirtualClock, world.clock), answers=5.0)
    records = CanaryRecords(world, CanaryRecords.Settings(history=path.name, prefix=SETTINGS.prefix))
    monkeypatch.setattr(records, "_door", lambda: door)
    with pytest.raises(TemporaryError, match="1 records could not be deleted"):
        records.restore(None)
    world.clock.sleep(5.0)
    records.restore(None)
    assert set(door.deleted) == {SETTINGS.key(1)}
