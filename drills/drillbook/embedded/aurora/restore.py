"""Restoring clusters: from a snapshot, or to a point in time. A restored cluster has no instances.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-restore-snapshot.html
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBClusterToPointInTime.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.rds.exceptions import InvalidDBClusterSnapshotStateFault
from moto.rds.models import DBCluster, RDSBackend

from drillbook.embedded.aurora.clusters import Clusters
from drillbook.embedded.aurora.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    automated_backup_not_found,
    invalid_restore,
)
from drillbook.embedded.aurora.estate import Estate, settings_of
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.snapshots import Snapshots
from drillbook.embedded.aurora.volume import forget_upstream
from drillbook.embedded.durations import DAY
from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.server import Server

_NOT_SETTINGS = ("snapshot_identifier", "source_db_cluster_identifier", "source_db_cluster_resource_id")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Window:
    """What can be restored now, both ends included."""

    earliest: datetime
    latest: datetime


class Restores:
    """Makes clusters out of what was kept of others."""

    def __init__(self, estate: Estate, clusters: Clusters, snapshots: Snapshots) -> None:
        self._estate, self._clusters, self._snapshots = estate, clusters, snapshots

    def from_snapshot(self, backend: RDSBackend, name: str, given: dict[str, Any]) -> DBCluster:
        snapshot = backend.get_db_cluster_snapshot(name)
        if snapshot.status != "available":
            raise InvalidDBClusterSnapshotStateFault(f"Snapshot {name} is in {snapshot.status} state, not available.")
        wanted = given.get("engine", snapshot.engine)
        if wanted != snapshot.engine:
            raise InvalidParameterValue(f"The engine of the snapshot is {snapshot.engine}, not {wanted}.")

        def fill(server: Server) -> None:
            server.adopt(self._snapshots.place(snapshot))
            forget_upstream(server)
            server.start()

        return self._restored(backend, snapshot.cluster, given, fill)

    def to_time(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        at, latest = given.get("restore_to_time"), bool(given.get("use_latest_restorable_time"))
        copy_on_write = given.get("restore_type") == "copy-on-write"
        if at is not None and copy_on_write:
            raise InvalidParameterCombination("RestoreToTime cannot be specified when RestoreType is copy-on-write")
        if (at is not None) == latest and not (copy_on_write and at is None):
            raise InvalidParameterCombination("Specify either RestoreToTime or UseLatestRestorableTime, and not both")
        source, archive = self._source(backend, given)
        moment = self._moment(source, at)
        return self._restored(backend, source, given, lambda server: archive.restore(server, moment))

    def window(self, cluster: DBCluster) -> Window | None:
        """None while nothing has been archived."""
        archive = self._estate.archives.get(cluster.db_cluster_resource_id)
        if archive is None or archive.earliest is None or archive.latest is None:
            return None
        days = self._estate.cloud.aws_seconds(cluster.backup_retention_period * DAY)
        oldest = self._estate.cloud.clock.now() - timedelta(seconds=days)
        return Window(min(max(archive.earliest, oldest), archive.latest), archive.latest)

    def _source(self, backend: RDSBackend, given: dict[str, Any]) -> tuple[DBCluster, Archive]:
        """The cluster that is to be made again, which may be deleted by now."""
        name, resource = given.get("source_db_cluster_identifier"), given.get("source_db_cluster_resource_id")
        if name:
            cluster = self._estate.cluster(backend, name)
        elif resource:
            found = self._estate.backup_of(backend, resource)
            if found is None:
                raise automated_backup_not_found(resource)
            cluster = found
        else:
            raise InvalidParameterCombination("Specify SourceDBClusterIdentifier or SourceDbClusterResourceId")
        archive = self._estate.archives.get(cluster.db_cluster_resource_id)
        if archive is None:
            raise invalid_restore(f"Cluster {name or resource} has no automated backups.")
        return cluster, archive

    def _moment(self, source: DBCluster, at: datetime | None) -> datetime:
        window = self.window(source)
        if window is None:
            raise invalid_restore("The cluster has no restorable time yet.")
        if at is None:
            return window.latest
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        # SDKs may send whole seconds, and show the window in them: the second in which it begins counts as restorable.
        if not window.earliest - _SECOND < at <= window.latest:
            raise invalid_restore(
                f"The specified time {at.isoformat()} is not within the restorable window of the cluster: "
                f"{window.earliest.isoformat()} to {window.latest.isoformat()}."
            )
        return max(at, window.earliest)

    def _restored(
        self, backend: RDSBackend, source: DBCluster, given: dict[str, Any], fill: Callable[[Server], None]
    ) -> DBCluster:
        own = {key: value for key, value in given.items() if value is not None and key not in _NOT_SETTINGS}
        kept = settings_of(source)
        # The master password is the one that is in the data.
        kept["master_user_password"] = getattr(source, "_master_user_password", "") or "inherited"
        cluster = self._clusters.record(backend, kept | own)
        server = self._estate.engine.empty(cluster.db_cluster_identifier)
        fleet = self._estate.adopt(cluster, server)
        return self._estate.begin(fleet, "creating", lambda: self._make(fleet, fill))

    def _make(self, fleet: Fleet, fill: Callable[[Server], None]) -> None:
        """Recover, begin backups of its own, and rest: there is no instance that would run."""
        with fleet.lock:
            fleet.begin_anew()
            fill(fleet.server)
            self._estate.begin_backups(fleet)
            fleet.settle()


def as_json(window: Window | None) -> dict[str, datetime]:
    """A RestoreWindow of the API."""
    if window is None:
        return {}
    return {f"{name.capitalize()}Time": value for name, value in dataclasses.asdict(window).items()}
