"""The file under the journal: one sqlite database in WAL mode that every commit flushes to the disk.

sqlite, because readers may look while a drill writes, a torn tail needs no code of ours, and it is in Python.
Not for network file systems: their locks cannot be trusted (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from drillbook.errors import JournalError

SCHEMA = 1
_MARK = 0x6472626B  # "drbk", sqlite's application_id of a drillbook journal
_PATIENCE = 10.0
"""Seconds to wait for another process's lock."""

_TABLES = """
create table runs (
    run_id text primary key, pid integer not null, birth text not null, service_file text not null,
    target text not null, began text not null, ended text
);
create table entries (
    id integer primary key autoincrement, run_id text not null references runs (run_id), what text not null,
    factory text not null, settings text not null, touches text not null, before text not null,
    state text not null check (state in ('intent', 'applied', 'healed', 'gone')), settle real not null,
    at text not null, quiet_utc text, quiet_monotonic real, moved text not null
);
create index entries_by_state on entries (state);
create index entries_by_run on entries (run_id);
create table steps (
    n integer primary key autoincrement, run_id text not null, plan text not null, step text not null,
    outcome text not null, facts text not null
);
create index steps_by_name on steps (run_id, plan, step);
create table facts (
    run_id text not null, key text not null, value text not null, primary key (run_id, key)
);
create table healer (one integer primary key check (one = 1), pid integer not null, birth text not null);
"""


class JournalFile:
    """One connection, shared by the threads of this process; to be closed, and not to be carried over a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self.trouble("opened"):
            _create_private(path)
            self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            with self.trouble("opened"):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing, alone among the writers, and on the disk when it ends.

        Not ``durable`` means it survives any death of the process, but perhaps not of the machine.
        """
        with self._lock, self.trouble("written"):
            self._connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock, self.trouble("read"):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def trouble(self, verb: str) -> Iterator[None]:
        """Say what sqlite or the file system has against this file, and what can be done."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the journal {self.path} cannot be {verb}: {error}", do=_advice(error)) from error

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        tables = self._number("select count(*) from sqlite_master")
        if tables and self._number("pragma application_id") != _MARK:
            raise JournalError(f"{self.path} is a database, but no drillbook journal", do="give another path")
        self._connection.execute("pragma journal_mode = wal")
        self._make_tables()
        if (found := self._number("pragma user_version")) != SCHEMA:
            raise JournalError(
                f"the journal {self.path} has schema {found}; this drillbook knows schema {SCHEMA}",
                do="use the drillbook that wrote it, at least for its heal",
            )

    def _make_tables(self) -> None:
        """Make the tables in an empty database; of several processes that try, one does."""
        with self.transaction() as connection:
            if not self._number("select count(*) from sqlite_master"):
                for statement in filter(str.strip, _TABLES.split(";")):
                    connection.execute(statement)
                connection.execute(f"pragma application_id = {_MARK}")
                connection.execute(f"pragma user_version = {SCHEMA}")

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def count_open(path: Path) -> int:
    """How many changes the journal at ``path`` holds open; 0 if there is none. Opens it for reading only.

    Raises JournalError if it cannot be read.
    """
    if not path.exists() or not path.stat().st_size:
        return 0
    query = "select count(*) from entries where state in ('intent', 'applied')"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", timeout=_PATIENCE, uri=True)) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}", do=_advice(error)) from error


def _create_private(path: Path) -> None:
    """Make the file for its owner's eyes only: sqlite gives its -wal and -shm files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _advice(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError) or "readonly" in str(error) or "unable to open" in str(error):
        return "make its directory writable for this user, or give another path"
    if "locked" in str(error):
        return "see which drillbook process holds it, and try again when that has ended"
    if "full" in str(error):
        return "free space on its disk"
    return "keep a copy of the file; it may name changes still in place: check the target before removing it"
