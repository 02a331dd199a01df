"""Build a replica in the region that was lost, of the database that took over: the first half of going home.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.XRgn.html and
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-attaching.html. A replica is filled
from a snapshot that is copied between regions: hours for large databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery import cluster_instances
from drillbook.aws.recovery.cluster_instances import Shape
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    GLOBAL,
    INSTANCE,
    arn_of,
    described,
    look,
    wait_until_available,
)
from drillbook.aws.recovery.made_database import MadeDatabase, MadeDatabaseSettings, make_or_adopt
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.world import World

REBUILD_PATIENCE = 12 * 3600.0


class ReplicaSettings(MadeDatabaseSettings):
    source: str
    source_region: str
    parameters: dict[str, Json]


class RebuiltReplica(MadeDatabase):
    """A read replica of an instance."""

    Settings = ReplicaSettings
    kind = INSTANCE

    @property
    def origin(self) -> str:
        return f"replica of {self._source}"

    @property
    def _source(self) -> str:
        return arn_of(self._world, self._settings.source_region, INSTANCE, self._settings.source)

    def create(self, tags: list[dict[str, str]]) -> None:
        elsewhere = self._settings.source_region != self._rds.meta.region_name
        place = {"SourceRegion": self._settings.source_region} if elsewhere else {}
        self._rds.create_db_instance_read_replica(
            **{
                "DBInstanceIdentifier": self._name,
                "SourceDBInstanceIdentifier": self._source if elsewhere else self._settings.source,
                "Tags": tags,
            }
            | place
            | self._settings.parameters
        )


class SecondarySettings(MadeDatabaseSettings):
    global_cluster: str
    parameters: dict[str, Json]


class Secondary(MadeDatabase):
    """A secondary cluster of a global database, without instances. Undoing takes it out and deletes it."""

    Settings = SecondarySettings
    kind = CLUSTER

    @property
    def origin(self) -> str:
        return f"secondary of {self._settings.global_cluster}"

    def create(self, tags: list[dict[str, str]]) -> None:
        whole = described(self._rds, GLOBAL, self._settings.global_cluster)
        self._rds.create_db_cluster(
            **{
                "DBClusterIdentifier": self._name,
                "GlobalClusterIdentifier": self._settings.global_cluster,
                "Engine": whole["Engine"],
                "Tags": tags,
            }
            | ({"EngineVersion": whole["EngineVersion"]} if whole.get("EngineVersion") else {})
            | self._settings.parameters
        )

    def _delete(self) -> bool:
        whole = look(self._rds, GLOBAL, self._settings.global_cluster)
        arn = self.touches()[0]
        if whole and any(one["DBClusterArn"] == arn for one in whole["GlobalClusterMembers"]):
            with calling(f"take {self._name} out of {self._settings.global_cluster}"):
                self._rds.remove_from_global_cluster(
                    GlobalClusterIdentifier=self._settings.global_cluster, DbClusterIdentifier=arn
                )
            return False
        return super()._delete()


def rebuild_replica(
    world: World,
    source: str,
    target: str,
    *,
    source_region: str,
    region: str,
    parameters: dict[str, Json] | None = None,
    timeout: float = REBUILD_PATIENCE,
) -> dict[str, Any]:
    """Make the read replica ``target`` in ``region`` of the instance ``source``, and wait. Returns what RDS says of it.

    ``parameters``: more of CreateDBInstanceReadReplica, such as ``DBSubnetGroupName`` and ``KmsKeyId`` of ``region``.
    Raises PermanentError with RDS's code: a source without automated backups has no replicas.
    """
    settings = ReplicaSettings(
        name=target, source=source, source_region=source_region, parameters=parameters or {}, region=region
    )
    make_or_adopt(world, RebuiltReplica, settings)
    return wait_until_available(world, INSTANCE, target, region, timeout=timeout)


def add_secondary(
    world: World,
    global_cluster: str,
    cluster: str,
    shapes: list[Shape],
    *,
    region: str,
    parameters: dict[str, Json] | None = None,
    timeout: float = REBUILD_PATIENCE,
) -> dict[str, Any]:
    """Make the secondary ``cluster`` in ``region``, with instances, and wait until all can be used.

    ``shapes``: see ``cluster_instances``; ``parameters``: more of CreateDBCluster. Returns what RDS says of it.
    """
    settings = SecondarySettings(
        name=cluster, global_cluster=global_cluster, parameters=parameters or {}, region=region
    )
    make_or_adopt(world, Secondary, settings)
    wait_until_available(world, CLUSTER, cluster, region, timeout=timeout)
    cluster_instances.add(world, cluster, shapes, region, timeout=timeout)
    return wait_until_available(world, CLUSTER, cluster, region, timeout=timeout)
