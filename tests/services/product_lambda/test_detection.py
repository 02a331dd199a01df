from __future__ import annotations

import pytest

from drillbook import service_actions
from drillbook.waiting import wait_for
from drillbook.world import World

from .conftest import Ask
from .running import recover, strike

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("fault", "alarm", "plan"),
    [
        ("table corruption", "5xx alarm", "restore table"),
        ("bad deployment", "function errors alarm", "roll back function"),
    ],
)
def test_the_alarm_tells_of_the_fault_and_is_quiet_after_the_recovery(
    world: World, ask: Ask, fault: str, alarm: str, plan: str
) -> None:
    probe = service_actions.build_probe(world, alarm)
    wait_for("the alarm being quiet", lambda: probe.read().ok is True, timeout=20, clock=world.clock)
    strike(world, fault)

    def alarmed() -> bool:
        ask("GET", "/products")
        return probe.read().ok is False

    wait_for("the alarm", alarmed, timeout=20, clock=world.clock)
    assert recover(world, plan).ok
    wait_for("the alarm being quiet again", lambda: probe.read().ok is True, timeout=20, clock=world.clock)


def test_without_a_fault_no_alarm_is_raised(world: World, ask: Ask) -> None:
    probes = [service_actions.build_probe(world, alarm) for alarm in ("5xx alarm", "function errors alarm")]
    for probe in probes:
        wait_for("the alarm being quiet", lambda probe=probe: probe.read().ok is True, timeout=20, clock=world.clock)
    for _ in range(10):
        assert ask("GET", "/products")[0] == 200
        assert all(probe.read().ok is True for probe in probes)
