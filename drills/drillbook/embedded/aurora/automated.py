"""The API's operations on the automated backups of clusters.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.Retaining.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.rds.models import DBCluster, RDSBackend

from drillbook.embedded.aurora.errors import automated_backup_not_found
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.restore import Restores, as_json


class AutomatedBackups:
    """Those of a region: ``active`` while their cluster is there, ``retained`` afterwards."""

    def __init__(self, estate: Estate, restores: Restores) -> None:
        self._estate, self._restores = estate, restores

    def describe(self, backend: RDSBackend, name: str | None, resource: str | None) -> list[dict[str, Any]]:
        found = [
            one
            for one in self._all(backend)
            if name in (None, one.db_cluster_identifier) and resource in (None, one.db_cluster_resource_id)
        ]
        if not found and (name or resource):
            raise automated_backup_not_found(str(name or resource))
        return [self._as_json(one) for one in found]

    def delete(self, backend: RDSBackend, resource: str) -> dict[str, Any]:
        """Only retained ones; a cluster's own end with it."""
        cluster = self._estate.retained.get(resource)
        if cluster is None or cluster.region != backend.region_name:
            raise automated_backup_not_found(resource)
        answer = self._as_json(cluster) | {"Status": "deleting"}
        self._estate.forget(resource)
        return answer

    def _all(self, backend: RDSBackend) -> Iterator[DBCluster]:
        yield from (one for one in list(backend.clusters.values()) if self._estate.owns_backup(one))
        yield from (one for one in list(self._estate.retained.values()) if one.region == backend.region_name)

    def _as_json(self, cluster: DBCluster) -> dict[str, Any]:
        resource = cluster.db_cluster_resource_id
        return {
            "Engine": cluster.engine,
            "EngineVersion": cluster.engine_version,
            "DBClusterAutomatedBackupsArn": cluster.arn.replace(":cluster:", ":cluster-auto-backup:"),
            "DBClusterIdentifier": cluster.db_cluster_identifier,
            "DBClusterArn": cluster.arn,
            "DbClusterResourceId": resource,
            "Region": cluster.region,
            "Status": "retained" if resource in self._estate.retained else "active",
            "MasterUsername": cluster.master_username,
            "ClusterCreateTime": cluster.cluster_create_time,
            "BackupRetentionPeriod": cluster.backup_retention_period,
            "RestoreWindow": as_json(self._restores.window(cluster)),
            "Port": cluster.port,
            "StorageEncrypted": cluster.storage_encrypted,
        }
