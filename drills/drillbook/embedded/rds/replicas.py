"""Read replicas: standbys that follow their source over a link, until they are promoted."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.rds.exceptions import DBInstanceAlreadyExists, DBInstanceNotFoundError
from moto.rds.models import RDSBackend

from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.rds import rules, security
from drillbook.embedded.rds.database import Database
from drillbook.embedded.rds.errors import RdsError, instance_state
from drillbook.embedded.rds.happenings import tell
from drillbook.embedded.rds.names import Record, resource_id
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

_END, _HAS = "select pg_current_wal_flush_lsn()", "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
_CATCH_UP = 60.0
_SOURCE = 20.0


class Replicas:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html"""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def create(self, backend: RDSBackend, source: Database, given: dict[str, Any]) -> Record:
        name = given["db_instance_identifier"]
        backend._validate_db_identifier(name)
        if name in backend.databases:
            raise DBInstanceAlreadyExists()
        rules.settings(given)
        rules.placement(given, backend.region_name)
        security.expect(backend.account_id, backend.region_name, given.get("vpc_security_group_ids"))
        if source.instance.status not in ("available", "backing-up", "modifying"):
            raise instance_state(source.instance.db_instance_identifier, source.instance.status)
        if not source.instance.backup_retention_period:
            raise RdsError(
                "InvalidDBInstanceState",
                "Automated backups are not enabled for this database instance. To enable automated backups, "
                "use ModifyDBInstance to set the backup retention period to a non-zero value.",
            )
        instance = self._record(backend, source.instance, given)
        backend.databases[name] = instance
        source.instance.replicas.append(_seen_from(source.instance, instance))
        replica = self._estate.databases[instance.dbi_resource_id] = Database(self._estate, instance)
        replica.source = source
        instance.add_event("DB_INSTANCE_CREATE")
        replica.begin("creating", lambda: self._create_work(replica, source))
        return instance

    def promote(self, replica: Database, given: dict[str, Any]) -> Record:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html

        The replica keeps what it has received; what its source acknowledged since is not in it.
        """
        instance = replica.instance
        if not instance.is_replica:
            raise RdsError(
                "InvalidDBInstanceState", f"DB Instance {instance.db_instance_identifier} is not a read replica."
            )
        if instance.status != "available":
            raise instance_state(instance.db_instance_identifier, instance.status)
        rules.settings(given)
        days = given.get("backup_retention_period")
        instance.backup_retention_period = 1 if days is None else days
        if window := given.get("preferred_backup_window"):
            instance.preferred_backup_window = window
        replica.begin("modifying", lambda: self.promote_work(replica))
        return instance

    def promote_work(self, replica: Database) -> None:
        server = replica.primary
        if server is None or not server.running:
            raise PostgresFailed("a replica that does not run cannot be promoted")
        self.detach(replica)
        server.promote()
        server.reload(archive_command=replica.archive.command)
        tell(replica.instance, "PROMOTED")
        replica.back_up_work()

    def detach(self, replica: Database) -> None:
        """It has no source any more, and its source does not know it."""
        if replica.link is not None:
            replica.link.cut()
            replica.link.close()
        source, replica.source, replica.link = replica.source, None, None
        instance = replica.instance
        if source is not None:
            seen = _seen_from(source.instance, instance)
            source.instance.replicas = [one for one in source.instance.replicas if one != seen]
        instance.is_replica, instance.source_db_instance_identifier = False, None
        instance.status_infos = []

    def rename(self, database: Database, name: str) -> None:
        """What it replicates from and to knows it by its new name."""
        instance, source = database.instance, database.source
        seen = _seen_from(source.instance, instance) if source is not None else None
        known = instance.backend.databases
        del known[instance.db_instance_identifier]
        instance.db_instance_identifier, known[name] = name, instance
        if source is not None:
            names = (_seen_from(source.instance, instance) if one == seen else one for one in source.instance.replicas)
            source.instance.replicas = list(names)
        for replica in self._estate.replicas_of(database):
            replica.instance.source_db_instance_identifier = _seen_from(replica.instance, instance)

    def source_ends(self, source: Database) -> None:
        """Replicas in its region become standalone; for those in other regions replication has ended.

        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html
        """
        for replica in self._estate.replicas_of(source):
            if replica.instance.status == "deleting":
                continue
            if replica.region == source.region:
                replica.begin("modifying", lambda one=replica: self.promote_work(one))  # type: ignore[misc]
            else:
                self._terminate(replica)

    def _terminate(self, replica: Database) -> None:
        if replica.link is not None:
            replica.link.close()
        replica.source = replica.link = None
        replica.instance.status_infos = [{"StatusType": "read replication", "Normal": False, "Status": "terminated"}]
        tell(replica.instance, "REPLICA_STOPPED")

    def _record(self, backend: RDSBackend, source: Record, given: dict[str, Any]) -> Record:
        """Most settings are the source's; backups, protection and a standby are not."""
        replica: Record = copy.copy(source)
        replica.backend, replica.created = backend, utcnow()
        replica.instance_create_time = replica.created
        replica.db_instance_identifier = given["db_instance_identifier"]
        replica.dbi_resource_id = resource_id()
        replica.is_replica, replica.replicas = True, []
        replica.source_db_instance_identifier = _seen_from(replica, source)
        replica.tags = given.get("tags") or []
        replica.multi_az = bool(given.get("multi_az"))
        replica.secondary_availability_zone = None
        replica.availability_zone = given.get("availability_zone") or f"{backend.region_name}a"
        replica.backup_retention_period = given.get("backup_retention_period") or 0
        replica.deletion_protection = bool(given.get("deletion_protection"))
        replica.vpc_security_group_ids = given.get("vpc_security_group_ids") or _default_groups(backend, source)
        replica.db_instance_class = given.get("db_instance_class") or source.db_instance_class
        replica.port = given.get("port") or source.wished_port
        replica.has_endpoint, replica.pending_modified_values = False, {}
        replica.status_infos = [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
        return replica

    def _create_work(self, replica: Database, source: Database) -> None:
        if replica.door is None:
            self._copy(replica, source)
        self._catch_up(replica, source)
        replica.open_door()
        tell(replica.instance, "REPLICA_STARTED")

    def _copy(self, replica: Database, source: Database) -> None:
        source.hold_all(_SOURCE)
        if source.primary is None:
            raise DBInstanceNotFoundError(source.instance.db_instance_identifier)
        if replica.link is not None:
            replica.link.close()
        link = replica.link = self._link(replica, source)
        server = replica.begin_anew()
        source.copy_to(server.data)
        server.follow(link.folder, replica.instance.db_instance_identifier)
        server.start()

    def _link(self, replica: Database, source: Database) -> Link:
        """Without delay, which would make the creation last, until the replica has caught up."""
        estate = self._estate
        folder = estate.engine.folder("links", replica.key[3:15].lower())
        link = Link(estate.engine.network, folder, estate.engine.account, delay=0.0)
        link.lead_to(source.home)
        replica.link = link
        estate.check_link(replica)
        return link

    def _catch_up(self, replica: Database, source: Database) -> None:
        """A replica is available when it has what its source had; or else when it is cut off from it."""
        server, link = replica.running_primary(), replica.link
        end = source.primary.query(_END)[0][0] if source.home and source.primary and not source.primary.frozen else None
        wait_for(
            "replication",
            lambda: end is None or link is None or link.is_cut or server.query(_HAS, end)[0][0],
            timeout=_CATCH_UP,
            interval=0.02,
            clock=self._estate.cloud.clock,
        )
        if link is not None:
            link.delay = self._estate.cloud.links.delay("rds", source.region, replica.region)


def _seen_from(one: Record, other: Record) -> str:
    """What ``one`` calls ``other``: by its ARN if that is in another region."""
    return str(other.db_instance_identifier if one.region == other.region else other.db_instance_arn)


def _default_groups(backend: RDSBackend, source: Record) -> list[str]:
    if source.region == backend.region_name:
        return list(source.vpc_security_group_ids)
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    group = ec2.get_default_security_group(ec2.default_vpc.id)
    return [group.id] if group is not None else []
