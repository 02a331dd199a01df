"""What a service file describes is restored by what the journal keeps of it, with nothing else at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook import service, service_actions
from drillbook.clock import SystemClock
from drillbook.errors import OperationError
from drillbook.events import EventStream
from drillbook.heal import heal
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.world import World

SERVICE = """
service: shop
targets: {local: {}}
objectives: {rto: 1 min}
front_door:
  url: http://127.0.0.1:1
  write: {method: POST, path: /, json: {key: "{key}", text: "v{version}"}}
  read: {method: GET, path: "/{key}", version: $.text, pattern: 'v(\\d+)'}
faults:
  nonsense:
    capture: {run: [/bin/sh, -c, "printf '\\"%s\\"' \\"$(cat {home}/prices)\\""]}
    inject: {run: [/bin/sh, -c, "printf nonsense > {home}/prices; exit {status}"]}
    observe: {run: [/bin/sh, -c, 'test "$(cat {home}/prices)" = nonsense']}
    restore: {run: [/bin/sh, -c, "tr -d '\\"' > {home}/prices"]}
    touches: ["{home}/prices"]
    settle: 100 ms
"""


def world_of(folder: Path, home: Path, status: str) -> World:
    loaded = service.load(folder / "service.yaml")
    clock = SystemClock()
    world = World("local", Basis.MEASURED_LOCAL, loaded, clock, EventStream(clock), home, "run-1")
    world.values = {"home": str(home), "status": status}
    return world


@pytest.mark.parametrize("status", ["0", "1"])
def test_a_fault_of_commands_is_restored_in_a_world_made_anew(tmp_path: Path, status: str) -> None:
    (tmp_path / "service.yaml").write_text(SERVICE)
    prices = tmp_path / "prices"
    prices.write_text("apple 1")
    world = world_of(tmp_path, tmp_path, status)
    with Journal(tmp_path / "journal") as journal:
        fault, factory, settings = service_actions.build_fault(world, "nonsense")
        try:
            journal.carry_out(fault, factory=factory, settings=settings, world=world)
        except OperationError:
            assert status == "1"
    assert prices.read_text() == "nonsense"
    with Journal(tmp_path / "journal") as journal:
        anew = world_of(tmp_path, tmp_path / "elsewhere", status)
        result = heal(journal, lambda _: anew, anew.clock, anew.events)
    assert result.as_json() == {"restored": 1, "remaining": 0, "gone": 0, "errors": []}
    assert prices.read_text() == "apple 1"
