from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from drillbook import service_actions
from drillbook.aws.session import session_of
from drillbook.events import EventKind
from drillbook.recovery import Outcome, Plan, PlanResult
from drillbook.world import World

from .conftest import Ask
from .running import outcomes, recover, run, sabotaged, strike

pytestmark = pytest.mark.slow


def environment(world: World, function: str) -> dict[str, str]:
    read = session_of(world).client("lambda").get_function_configuration(FunctionName=function)
    variables: dict[str, str] = read["Environment"]["Variables"]
    return variables


def check(world: World) -> Any:
    return service_actions.build_check(world, "products are intact")()


def restored_table(world: World) -> str:
    return f"products-restored-{world.run_id}"


def assert_recovered(world: World, ask: Ask) -> None:
    assert ask("GET", "/products")[0] == 200
    assert ask("POST", "/products", {"id": "after", "name": "after", "price": "1"})[0] == 201
    assert check(world).ok
    assert set(environment(world, "product-list")) == {"DYNAMODB_TABLE", "ENVIRONMENT", "LOG_LEVEL", "PRICING_API_KEY"}
    for function in ("list", "get", "create", "update", "delete"):
        assert environment(world, f"product-{function}")["DYNAMODB_TABLE"] == restored_table(world)


def products_of(world: World, table: str) -> dict[str, Any]:
    items = session_of(world).client("dynamodb").scan(TableName=table)["Items"]
    return {item["id"]["S"]: item for item in items}


# -- scenario 3 -------------------------------------------------------------------------------------------------------


def test_a_corrupted_table_is_restored_and_doing_it_again_changes_nothing(world: World, ask: Ask) -> None:
    ask("POST", "/products", {"id": "before", "name": "before", "price": "1"})
    whole = products_of(world, "products")
    strike(world, "table corruption")
    assert ask("GET", "/products")[0] == 502
    assert not check(world).ok
    assert recover(world, "restore table").ok
    assert products_of(world, restored_table(world)) == whole
    again = recover(world, "restore table")
    assert outcomes(again) == {Outcome.SKIPPED}
    assert_recovered(world, ask)
    comparison = service_actions.compare_configuration(world, world.service.configuration["restored table"])
    assert comparison.source == "products"
    assert comparison.restored == restored_table(world)
    assert comparison.differences == []
    session_of(world).client("dynamodb").delete_item(TableName="products", Key={"id": {"S": "before"}})
    assert_told(world)
    assert_nothing_secret_was_kept(world)


def assert_told(world: World) -> None:
    notes = [event.name for event in world.events.events if event.kind is EventKind.NOTE]
    assert any("is lost and must be entered again" in note for note in notes)


def assert_nothing_secret_was_kept(world: World) -> None:
    secret = environment(world, "product-list")["PRICING_API_KEY"]
    assert world.journal is not None
    told = world.journal.as_jsonl(world.run_id) + str([event.as_json() for event in world.events.events])
    assert secret not in told
    assert all(secret.encode() not in file.read_bytes() for file in world.workdir.glob("journal*"))


def test_the_writers_are_stopped_while_the_table_is_restored(world: World, ask: Ask) -> None:
    strike(world, "table corruption")
    plan = service_actions.build_plan(world, "restore table")
    run(world, replace(plan, steps=plan.steps[:2]))
    assert ask("POST", "/products", {"id": "during", "name": "during", "price": "1"})[0] >= 429
    assert ask("GET", "/products/absent")[0] == 404


@pytest.mark.parametrize("done", [2, 4, 5, 6, 7, 8, 10])
def test_a_plan_that_was_broken_off_is_resumed(world: World, ask: Ask, done: int) -> None:
    strike(world, "table corruption")
    plan = service_actions.build_plan(world, "restore table")
    run(world, replace(plan, steps=plan.steps[:done]))
    result = recover(world, "restore table")
    assert result.ok, result.failure
    assert_recovered(world, ask)


def _failing_at(world: World, call: int) -> PlanResult:
    """Run the plan while the ``call``-th request of the recovery never gets an answer."""
    session = session_of(world)
    seen = 0

    def break_off(**_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == call:
            raise RuntimeError("the connection is gone")

    clients = [session.client(name) for name in ("dynamodb", "dynamodbstreams", "lambda", "cloudwatch")]
    for client in clients:
        client.meta.events.register_first("before-send", break_off, unique_id="break off")
    try:
        return recover(world, "restore table")
    finally:
        for client in clients:
            client.meta.events.unregister("before-send", unique_id="break off")


CALLS = range(1, 140, 1 if os.environ.get("DRILLBOOK_EVERY_CALL") else 3)
"""Every third call of the recovery is enough for each change; with DRILLBOOK_EVERY_CALL=1 each one has its turn."""


@pytest.mark.parametrize("call", CALLS)
def test_wherever_a_call_fails_running_the_plan_again_recovers(world: World, ask: Ask, call: int) -> None:
    strike(world, "table corruption")
    _failing_at(world, call)
    result = recover(world, "restore table")
    assert result.ok, result.failure
    assert_recovered(world, ask)


def test_two_corruptions_in_a_row_are_each_restored_to_their_own_moment(world: World, ask: Ask) -> None:
    built = service_actions.build_fault(world, "table corruption")
    before = built.fault.capture()
    built.fault.apply(before)
    built.fault.restore(before)
    ask("POST", "/products", {"id": "between", "name": "between", "price": "1"})
    strike(world, "table corruption")
    result = recover(world, "restore table")
    assert result.ok, result.failure
    assert "between" in products_of(world, restored_table(world))
    session_of(world).client("dynamodb").delete_item(TableName="products", Key={"id": {"S": "between"}})


def test_without_a_corruption_nothing_is_restored(world: World, ask: Ask) -> None:
    result = recover(world, "restore table")
    assert result.failure is not None
    assert result.failure.step == "find when corruption began"
    assert "left an item corrupt" in result.failure.error
    assert restored_table(world) not in session_of(world).client("dynamodb").list_tables()["TableNames"]


# -- scenario 1 -------------------------------------------------------------------------------------------------------


def test_a_bad_deployment_is_rolled_back_and_doing_it_again_changes_nothing(world: World, ask: Ask) -> None:
    strike(world, "bad deployment")
    assert ask("GET", "/products")[0] == 502
    assert ask("GET", "/products/seed-001")[0] == 200
    assert recover(world, "roll back function").ok
    assert ask("GET", "/products")[0] == 200
    assert outcomes(recover(world, "roll back function")) == {Outcome.SKIPPED}
    assert check(world).ok


# -- the promises -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "minutes"),
    [
        ("restore table", 20),
        ("roll back function", 5),
        ("redeploy the API", 10),
        ("fail over", 30),
        ("check the backups", 45),
        ("rehearse the failover", 60),
    ],
)
def test_the_budgets_of_a_plan_fit_its_objective(world: World, plan: str, minutes: int) -> None:
    built: Plan = service_actions.build_plan(world, plan)
    assert sum(step.budget for step in built.steps) <= minutes * 60


def test_the_longest_way_through_the_rebuild_fits_its_objective(world: World) -> None:
    """Steps that run at the same time count once."""
    steps = service_actions.build_plan(world, "rebuild everything").steps
    ends: dict[str, float] = {}
    for before, step in zip([None, *steps], steps, strict=False):
        waits_for = step.after if step.after is not None else [before.name] if before else []
        ends[step.name] = max((ends[name] for name in waits_for), default=0.0) + step.budget
    assert max(ends.values()) <= 60 * 60


def test_every_call_of_a_recovery_that_changes_something_says_so(world: World) -> None:
    strike(world, "bad deployment")
    seen = len(world.events.events)
    assert recover(world, "roll back function").ok
    updates = [event for event in world.events.events[seen:] if event.name == "lambda.UpdateFunctionCode"]
    assert [event.data["actor"] for event in updates] == ["recovery"]


# -- sabotage ---------------------------------------------------------------------------------------------------------


def test_restoring_to_the_wrong_instant_fails_and_says_what_is_wrong(world: World, ask: Ask) -> None:
    strike(world, "table corruption")
    result = sabotaged(world, "wrong_instant", "restore table")
    assert result.failure is not None
    assert result.failure.step == "verify contents"
    assert "is not sound" in result.failure.error
    assert "corrupt" in result.failure.error
    assert ask("GET", "/products")[0] == 502


def test_repointing_to_the_wrong_table_looks_well_and_is_found_by_the_check(world: World, ask: Ask) -> None:
    strike(world, "table corruption")
    assert sabotaged(world, "wrong_table", "restore table").ok
    assert ask("GET", "/products")[0] == 200
    reading = check(world)
    assert reading.ok is False
    assert "in products-staging: 47 products" in reading.value
    assert "missing" in reading.value


@pytest.mark.parametrize(
    ("fault", "plan", "skipped"),
    [
        ("table corruption", "restore table", "repoint functions"),
        ("bad deployment", "roll back function", "roll back"),
    ],
)
def test_a_skipped_step_leaves_the_service_broken(world: World, ask: Ask, fault: str, plan: str, skipped: str) -> None:
    strike(world, fault)
    built = service_actions.build_plan(world, plan)
    short = [replace(step, budget=0.5) for step in built.steps if step.name not in (skipped, "resume traffic")]
    result = run(world, Plan(built.name, tuple(short)))
    assert result.failure is not None
    assert ask("GET", "/products")[0] == 502
