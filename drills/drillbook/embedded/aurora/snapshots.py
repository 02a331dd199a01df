"""The API's operations on cluster snapshots, which are copies of the volume."""

from __future__ import annotations

import copy
import uuid
from pathlib import Path
from typing import Any

from moto.rds.exceptions import (
    DBClusterSnapshotAlreadyExistsError,
    InvalidDBClusterSnapshotStateFault,
    SnapshotQuotaExceededFault,
)
from moto.rds.models import DBCluster, DBClusterSnapshot, RDSBackend

from drillbook.embedded.aurora.errors import InvalidDBClusterStateFault
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.volume import copy_volume
from drillbook.embedded.postgres.copies import copy_tree, remove

_VOLUME = "drillbook_volume"
"""The attribute of moto's record that names the copy: it stays with the record in a saved world."""
_TAKEN_FROM = ("available", "backing-up")


class Snapshots:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_CreateSnapshotCluster.html"""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def create(
        self, backend: RDSBackend, cluster_name: str, name: str, kind: str, tags: list[dict[str, str]] | None
    ) -> DBClusterSnapshot:
        cluster = self._estate.cluster(backend, cluster_name)
        fleet = self._estate.fleet(cluster)
        snapshot = self.record(backend, cluster, name, kind, tags)
        answer = copy.copy(snapshot)
        before, cluster.status = cluster.status, "backing-up"

        def done() -> None:
            if cluster.status == "backing-up":
                cluster.status = "available" if before in _TAKEN_FROM else before

        def work() -> None:
            try:
                self.fill(snapshot, fleet)
            finally:
                done()

        self._begin(snapshot, work, cluster.db_cluster_identifier)
        return answer

    def record(
        self,
        backend: RDSBackend,
        cluster: DBCluster,
        name: str,
        kind: str = "manual",
        tags: list[dict[str, str]] | None = None,
    ) -> DBClusterSnapshot:
        """Moto's record of a snapshot that is yet to be taken."""
        if name in backend.cluster_snapshots:
            raise DBClusterSnapshotAlreadyExistsError(name)
        if kind == "manual":
            backend.validate_db_snapshot_identifier(name, "DBClusterSnapshotIdentifier")
            if len(backend.cluster_snapshots) >= backend.SNAPSHOT_QUOTA:
                raise SnapshotQuotaExceededFault()
        if cluster.status not in (*_TAKEN_FROM, "stopped"):
            raise InvalidDBClusterStateFault(
                f"Can't create a snapshot because the database cluster {cluster.db_cluster_identifier} isn't "
                "currently in the available state."
            )
        return self._new(backend, cluster, name, kind, tags, None)

    def fill(self, snapshot: DBClusterSnapshot, fleet: Fleet) -> None:
        """Take it: what was acknowledged before this call is in it."""
        with fleet.lock:
            copy_volume(fleet.server, self.place(snapshot), self._estate.engine.account)
        _complete(snapshot)

    def place(self, snapshot: DBClusterSnapshot) -> Path:
        """Where its copy of the volume is."""
        return self._estate.engine.folder("snapshots") / str(vars(snapshot)[_VOLUME])

    def copy(self, backend: RDSBackend, source_name: str, name: str, given: dict[str, Any]) -> DBClusterSnapshot:
        """From another region only by ARN.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBClusterSnapshot.html
        """
        if name in backend.cluster_snapshots:
            raise DBClusterSnapshotAlreadyExistsError(name)
        backend.validate_db_snapshot_identifier(name, "TargetDBClusterSnapshotIdentifier")
        key = given.get("kms_key_id")
        if key is not None:
            key = backend._validate_kms_key(key)
        source = backend.get_db_cluster_snapshot(source_name)
        if source.status != "available":
            raise InvalidDBClusterSnapshotStateFault(f"Snapshot {source_name} is in {source.status} state.")
        tags = given.get("tags") or (source.tags if given.get("copy_tags") else None)
        made = self._new(backend, source.cluster, name, "manual", tags, key)
        vars(made)["source_db_cluster_snapshot_arn"] = source.arn
        answer = copy.copy(made)

        def work() -> None:
            copy_tree(self.place(source), self.place(made), self._estate.engine.account)
            _complete(made)

        self._begin(made, work)
        return answer

    def delete(self, snapshot: DBClusterSnapshot) -> None:
        remove(self.place(snapshot))

    def _new(
        self,
        backend: RDSBackend,
        cluster: DBCluster,
        name: str,
        kind: str,
        tags: list[dict[str, str]] | None,
        key: str | None,
    ) -> DBClusterSnapshot:
        snapshot = DBClusterSnapshot(backend, cluster, name, kind, tags, key)
        snapshot.status, snapshot.percent_progress = "creating", 0
        vars(snapshot).update({_VOLUME: uuid.uuid4().hex, "db_cluster_resource_id": cluster.db_cluster_resource_id})
        backend.cluster_snapshots[name] = snapshot
        return snapshot

    def _begin(self, snapshot: DBClusterSnapshot, work: Any, *also: str) -> None:
        name = snapshot.db_cluster_snapshot_identifier
        self._estate.jobs.begin([name, *also], work, failed=lambda: setattr(snapshot, "status", "failed"))


def owns(snapshot: DBClusterSnapshot) -> bool:
    """Has it got data? Those of other engines have not."""
    return _VOLUME in vars(snapshot)


def _complete(snapshot: DBClusterSnapshot) -> None:
    snapshot.status, snapshot.percent_progress = "available", 100
