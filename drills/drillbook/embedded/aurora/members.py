"""The API's operations on the instances of a cluster."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    InvalidDBInstanceEngine,
)
from moto.rds.models import DBCluster, DBInstanceClustered, RDSBackend

from drillbook.embedded.aurora.errors import (
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    instance_state,
)
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.rds import rules

_MOST_READERS = 15
_CLUSTERS_OWN = ("master_username", "master_user_password", "db_name", "backup_retention_period")
_TIERS = range(16)


class Members:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-replicas-adding.html"""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def create(self, backend: RDSBackend, given: dict[str, Any]) -> DBInstanceClustered:
        """The first instance is the writer, or in a secondary cluster a reader; all others are readers."""
        cluster = self._estate.cluster(backend, given["db_cluster_identifier"])
        instance = self._record(backend, cluster, given)
        fleet = self._estate.fleet(cluster)
        return self._begin(instance, "creating", fleet, fleet.settle)

    def _record(self, backend: RDSBackend, cluster: DBCluster, given: dict[str, Any]) -> DBInstanceClustered:
        name = given["db_instance_identifier"]
        backend._validate_db_identifier(name)
        if name in backend.databases:
            raise DBInstanceAlreadyExists()
        if given.get("engine") != cluster.engine:
            raise InvalidDBInstanceEngine(str(given.get("engine")), cluster.engine)
        if given.get("promotion_tier", 1) not in _TIERS:
            raise InvalidParameterValue("PromotionTier must be between 0 and 15.")
        if given.get("allocated_storage") or given.get("multi_az"):
            raise InvalidParameterCombination("The storage of a cluster's instance is the cluster's.")
        if zone := given.get("availability_zone"):
            rules.placement({"availability_zone": zone}, backend.region_name)
        if set_there := [one for one in _CLUSTERS_OWN if given.get(one)]:
            raise InvalidParameterCombination(f"{', '.join(set_there)} are set for the cluster, not its instances.")
        if cluster.status in ("stopped", "stopping", "deleting", "failed"):
            raise InvalidDBClusterStateFault(f"DbCluster {cluster.resource_id} is in {cluster.status} state.")
        if len(cluster._members) > _MOST_READERS:
            raise InvalidParameterValue(f"A cluster has at most {_MOST_READERS} readers.")
        chosen = {"availability_zone": self._zone(cluster)} | {key: it for key, it in given.items() if it is not None}
        instance: DBInstanceClustered = DBInstanceClustered(backend=backend, **chosen)  # type: ignore[abstract]
        instance.is_cluster_writer = False
        instance.port = self._estate.fleet(cluster).doors.of(instance.db_instance_identifier).port
        backend.databases[name] = instance
        instance.add_event("DB_INSTANCE_CREATE")
        return instance

    def _zone(self, cluster: DBCluster) -> str:
        """Where the fewest of its instances are."""
        used = [one.availability_zone for one in cluster._members]
        return str(min(cluster.availability_zones or [], key=used.count))

    def delete(self, backend: RDSBackend, name: str) -> DBInstanceClustered:
        """Deleting the writer promotes a reader.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
        """
        instance = self._found(backend, name)
        fleet = self._estate.fleet(instance.cluster)
        if instance.deletion_protection:
            raise InvalidParameterCombination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again."
            )
        if instance.cluster.replication_source_identifier and len(fleet.instances()) == 1:
            raise InvalidDBClusterStateFault("The last instance of a replica cluster is not deleted: promote it first.")
        if instance.status == "deleting":
            raise instance_state(name, instance.status)

        def work() -> None:
            with fleet.lock:
                fleet.settle()
                fleet.doors.remove(instance.db_instance_identifier)
            backend.databases.pop(name, None)

        return self._begin(instance, "deleting", fleet, work)

    def modify(
        self, backend: RDSBackend, name: str, given: dict[str, Any], record: Callable[[dict[str, Any]], Any]
    ) -> DBInstanceClustered:
        """``record`` has moto note these changes. A new name is the instance's at once."""
        instance = self._found(backend, name)
        if refused := [one for one in _CLUSTERS_OWN if given.get(one) is not None]:
            raise InvalidParameterCombination(f"{', '.join(refused)} are set for the cluster, not its instances.")
        if given.get("promotion_tier", 1) not in _TIERS:
            raise InvalidParameterValue("PromotionTier must be between 0 and 15.")
        if instance.status != "available":
            raise instance_state(name, instance.status)
        new = given.pop("new_db_instance_identifier", None)
        if new and new != name:
            backend._validate_db_identifier(new)
            if new in backend.databases:
                raise DBInstanceAlreadyExists()
        record(given)
        if new and new != name:
            self._rename(instance, new)
        fleet = self._estate.fleet(instance.cluster)
        return self._begin(instance, "modifying", fleet, fleet.settle)

    def _rename(self, instance: DBInstanceClustered, new: str) -> None:
        known = instance.backend.databases
        old = instance.db_instance_identifier
        self._estate.fleet(instance.cluster).rename(old, new)
        del known[old]
        instance.db_instance_identifier, known[new] = new, instance

    def reboot(self, backend: RDSBackend, name: str, *, failover: bool) -> DBInstanceClustered:
        """Only this instance restarts; a writer stays one.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_RebootCluster.html
        """
        instance = self._found(backend, name)
        if failover:
            raise InvalidParameterCombination("ForceFailover is not for instances of Aurora clusters.")
        if instance.status != "available":
            raise instance_state(name, instance.status)
        fleet = self._estate.fleet(instance.cluster)
        return self._begin(instance, "rebooting", fleet, lambda: fleet.restart(instance.db_instance_identifier))

    def _found(self, backend: RDSBackend, name: str) -> DBInstanceClustered:
        instance = backend.databases[name]
        assert isinstance(instance, DBInstanceClustered), f"{name} is not in a cluster"
        return instance

    def _begin(self, instance: DBInstanceClustered, status: str, fleet: Fleet, work: Any) -> DBInstanceClustered:
        fleet.doors.of(instance.db_instance_identifier)
        instance.status = status
        answer = copy.copy(instance)
        names = [instance.db_instance_identifier, instance.cluster.db_cluster_identifier]
        self._estate.jobs.begin(names, work, failed=lambda: setattr(instance, "status", "failed"))
        return answer
