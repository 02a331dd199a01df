"""Moto's methods on clusters, which lead to ours where the engine is Aurora PostgreSQL and stay moto's elsewhere.

Other planes (AWS Backup, CloudFormation) call them, too: with moto's own signatures, they get the true behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, GlobalCluster, RDSBackend

from drillbook.embedded.aurora import snapshots
from drillbook.embedded.aurora.errors import InvalidParameterCombination
from drillbook.embedded.aurora.estate import ENGINE
from drillbook.embedded.aurora.operations import Operations

Given = dict[str, Any]
Patch = Any
"""What ``mock.patch.object`` makes: a context manager."""


def patches(operations: Operations) -> Iterator[Patch]:
    """One for each method of ``Backend`` that has the name of a method of moto's."""
    ours = Backend(operations)
    for name in (name for name in vars(Backend) if not name.startswith("_")):
        yield mock.patch.object(RDSBackend, name, _method(getattr(ours, name), getattr(RDSBackend, name)))


def _method(ours: Callable[..., Any], moto: Callable[..., Any]) -> Callable[..., Any]:
    """A method of moto's class: ours, which is told the backend and what moto would have done."""

    def method(backend: RDSBackend, *args: Any, **kwargs: Any) -> Any:
        def otherwise() -> Any:
            return moto(backend, *args, **kwargs)

        return ours(backend, otherwise, *args, **kwargs)

    return method


class Backend:
    """``otherwise`` is what moto does for clusters that are not ours."""

    def __init__(self, operations: Operations) -> None:
        self._do, self._estate = operations, operations.estate

    # Clusters

    def create_db_cluster(self, backend: RDSBackend, otherwise: Callable[[], DBCluster], kwargs: Given) -> DBCluster:
        if kwargs.get("engine") != ENGINE:
            return otherwise()
        if kwargs.get("global_cluster_identifier"):
            return self._do.globals.join(backend, kwargs)
        if kwargs.get("replication_source_identifier"):
            return self._do.replicas.of_cluster(backend, kwargs)
        return self._do.clusters.create(backend, kwargs)

    def modify_db_cluster(self, backend: RDSBackend, otherwise: Callable[[], DBCluster], kwargs: Given) -> DBCluster:
        if not self._ours(backend, kwargs["db_cluster_identifier"]):
            return otherwise()
        return self._do.clusters.modify(backend, kwargs, otherwise)

    def stop_db_cluster(
        self, backend: RDSBackend, otherwise: Callable[[], DBCluster], cluster_identifier: str
    ) -> DBCluster:
        ours = self._ours(backend, cluster_identifier)
        return self._do.clusters.stop(backend, cluster_identifier) if ours else otherwise()

    def start_db_cluster(
        self, backend: RDSBackend, otherwise: Callable[[], DBCluster], cluster_identifier: str
    ) -> DBCluster:
        ours = self._ours(backend, cluster_identifier)
        return self._do.clusters.start(backend, cluster_identifier) if ours else otherwise()

    def failover_db_cluster(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBCluster],
        db_cluster_identifier: str,
        target_db_instance_identifier: str | None = None,
    ) -> DBCluster:
        if not self._ours(backend, db_cluster_identifier):
            return otherwise()
        return self._do.clusters.fail_over(backend, db_cluster_identifier, target_db_instance_identifier)

    def delete_db_cluster(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBCluster],
        cluster_identifier: str,
        snapshot_name: str | None = None,
        skip_final_snapshot: bool | None = None,
        delete_automated_backups: bool | None = None,
    ) -> DBCluster:
        if not self._ours(backend, cluster_identifier):
            return otherwise()
        skip = snapshot_name is None if skip_final_snapshot is None else skip_final_snapshot
        keep = delete_automated_backups is False
        return self._do.clusters.delete(backend, cluster_identifier, skip, snapshot_name, not keep)

    def promote_read_replica_db_cluster(
        self, backend: RDSBackend, otherwise: Callable[[], DBCluster], db_cluster_identifier: str
    ) -> DBCluster:
        ours = self._ours(backend, db_cluster_identifier)
        return self._do.replicas.promote(backend, db_cluster_identifier) if ours else otherwise()

    def describe_db_clusters(
        self, _: RDSBackend, otherwise: Callable[[], list[DBCluster]], *__: Any, **___: Any
    ) -> list[DBCluster]:
        found = otherwise()
        for cluster in found:
            if window := self._do.restores.window(cluster):
                cluster.earliest_restorable_time = window.earliest
        return found

    # Snapshots and restores

    def create_db_cluster_snapshot(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBClusterSnapshot],
        db_cluster_identifier: str,
        db_cluster_snapshot_identifier: str,
        snapshot_type: str = "manual",
        tags: list[dict[str, str]] | None = None,
    ) -> DBClusterSnapshot:
        if not self._ours(backend, db_cluster_identifier):
            return otherwise()
        return self._do.snapshots.create(
            backend, db_cluster_identifier, db_cluster_snapshot_identifier, snapshot_type, tags
        )

    def copy_db_cluster_snapshot(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBClusterSnapshot],
        source_db_cluster_snapshot_identifier: str,
        target_db_cluster_snapshot_identifier: str,
        **given: Any,
    ) -> DBClusterSnapshot:
        source = source_db_cluster_snapshot_identifier
        if not snapshots.owns(backend.get_db_cluster_snapshot(source)):
            return otherwise()
        return self._do.snapshots.copy(backend, source, target_db_cluster_snapshot_identifier, given)

    def delete_db_cluster_snapshot(
        self, _: RDSBackend, otherwise: Callable[[], DBClusterSnapshot], *__: Any, **___: Any
    ) -> DBClusterSnapshot:
        deleted = otherwise()
        if snapshots.owns(deleted):
            self._do.snapshots.delete(deleted)
        return deleted

    def restore_db_cluster_from_snapshot(
        self, backend: RDSBackend, otherwise: Callable[[], DBCluster], from_snapshot_id: str, overrides: Given
    ) -> DBCluster:
        if not snapshots.owns(backend.get_db_cluster_snapshot(from_snapshot_id)):
            return otherwise()
        return self._do.restores.from_snapshot(backend, from_snapshot_id, overrides)

    def restore_db_cluster_to_point_in_time(
        self, backend: RDSBackend, otherwise: Callable[[], DBCluster], **given: Any
    ) -> DBCluster:
        source = given.get("source_db_cluster_identifier")
        if source and not self._ours(backend, source):
            return otherwise()
        return self._do.restores.to_time(backend, given)

    # Global clusters

    def create_global_cluster(
        self, backend: RDSBackend, otherwise: Callable[[], GlobalCluster], **given: Any
    ) -> GlobalCluster:
        source = given.get("source_db_cluster_identifier")
        ours = self._ours(backend, source) if source else given.get("engine") in (ENGINE, None)
        return self._do.globals.create(backend, given) if ours else otherwise()

    def remove_from_global_cluster(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], GlobalCluster],
        global_cluster_identifier: str,
        db_cluster_identifier: str,
    ) -> GlobalCluster:
        whole = self._estate.global_cluster(backend, global_cluster_identifier)
        if whole.engine != ENGINE:
            return otherwise()
        return self._do.globals.remove(backend, global_cluster_identifier, db_cluster_identifier)

    def delete_global_cluster(
        self, backend: RDSBackend, _otherwise: Callable[[], GlobalCluster], global_cluster_identifier: str
    ) -> GlobalCluster:
        return self._do.globals.delete(backend, global_cluster_identifier)

    # Instances

    def create_db_instance(self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_kwargs: Given) -> Any:
        name = db_kwargs.get("db_cluster_identifier")
        ours = name is not None and self._ours(backend, name)
        return self._do.members.create(backend, db_kwargs) if ours else otherwise()

    def modify_db_instance(
        self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_instance_identifier: str, db_kwargs: Given
    ) -> Any:
        if not self._is_member(backend, db_instance_identifier):
            return otherwise()
        given = dict(db_kwargs)
        # The new name is not moto's to give: it would leave the instance without what runs for it.
        db_kwargs.pop("new_db_instance_identifier", None)
        return self._do.members.modify(backend, db_instance_identifier, given, lambda _now: otherwise())

    def stop_db_instance(
        self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_instance_identifier: str, *_: Any, **__: Any
    ) -> Any:
        return self._only_alone(backend, otherwise, db_instance_identifier)

    def start_db_instance(
        self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_instance_identifier: str
    ) -> Any:
        return self._only_alone(backend, otherwise, db_instance_identifier)

    def create_db_snapshot(
        self, backend: RDSBackend, otherwise: Callable[[], Any], db_instance_identifier: str, *_: Any, **__: Any
    ) -> Any:
        return self._only_alone(backend, otherwise, db_instance_identifier)

    def promote_read_replica(self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_kwargs: Given) -> Any:
        return self._only_alone(backend, otherwise, db_kwargs["db_instance_identifier"])

    def create_db_instance_read_replica(
        self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_kwargs: Given
    ) -> Any:
        return self._only_alone(backend, otherwise, db_kwargs.get("source_db_instance_identifier") or "")

    def restore_db_instance_to_point_in_time(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBInstance],
        source_db_identifier: str,
        *_: Any,
        **__: Any,
    ) -> Any:
        return self._only_alone(backend, otherwise, source_db_identifier or "")

    def delete_db_instance(
        self, backend: RDSBackend, otherwise: Callable[[], DBInstance], db_instance_identifier: str, **_: Any
    ) -> DBInstance:
        ours = self._is_member(backend, db_instance_identifier)
        return self._do.members.delete(backend, db_instance_identifier) if ours else otherwise()

    def reboot_db_instance(
        self,
        backend: RDSBackend,
        otherwise: Callable[[], DBInstance],
        db_instance_identifier: str,
        *_: Any,
        **given: Any,
    ) -> DBInstance:
        if not self._is_member(backend, db_instance_identifier):
            return otherwise()
        return self._do.members.reboot(backend, db_instance_identifier, failover=bool(given.get("force_failover")))

    def _only_alone(self, backend: RDSBackend, otherwise: Callable[[], Any], name: str) -> Any:
        """What can be done only to an instance that is in no cluster. Raises InvalidParameterCombination."""
        if self._is_member(backend, name):
            raise InvalidParameterCombination(
                f"The specified resource name does not match an RDS resource in this region that can do this: {name} "
                "belongs to a DB cluster. Use the operation on the DB cluster."
            )
        return otherwise()

    def _ours(self, backend: RDSBackend, name: str) -> bool:
        """Raises DBClusterNotFoundFault for a cluster of nobody."""
        return self._estate.owns(self._estate.cluster(backend, name))

    def _is_member(self, backend: RDSBackend, name: str) -> bool:
        instance = backend.databases.get(name)
        return instance is not None and self._estate.fleet_of(instance) is not None
