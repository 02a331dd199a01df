"""The API's operations on clusters: create, change, stop, start, restart, fail over, delete."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.rds.exceptions import (
    DBClusterParameterGroupNotFoundError,
    DBClusterToBeDeletedHasActiveMembers,
    DBSubnetGroupNotFoundError,
    RDSClientError,
)
from moto.rds.models import DBCluster, DBInstanceClustered, MasterUserSecret, RDSBackend

from drillbook.embedded.aurora.errors import (
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    cluster_exists,
    instance_state,
)
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.snapshots import Snapshots
from drillbook.embedded.postgres.roles import create_master, set_password
from drillbook.embedded.rds import rules, security

_IDENTIFIER = re.compile(r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,62}(?<!-)")
_RETENTION = range(1, 36)


class Clusters:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Operations.html, those on DB clusters."""

    def __init__(self, estate: Estate, snapshots: Snapshots) -> None:
        self._estate, self._snapshots = estate, snapshots

    def create(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        """A cluster that stands alone: an empty database, and no instances."""
        cluster = self.record(backend, given)
        server = self._estate.engine.empty(cluster.db_cluster_identifier)
        fleet = self._estate.adopt(cluster, server)
        password = password_of(cluster)

        def work() -> None:
            with fleet.lock:
                fleet.begin_anew()
                self._estate.engine.fill(server)
                server.start()
                create_master(server, str(cluster.master_username), password, cluster.database_name)
                self._estate.begin_backups(fleet, since=self._estate.engine.template)
                fleet.settle()
            self._estate.engine.spare.provide()

        return self._estate.begin(fleet, "creating", work)

    def record(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        """Moto's record of a new cluster. Raises what AWS raises for bad parameters."""
        name = given["db_cluster_identifier"]
        if not _IDENTIFIER.fullmatch(name):
            raise InvalidParameterValue(
                "The parameter DBClusterIdentifier is not a valid identifier. Identifiers must begin with a letter; "
                "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
                "consecutive hyphens."
            )
        if name in backend.clusters:
            raise cluster_exists(name)
        self._check(backend, given)
        cluster = DBCluster(backend, **given)
        backend.clusters[name] = cluster
        return cluster

    def _check(self, backend: RDSBackend, given: dict[str, Any]) -> None:
        check_settings(backend, given)
        if user := given.get("master_username"):
            rules.master_user(user)
        rules.first_database("DatabaseName", given.get("database_name"))
        if (group := given.get("db_subnet_group_name")) and group not in backend.subnet_groups:
            raise DBSubnetGroupNotFoundError(group)

    def modify(self, backend: RDSBackend, given: dict[str, Any], record: Callable[[], DBCluster]) -> DBCluster:
        """A new password is in effect when the cluster is available again. ``record`` is what moto does."""
        cluster = self._estate.available(backend, given["db_cluster_identifier"])
        fleet = self._estate.fleet(cluster)
        check_settings(backend, given)
        if (new := given.get("new_db_cluster_identifier")) and new in backend.clusters:
            raise cluster_exists(new)
        given.pop("port", None)
        rotated = given.get("rotate_master_user_password") or given.get("manage_master_user_password")
        changed = bool(given.get("master_user_password")) or bool(rotated)
        if changed and not fleet.writable:
            raise InvalidDBClusterStateFault(f"DbCluster {cluster.db_cluster_identifier} is a replica.")
        try:
            record()
        except RDSClientError:
            # Moto takes the cluster away before it looks at what is asked.
            backend.clusters[cluster.db_cluster_identifier] = cluster
            raise
        for one in cluster._members:
            one.db_cluster_identifier = cluster.db_cluster_identifier
        fleet.security_changed()
        return self._estate.begin(fleet, "modifying", lambda: self._set_password(fleet) if changed else None)

    def _set_password(self, fleet: Fleet) -> None:
        with fleet.lock:
            rested = not fleet.server.running
            if rested:
                fleet.server.start()
            set_password(fleet.server, str(fleet.cluster.master_username), password_of(fleet.cluster))
            fleet.settle()

    def stop(self, backend: RDSBackend, name: str) -> DBCluster:
        """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html"""
        cluster = self._estate.available(backend, name)
        if self._estate.global_of(cluster) or cluster.replication_source_identifier or cluster.read_replica_identifiers:
            raise InvalidDBClusterStateFault(f"DbCluster {name} replicates across regions and cannot be stopped.")
        fleet = self._estate.fleet(cluster)

        def work() -> None:
            with fleet.lock:
                fleet.stopped = True
                fleet.settle()
            cluster.status = "stopped"
            _tell(cluster, "stopped")

        _tell(cluster, "stopping")
        return self._estate.begin(fleet, "stopping", work, *_members(cluster))

    def start(self, backend: RDSBackend, name: str) -> DBCluster:
        cluster = self._estate.cluster(backend, name)
        if cluster.status != "stopped":
            raise InvalidDBClusterStateFault(f"DbCluster {name} is in {cluster.status} state, not stopped.")
        fleet = self._estate.fleet(cluster)

        def work() -> None:
            with fleet.lock:
                fleet.stopped = False
                fleet.settle()

        _tell(cluster, "starting")
        return self._estate.begin(fleet, "starting", work, *_members(cluster))

    def reboot(self, backend: RDSBackend, name: str) -> DBCluster:
        """All instances restart."""
        cluster = self._estate.available(backend, name)
        fleet = self._estate.fleet(cluster)

        def work() -> None:
            with fleet.lock:
                for server in fleet.servers():
                    server.stop()
                fleet.settle()

        _tell(cluster, "rebooting")
        return self._estate.begin(fleet, "rebooting", work, *_members(cluster))

    def fail_over(self, backend: RDSBackend, name: str, target: str | None) -> DBCluster:
        """To the reader that is named, or to the one of the highest promotion tier.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverDBCluster.html
        """
        cluster = self._estate.available(backend, name)
        fleet = self._estate.fleet(cluster)
        chosen = self._target(fleet, target)

        def work() -> None:
            fleet.fail_over(chosen)

        return self._estate.begin(fleet, "failing-over", work, *_members(cluster))

    def _target(self, fleet: Fleet, asked: str | None) -> str:
        name = fleet.cluster.db_cluster_identifier
        members = fleet.instances()
        if len(members) < 2:
            raise InvalidDBClusterStateFault(
                f"Database cluster:{name} should have at least two database instances for failover"
            )
        readers = [one for one in members if one.db_instance_identifier != fleet.head]
        if asked is None:
            ready = [one for one in readers if one.status == "available"]
            if not ready:
                raise InvalidDBClusterStateFault(f"Database cluster:{name} has no reader that is available.")
            return str(ready[0].db_instance_identifier)
        found = next((one for one in members if one.db_instance_identifier == asked.lower()), None)
        if found is None:
            raise InvalidParameterValue(f"Cannot find target instance: {asked}")
        if found not in readers:
            raise InvalidDBClusterStateFault(f"{asked} is the writer of {name} already.")
        if found.status != "available":
            raise instance_state(asked, found.status)
        return asked.lower()

    def delete(self, backend: RDSBackend, name: str, skip: bool, final: str | None, delete_backups: bool) -> DBCluster:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html"""
        cluster = self._estate.cluster(backend, name)
        fleet = self._estate.fleet(cluster)
        self._check_deletable(cluster, skip, final)
        snapshot = self._snapshots.record(backend, cluster, final) if final else None
        if cluster.manage_master_user_password:
            cluster.master_user_secret.delete_secret()

        def work() -> None:
            if snapshot:
                self._snapshots.fill(snapshot, fleet)
            fleet.discard()
            if delete_backups:
                self._estate.forget(fleet.key)
            else:
                self._estate.retained[fleet.key] = cluster
            del self._estate.fleets[fleet.key]
            backend.clusters.pop(cluster.db_cluster_identifier, None)

        return self._estate.begin(fleet, "deleting", work, *([final] if final else []))

    def _check_deletable(self, cluster: DBCluster, skip: bool, final: str | None) -> None:
        name = cluster.db_cluster_identifier
        if cluster.deletion_protection:
            raise InvalidParameterCombination(
                "Cannot delete protected Cluster, please disable deletion protection and try again."
            )
        if skip == bool(final):
            raise InvalidParameterCombination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
                if not skip
                else "FinalDBSnapshotIdentifier can not be specified when deleting a cluster without a final snapshot."
            )
        if any(one.status != "deleting" for one in cluster._members):
            raise DBClusterToBeDeletedHasActiveMembers()
        if self._estate.global_of(cluster):
            raise InvalidDBClusterStateFault(
                "This cluster is a part of a global cluster, please remove it from globalcluster first"
            )
        if cluster.status in ("deleting", "creating"):
            raise InvalidDBClusterStateFault(f"DbCluster {name} is in {cluster.status} state.")


def check_settings(backend: RDSBackend, given: dict[str, Any]) -> None:
    """Raises what RDS raises for settings that may be given at any time."""
    rules.settings({name: given.get(name) for name in ("master_user_password", "port", "engine_version")})
    security.expect(backend.account_id, backend.region_name, given.get("vpc_security_group_ids"))
    group = given.get("db_cluster_parameter_group_name")
    if group and not group.startswith("default.") and group not in backend.db_cluster_parameter_groups:
        raise DBClusterParameterGroupNotFoundError(group)
    days = given.get("backup_retention_period")
    if days is not None and days not in _RETENTION:
        raise InvalidParameterValue(f"Invalid backup retention period: {days}. It must be between 1 and 35 days.")


def password_of(cluster: DBCluster) -> str:
    """The master user's password: as given, or as Secrets Manager has it."""
    if cluster.manage_master_user_password:
        return secret_password(cluster.master_user_secret)
    return str(cluster._master_user_password)


def secret_password(secret: MasterUserSecret) -> str:
    return str(json.loads(secret.secret.secret_string or "{}")["password"])


def _members(cluster: DBCluster) -> list[str]:
    return [one.db_instance_identifier for one in cluster._members]


def _tell(cluster: DBCluster, status: str) -> None:
    member: DBInstanceClustered
    for member in cluster._members:
        if member.status != "deleting":
            member.status = status
