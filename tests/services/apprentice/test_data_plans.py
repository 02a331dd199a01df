"""The plans that bring the habit tracker's data back: their order, and their budgets against what is promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook import service, service_code
from drillbook.aws.session import Session
from drillbook.clock import SystemClock
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.recovery import Plan
from drillbook.units import seconds
from drillbook.world import World

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "drills/apprentice"


def code(reference: str) -> Any:
    return service_code.load(SERVICE, reference)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Of an account that nobody answers for: making a plan asks nothing."""
    clock = SystemClock()
    events = EventStream(clock)
    session = Session("111122223333", "us-east-1", "http://127.0.0.1:9", clock=clock, events=events)
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield World(
            target="embedded",
            basis=Basis.EMULATED,
            service=service.load(SERVICE / "service.yaml"),
            clock=clock,
            events=events,
            workdir=tmp_path,
            run_id="run-1",
            aws=session,
            journal=journal,
        )
    session.close()


def budgets(plan: Plan, first: str = "", last: str = "") -> float:
    """Seconds from step ``first`` to ``last``, one after the other."""
    names = [step.name for step in plan.steps]
    begin, end = names.index(first) if first else 0, names.index(last) if last else len(names) - 1
    return sum(step.budget for step in plan.steps[begin : end + 1])


def promised(feature: str, words: str) -> float:
    text = (ROOT / "features/apprentice" / f"{feature}.feature").read_text()
    (found,) = re.findall(rf"{words} at most (.+)", text)
    return seconds(found)


def test_what_the_restore_may_take_is_within_the_promised_rto(world: World) -> None:
    plan = code("corruption.py:restore")(world)
    assert budgets(plan, last="validate as a customer") <= promised("data_corruption", "the measured RTO is")


def test_customers_may_be_kept_from_writing_no_longer_than_promised(world: World) -> None:
    rollback = code("rollback.py:return_home")(world)
    frozen = budgets(rollback, code("rollback.py:FREEZES"), code("rollback.py:SHIFTS"))
    for feature in ("rollback", "quarterly_drill"):
        assert frozen <= promised(feature, "interrupted the service for")


def test_a_backup_may_be_validated_within_the_promised_time(world: World) -> None:
    plan = code("validation.py:validate_backup")(world)
    assert budgets(plan) <= promised("monthly_backup_validation", '"validate the newest backup" took')


def test_on_the_way_home_each_fence_stands_before_what_it_is_for(world: World) -> None:
    steps = [step.name for step in code("rollback.py:return_home")(world).steps]
    wanted = [code(f"rollback.py:{name}") for name in ("FENCES", "FREEZES", "COPIES", "COMPARES", "LETS", "SHIFTS")]
    assert [step for step in steps if step in wanted] == wanted
    assert steps.index(code("rollback.py:REDEPLOYS")) < steps.index(code("rollback.py:SHIFTS"))


def test_writes_stop_before_anybody_looks_and_nothing_is_repointed_before_it_is_validated(world: World) -> None:
    steps = [step.name for step in code("corruption.py:restore")(world).steps]
    names = ("STOPS", "FINDS", "RESTORES", "VALIDATES", "REPOINTS", "RESTARTS")
    wanted = [code(f"corruption.py:{name}") for name in names]
    assert [step for step in steps if step in wanted] == wanted


CONTENTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]))


@given(st.fixed_dictionaries({"habit": CONTENTS}), st.fixed_dictionaries({"habit": CONTENTS}))
def test_two_databases_differ_exactly_where_a_row_is_not_the_same(one: Any, other: Any) -> None:
    found = code("comparison.py:differing")(one, other)
    assert (found == []) == (one == other)
    assert found == [f"habit {key}" for key in "abc" if one["habit"].get(key) != other["habit"].get(key)]
    assert found == code("comparison.py:differing")(other, one)
