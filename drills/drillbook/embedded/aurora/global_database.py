"""Global databases: one cluster that writes, and clusters in other regions that follow it.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBCluster, GlobalCluster, RDSBackend

from drillbook.embedded.aurora.clusters import Clusters
from drillbook.embedded.aurora.errors import (
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    global_cluster_exists,
    invalid_global_state,
)
from drillbook.embedded.aurora.estate import ENGINE, Estate
from drillbook.embedded.aurora.replicas import Replicas


class Globals:
    """The API's operations on global clusters. Members are moto's records, in ``GlobalCluster.members``."""

    def __init__(self, estate: Estate, clusters: Clusters, replicas: Replicas) -> None:
        self._estate, self._clusters, self._replicas = estate, clusters, replicas

    def create(self, backend: RDSBackend, given: dict[str, Any]) -> GlobalCluster:
        """Empty, or around a cluster that exists, which becomes the primary.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateGlobalCluster.html
        """
        name, source = given["global_cluster_identifier"], given.get("source_db_cluster_identifier")
        home = self._estate.global_home(backend)
        if name in home.global_clusters:
            raise global_cluster_exists(name)
        if not source and not given.get("engine"):
            raise InvalidParameterValue(
                "When creating standalone global cluster, value for engineName should be specified"
            )
        primary = self._primary(backend, given) if source else None
        made = GlobalCluster(
            backend=home,
            global_cluster_identifier=name,
            engine=primary.engine if primary else given["engine"],
            engine_version=primary.engine_version if primary else given.get("engine_version"),
            storage_encrypted=primary.storage_encrypted if primary else given.get("storage_encrypted"),
            deletion_protection=given.get("deletion_protection"),
        )
        if primary is not None:
            made.members.append(primary)
            primary.is_writer = True
            primary.global_cluster_identifier = made.global_cluster_identifier
        home.global_clusters[name] = made
        return made

    def _primary(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        source = given["source_db_cluster_identifier"]
        if given.get("engine"):
            raise InvalidParameterCombination(
                "When creating global cluster from existing db cluster, value for engineName should not be specified "
                "since it will be inherited from source cluster"
            )
        if not source.startswith("arn:"):
            raise InvalidParameterValue("Malformed db cluster arn dbci")
        cluster = self._estate.available(backend, source)
        if self._estate.global_of(cluster) or cluster.replication_source_identifier:
            raise InvalidDBClusterStateFault(f"Source cluster: {source} is already a part of a replication.")
        return cluster

    def join(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        """A new cluster in the global database: its primary if it has none, else a secondary in another region."""
        whole = self._estate.global_cluster(backend, given["global_cluster_identifier"])
        if whole.status != "available":
            raise invalid_global_state(f"Global cluster {whole.resource_id} is in {whole.status} state.")
        if given.get("engine", ENGINE) != whole.engine:
            raise InvalidParameterCombination(f"The engine of global cluster {whole.resource_id} is {whole.engine}.")
        writer = writer_of(whole)
        if writer is None:
            answer = self._clusters.create(backend, given)
        else:
            if any(one.region == backend.region_name for one in whole.members):
                raise InvalidDBClusterStateFault(
                    f"Global cluster {whole.resource_id} has a cluster in region {backend.region_name} already."
                )
            answer = self._replicas.create(backend, given, writer)
        cluster = backend.clusters[given["db_cluster_identifier"]]
        cluster.global_cluster_identifier = whole.global_cluster_identifier
        cluster.is_writer = answer.is_writer = writer is None
        whole.members.append(cluster)
        return answer

    def remove(self, backend: RDSBackend, name: str, cluster_name: str) -> GlobalCluster:
        """A secondary becomes a cluster of its own and takes writes; the primary can only be the last to leave.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RemoveFromGlobalCluster.html
        """
        whole = self._estate.global_cluster(backend, name)
        cluster = self.member(backend, whole, cluster_name)
        if cluster.is_writer and len(whole.members) > 1:
            raise invalid_global_state("The primary cluster can be removed only after all secondary clusters are.")
        was_writer = cluster.is_writer
        whole.members.remove(cluster)
        cluster.is_writer, cluster.global_cluster_identifier = False, None
        if not was_writer:
            self._replicas.stand_alone(cluster)
        return whole

    def delete(self, backend: RDSBackend, name: str) -> GlobalCluster:
        whole = self._estate.global_cluster(backend, name)
        if whole.members:
            raise invalid_global_state(f"Global Cluster {whole.global_cluster_arn} is not empty")
        if whole.deletion_protection:
            raise InvalidParameterCombination(
                "Cannot delete protected Global Cluster, please disable deletion protection and try again."
            )
        del self._estate.global_home(backend).global_clusters[name]
        whole.status = "deleting"
        return whole

    def modify(self, backend: RDSBackend, name: str, given: dict[str, Any]) -> GlobalCluster:
        whole = self._estate.global_cluster(backend, name)
        known = self._estate.global_home(backend).global_clusters
        if new := given.get("new_global_cluster_identifier"):
            if new in known:
                raise global_cluster_exists(new)
            known[new] = known.pop(name)
            whole.global_cluster_identifier = new
            for one in whole.members:
                one.global_cluster_identifier = whole.global_cluster_identifier
        if given.get("deletion_protection") is not None:
            whole.deletion_protection = given["deletion_protection"]
        return whole

    def describe(self, backend: RDSBackend, name: str | None) -> list[GlobalCluster]:
        if name:
            return [self._estate.global_cluster(backend, name.rpartition(":")[2])]
        return list(self._estate.global_home(backend).global_clusters.values())

    def member(self, backend: RDSBackend, whole: GlobalCluster, name: str) -> DBCluster:
        """Raises DBClusterNotFoundFault if there is no such cluster, or it belongs to no or another global cluster."""
        cluster = self._estate.cluster(backend, name)
        if cluster not in whole.members:
            raise InvalidDBClusterStateFault(f"DbCluster {name} is not part of global cluster {whole.resource_id}.")
        return cluster


def writer_of(whole: GlobalCluster) -> DBCluster | None:
    return next((one for one in whole.members if one.is_writer), None)
