"""Clusters that replicate from a cluster of another region.

Aurora PostgreSQL does so as member of a global database. A replica cluster by ``ReplicationSourceIdentifier`` is
Aurora MySQL's on AWS; runbooks that create and promote one are served here with the same mechanism.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplicaDBCluster.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBCluster, RDSBackend

from drillbook.embedded.aurora.clusters import Clusters
from drillbook.embedded.aurora.errors import InvalidDBClusterStateFault, InvalidParameterCombination
from drillbook.embedded.aurora.estate import Estate, settings_of
from drillbook.embedded.aurora.fleet import Fleet

_WRITERS_OWN = ("master_username", "master_user_password", "database_name")


class Replicas:
    """Makes secondary clusters, and makes them independent."""

    def __init__(self, estate: Estate, clusters: Clusters) -> None:
        self._estate, self._clusters = estate, clusters

    def create(self, backend: RDSBackend, given: dict[str, Any], source: DBCluster) -> DBCluster:
        """Its data, users and passwords are the source's: none may be given."""
        if refused := [name for name in _WRITERS_OWN if given.get(name)]:
            raise InvalidParameterCombination(f"A replica cluster takes {', '.join(refused)} from its source.")
        if not self._estate.owns(source):
            raise InvalidDBClusterStateFault(f"DbCluster {source.resource_id} cannot be replicated.")
        kept = settings_of(source)
        # Moto wants a password of every cluster; nothing reads this one before a new one is set.
        kept["master_user_password"] = getattr(source, "_master_user_password", "") or "inherited"
        cluster = self._clusters.record(backend, kept | {key: it for key, it in given.items() if it is not None})
        server = self._estate.engine.empty(cluster.db_cluster_identifier)
        fleet = self._estate.adopt(cluster, server)
        upstream = self._estate.fleet(source)
        return self._estate.begin(fleet, "creating", lambda: self._estate.replicate(fleet, upstream))

    def of_cluster(self, backend: RDSBackend, given: dict[str, Any]) -> DBCluster:
        """A replica cluster, by the ARN (in the same region: the name) of its source."""
        source = self._estate.cluster(backend, given["replication_source_identifier"])
        answer = self.create(backend, {**given, "replication_source_identifier": source.db_cluster_arn}, source)
        source.read_replica_identifiers.append(answer.db_cluster_arn)
        return answer

    def promote(self, backend: RDSBackend, name: str) -> DBCluster:
        cluster = self._estate.available(backend, name)
        if not cluster.replication_source_identifier:
            raise InvalidDBClusterStateFault(f"DbCluster {name} is not a read replica.")
        source = self._estate.fleet(cluster).upstream
        cluster.replication_source_identifier = None
        if source is not None and cluster.db_cluster_arn in source.cluster.read_replica_identifiers:
            source.cluster.read_replica_identifiers.remove(cluster.db_cluster_arn)
        return self.stand_alone(cluster)

    def stand_alone(self, cluster: DBCluster) -> DBCluster:
        """What has not arrived by now never will; the instances restart as an independent cluster's.

        Status ``promoting`` until then (terraform-provider-aws, issue 39909).
        """
        fleet = self._estate.fleet(cluster)
        names = [one.db_instance_identifier for one in fleet.instances()]
        return self._estate.begin(fleet, "promoting", lambda: self.become_writable(fleet), *names)

    def become_writable(self, fleet: Fleet) -> None:
        with fleet.lock:
            fleet.detach()
            self._estate.begin_backups(fleet)
