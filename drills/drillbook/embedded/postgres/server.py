"""One data directory and, while it runs, the PostgreSQL server on it.

A server listens on a Unix socket in its own private directory and on no TCP port: clients come through a ``Door``,
standbys through a ``Link``, both of which are this process's.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from drillbook.clock import Clock
from drillbook.embedded.postgres import processes, shared_memory
from drillbook.embedded.postgres.account import Account, Nursery, PostgresFailed
from drillbook.embedded.postgres.binaries import Binaries
from drillbook.embedded.postgres.copies import copy_tree
from drillbook.embedded.postgres.sessions import PORT, Sessions
from drillbook.embedded.postgres.template import ADMIN, PASSWORD_FILE, SETTINGS_FILE
from drillbook.errors import WaitTimeout
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    import psycopg

    Connection: TypeAlias = psycopg.Connection[Any]

_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 20.0
_STATUS = 7
"""The line of postmaster.pid that says how far the server is (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_PM_STATUS)."""
READY, STANDBY = "ready", "standby"

BASE = {
    "listen_addresses": "",
    "port": str(PORT),
    # Nothing here outlives the machine: what a killed process wrote is safe in the page cache without fsync.
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "hot_standby": "on",
    "max_connections": "100",
    "max_wal_senders": "16",
    "shared_buffers": "16MB",
    "min_wal_size": "4MB",
    "max_wal_size": "64MB",
    "wal_keep_size": "256MB",
    "track_commit_timestamp": "on",
    # A standby archives, too: what a lost primary had not archived yet is not missing from the archive.
    "archive_mode": "always",
    "archive_command": "true",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "10s",
    "wal_sender_timeout": "10s",
    "wal_retrieve_retry_interval": "100ms",
    "jit": "off",
    # Statements may hold passwords: they are never logged.
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PowerLost(PostgresFailed):
    """Nobody's fault: the zone of the server is dark."""


class Server:
    """A database server that can be started, stopped, killed, frozen and promoted. Its calls are not concurrent.

    ``on_death`` is called, in a thread of its own, when the server ends and nobody here asked for it.
    All methods that talk to PostgreSQL raise PostgresFailed if it does not do what it should.
    """

    def __init__(self, home: Path, binaries: Binaries, account: Account, nursery: Nursery, clock: Clock) -> None:
        self.home, self.data = home, home / "data"
        self.settings: dict[str, str] = {}
        """On top of ``BASE``; written when the server starts or reloads."""
        self.on_death: Callable[[Server], None] = lambda _server: None
        self.powered: Callable[[], bool] = lambda: True
        """Is there power where this server is? Without, it does not start."""
        self._binaries, self._account, self._nursery, self._clock = binaries, account, nursery, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions = Sessions(home, self.data)
        self._copying: set[subprocess.Popen[str]] = set()
        self.frozen = False

    # Its process

    @property
    def pid(self) -> int | None:
        """The postmaster's pid, or None while it does not run."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def standby(self) -> bool:
        """Does the data directory belong to a standby, which follows another server?"""
        return (self.data / "standby.signal").exists()

    def start(self, until: Sequence[str] = (READY, STANDBY)) -> Server:
        """Start, and wait until queries are answered; as a standby if the data directory says so.

        Raises PowerLost if there is no power, or none any more.
        """
        self._expect_power()
        self.write_settings()
        if (self.data / "postmaster.pid").exists():
            # A postmaster that was killed: its children may not know yet, and must not write beside the new ones.
            processes.kill_all_in(self.data)
            shared_memory.release(self.data)
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        command = [self._binaries["postgres"], "-D", self.data, "-k", self.home]
        process = self._process = self._nursery.start(command, self.home / "log")
        self.frozen = False
        try:
            self._await_status(process, until)
        except BaseException:
            self.kill()
            raise
        threading.Thread(target=self._watch, args=(process,), name="postgres-watch", daemon=True).start()
        return self

    def stop(self) -> None:
        """Shut down in order: clients are disconnected, everything is written and sent to the standbys."""
        process, self._process = self._process, None
        if process is None:
            return
        if self.frozen:
            processes.thaw(process.pid)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._end(process)
            shared_memory.release(self.data)

    def kill(self) -> None:
        """End the whole process tree at one instant."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)
        shared_memory.release(self.data)

    def crash(self) -> None:
        """As ``kill``, but as if it had happened by itself: ``on_death`` is called."""
        if self._process is not None and self._process.poll() is None:
            processes.kill(self._process.pid)

    def freeze(self) -> None:
        """Answer nothing any more, without ending."""
        if self._process is not None:
            self.frozen = True
            processes.freeze(self._process.pid)
            self._sessions.cut()
            for copying in list(self._copying):
                processes.kill(copying.pid)  # it has a child, which receives the log

    def thaw(self) -> None:
        if self._process is not None:
            processes.thaw(self._process.pid)
            self.frozen = False

    def limit_files(self, size: int | None) -> None:
        """Let no file of the server grow beyond ``size`` bytes; None: as far as they like. Linux only."""
        if self.pid is not None:
            self._nursery.limit(size, processes.tree(self.pid))

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            processes.kill(process.pid)
            process.wait(_STOP_TIMEOUT)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if self._process is process:
            self._process = None
            self.on_death(self)

    def _await_status(self, process: subprocess.Popen[bytes], until: Sequence[str]) -> None:
        try:
            wait_for(
                "the start of PostgreSQL",
                lambda: self._status(process) in until,
                timeout=_START_TIMEOUT,
                interval=0.004,
                clock=self._clock,
            )
        except WaitTimeout:
            raise PostgresFailed(f"PostgreSQL is not ready after {_START_TIMEOUT:g} s: {self._last_words()}") from None

    def _status(self, process: subprocess.Popen[bytes]) -> str:
        self._expect_power()
        if process.poll() is not None:
            raise PostgresFailed(f"PostgreSQL ended (exit code {process.returncode}): {self._last_words()}")
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return ""
        return lines[_STATUS].strip() if len(lines) > _STATUS and lines[0] == str(process.pid) else ""

    def _expect_power(self) -> None:
        if not self.powered():
            raise PowerLost("there is no power where this server is")

    def _last_words(self) -> str:
        log = self.home / "log"
        return " | ".join(log.read_text(errors="replace").splitlines()[-4:])[-600:] if log.exists() else ""

    # Its settings

    def write_settings(self) -> None:
        lines = [f"{name} = '{_quoted(value)}'\n" for name, value in (BASE | self.settings).items()]
        (self.data / SETTINGS_FILE).write_text("".join(lines))

    def reload(self, **settings: str) -> None:
        """Change settings that need no restart; in effect on return."""
        self.settings.update(settings)
        self.write_settings()
        with self.connect() as admin:
            admin.execute("select pg_reload_conf()")
            for name, value in settings.items():
                self._await_sql(admin, f"the new {name}", "select current_setting(%s) = %s", name, value)

    # SQL

    def await_sql(self, what: str, sql: str, *values: object) -> None:
        """Wait until this statement's answer is true."""
        with self.connect() as admin:
            self._await_sql(admin, what, sql, *values)

    def _await_sql(self, admin: Connection, what: str, sql: str, *values: object) -> None:
        try:
            wait_for(
                what,
                lambda: (row := admin.execute(sql.encode(), values or None).fetchone()) and row[0],
                timeout=_START_TIMEOUT,
                interval=0.004,
                clock=self._clock,
            )
        except WaitTimeout as late:
            raise PostgresFailed(f"{late.what}; PostgreSQL said: {self._last_words()}") from None

    def connect(self, database: str = "postgres", timeout: float = 10) -> AbstractContextManager[Connection]:
        """A connection of the superuser; each statement is a transaction of its own."""
        if self.frozen:
            raise PostgresFailed("PostgreSQL does not answer: it hangs")
        return self._sessions.open(database, timeout)

    def await_answer(self) -> None:
        """Wait until queries are answered, or it has ended: after the crash of one process PostgreSQL starts the others
        again, and its status file goes on to say "ready"."""
        try:
            wait_for(
                "an answer of PostgreSQL",
                lambda: not self.running or self._answers(),
                timeout=_START_TIMEOUT,
                interval=0.02,
                clock=self._clock,
            )
        except WaitTimeout as late:
            raise PostgresFailed(f"{late.what}; PostgreSQL said: {self._last_words()}") from None

    def _answers(self) -> bool:
        try:
            with self.connect(timeout=2):
                return True
        except PostgresFailed:
            return False

    def query(self, sql: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What the superuser gets for one statement."""
        with self.connect(database) as admin:
            answer = admin.execute(sql.encode(), values or None)
            return answer.fetchall() if answer.description else []

    # Copies and standbys

    def base_backup(self, target: Path) -> None:
        """A consistent copy of the data directory into ``target``, with the log it needs to be started."""
        login = ["-h", self.home, "-p", str(PORT), "-U", ADMIN, "-w"]
        options = ["-D", target, "-X", "stream", "-c", "fast", "--no-sync", "--no-manifest"]
        passwords = str(self.data / PASSWORD_FILE)
        command = [self._binaries["pg_basebackup"], *login, *options]
        self._account.run(command, under_way=self._copying, PGPASSFILE=passwords)
        # A copy of a standby is a database of its own until it is told to follow somebody.
        (target / "standby.signal").unlink(missing_ok=True)

    def adopt(self, data: Path) -> None:
        """Take a copy of a data directory (a template, a base backup) as this server's own."""
        copy_tree(data, self.data, self._account)
        (self.data / "standby.signal").unlink(missing_ok=True)

    def follow(self, socket: Path, name: str) -> None:
        """Be a standby of the server whose socket directory is ``socket`` (a server's home or a link) from the next
        start, or reload, on. ``name`` is how the primary sees it."""
        passwords = self.data / PASSWORD_FILE
        whom = f"host={socket} port={PORT} user={ADMIN} passfile={passwords} application_name={name}"
        self.settings["primary_conninfo"] = whom
        self._account.own(_touched(self.data / "standby.signal"))

    def promote(self) -> None:
        """Stop following and accept writes; on return it does.

        As ``pg_ctl promote`` does it: ``pg_promote()`` would look only every 100 ms whether it is done.
        """
        process = self._process
        if process is None:
            raise PostgresFailed("a server that does not run cannot be promoted")
        with self.connect() as admin:
            # Whole at once: any signal to the server in between would have it take the file away already.
            draft = self._account.own(_touched(self.data / "promote.draft"))
            draft.rename(self.data / "promote")
            process.send_signal(signal.SIGUSR1)
            self._await_sql(admin, "the promotion", "select not pg_is_in_recovery()")
        self.settings.pop("primary_conninfo", None)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _touched(path: Path) -> Path:
    path.touch(mode=0o600)
    return path
