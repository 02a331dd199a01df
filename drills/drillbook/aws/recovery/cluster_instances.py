"""The instances of a cluster. A restored cluster has none, and without one nobody can connect to it.

AWS: "Restoring from a DB cluster snapshot" — "you must create the primary instance"; every SDK restores the storage
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    INSTANCE,
    RESTORE_PATIENCE,
    described,
    own_tags,
    rds_of,
    wait_until_available,
)
from drillbook.aws.recovery.made_database import MadeDatabase, MadeDatabaseSettings, make_or_adopt
from drillbook.errors import PermanentError

if TYPE_CHECKING:
    from drillbook.world import World

_COPIED = (
    "DBInstanceClass", "PromotionTier", "PubliclyAccessible", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot",
    "MonitoringInterval", "MonitoringRoleArn", "PreferredMaintenanceWindow",
)  # fmt: skip
_INSIGHTS = ("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod")


@dataclass(frozen=True)
class Shape:
    """How one instance of a cluster is to be, as parameters of CreateDBInstance."""

    parameters: dict[str, Any]
    tags: tuple[dict[str, str], ...] = ()


class ClusterInstanceSettings(MadeDatabaseSettings):
    cluster: str
    parameters: dict[str, str | int | bool]
    tags: tuple[dict[str, str], ...] = ()


class ClusterInstance(MadeDatabase):
    """One instance in a cluster."""

    Settings = ClusterInstanceSettings
    kind = INSTANCE

    @property
    def origin(self) -> str:
        return f"instance of cluster {self._settings.cluster}"

    def create(self, tags: list[dict[str, str]]) -> None:
        cluster = described(self._rds, CLUSTER, self._settings.cluster)
        self._rds.create_db_instance(
            **{
                "DBInstanceIdentifier": self._name,
                "DBClusterIdentifier": self._settings.cluster,
                "Engine": cluster["Engine"],
                "Tags": [*self._settings.tags, *tags],
            }
            | self._settings.parameters
        )


def shapes_of(world: World, cluster: str, region: str | None = None) -> list[Shape]:
    """The instances of ``cluster`` as they are, those that a failover prefers first.

    Raises PermanentError if it has none.
    """
    rds = rds_of(world, region)
    members = described(rds, CLUSTER, cluster)["DBClusterMembers"]
    if not members:
        raise PermanentError(f"the cluster {cluster} has no instances", do="say which class of instance to create")
    ordered = sorted(members, key=lambda one: (not one["IsClusterWriter"], one.get("PromotionTier", 1)))
    return [shape_of(described(rds, INSTANCE, one["DBInstanceIdentifier"])) for one in ordered]


def shape(instance_class: str, **parameters: str | int | bool) -> Shape:
    """An instance of a class, such as ``db.r6g.large``, with more parameters of CreateDBInstance."""
    return Shape({"DBInstanceClass": instance_class, **parameters})


def add(
    world: World,
    cluster: str,
    shapes: list[Shape],
    region: str | None = None,
    *,
    timeout: float = RESTORE_PATIENCE,
) -> None:
    """Give ``cluster`` its instances, ``<cluster>-1`` and so on; the first becomes the writer. Wait until all can be
    used. Doing it again adds only those that are missing. ``timeout`` is seconds for each."""
    names = [f"{cluster}-{number}" for number in range(1, len(shapes) + 1)]
    for name, wanted in zip(names, shapes, strict=True):
        settings = ClusterInstanceSettings(
            name=name, cluster=cluster, parameters=wanted.parameters, tags=wanted.tags, region=region
        )
        make_or_adopt(world, ClusterInstance, settings)
    for name in names:
        wait_until_available(world, INSTANCE, name, region, timeout=timeout)


def is_served(world: World, cluster: str, region: str | None = None) -> bool:
    """Has the cluster a writer that is available?"""
    rds = rds_of(world, region)
    found = described(rds, CLUSTER, cluster)
    writers = [one["DBInstanceIdentifier"] for one in found["DBClusterMembers"] if one["IsClusterWriter"]]
    return found["Status"] == "available" and any(
        described(rds, INSTANCE, name)["DBInstanceStatus"] == "available" for name in writers
    )


def shape_of(instance: dict[str, Any]) -> Shape:
    """What RDS says of an instance, as the shape of another one."""
    kept = {name: instance[name] for name in _COPIED if instance.get(name) not in (None, "", [])}
    if not kept.get("MonitoringInterval"):
        kept.pop("MonitoringRoleArn", None)
    if instance.get("PerformanceInsightsEnabled"):
        kept["EnablePerformanceInsights"] = True
        kept |= {name: instance[name] for name in _INSIGHTS if instance.get(name)}
    groups = [one["DBParameterGroupName"] for one in instance.get("DBParameterGroups", [])]
    if groups and not groups[0].startswith("default."):
        kept["DBParameterGroupName"] = groups[0]
    return Shape(kept, tuple(own_tags(instance)))
