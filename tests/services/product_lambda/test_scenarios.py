"""The runbook's other scenarios without a canary: each recovers, and done again it changes nothing."""

from __future__ import annotations

import pytest

from drillbook import service_actions
from drillbook.aws.session import session_of
from drillbook.recovery import Outcome
from drillbook.waiting import wait_for
from drillbook.world import World

from .conftest import Ask, assert_healed
from .running import outcomes, recover, strike

pytestmark = pytest.mark.slow


def changes(world: World) -> int:
    assert world.journal is not None
    return len(world.journal.entries(world.run_id))


def assert_done_once(world: World, plan: str) -> None:
    result = recover(world, plan)
    assert result.ok, result.failure
    made = changes(world)
    assert outcomes(recover(world, plan)) == {Outcome.SKIPPED}
    assert changes(world) == made


def test_a_broken_api_is_deployed_anew(world: World, ask: Ask) -> None:
    strike(world, "broken API deployment")
    assert ask("GET", "/products")[0] == 500
    assert_done_once(world, "redeploy the API")
    assert ask("GET", "/products")[0] == 200


def test_the_catalogue_moves_to_the_standby_and_stays_there_when_the_region_returns(world: World, ask: Ask) -> None:
    strike(world, "primary region lost")
    assert_done_once(world, "fail over")
    assert ask("POST", "/products", {"id": "moved", "name": "moved", "price": "1"})[0] == 201
    fault = service_actions.build_fault(world, "primary region lost").fault
    fault.restore(None)
    wait_for("the region", lambda: fault.restored(None), timeout=20, clock=world.clock)
    assert ask("GET", "/products/moved")[0] == 200, "customers are where they were led to"
    dynamodb, key = session_of(world).client("dynamodb"), {"id": {"S": "moved"}}
    came = lambda: "Item" in dynamodb.get_item(TableName="products", Key=key)  # noqa: E731 - asked again and again
    wait_for("what was written there coming home", came, timeout=20, clock=world.clock)
    assert ask("DELETE", "/products/moved")[0] == 204
    wait_for("its deletion coming home", lambda: not came(), timeout=20, clock=world.clock)


def test_everything_is_built_anew_from_a_snapshot(empty_world: World) -> None:
    """What is healed afterwards is whole, too, but not the same: whatever was deleted has another id."""
    world = empty_world
    service_actions.stand_up(world)
    assert recover(world, "take a snapshot").ok
    strike(world, "everything is lost")
    assert_done_once(world, "rebuild everything")
    assert_whole(world)
    assert_healed(world)
    assert_whole(world)


def assert_whole(world: World) -> None:
    for check in ("products are intact", "the table is protected", "functions have their settings"):
        reading = service_actions.build_check(world, check)()
        assert reading.ok, reading.value
    assert service_actions.build_probe(world, "products can be listed").read().ok


@pytest.mark.parametrize("plan", ["check the backups", "rehearse the failover"])
def test_a_readiness_drill_leaves_nothing_behind(world: World, plan: str) -> None:
    session = session_of(world)
    tables = session.client("dynamodb").list_tables()["TableNames"]
    assert recover(world, plan).ok
    assert session.client("dynamodb").list_tables()["TableNames"] == tables
    assert session.client("lambda", "eu-west-1").list_functions()["Functions"] == []
