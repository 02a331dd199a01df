"""Read-only mode: a database takes no writes while somebody finds out what is wrong with it.

https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY: a default of new
sessions. So sessions from before are ended, and whoever sets it off for a session can still write: it stops software,
not people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.sql.database import Database, connect, is_gone, rows
from drillbook.sql.driver import driver
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    import psycopg

    from drillbook.world import World

_SETTING = "default_transaction_read_only"
_ENDING = 30.0
_STORED = (
    "select setting from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(setconfig) setting"
    " where d.datname = current_database() and setrole = 0 and setting like 'default_transaction_read_only=%'"
)
_OTHERS = (
    "from pg_stat_activity a where datname = current_database() and pid <> pg_backend_pid()"
    " and coalesce(backend_type, 'client backend') = 'client backend'"
    " and not (select rolsuper from pg_roles r where r.oid = a.usesysid)"
)
"""Superusers' sessions are RDS's own. What an unprivileged user may not see of a session is null to it."""
_OURS_TO_END = "(pg_has_role(a.usesysid, 'USAGE') or pg_has_role('pg_signal_backend', 'USAGE'))"


class DatabaseModeSettings(Settings):
    database: Database
    mode: str | None
    """``on``, ``off``, or None: what the server says."""


class DatabaseMode:
    """Set whether sessions of a database are read-only, and end those that began before. Undoing sets it back."""

    Settings = DatabaseModeSettings

    def __init__(self, world: World, settings: DatabaseModeSettings) -> None:
        self._world, self._settings = world, settings
        self.settle = session_of(world).settle if world.aws is not None else 1.0

    def describe(self) -> str:
        words = {"on": "read-only", "off": "writable", None: "as the server says"}
        return f"make the database {self._settings.database} {words[self._settings.mode]}"

    def touches(self) -> list[str]:
        return [f"database {self._settings.database}"]

    def capture(self) -> Json:
        return {"mode": mode_of(self._world, self._settings.database)}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        self._set(self._settings.mode)

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._set(before["mode"])

    def restored(self, before: Json) -> bool:
        """A database that is gone has no mode that could be left."""
        try:
            return bool(self.capture() == before)
        except PermanentError as error:
            if is_gone(error):
                return True
            raise

    def _set(self, mode: str | None) -> None:
        """The new sessions first: those that are ended come back at once."""
        with connect(self._world, self._settings.database, read_only=False) as connection:
            name = _quoted(rows(connection, "select current_database()")[0][0])
            verb = f"reset {_SETTING}" if mode is None else f"set {_SETTING} = {mode}"
            connection.execute(f"alter database {name} {verb}".encode())
            began = rows(connection, "select clock_timestamp()")[0][0]
            wait_for(
                f"the sessions of {self._settings.database} from before ending",
                lambda: not _end_sessions(connection, began),
                timeout=_ENDING,
                clock=self._world.clock,
                do="see pg_stat_activity; a session may be stuck in an uninterruptible call",
            )
            if mode == "on":
                _demand_none(connection, began, str(self._settings.database))


def stop_writes(world: World, database: Database) -> None:
    """Make ``database`` read-only, and end its sessions, so that nothing writes any more. Again is once.

    Raises PermanentError if sessions of others may not be ended: the master user of RDS may end all but superusers'.
    """
    known, present = recall(world, _key(database)), mode_of(world, database)
    if known is None and present == "on":
        return
    # An attempt that was killed may have left sessions from before.
    if present != "on" or not known["ended"]:
        before = {"mode": present if known is None or known["ended"] else known["mode"]}
        remember(world, _key(database), before | {"ended": False})
        make(world, DatabaseMode, DatabaseModeSettings(database=database, mode="on"))
        remember(world, _key(database), before | {"ended": True})


def resume_writes(world: World, database: Database) -> None:
    """Undo ``stop_writes``. Does nothing to a database that this run never stopped."""
    if is_stopped_by_us(world, database):
        mode = recall(world, _key(database))["mode"]
        make(world, DatabaseMode, DatabaseModeSettings(database=database, mode=mode))


def let_write(world: World, database: Database) -> None:
    """Let a copy take writes whose original was read-only when it was copied: the mode comes along in a snapshot.

    Until then nothing can be written to the copy, so let traffic in first, and then writes. Again is once.
    """
    if mode_of(world, database) == "on":
        make(world, DatabaseMode, DatabaseModeSettings(database=database, mode=None))


def is_stopped_by_us(world: World, database: Database) -> bool:
    known = recall(world, _key(database))
    return known is not None and known["mode"] != mode_of(world, database)


def is_read_only(world: World, database: Database) -> bool:
    """Do new sessions of it take no writes, whoever saw to that?"""
    with connect(world, database) as connection:
        return bool(rows(connection, f"show {_SETTING}")[0][0] == "on")


def mode_of(world: World, database: Database) -> str | None:
    """What is set for the database itself: on or off; None if nothing is."""
    with connect(world, database, read_only=True) as connection:
        found = rows(connection, _STORED)
    if not found:
        return None
    return "on" if str(found[0][0]).partition("=")[2].lower() in ("on", "true", "yes", "1") else "off"


def _end_sessions(connection: psycopg.Connection[Any], began: object) -> int:
    """End those from before that we may end; how many there were."""
    statement = f"select pg_terminate_backend(pid) {_OTHERS} and backend_start < %s and {_OURS_TO_END}"
    return len(rows(connection, statement, began))


def _demand_none(connection: psycopg.Connection[Any], began: object, database: str) -> None:
    if left := rows(connection, f"select distinct usename {_OTHERS} and coalesce(backend_start < %s, true)", began):
        users = ", ".join(sorted(str(row[0]) for row in left))
        raise PermanentError(
            f"sessions of {users} on {database} began before and may not be ended by this user",
            code="42501",
            do="grant pg_signal_backend to the drill's user, or end those sessions by hand",
        )


def _key(database: Database) -> str:
    return f"mode of the database {database} {database.region or ''}".strip()


def _quoted(name: str) -> str:
    return str(driver().sql.Identifier(name).as_string(None))
