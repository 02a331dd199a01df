"""Which databases write, and whether a replica has what its primary wrote.

For PostgreSQL of RDS, whose replicas replay the primary's log. Aurora's readers share its storage, and its global
databases tell their lag as ``AuroraGlobalDBReplicationLag``; a switchover synchronises them by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drillbook.errors import OperationError, PermanentError, TargetError
from drillbook.fault import Settings
from drillbook.probe import Reading
from drillbook.sql.database import Database, connect, rows
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

CATCH_UP_PATIENCE = 900.0
_POLL = 1.0


def wait_until_caught_up(
    world: World, primary: Database, replica: Database, *, timeout: float = CATCH_UP_PATIENCE
) -> str:
    """Wait until ``replica`` has replayed all that ``primary`` has written by now; that position in the log.

    Stop the writes first, or more is written meanwhile. ``timeout`` is seconds. Raises PermanentError if the primary
    is a replica itself or the replica is none (any more), else WaitTimeout.
    """
    end = _written(world, primary)
    wait_for(
        f"{replica} replaying the log up to {end}",
        lambda: _has_replayed(world, replica, end),
        timeout=timeout,
        interval=_POLL / world.speed,
        clock=world.clock,
        do="see whether the regions reach one another, and the replica's ReplicaLag",
    )
    return end


def behind(world: World, primary: Database, replica: Database) -> int:
    """How many bytes of ``primary``'s log ``replica`` has not replayed yet."""
    end = _written(world, primary)
    with connect(world, replica, read_only=True) as connection:
        _demand_replica(rows(connection, "select pg_is_in_recovery()")[0][0], replica)
        missing = rows(connection, "select pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn())", end)[0][0]
    return max(0, int(missing))


class OneWriterSettings(Settings):
    databases: dict[str, Database]
    """Each by a name for people, such as its region."""


class OneWriter:
    """ok if exactly one of the databases takes writes; two are a split brain. Unknown if one that might does not
    answer."""

    Settings = OneWriterSettings

    def __init__(self, world: World, settings: OneWriterSettings) -> None:
        self._world, self._settings = world, settings

    def describe(self) -> str:
        return f"exactly one of {', '.join(self._settings.databases)} takes writes"

    def read(self) -> Reading:
        return one_writer(self._world, self._settings.databases)


def one_writer(world: World, databases: Mapping[str, Database]) -> Reading:
    """Look once at who takes writes. Raises UsageError without psycopg or a password."""
    answers = {name: _takes_writes(world, database) for name, database in databases.items()}
    writers = [name for name, answer in answers.items() if answer is True]
    silent = [name for name, answer in answers.items() if answer is None]
    data = {"writers": writers, "silent": silent}
    if len(writers) > 1:
        return Reading(False, f"split brain: {' and '.join(writers)} take writes", data)
    if silent:
        return Reading(None, f"{' and '.join(silent)} did not answer", data)
    return Reading(bool(writers), f"{writers[0]} takes writes" if writers else "none takes writes", data)


def _takes_writes(world: World, database: Database) -> bool | None:
    """None if it does not answer."""
    try:
        with connect(world, database) as connection:
            replica, read_only = rows(
                connection, "select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
            )[0]
            return not replica and not read_only
    except (OperationError, TargetError):
        return None


def _written(world: World, primary: Database) -> str:
    with connect(world, primary, read_only=True) as connection:
        if rows(connection, "select pg_is_in_recovery()")[0][0]:
            raise PermanentError(f"{primary} is a replica itself", do="name the database that takes the writes")
        return str(rows(connection, "select pg_current_wal_flush_lsn()")[0][0])


def _has_replayed(world: World, replica: Database, end: str) -> bool:
    with connect(world, replica, read_only=True) as connection:
        in_recovery, there = rows(
            connection, "select pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn", end
        )[0]
    _demand_replica(in_recovery, replica)
    return bool(there)


def _demand_replica(in_recovery: bool, replica: Database) -> None:
    if not in_recovery:
        raise PermanentError(f"{replica} is no replica", do="it was promoted, or the name or region is wrong")
