"""The life of instances: create, modify, stop, start, reboot, delete.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.rds.exceptions import DBInstanceAlreadyExists, DBSnapshotAlreadyExistsError
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from drillbook.embedded.rds import multi_az, rules, security
from drillbook.embedded.rds.database import Database
from drillbook.embedded.rds.errors import bad_combination, instance_state
from drillbook.embedded.rds.happenings import tell
from drillbook.embedded.rds.names import Record, resource_id
from drillbook.embedded.rds.passwords import master_password
from drillbook.embedded.rds.replicas import Replicas

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

_AT_ONCE = ("backup_retention_period", "deletion_protection", "master_user_password", "copy_tags_to_snapshot")
"""Applied as soon as possible, whatever ApplyImmediately says (API_ModifyDBInstance)."""
_DEFERRED = ("multi_az", "db_instance_class", "engine_version", "allocated_storage")
_NEW_NAME = "new_db_instance_identifier"
_CHANGEABLE = ("available", "storage-full", "backing-up")


class Instances:
    def __init__(self, estate: Estate, replicas: Replicas) -> None:
        self._estate, self._replicas = estate, replicas

    # Create

    def create(self, backend: RDSBackend, given: dict[str, Any], record: Callable[[], DBInstance]) -> Record:
        """``record`` makes moto's record, and checks what moto checks."""
        rules.new_instance(given, backend.region_name)
        security.expect(backend.account_id, backend.region_name, given.get("vpc_security_group_ids"))
        database = self.adopt(record())
        database.begin("creating", lambda: database.create_work(master_password(database.instance)))
        return database.instance

    def adopt(self, instance: Record) -> Database:
        """A new record, behind which nothing runs yet."""
        instance.dbi_resource_id = resource_id()
        instance.engine_version = instance.requested_version or self._estate.engine.binaries.version
        instance.secondary_availability_zone = (
            multi_az.other_zone(instance.availability_zone) if instance.multi_az else None
        )
        instance.has_endpoint, instance.wished_port = False, instance.port
        instance.pending_modified_values, instance.status_infos = {}, []
        database = self._estate.databases[instance.dbi_resource_id] = Database(self._estate, instance)
        return database

    # Change

    def modify(self, database: Database, given: dict[str, Any], record: Callable[[dict[str, Any]], Any]) -> Record:
        """``record`` has moto note these changes."""
        instance = database.instance
        if instance.status not in _CHANGEABLE:
            raise instance_state(instance.db_instance_identifier, instance.status)
        self._check(instance, given)
        now = dict(given)
        if not given.get("apply_immediately"):
            later = {name: now.pop(name) for name in _DEFERRED if now.get(name) is not None}
            instance.pending_modified_values |= {
                name: it for name, it in later.items() if it != getattr(instance, name)
            }
            if name := now.pop(_NEW_NAME, None):
                instance.pending_modified_values |= {"db_instance_identifier": name}
        database.begin("modifying", self._change(database, now, record))
        return instance

    def _check(self, instance: Record, given: dict[str, Any]) -> None:
        rules.settings(given)
        security.expect(instance.account_id, instance.region, given.get("vpc_security_group_ids"))
        if given.get("backup_retention_period") == 0 and instance.replicas:
            raise bad_combination("A source of read replicas must have automated backups.")
        if (name := given.get(_NEW_NAME)) and name != instance.db_instance_identifier:
            instance.backend._validate_db_identifier(name)
            if name in instance.backend.databases:
                raise DBInstanceAlreadyExists()
        size, has = given.get("allocated_storage"), int(instance.allocated_storage or 0)
        if size is not None and int(size) < has:
            raise bad_combination(f"Requested storage ({size} GiB) is less than the current one ({has} GiB).")

    def _change(
        self, database: Database, now: dict[str, Any], record: Callable[[dict[str, Any]], Any]
    ) -> Callable[[], None]:
        """Moto notes it now; the returned work makes it true."""
        instance = database.instance
        had_standby, had_backups = instance.multi_az, bool(instance.backup_retention_period)
        port, name = now.pop("db_port_number", None), now.pop(_NEW_NAME, None)
        record(now)
        if name:
            self._replicas.rename(database, name)
        if port is not None:
            instance.wished_port = instance.port = port

        def work() -> None:
            if (word := now.get("master_user_password")) or now.get("manage_master_user_password"):
                database.password_work(word or master_password(instance))
            elif now.get("rotate_master_user_password"):
                database.password_work(master_password(instance))
            self._change_standby(database, had_standby)
            self._change_backups(database, had_backups)
            if port is not None and database.door is not None:
                database.door.close()
                database.door = None
                database.open_door()
            if now.get("allocated_storage") and database.fault == "disk-full":
                database.fault = "none"
                database.mend_work()
            database.refresh_door()

        return work

    def _change_standby(self, database: Database, had: bool) -> None:
        if database.instance.multi_az and not had:
            multi_az.add_standby(database)
            tell(database.instance, "MULTI_AZ_ON")
        elif had and not database.instance.multi_az:
            multi_az.drop_standby(database)
            database.instance.secondary_availability_zone = None
            tell(database.instance, "MULTI_AZ_OFF")

    def _change_backups(self, database: Database, had: bool) -> None:
        """Switching them on takes a backup at once; switching them off deletes them at once.

        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.Enabling.html
        """
        instance = database.instance
        if instance.is_replica or had == bool(instance.backup_retention_period) or database.primary is None:
            return
        if had:
            database.primary.reload(archive_command="true")
            self._estate.backups.drop(instance, database.archive)
        else:
            database.primary.reload(archive_command=database.archive.command)
            database.back_up_work()

    def reboot(self, database: Database, failover: bool, record: Callable[[dict[str, Any]], Any]) -> Record:
        instance = database.instance
        if instance.status not in _CHANGEABLE:
            raise instance_state(instance.db_instance_identifier, instance.status)
        if failover and not instance.multi_az:
            raise bad_combination("You can't specify failover because the instance is not configured for Multi-AZ.")
        pending, instance.pending_modified_values = instance.pending_modified_values, {}
        if name := pending.pop("db_instance_identifier", None):
            pending[_NEW_NAME] = name
        change = self._change(database, pending, record) if pending else None

        def work() -> None:
            multi_az.fail_over(database) if failover else database.reboot_work()
            if change is not None:
                change()

        database.begin("rebooting", work)
        return instance

    # Stop and start

    def stop(self, database: Database, snapshot: DBSnapshot | None) -> Record:
        """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html"""
        instance = database.instance

        def work() -> None:
            if snapshot is not None:
                self._estate.backups.snapshot_work(database, snapshot)
            database.stop_work()

        database.begin("stopping", work, then="stopped")
        return instance

    def may_stop(self, database: Database) -> None:
        """Raises InvalidDBInstanceState."""
        instance = database.instance
        if instance.status != "available":
            raise instance_state(instance.db_instance_identifier, instance.status)
        if instance.is_replica or instance.replicas:
            raise instance_state(instance.db_instance_identifier, "part of a replication")

    def start(self, database: Database) -> Record:
        instance = database.instance
        if instance.status != "stopped":
            raise instance_state(instance.db_instance_identifier, instance.status)

        def work() -> None:
            database.start_work()
            tell(instance, "STARTED")

        database.begin("starting", work)
        return instance

    # Delete

    def may_delete(self, database: Database, final: str | None, skip: bool) -> None:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html"""
        instance = database.instance
        if instance.status == "deleting":
            raise instance_state(instance.db_instance_identifier, instance.status)
        if instance.deletion_protection:
            raise bad_combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again."
            )
        rules.deletion(final, skip, instance.is_replica)
        if final and final in instance.backend.database_snapshots:
            raise DBSnapshotAlreadyExistsError(final)

    def delete(self, database: Database, final: DBSnapshot | None, drop_backups: bool) -> Record:
        instance, estate = database.instance, self._estate

        def work() -> None:
            if final is not None:
                estate.backups.snapshot_work(database, final)
            if database.source is not None:
                self._replicas.detach(database)
            self._replicas.source_ends(database)
            database.end_work()
            if drop_backups or not database.archive.bases:
                estate.backups.drop(instance, database.archive)
            else:
                estate.backups.retain(database)
            instance.backend.databases.pop(instance.db_instance_identifier, None)
            tell(instance, "DELETED")
            estate.databases.pop(database.key, None)
            database.finish()

        database.begin("deleting", work, then="deleted")
        return instance
