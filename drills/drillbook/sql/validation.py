"""Is what was restored sound? Row counts, relations, recent rows: checks of the content, each a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.probe import Reading
from drillbook.sql.database import Database
from drillbook.sql.driver import driver
from drillbook.sql.query import Expectation, look

if TYPE_CHECKING:
    from drillbook.world import World


@dataclass(frozen=True)
class Check:
    """One thing that must hold: ``statement``, in SQL, answers one value."""

    name: str
    statement: str
    expected: Expectation = field(default_factory=Expectation)
    values: tuple[object, ...] = ()


def rows(table: str, expected: Expectation) -> Check:
    """As many rows in ``table`` (``name`` or ``schema.name``) as expected."""
    return Check(f"rows of {table} {expected}", f"select count(*) from {_name(table)}", expected)  # noqa: S608 - quoted


def no_orphans(child: str, column: str, parent: str, key: str = "id") -> Check:
    """Each row of ``child`` whose ``column`` is not null names a row of ``parent`` by its ``key``."""
    statement = (
        f"select count(*) from {_name(child)} c where c.{_name(column)} is not null and not exists "  # noqa: S608 - quoted
        f"(select from {_name(parent)} p where p.{_name(key)} = c.{_name(column)})"
    )
    return Check(f"rows of {child} without their {parent}", statement, Expectation(at_most=0))


def no_duplicates(table: str, *columns: str) -> Check:
    """No two rows of ``table`` have the same ``columns``."""
    listed = ", ".join(_name(column) for column in columns)
    statement = f"select count(*) from (select from {_name(table)} group by {listed} having count(*) > 1) d"  # noqa: S608
    return Check(f"duplicates of {', '.join(columns)} in {table}", statement, Expectation(at_most=0))


def recent(table: str, column: str, since: datetime) -> Check:
    """The newest row of ``table``, by the timestamp ``column``, is of ``since`` or later: nothing older was lost."""
    statement = f"select max({_name(column)}) >= %s from {_name(table)}"  # noqa: S608 - quoted
    return Check(f"a row of {table} since {since.isoformat()}", statement, Expectation(), (since,))


def validate(world: World, database: Database, checks: Sequence[Check], *, timeout: float = 60.0) -> Reading:
    """Make all checks. Not ok names those that failed; unknown if the database could not be found.

    ``timeout`` is seconds for each query.
    """
    readings = {
        check.name: look(world, database, check.statement, check.expected, *check.values, timeout=timeout)
        for check in checks
    }
    data = {name: {"ok": reading.ok, "value": reading.value} for name, reading in readings.items()}
    bad = [f"{name}: {reading}" for name, reading in readings.items() if reading.ok is False]
    if bad:
        return Reading(False, f"in {database}: {'; '.join(bad)}", data)
    if unknown := [f"{name}: {reading}" for name, reading in readings.items() if reading.ok is None]:
        return Reading(None, f"of {database} is not known: {'; '.join(unknown)}", data)
    return Reading(True, f"{len(readings)} checks of {database} hold", data)


def _name(text: str) -> str:
    """The name, quoted as an identifier, part by part."""
    identifier = driver().sql.Identifier
    return str(identifier(*text.split(".")).as_string(None))
