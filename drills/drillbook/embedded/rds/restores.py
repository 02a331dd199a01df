"""New instances from what was kept of others: from a snapshot, or at a point in time.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.rds.exceptions import DBInstanceAlreadyExists, DBInstanceNotFoundError
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.rds import rules, security
from drillbook.embedded.rds.backups import AutomatedBackup
from drillbook.embedded.rds.database import Database
from drillbook.embedded.rds.errors import RdsError, bad_combination, bad_value, no_backup, snapshot_state
from drillbook.embedded.rds.happenings import tell
from drillbook.embedded.rds.instances import Instances
from drillbook.embedded.rds.names import Record
from drillbook.embedded.rds.passwords import master_password

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

ORIGIN = "drillbook_origin"
"""Among the settings of a new instance: what it is made from. AWS has no parameter of that name."""


@dataclass(frozen=True)
class Origin:
    """``fill`` makes an empty server the restored one, running; ``given`` is what the request asked for."""

    fill: Callable[[Server], None]
    given: Mapping[str, Any]


class Restores:
    """A restored instance has the source's users and passwords, and the data as of then."""

    def __init__(self, estate: Estate, instances: Instances) -> None:
        self._estate, self._instances = estate, instances

    def create(self, origin: Origin, record: Callable[[], DBInstance]) -> Record:
        """An instance whose data are the origin's."""
        instance = _as_asked(record(), origin.given)
        database = self._instances.adopt(instance)
        database.begin("creating", lambda: self._fill_work(database, origin))
        return instance

    def _fill_work(self, database: Database, origin: Origin) -> None:
        if database.door is None:
            self._fill(database, origin)
        database.open_work()

    def _fill(self, database: Database, origin: Origin) -> None:
        instance, server = database.instance, database.begin_anew()
        archive_command, server.settings["archive_command"] = server.settings["archive_command"], "true"
        origin.fill(server)
        server.reload(archive_command=archive_command)
        tell(instance, "RESTORED")
        if instance.manage_master_user_password:
            database.password_work(master_password(instance))

    # From a snapshot

    def from_snapshot(
        self, backend: RDSBackend, snapshot: DBSnapshot, given: dict[str, Any], record: Callable[[dict[str, Any]], Any]
    ) -> Record:
        """``record`` has moto make the record with these settings, through ``create``."""
        if snapshot.status != "available":
            raise snapshot_state(snapshot.db_snapshot_identifier, snapshot.status)
        if given["db_instance_identifier"] in backend.databases:
            raise DBInstanceAlreadyExists()
        self._check(backend, given)
        data = self._estate.backups.data(snapshot)

        def fill(server: Server) -> None:
            server.adopt(data)
            server.start()

        restored: DBInstance = record(self._settings(backend, given, fill, snapshot.database))
        return restored

    # To a point in time

    def to_time(self, backend: RDSBackend, source: AutomatedBackup, given: dict[str, Any]) -> Record:
        target = given.get("target_db_instance_identifier")
        if not target:
            raise bad_value("The parameter TargetDBInstanceIdentifier must be provided and must not be blank.")
        if target in backend.databases:
            raise DBInstanceAlreadyExists()
        self._check(backend, given)
        moment = _moment(source.archive, given)

        def fill(server: Server) -> None:
            source.archive.restore(server, moment)

        settings = self._settings(backend, given, fill, source.instance)
        whole = _settings_of(source.instance) | settings | {"db_instance_identifier": target}
        created: DBInstance = backend.create_db_instance(whole)
        return created

    def source(self, backend: RDSBackend, given: Mapping[str, Any]) -> AutomatedBackup | None:
        """The automated backup that is asked for; None if it is of an instance that is not ours.

        Raises DBInstanceNotFound, DBInstanceAutomatedBackupNotFound, PointInTimeRestoreNotEnabled or
        InvalidParameterCombination.
        """
        name = given.get("source_db_instance_identifier")
        number = given.get("source_dbi_resource_id")
        arn = given.get("source_db_instance_automated_backups_arn")
        if sum(map(bool, (name, number, arn))) != 1:
            raise bad_combination("Specify exactly one of the source's identifier, resource id and backups ARN.")
        if name:
            return self._of_instance(backend, name)
        for backup in self._estate.backups.everything(backend.region_name):
            if backup.dbi_resource_id == number or backup.db_instance_automated_backups_arn == arn:
                return backup
        raise no_backup(str(number or arn))

    def _of_instance(self, backend: RDSBackend, name: str) -> AutomatedBackup | None:
        instance = backend.databases.get(name)
        if instance is None:
            raise DBInstanceNotFoundError(name)
        database = self._estate.of(instance)
        if database is None:
            return None
        backup = self._estate.backups.of_instance(database)
        if backup is None:
            raise RdsError(
                "PointInTimeRestoreNotEnabled", f"Point in time restore is not enabled for this instance: {name}"
            )
        return backup

    # Both

    def _check(self, backend: RDSBackend, given: Mapping[str, Any]) -> None:
        rules.settings(given)
        rules.placement(given, backend.region_name)
        security.expect(backend.account_id, backend.region_name, given.get("vpc_security_group_ids"))
        if given.get("engine") not in (None, "postgres"):
            raise bad_combination(f"The engine {given['engine']} is not that of the backup.")

    def _settings(
        self, backend: RDSBackend, given: dict[str, Any], fill: Callable[[Server], None], source: Record
    ) -> dict[str, Any]:
        zone = given.get("availability_zone") or f"{backend.region_name}a"
        port = given.get("port") or getattr(source, "wished_port", source.port)
        return dict(given) | {ORIGIN: Origin(fill, dict(given)), "availability_zone": zone, "port": port}


def _moment(archive: Archive, given: Mapping[str, Any]) -> datetime:
    """The moment to restore to. Raises InvalidParameterCombination, or InvalidParameterValue outside the window."""
    asked, latest = given.get("restore_time"), bool(given.get("use_latest_restorable_time"))
    if (asked is not None) == latest:
        raise bad_combination("Specify either RestoreTime or UseLatestRestorableTime, and not both.")
    assert archive.earliest is not None
    assert archive.latest is not None
    if latest:
        return archive.latest
    moment = _utc(asked)
    if moment > archive.latest:
        raise bad_value(f"The specified instance cannot be restored to a time later than {archive.latest.isoformat()}")
    # SDKs may send whole seconds: the second of the first backup counts as restorable.
    if moment < archive.earliest.replace(microsecond=0):
        raise bad_value(
            f"The specified instance cannot be restored to a time earlier than {archive.earliest.isoformat()}"
        )
    return max(moment, archive.earliest)


def _utc(moment: Any) -> datetime:
    """Moto parses timestamps to naive UTC."""
    parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _settings_of(source: Record) -> dict[str, Any]:
    """What a restored instance has in common with its source, as parameters of a new one."""
    not_settings = ("backend", "max_allocated_storage", "vpc_security_group_ids", "db_parameter_group_name")
    named = {name.removeprefix("_"): value for name, value in vars(source).items()}
    settings = {name: copy.copy(value) for name, value in named.items() if name not in not_settings}
    if not source.option_group_supplied:
        settings.pop("option_group_name", None)
    return settings


def _as_asked(instance: Record, given: Mapping[str, Any]) -> Record:
    """One zone, no protection and no standby, unless they are asked for: they are not the source's."""
    instance.deletion_protection = bool(given.get("deletion_protection"))
    instance.multi_az = bool(given.get("multi_az"))
    instance.is_replica, instance.replicas = False, []
    instance.source_db_instance_identifier = None
    return instance
