"""The automated backups of one database: base backups, and the log since the first of them.

A moment is restorable when a later commit is in the archive: recovery stops *before* the first commit after the
target, so it must see one. ``heartbeat`` makes such a commit and archives it, as RDS's own heartbeat does; the latest
restorable time is that of the last archived heartbeat, and therefore as true as the archive is. All moments are
PostgreSQL's commit timestamps, which are this machine's UTC.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from drillbook.embedded.postgres.copies import remove, text_in
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.postgres.server import READY, Server

_TICK = timedelta(milliseconds=1)
_SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
_COPY = "cp --sparse=always" if sys.platform.startswith("linux") else "cp"
_HEARTBEAT = "select pg_current_xact_id(), clock_timestamp()"


@dataclass(frozen=True)
class Base:
    """One base backup. ``at``: from when on it can be restored to; ``data`` is a copy of the data directory."""

    at: datetime
    data: Path


@dataclass
class Archive:
    """Kept in ``folder``, which outlives the server; several servers that succeed one another may share it."""

    engine: Engine
    folder: Path
    bases: list[Base] = field(default_factory=list)
    latest: datetime | None = None
    """The latest restorable time; None before the first backup."""

    @property
    def earliest(self) -> datetime | None:
        """The earliest restorable time; None before the first backup."""
        return self.bases[0].at if self.bases else None

    @property
    def command(self) -> str:
        """For ``archive_command``: a segment is there whole or not at all, also when two servers archive the same."""
        place = f"{self._log}/%f"
        return f'test -f "{place}" || {{ {_COPY} "%p" "{place}.$$" && mv "{place}.$$" "{place}"; }}'

    def back_up(self, server: Server) -> Base:
        """Take a base backup of a running server that archives with ``command``."""
        data = self.folder / f"base-{uuid4().hex}"
        server.base_backup(data)
        at = self.heartbeat(server)
        base = Base(at, data)
        self.bases.append(base)
        return base

    def begin(self, server: Server) -> None:
        """Take the template that a new database was made of as its first backup: there is nothing to copy."""
        self.bases = [Base(self.heartbeat(server), self.engine.template)]

    def heartbeat(self, server: Server) -> datetime:
        """Commit, archive up to and including that commit, and return the moment that is restorable since."""
        with server.connect() as primary:
            row = primary.execute(_HEARTBEAT).fetchone()
            assert row is not None
            after = primary.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
            assert after is not None
        self.engine.await_file(self._log / after[0], server)
        moment: datetime = row[1] - _TICK
        self.latest = max(moment, self.latest or moment)
        return moment

    def forget_before(self, moment: datetime) -> None:
        """Drop the base backups that no moment since ``moment`` needs, and the log before the first one kept."""
        while len(self.bases) > 1 and self.bases[1].at <= moment:
            data = self.bases.pop(0).data
            if data.parent == self.folder:
                remove(data)
        first = _first_segment(self.bases[0].data) if self.bases else ""
        for segment in self._log.iterdir():
            # The first 8 digits are the timeline; all timelines share the numbering of the log.
            if _SEGMENT_NAME.match(segment.name) and segment.name[8:24] < first[8:24]:
                segment.unlink(missing_ok=True)

    def restore(self, server: Server, at: datetime) -> None:
        """Make ``server``, which has no data yet, what the database was at ``at``; it runs on return.

        ``at`` must not be before ``earliest`` nor after ``latest``.
        """
        base = next(base for base in reversed(self.bases) if base.at <= at)
        server.adopt(base.data)
        recovery = {
            "restore_command": f'cp "{self._log}/%f" "%p"',
            "recovery_target_time": at.isoformat(),
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
        (server.data / "recovery.signal").touch(mode=0o600)
        self.engine.account.own(server.data / "recovery.signal")
        server.settings |= recovery
        server.start(until=(READY,))
        server.settings = {name: value for name, value in server.settings.items() if name not in recovery}
        server.write_settings()

    def delete(self) -> None:
        """Drop all of it."""
        self.bases.clear()
        self.latest = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.engine.account.folder(self.folder / "log")


@lru_cache(maxsize=256)  # asked with every heartbeat, and no base backup changes
def _first_segment(base: Path) -> str:
    """The segment from which a base backup needs the log; a template needs all of it."""
    found = re.search(r"\(file ([0-9A-F]{24})\)", text_in(base, "backup_label"))
    return found.group(1) if found else ""
