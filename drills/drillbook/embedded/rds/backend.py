"""Moto's methods on instances and their snapshots, which lead to ours where the engine is PostgreSQL and stay moto's
elsewhere. Other planes (AWS Backup, CloudFormation) call them, too: with moto's signatures they get the true behaviour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto.rds.exceptions import DBInstanceNotFoundError, DBSnapshotNotFoundFault
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from drillbook.embedded.addresses import REGIONS
from drillbook.embedded.rds.database import Database
from drillbook.embedded.rds.errors import RdsError, bad_value, instance_state, no_backup, snapshot_state
from drillbook.embedded.rds.estate import ENGINE, Estate
from drillbook.embedded.rds.instances import Instances
from drillbook.embedded.rds.names import Record
from drillbook.embedded.rds.replicas import Replicas
from drillbook.embedded.rds.restores import ORIGIN, Restores

Given = dict[str, Any]
_SNAPSHOT = re.compile(rf"arn:aws[a-z-]*:rds:({'|'.join(REGIONS)}):\d{{12}}:snapshot:.+")
_SNAPSHOT_ABLE = ("available", "stopped", "backing-up", "storage-full", "modifying", "deleting", "stopping")


def patches(estate: Estate) -> Iterator[Any]:
    """One for each method of ``Backend`` that has the name of a method of moto's."""
    ours = Backend(estate)
    for name in (name for name in vars(Backend) if not name.startswith("_")):
        yield mock.patch.object(RDSBackend, name, _method(getattr(ours, name), getattr(RDSBackend, name)))


def _method(ours: Callable[..., Any], moto: Callable[..., Any]) -> Callable[..., Any]:
    """A method of moto's class: ours, which is given moto's own and the backend."""

    def method(backend: RDSBackend, *args: Any, **kwargs: Any) -> Any:
        return ours(moto, backend, *args, **kwargs)

    return method


class Backend:
    """``moto`` is what moto does, for instances that are not ours."""

    def __init__(self, estate: Estate) -> None:
        self._estate, self._backups = estate, estate.backups
        self._replicas = Replicas(estate)
        self._instances = Instances(estate, self._replicas)
        self._restores = Restores(estate, self._instances)

    # Instances

    def create_db_instance(self, moto: Callable[..., DBInstance], backend: RDSBackend, db_kwargs: Given) -> Record:
        given = dict(db_kwargs)
        origin = given.pop(ORIGIN, None)
        if given.get("engine") != ENGINE or given.get("db_cluster_identifier"):
            return moto(backend, db_kwargs)

        def record() -> Record:
            version = given.get("engine_version")
            instance: Record = moto(
                backend, given | {"engine_version": version or self._estate.engine.binaries.version}
            )
            instance.requested_version = version
            return instance

        if origin is not None:
            return self._restores.create(origin, record)
        return self._instances.create(backend, given, record)

    def modify_db_instance(
        self, moto: Callable[..., DBInstance], backend: RDSBackend, db_instance_identifier: str, db_kwargs: Given
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        if database is None:
            return moto(backend, db_instance_identifier, db_kwargs)
        return self._instances.modify(
            database, dict(db_kwargs), lambda now: moto(backend, database.instance.db_instance_identifier, now)
        )

    def reboot_db_instance(
        self,
        moto: Callable[..., DBInstance],
        backend: RDSBackend,
        db_instance_identifier: str,
        force_failover: bool = False,
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        if database is None:
            return moto(backend, db_instance_identifier)
        instance = database.instance
        return self._instances.reboot(database, force_failover, lambda pending: instance.update(**pending))

    def stop_db_instance(
        self,
        moto: Callable[..., DBInstance],
        backend: RDSBackend,
        db_instance_identifier: str,
        db_snapshot_identifier: str | None = None,
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        if database is None:
            return moto(backend, db_instance_identifier, db_snapshot_identifier)
        self._instances.may_stop(database)
        snapshot = self._new_snapshot(backend, database, db_snapshot_identifier)
        return self._instances.stop(database, snapshot)

    def start_db_instance(
        self, moto: Callable[..., DBInstance], backend: RDSBackend, db_instance_identifier: str
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        return moto(backend, db_instance_identifier) if database is None else self._instances.start(database)

    def delete_db_instance(
        self,
        moto: Callable[..., DBInstance],
        backend: RDSBackend,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        if database is None:
            return moto(
                backend,
                db_instance_identifier,
                final_db_snapshot_identifier,
                skip_final_snapshot,
                delete_automated_backups,
            )
        self._instances.may_delete(database, final_db_snapshot_identifier, bool(skip_final_snapshot))
        final = self._new_snapshot(backend, database, final_db_snapshot_identifier)
        return self._instances.delete(database, final, delete_automated_backups is not False)

    # Replicas

    def create_db_instance_read_replica(
        self, moto: Callable[..., DBInstance], backend: RDSBackend, db_kwargs: Given
    ) -> Record:
        source = self._estate.named(backend, db_kwargs.get("source_db_instance_identifier") or "")
        return moto(backend, db_kwargs) if source is None else self._replicas.create(backend, source, dict(db_kwargs))

    def promote_read_replica(self, moto: Callable[..., DBInstance], backend: RDSBackend, db_kwargs: Given) -> Record:
        replica = self._ours(backend, db_kwargs["db_instance_identifier"])
        return moto(backend, db_kwargs) if replica is None else self._replicas.promote(replica, dict(db_kwargs))

    # Snapshots

    def create_db_snapshot(
        self,
        moto: Callable[..., DBSnapshot],
        backend: RDSBackend,
        db_instance_identifier: str,
        db_snapshot_identifier: str,
        *args: Any,
        **kwargs: Any,
    ) -> Record:
        database = self._ours(backend, db_instance_identifier)
        snapshot = moto(backend, db_instance_identifier, db_snapshot_identifier, *args, **kwargs)
        if database is None:
            return snapshot
        status = database.instance.status
        if status not in _SNAPSHOT_ABLE:
            backend.database_snapshots.pop(db_snapshot_identifier, None)
            raise instance_state(db_instance_identifier, status)
        self._backups.adopt(snapshot)
        if status in ("deleting", "stopping"):
            return snapshot
        database.begin("backing-up", lambda: self._backups.snapshot_work(database, snapshot), then=_afterwards(status))
        return snapshot

    def copy_db_snapshot(
        self,
        moto: Callable[..., DBSnapshot],
        backend: RDSBackend,
        source_db_snapshot_identifier: str,
        target_db_snapshot_identifier: str,
        **given: Any,
    ) -> Record:
        if source_db_snapshot_identifier.startswith("arn:") and not _SNAPSHOT.fullmatch(source_db_snapshot_identifier):
            raise bad_value(f"Invalid ARN of a DB snapshot: {source_db_snapshot_identifier}")
        source = backend.get_db_snapshot(source_db_snapshot_identifier)
        if self._backups.owns(source) and source.status != "available":
            raise snapshot_state(source_db_snapshot_identifier, source.status)
        target: Record = moto(backend, source_db_snapshot_identifier, target_db_snapshot_identifier, **given)
        if self._backups.owns(source):
            target.source_db_snapshot_identifier = source.db_snapshot_arn
            target.source_region = source.region if source.region != target.region else None
            self._backups.adopt(target)
            self._backups.begin_copy(source, target)
        return target

    def delete_db_snapshot(
        self, moto: Callable[..., DBSnapshot], backend: RDSBackend, db_snapshot_identifier: str
    ) -> Record:
        snapshot = backend.database_snapshots.get(db_snapshot_identifier)
        if snapshot is not None and self._backups.owns(snapshot):
            if snapshot.snapshot_type == "automated":
                raise RdsError("InvalidDBSnapshotState", "Automated snapshots cannot be deleted.")
            if snapshot.status == "creating":
                raise snapshot_state(db_snapshot_identifier, snapshot.status)
            self._backups.delete_data(snapshot)
        return moto(backend, db_snapshot_identifier)

    # Restores

    def restore_db_instance_from_db_snapshot(
        self, moto: Callable[..., DBInstance], backend: RDSBackend, from_snapshot_id: str, overrides: Given
    ) -> Record:
        name = from_snapshot_id.rpartition(":snapshot:")[2] if from_snapshot_id.startswith("arn:") else from_snapshot_id
        snapshot = backend.database_snapshots.get(name)
        if snapshot is None:
            raise DBSnapshotNotFoundFault(from_snapshot_id)
        if not self._backups.owns(snapshot):
            return moto(backend, from_snapshot_id, overrides)
        return self._restores.from_snapshot(
            backend, snapshot, dict(overrides), lambda settings: moto(backend, name, settings)
        )

    def restore_db_instance_to_point_in_time(
        self,
        moto: Callable[..., DBInstance],
        backend: RDSBackend,
        source_db_identifier: str,
        target_db_identifier: str,
        overrides: Given,
    ) -> Record:
        source = self._restores.source(backend, overrides)
        if source is None:
            return moto(backend, source_db_identifier, target_db_identifier, overrides)
        return self._restores.to_time(backend, source, dict(overrides))

    def describe_db_instance_automated_backups(
        self,
        _moto: Callable[..., list[Any]],
        backend: RDSBackend,
        db_instance_identifier: str | None = None,
        dbi_resource_id: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        **_: Any,
    ) -> list[Any]:
        found = [
            backup
            for backup in self._backups.everything(backend.region_name)
            if db_instance_identifier in (None, backup.db_instance_identifier)
            and dbi_resource_id in (None, backup.dbi_resource_id)
            and db_instance_automated_backups_arn in (None, backup.db_instance_automated_backups_arn)
        ]
        if not found and (dbi_resource_id or db_instance_automated_backups_arn):
            raise no_backup(str(dbi_resource_id or db_instance_automated_backups_arn))
        return found

    # Both

    def _ours(self, backend: RDSBackend, name: str) -> Database | None:
        """None for the instances of others. Raises DBInstanceNotFound."""
        instance = backend.databases.get(name)
        if instance is None:
            raise DBInstanceNotFoundError(name)
        return self._estate.of(instance)

    def _new_snapshot(self, backend: RDSBackend, database: Database, name: str | None) -> DBSnapshot | None:
        """A record that the work which is about to begin will fill."""
        if not name:
            return None
        status, database.instance.status = database.instance.status, "deleting"
        try:
            made: DBSnapshot = backend.create_db_snapshot(database.instance.db_instance_identifier, name)
            return made
        finally:
            database.instance.status = status


def _afterwards(status: str) -> str:
    return status if status in ("stopped", "storage-full") else "available"
