"""Snapshots and automated backups: moto's records, and the copies of data directories that belong to them."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.rds.models import DBSnapshot, RDSBackend, rds_backends

from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.copies import copy_tree, is_there, remove
from drillbook.embedded.rds.names import Record

if TYPE_CHECKING:
    from drillbook.embedded.rds.database import Database
    from drillbook.embedded.rds.estate import Estate

_STAMP = "%Y-%m-%d-%H-%M"


@dataclass
class AutomatedBackup:
    """As DescribeDBInstanceAutomatedBackups shows it.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstanceAutomatedBackup.html
    """

    instance: Record
    archive: Archive
    status: str
    """``active``, or ``retained`` if the instance is deleted."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "instance":
            raise AttributeError(name)
        return getattr(self.instance, name)

    @property
    def db_instance_automated_backups_arn(self) -> str:
        return f"arn:aws:rds:{self.region}:{self.instance.account_id}:auto-backup:ab-{self.dbi_resource_id[3:].lower()}"

    @property
    def db_instance_arn(self) -> str:
        return str(self.instance.db_instance_arn)

    @property
    def region(self) -> str:
        return str(self.instance.region)

    @property
    def restore_window(self) -> dict[str, datetime | None]:
        return {"EarliestTime": self.archive.earliest, "LatestTime": self.archive.latest}


class Backups:
    """Of all instances, also of deleted ones."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self.retained: dict[str, AutomatedBackup] = {}
        """Those of deleted instances, by resource id."""

    @property
    def in_use(self) -> bool:
        """Is there a backup, be its instance deleted or not?"""
        place = self._estate.engine.root / "snapshots"
        return bool(self.retained) or (place.is_dir() and any(place.iterdir()))

    # Snapshots

    def owns(self, snapshot: Record) -> bool:
        """Is there data behind this record?"""
        return hasattr(snapshot, "drillbook_data")

    def data(self, snapshot: Record) -> Path:
        return self._estate.engine.place / str(snapshot.drillbook_data)

    def adopt(self, snapshot: Record) -> Record:
        """A record whose data is still to come."""
        snapshot.drillbook_data = f"snapshots/{uuid4().hex}"
        snapshot.status, snapshot.percent_progress = "creating", 0
        return snapshot

    def snapshot_work(self, database: Database, snapshot: Record) -> None:
        try:
            database.copy_to(self._place(snapshot))
        except Exception:
            snapshot.status = "failed"
            raise
        self._done(snapshot)

    def begin_copy(self, source: Record, target: Record) -> None:
        """Copy the data in the background; ``target`` is available afterwards."""

        def copy_it() -> None:
            try:
                self.copy_work(source, target)
            except Exception as error:  # noqa: BLE001 - a thread's last frame: told by the record and the plane's status
                target.status = "failed"
                self._estate.note(f"the copy {target.db_snapshot_identifier}", error)

        threading.Thread(target=copy_it, name="rds-copy", daemon=True).start()

    def copy_work(self, source: Record, target: Record) -> None:
        if not self._estate.cloud.domains.now.linked(source.region, target.region):
            raise PostgresFailed(f"{target.region} does not reach {source.region}")
        copy_tree(self.data(source), self._place(target), self._estate.engine.account)
        self._done(target)

    def delete_data(self, snapshot: Record) -> None:
        if snapshot.snapshot_type != "automated":
            remove(self.data(snapshot))

    def _place(self, snapshot: Record) -> Path:
        self._estate.engine.folder("snapshots")
        return self.data(snapshot)

    def _done(self, snapshot: Record) -> None:
        snapshot.status, snapshot.percent_progress = "available", 100

    # Automated backups

    def automatic_work(self, database: Database) -> None:
        """The daily one: a base backup, which is also an automated snapshot."""
        if database.primary is None:
            raise PostgresFailed("there is nothing to back up")
        instance, backend = database.instance, database.instance.backend
        instance.add_event("DB_INSTANCE_BACKUP_START")
        base = database.archive.back_up(database.primary)
        name = f"rds:{instance.db_instance_identifier}-{base.at:{_STAMP}}"
        if name in backend.database_snapshots:
            name += f"-{len(backend.database_snapshots)}"
        snapshot: Record = DBSnapshot(backend, instance, name, "automated")
        snapshot.drillbook_data = str(base.data.relative_to(self._estate.engine.place))
        self._done(snapshot)
        backend.database_snapshots[name] = snapshot
        instance.add_event("DB_INSTANCE_BACKUP_FINISH")

    def of_instance(self, database: Database) -> AutomatedBackup | None:
        """None if it has none (yet)."""
        if not database.archive.bases or not database.instance.backup_retention_period:
            return None
        return AutomatedBackup(database.instance, database.archive, "active")

    def everything(self, region: str) -> list[AutomatedBackup]:
        """All of a region, of instances that live and of deleted ones."""
        active = [found for one in self._estate.everything() if (found := self.of_instance(one)) is not None]
        return [backup for backup in (*active, *self.retained.values()) if backup.region == region]

    def retain(self, database: Database) -> None:
        """The instance is being deleted, its backups are not."""
        record = copy.copy(database.instance)
        self.retained[database.key] = AutomatedBackup(record, database.archive, "retained")

    def drop(self, instance: Record, archive: Archive) -> None:
        """Delete the automated backups and automated snapshots of an instance, for good."""
        self.retained.pop(instance.dbi_resource_id, None)
        backend: RDSBackend = rds_backends[instance.account_id][instance.region]
        for name, snapshot in list(backend.database_snapshots.items()):
            if snapshot.snapshot_type == "automated" and snapshot.dbi_resource_id == instance.dbi_resource_id:
                del backend.database_snapshots[name]
        archive.delete()

    def prune(self, database: Database) -> None:
        """Automated snapshots end with their base backups."""
        snapshots = database.instance.backend.database_snapshots
        for name, snapshot in list(snapshots.items()):
            ours = snapshot.snapshot_type == "automated" and snapshot.dbi_resource_id == database.key
            if ours and not is_there(self.data(snapshot)):
                del snapshots[name]
