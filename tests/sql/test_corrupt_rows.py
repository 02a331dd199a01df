"""Rows are corrupted and deleted at once; heal puts back exactly those, and nothing over what somebody wrote since."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.errors import FaultError, Refused
from drillbook.sql.corrupt_rows import NONSENSE, CorruptRows, CorruptRowsSettings
from drillbook.sql.database import Database
from drillbook.world import World

from .conftest import connected

Row = tuple[str, str, int]


@pytest.fixture
def table(instance: dict[str, Any], database: Database) -> None:
    with connected(instance, database.name or "") as connection:
        connection.execute('create table habit (id text primary key, "na""me" text, count int, at timestamptz)')
        connection.execute("insert into habit select 'h' || n, 'run ' || n, n, now() from generate_series(1, 20) n")


def rows(instance: dict[str, Any], database: Database) -> list[tuple[Any, ...]]:
    with connected(instance, database.name or "") as connection:
        return connection.execute("select * from habit order by id").fetchall()


def run(instance: dict[str, Any], database: Database, statement: str) -> None:
    with connected(instance, database.name or "") as connection:
        connection.execute(statement)


def corruption(world: World, database: Database, **more: Any) -> CorruptRows:
    settings = {"database": database, "table": "habit", "column": 'na"me', "corrupt": "30 %", "delete": "10 %"} | more
    return CorruptRows(world, CorruptRowsSettings.model_validate(settings))


@pytest.mark.usefixtures("table")
def test_what_was_harmed_is_put_back_as_it_was(world: World, instance: dict[str, Any], database: Database) -> None:
    good, fault = rows(instance, database), corruption(world, database)
    before = fault.capture()
    assert not fault.observe(before)
    fault.apply(before)
    harmed = rows(instance, database)
    assert fault.observe(before)
    assert [row[1] for row in harmed].count(NONSENSE) == 6
    assert len(harmed) == 18
    for _ in range(2):
        fault.restore(before)
    assert fault.restored(before)
    assert rows(instance, database) == good


@pytest.mark.usefixtures("table")
def test_what_somebody_wrote_since_is_kept(world: World, instance: dict[str, Any], database: Database) -> None:
    fault = corruption(world, database)
    before = fault.capture()
    spared, mended = before["corrupt"][0][0], before["corrupt"][1][0]
    run(instance, database, f"update habit set \"na\"\"me\" = 'newer' where id = '{spared}'")
    fault.apply(before)
    run(instance, database, f"update habit set \"na\"\"me\" = 'newest' where id = '{mended}'")
    fault.restore(before)
    assert fault.restored(before)
    told = {row[0]: row[1] for row in rows(instance, database)}
    assert (told[spared], told[mended]) == ("newer", "newest")
    assert NONSENSE not in told.values()


@pytest.mark.usefixtures("table")
def test_a_number_is_corrupted_by_a_number(world: World, instance: dict[str, Any], database: Database) -> None:
    fault = corruption(world, database, column="count", value="-1", corrupt="100 %", delete="0 %")
    before = fault.capture()
    fault.apply(before)
    assert {row[2] for row in rows(instance, database)} == {-1}
    fault.restore(before)
    assert [row[2] for row in rows(instance, database)] != [-1] * 20
    assert fault.restored(before)


def test_a_database_that_is_gone_has_nothing_left_to_put_back(world: World, database: Database) -> None:
    gone = corruption(world, database.model_copy(update={"instance": "no-such-database"}))
    nothing = {"corrupt": [["h1", "run 1"]], "delete": []}
    gone.restore(nothing)
    assert gone.restored(nothing)


@pytest.mark.usefixtures("table")
def test_more_victims_than_allowed_are_refused_and_none_is_an_error(
    world: World, instance: dict[str, Any], database: Database
) -> None:
    with pytest.raises(Refused, match="would harm 8"):
        corruption(world, database, max_rows=7).capture()
    run(instance, database, "delete from habit")
    with pytest.raises(FaultError, match="fill the table"):
        corruption(world, database).capture()
