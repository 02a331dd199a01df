"""A probe that asks the database itself: how many, how recent, is it there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from drillbook.clock import utc_text
from drillbook.errors import DrillbookError, OperationError, PermanentError, ProbeError, TargetError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.probe import Reading
from drillbook.sql.database import Database, connect, rows
from drillbook.sql.driver import SYNTAX_ERROR
from drillbook.units import Duration, Share

if TYPE_CHECKING:
    from drillbook.world import World


class Expectation(Settings):
    """What one value must be. Without any of these: true, not zero, not empty."""

    equals: float | str | bool | None = None
    at_least: float | None = None
    at_most: float | None = None
    tolerance: Share = 0.0
    """How far a number may be from ``equals``, as a share of it."""

    @model_validator(mode="after")
    def _is_measurable(self) -> Self:
        if self.tolerance and (isinstance(self.equals, str | bool) or self.equals is None):
            raise ValueError("tolerance needs equals, as a number")
        return self

    def holds(self, value: Json) -> bool:
        """Does it? A value that is no number meets no bound."""
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if self.at_least is not None and not (numeric and value >= self.at_least):
            return False
        if self.at_most is not None and not (numeric and value <= self.at_most):
            return False
        if self.equals is not None:
            return self._is_near(value, numeric)
        return bool(value) or self.at_least is not None or self.at_most is not None

    def _is_near(self, value: Json, numeric: bool) -> bool:
        if isinstance(self.equals, float) and numeric:
            return bool(abs(value - self.equals) <= abs(self.equals) * self.tolerance)
        return bool(value == self.equals)

    def __str__(self) -> str:
        within = f" ± {self.tolerance:.3g} of it" if self.tolerance else ""
        told = [
            f"= {_number(self.equals)}{within}" if self.equals is not None else "",
            f"≥ {_number(self.at_least)}" if self.at_least is not None else "",
            f"≤ {_number(self.at_most)}" if self.at_most is not None else "",
        ]
        return " and ".join(part for part in told if part) or "true"


class SqlQuerySettings(Expectation):
    """``sql`` answers one value."""

    database: Database
    sql: str
    timeout: Duration = 10.0


class SqlQuery:
    """ok if the value is as expected; not ok if it is not, or the database does not answer; unknown if nobody could
    say where the database is. The query runs in a read-only transaction."""

    Settings = SqlQuerySettings

    def __init__(self, world: World, settings: SqlQuerySettings) -> None:
        self._world, self._settings = world, settings

    def describe(self) -> str:
        return f"{self._settings.sql} on {self._settings.database}: {Expectation.__str__(self._settings)}"

    def read(self) -> Reading:
        """Look once. Raises ProbeError for a statement that is no SQL, UsageError without psycopg or a password."""
        settings = self._settings
        return look(self._world, settings.database, settings.sql, settings, timeout=settings.timeout)


def look(
    world: World,
    database: Database,
    statement: str,
    expected: Expectation,
    *values: object,
    timeout: float = 10.0,
) -> Reading:
    """The reading of one query: see ``SqlQuery``."""
    try:
        with connect(world, database, read_only=True, timeout=timeout) as connection:
            found = rows(connection, statement, *values)
    except TargetError as error:
        return Reading(None, error.what)
    except OperationError as error:
        return _failed(error, statement)
    value = _plain(found[0][0]) if found else None
    said = "no row" if not found else _number(value)
    return Reading(expected.holds(value), said, {"value": value})


def _failed(error: OperationError, statement: str) -> Reading:
    """A database that does not answer is not ok; when AWS does not say where it is, nobody knows."""
    if error.code == SYNTAX_ERROR:
        raise ProbeError(f"{statement!r} is no SQL: {error.what}", do="correct the query") from error
    return Reading(False if _is_of_database(error) else None, error.what, {"code": error.code})


def _is_of_database(error: DrillbookError) -> bool:
    import psycopg

    return isinstance(error.__cause__, psycopg.Error) or isinstance(error, PermanentError)


def _plain(value: Any) -> Json:
    """As JSON."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return utc_text(value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _number(value: Json) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
