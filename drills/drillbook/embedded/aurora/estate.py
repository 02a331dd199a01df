"""All Aurora PostgreSQL clusters of one cloud: moto's record of each, and the fleet that runs for it."""

from __future__ import annotations

import copy
import itertools
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.rds.exceptions import DBClusterNotFoundError
from moto.rds.models import DBCluster, DBInstance, DBInstanceClustered, GlobalCluster, RDSBackend, rds_backends

from drillbook.embedded.aurora.errors import InvalidDBClusterStateFault, global_cluster_not_found
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.jobs import Jobs
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.archive import Archive, Base
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.server import Server
from drillbook.errors import UsageError, WaitTimeout

ENGINE = "aurora-postgresql"
GLOBAL_HOME = "us-east-1"
"""The region whose backend moto keeps the global clusters in; on AWS no single region does."""
_LOOK_AGAIN = 0.02

_ARN = re.compile(r"arn:aws[a-z-]*:rds:(?P<region>[a-z0-9-]+):\d{12}:cluster:(?P<name>.+)")


class Estate:
    """Fleets by the resource id of their cluster, which no rename changes."""

    def __init__(self, cloud: CloudState, engine: Engine) -> None:
        self.cloud, self.engine = cloud, engine
        self.jobs = Jobs(cloud.clock)
        self._links = itertools.count(1)
        self.outages = 0
        """How often this plane was told that something is broken or mended: a moment after it is."""
        self.closed = threading.Event()
        self.fleets: dict[str, Fleet] = {}
        self.archives: dict[str, Archive] = {}
        """By resource id; outlives its cluster if the automated backups are retained."""
        self.retained: dict[str, DBCluster] = {}
        """Records of deleted clusters whose automated backups are retained, by resource id."""

    @property
    def in_use(self) -> bool:
        return bool(self.fleets or self.archives)

    # Finding

    def owns(self, cluster: DBCluster | None) -> bool:
        """Is this cluster (or a copy of its record) a real one? Other engines are moto's."""
        return cluster is not None and cluster.db_cluster_resource_id in self.fleets

    def fleet(self, cluster: DBCluster) -> Fleet:
        return self.fleets[cluster.db_cluster_resource_id]

    def fleet_of(self, instance: DBInstance) -> Fleet | None:
        """The fleet that a cluster's instance belongs to; None for other instances."""
        cluster = instance.cluster if isinstance(instance, DBInstanceClustered) else None
        return self.fleet(cluster) if cluster is not None and self.owns(cluster) else None

    def cluster(self, backend: RDSBackend, name: str) -> DBCluster:
        """By name, or by ARN in any region. Raises DBClusterNotFoundFault."""
        region, plain = backend.region_name, name
        if parts := _ARN.fullmatch(name):
            region, plain = parts["region"], parts["name"]
        if region not in rds_backends[backend.account_id].regions:
            raise DBClusterNotFoundError(name)
        found: DBCluster | None = rds_backends[backend.account_id][region].clusters.get(plain)
        if found is None:
            raise DBClusterNotFoundError(name)
        return found

    def available(self, backend: RDSBackend, name: str) -> DBCluster:
        """As ``cluster``; raises InvalidDBClusterStateFault unless it is available."""
        cluster = self.cluster(backend, name)
        if cluster.status != "available":
            raise InvalidDBClusterStateFault(f"DbCluster {name} is in {cluster.status} state, not available.")
        return cluster

    def global_cluster(self, backend: RDSBackend, name: str) -> GlobalCluster:
        """Raises GlobalClusterNotFoundFault."""
        found: GlobalCluster | None = self.global_home(backend).global_clusters.get(name)
        if found is None:
            raise global_cluster_not_found(name)
        return found

    def global_home(self, backend: RDSBackend) -> RDSBackend:
        return rds_backends[backend.account_id][GLOBAL_HOME]

    def global_of(self, cluster: DBCluster) -> GlobalCluster | None:
        """The global cluster that this one belongs to."""
        known = list(self.global_home(cluster.backend).global_clusters.values())
        return next((one for one in known if cluster in one.members), None)

    def backup_of(self, backend: RDSBackend, resource: str) -> DBCluster | None:
        """The record of the cluster, deleted or not, whose automated backup that is."""
        known = [*backend.clusters.values(), *self.retained.values()]
        here = [one for one in known if one.region == backend.region_name and self.owns_backup(one)]
        return next((one for one in here if one.db_cluster_resource_id == resource), None)

    def owns_backup(self, cluster: DBCluster) -> bool:
        return cluster.db_cluster_resource_id in self.archives

    # Making

    def adopt(self, cluster: DBCluster, server: Server) -> Fleet:
        """From now on ``server``'s data directory is the volume of this cluster."""
        fleet = Fleet(self.engine, cluster, server, self.jobs.note)
        archive = self.archives[fleet.key] = Archive(self.engine, self.engine.folder("archive", fleet.key))
        server.settings["archive_command"] = archive.command
        self.fleets[fleet.key] = fleet
        cluster.port = fleet.doors.port
        return fleet

    def begin_backups(self, fleet: Fleet, since: Path | None = None) -> None:
        """``since``: a copy of what a new volume began with; without it, what was before cannot be restored."""
        archive = self.archives[fleet.key]
        if since is not None:
            archive.bases.clear()
            archive.bases.append(Base(archive.heartbeat(fleet.server), since))
            return
        archive.delete()
        self.engine.folder("archive", fleet.key)
        if fleet.server.running:
            archive.back_up(fleet.server)

    def link(self, one: str, other: str) -> Link:
        """A new link between two regions, with the delay that is set for it."""
        folder = self.engine.folder(f"link-{next(self._links)}")
        delay = self.cloud.links.delay("rds", one, other)
        return Link(self.engine.network, folder, self.engine.account, delay)

    def replicate(self, fleet: Fleet, upstream: Fleet) -> None:
        """Make the volume a copy of the upstream's, which follows it from now on."""
        with fleet.lock:
            fleet.unlink()
            fleet.server.stop()
            self._copy_volume(upstream, fleet.server)
            fleet.follow(upstream, self.link(fleet.region, upstream.region))
            fleet.settle()
            self.archives[fleet.key].delete()
            self.engine.folder("archive", fleet.key)

    def _copy_volume(self, source: Fleet, target: Server) -> None:
        """Replace what ``target`` holds by a copy of the volume as it is now."""
        shutil.rmtree(target.data, ignore_errors=True)
        with source.lock:
            if source.server.running:
                source.server.base_backup(target.data)
            else:
                target.adopt(source.server.data)

    # Doing

    def begin(self, fleet: Fleet, status: str, work: Callable[[], None], *also: str) -> DBCluster:
        """Do ``work`` while the cluster's status is ``status``, then ``available``, or ``failed``.

        Returns the record to answer with: as it is now. ``also`` are other resources that are in transition.
        """
        cluster = fleet.cluster
        cluster.status = status
        answer = copy.copy(cluster)

        def whole() -> None:
            self.carry_out(fleet, work)
            if cluster.status == status:
                cluster.status = "available"

        self.jobs.begin(
            [cluster.db_cluster_identifier, *also], whole, failed=lambda: setattr(cluster, "status", "failed")
        )
        return answer

    def carry_out(self, fleet: Fleet, work: Callable[[], None]) -> None:
        """What an outage interrupts is begun anew when the region is back."""
        begun_in = self.cloud.domains.now, self.outages
        try:
            work()
        except PostgresFailed:
            if not fleet.dark and (self.cloud.domains.now, self.outages) == begun_in:
                raise
            while fleet.dark and not self.closed.wait(_LOOK_AGAIN):
                pass
            if not self.closed.is_set():
                self.carry_out(fleet, work)

    def forget(self, key: str) -> None:
        """Delete the automated backups of a cluster."""
        self.retained.pop(key, None)
        if archive := self.archives.pop(key, None):
            archive.delete()

    def become_faulty(self, region: str, name: str, fault: str) -> None:
        """Break what no call of the API breaks. Raises UsageError for what is not there."""
        backend = rds_backends[self.cloud.account][region]
        cluster, instance = backend.clusters.get(name), backend.databases.get(name)
        fleet = self.fleet_of(instance) if instance else None
        if cluster is not None and self.owns(cluster):
            fleet = self.fleet(cluster)
        member = str(instance.db_instance_identifier) if instance else None
        if fault != "crash" or fleet is None or not fleet.crash(member):
            raise UsageError(
                f"nothing of an Aurora cluster or instance {name} runs in {region} that could have the fault {fault}",
                do="name a cluster or an instance that is available, and the fault: crash",
            )

    # As time goes by

    def archive(self) -> None:
        """What was acknowledged by now can be restored from now on."""
        for fleet in list(self.fleets.values()):
            if fleet.writable and fleet.server.running and fleet.lock.acquire(blocking=False):
                try:
                    self.archives[fleet.key].heartbeat(fleet.server)
                except (PostgresFailed, WaitTimeout) as failed:
                    self._note(fleet, failed)
                finally:
                    fleet.lock.release()

    def _note(self, fleet: Fleet, failed: Exception) -> None:
        """A server that was killed meanwhile archives nothing; any other reason is a fault of this cloud."""
        if fleet.server.running and not fleet.dark:
            self.jobs.failures.append(f"backup of {fleet.cluster.resource_id}: {failed}")

    def security_changed(self) -> None:
        for fleet in list(self.fleets.values()):
            fleet.security_changed()

    def delays_changed(self) -> None:
        for fleet in list(self.fleets.values()):
            if fleet.link is not None and fleet.upstream is not None:
                fleet.link.delay = self.cloud.links.delay("rds", fleet.region, fleet.upstream.region)


def settings_of(cluster: DBCluster) -> dict[str, Any]:
    """What a copy, a replica or a restored cluster has in common with this one."""
    names = (
        "engine engine_version master_username database_name storage_encrypted kms_key_id backup_retention_period "
        "preferred_backup_window preferred_maintenance_window copy_tags_to_snapshot parameter_group engine_mode "
        "storage_type serverless_v2_scaling_configuration"
    )
    kept = {name: copy.copy(getattr(cluster, name)) for name in names.split()}
    kept["db_cluster_parameter_group_name"] = kept.pop("parameter_group")
    return kept
