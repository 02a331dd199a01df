"""The probe sql.query, and the checks of a restored database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from drillbook import catalogue, pythonic
from drillbook.errors import ProbeError
from drillbook.sql import validation
from drillbook.sql.database import Database
from drillbook.sql.query import Expectation, SqlQuery, SqlQuerySettings
from drillbook.sql.validation import validate
from drillbook.world import World

from .conftest import connected


@pytest.fixture
def shop(database: Database, instance: dict[str, Any]) -> Database:
    """100 customers, 100 orders of today."""
    assert database.name is not None
    with connected(instance, database.name) as connection:
        connection.execute("create table customers (id int primary key)")
        connection.execute('create table "Orders" (id int, customer int, at timestamptz)')
        connection.execute("insert into customers select generate_series(1, 100)")
        connection.execute('insert into "Orders" select n, n, now() from generate_series(1, 100) n')
    return database


def run(instance: dict[str, Any], database: Database, statement: str) -> None:
    with connected(instance, database.name or "") as connection:
        connection.execute(statement.encode())


def read(world: World, database: Database, sql: str, **expected: Any) -> Any:
    return SqlQuery(world, SqlQuerySettings(database=database, sql=sql, **expected)).read()


def test_the_probe_is_made_by_its_name(world: World, shop: Database) -> None:
    given = {"database": shop.model_dump(), "sql": "select count(*) from customers", "equals": 90, "tolerance": "15 %"}
    probe = pythonic.construct(world, catalogue.resolve("probe", "sql.query"), "sql.query", given)
    assert probe.describe() == f"select count(*) from customers on {shop}: = 90 ± 0.15 of it"
    assert (probe.read().ok, probe.read().value) == (True, "100")


@pytest.mark.parametrize(
    ("expected", "ok"),
    [
        ({}, True),
        ({"equals": 100}, True),
        ({"equals": 111, "tolerance": 0.1}, True),
        ({"equals": 112, "tolerance": 0.1}, False),
        ({"at_least": 100, "at_most": 100}, True),
        ({"at_least": 101}, False),
        ({"at_most": 99}, False),
        ({"equals": "100"}, False),
    ],
)
def test_a_value_is_held_against_what_is_expected(expected: dict[str, Any], ok: bool) -> None:
    assert Expectation(**expected).holds(100) is ok


def test_nothing_meets_no_expectation() -> None:
    for value in (None, 0, "", False):
        assert not Expectation().holds(value)
        assert not Expectation(at_least=1).holds(value)
    assert not Expectation(at_most=5).holds(None)
    with pytest.raises(ValidationError, match="tolerance needs equals"):
        Expectation(at_least=1, tolerance=0.1)


def test_what_the_database_says_is_a_reading(world: World, shop: Database) -> None:
    assert read(world, shop, "select id from customers where id > 100").value == "no row"
    assert read(world, shop, "select id from customers where id > 100").ok is False
    missing = read(world, shop, "select count(*) from lost")
    assert (missing.ok, missing.data["code"]) == (False, "42P01")
    with pytest.raises(ProbeError, match="is no SQL"):
        read(world, shop, "selekt 1")


def test_a_probe_cannot_write(world: World, shop: Database) -> None:
    refused = read(world, shop, "delete from customers returning id")
    assert (refused.ok, refused.data["code"]) == (False, "25006")
    assert read(world, shop, "select count(*) from customers", equals=100).ok


def test_a_database_that_does_not_answer_is_not_ok_and_one_that_nobody_knows_is(world: World, shop: Database) -> None:
    nowhere = Database(host="127.0.0.1", port=9, name="x", login="orders/login")
    assert read(world, nowhere, "select 1").ok is False


def test_checks_of_a_sound_database_hold(world: World, shop: Database) -> None:
    since = world.clock.now() - timedelta(minutes=5)
    checks = [
        validation.rows("customers", Expectation(equals=100)),
        validation.no_orphans("public.Orders", "customer", "customers"),
        validation.no_duplicates("Orders", "id"),
        validation.recent("Orders", "at", since),
    ]
    reading = validate(world, shop, checks)
    assert (reading.ok, reading.value) == (True, f"4 checks of {shop} hold")


def test_each_check_names_what_is_wrong(world: World, shop: Database, instance: dict[str, Any]) -> None:
    run(instance, shop, "delete from customers where id > 97")
    run(instance, shop, "insert into \"Orders\" values (1, 1, now() - interval '2 days')")
    run(instance, shop, "update \"Orders\" set at = at - interval '1 day'")
    since = world.clock.now() - timedelta(minutes=5)
    checks = [
        validation.rows("customers", Expectation(equals=100, tolerance=0.01)),
        validation.no_orphans("Orders", "customer", "customers"),
        validation.no_duplicates("Orders", "id"),
        validation.recent("Orders", "at", since),
        validation.rows("gone", Expectation(at_least=1)),
    ]
    reading = validate(world, shop, checks)
    assert reading.ok is False
    assert [one["value"] for one in reading.data.values()][:4] == ["97", "3", "1", "False"]
    assert "rows of Orders without their customers: 3" in reading.value


def test_names_are_quoted(world: World, shop: Database) -> None:
    evil = validation.rows('customers"; drop table customers; --', Expectation(at_least=0))
    assert validate(world, shop, [evil]).ok is False
    assert read(world, shop, "select count(*) from customers", equals=100).ok
