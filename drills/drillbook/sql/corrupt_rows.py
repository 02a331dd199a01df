"""Something writes nonsense into a table of PostgreSQL, and deletes rows, behind the application's back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import Field

from drillbook.aws.session import session_of
from drillbook.errors import FaultError, PermanentError, Refused
from drillbook.events import EventKind, Json
from drillbook.fault import Settings
from drillbook.sql.database import Database, connect, is_gone, rows
from drillbook.sql.driver import driver
from drillbook.units import Share

if TYPE_CHECKING:
    import psycopg

    from drillbook.world import World

NONSENSE = "\u00a7 corrupted by a drill"
"""What is written over a good value, unless the fault says otherwise; it tells a corrupted row from a newer write."""


class CorruptRowsSettings(Settings):
    """Which share of a table's rows gets a nonsense ``column``, and which share is deleted."""

    database: Database
    table: str
    """``name`` or ``schema.name``."""
    key: str = "id"
    """The column that names a row."""
    column: str
    """What is overwritten: a text, or something that ``value`` can be cast to."""
    value: str = NONSENSE
    corrupt: Share
    delete: Share = 0.0
    seed: int = 0
    max_rows: int = Field(default=2000, gt=0)
    """The most rows that may be harmed: what they were is kept in the journal."""


class CorruptRows:
    """Corrupt and delete rows in one transaction, so that there is one instant before which all was well.

    A victim that changed since it was captured is spared: what ``restore`` puts back is exactly what was there. The
    instants before and after the transaction are emitted as t_corrupt_first and t_corrupt_last. What a deletion takes
    along by its foreign keys is not put back: choose a table that none refers to.
    """

    Settings = CorruptRowsSettings

    def __init__(self, world: World, settings: CorruptRowsSettings) -> None:
        self._world, self._settings = world, settings
        self.settle = session_of(world).settle if world.aws is not None else 1.0

    def describe(self) -> str:
        wanted = self._settings
        return f"corrupt {wanted.corrupt:.0%} and delete {wanted.delete:.0%} of the rows of {wanted.table}"

    def touches(self) -> list[str]:
        """The ARN of the instance or cluster, whose tags say whether it may be harmed; else the database's name."""
        at = self._settings.database
        if at.host is not None:
            return [f"database {at} table {self._settings.table}"]
        session = session_of(self._world)
        kind = "db" if at.instance is not None else "cluster"
        return [f"arn:aws:rds:{at.region or session.region}:{session.account}:{kind}:{at.instance or at.cluster}"]

    def capture(self) -> Json:
        """The victims as they are now. Raises Refused if they are more than ``max_rows``, FaultError if none."""
        with connect(self._world, self._settings.database, read_only=True) as connection:
            ranked = self._ask(connection, self._candidates(), self._settings.value, str(self._settings.seed))
        corrupt = ranked[: _count(self._settings.corrupt, len(ranked))]
        delete = ranked[len(corrupt) :][: _count(self._settings.delete, len(ranked))]
        if len(corrupt) + len(delete) > self._settings.max_rows:
            raise Refused(
                "blast radius",
                f"{self.describe()} would harm {len(corrupt) + len(delete)}; {self._settings.max_rows} may be",
                do="lower the shares, or raise max_rows of the fault",
            )
        if not corrupt and not delete:
            raise FaultError(
                f"{self._settings.table} holds no row that could be harmed", do="fill the table before the drill"
            )
        return {"corrupt": [[key, was] for key, was, _ in corrupt], "delete": [row for _, _, row in delete]}

    def apply(self, before: Json) -> None:
        """Harm every victim that still is as captured."""
        self._world.events.emit(EventKind.INSTANT, "t_corrupt_first", table=self._settings.table)
        with self._writing() as connection, connection.transaction():
            harmed = self._ask(connection, _CORRUPT, self._settings.value, json.dumps(before["corrupt"]))
            harmed += self._ask(connection, _DELETE, json.dumps(before["delete"]))
        self._world.events.emit(EventKind.INSTANT, "t_corrupt_last", table=self._settings.table, rows=len(harmed))

    def observe(self, before: Json) -> bool:
        """Is at least one victim harmed as intended?"""
        return not self.restored(before)

    def restore(self, before: Json) -> None:
        """Put back each victim that still is as the fault left it; what somebody wrote since is kept.

        A database that is gone has nothing of this fault left in it.
        """
        if not self.restored(before):
            with self._writing() as connection, connection.transaction():
                self._ask(connection, _REPAIR, json.dumps(before["corrupt"]), self._settings.value)
                self._ask(connection, _PUT_BACK, json.dumps(before["delete"]))

    def restored(self, before: Json) -> bool:
        """Is nothing left of what the fault did?"""
        try:
            with connect(self._world, self._settings.database, read_only=True) as connection:
                marked = self._ask(connection, _MARKED, json.dumps(before["corrupt"]), self._settings.value)
                return not marked and not self._ask(connection, _ABSENT, json.dumps(before["delete"]))
        except PermanentError as error:
            if is_gone(error):
                return True
            raise

    @contextmanager
    def _writing(self) -> Iterator[psycopg.Connection[Any]]:
        """Read-only mode stops software; whoever corrupts or mends is none that heeds it."""
        with connect(self._world, self._settings.database, read_only=False) as connection:
            yield connection

    def _candidates(self) -> str:
        """Rows without the mark, in an order that is the same for the same rows and seed."""
        return (
            "select {key}::text, {column}::text, to_jsonb(t) from {table} t"
            " where {column}::text is distinct from %s order by md5(%s || {key}::text)"
        )

    def _ask(self, connection: psycopg.Connection[Any], statement: str, *values: str) -> list[tuple[Any, ...]]:
        sql = driver().sql
        wanted = self._settings
        filled = sql.SQL(statement).format(
            victims=sql.SQL(_VICTIMS), table=sql.Identifier(*wanted.table.split(".")),
            key=sql.Identifier(wanted.key), key_text=sql.Literal(wanted.key),
            column=sql.Identifier(wanted.column), column_text=sql.Literal(wanted.column),
        )  # fmt: skip
        return rows(connection, filled.as_string(connection), *values)


_VICTIMS = "jsonb_array_elements(%s::jsonb) v"
_CORRUPT = (
    "with nonsense as (select %s::text as value) update {table} t set {column} ="
    " (jsonb_populate_record(null::{table}, jsonb_build_object({column_text}, nonsense.value))).{column}"
    " from nonsense, {victims} where t.{key}::text = v->>0 and t.{column}::text is not distinct from v->>1 returning 1"
)
_DELETE = "delete from {table} t using {victims} where to_jsonb(t) = v returning 1"
_MARKED = "select 1 from {table} t, {victims} where t.{key}::text = v->>0 and t.{column}::text = %s"
_ABSENT = "select 1 from {victims} where not exists (select from {table} t where t.{key}::text = v->>{key_text})"
_REPAIR = (
    "update {table} t set {column} ="
    " (jsonb_populate_record(null::{table}, jsonb_build_object({column_text}, v->>1))).{column}"
    " from {victims} where t.{key}::text = v->>0 and t.{column}::text = %s"
)
_PUT_BACK = (
    "insert into {table} select r.* from {victims}, jsonb_populate_record(null::{table}, v) r on conflict do nothing"
)


def _count(share: float, of: int) -> int:
    """At least one of a share that is not nothing."""
    return max(1, round(share * of)) if share and of else 0
