"""Take a snapshot, copy it to another region, restore it there: how data comes home after a disaster.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_CreateSnapshot.html,
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-copy-snapshot.html and
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-restore-snapshot.html. A copy between regions "can
take hours", where botocore's waiter for snapshots gives up after 10 minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.recovery import cluster_instances
from drillbook.aws.recovery.cluster_instances import Shape
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    CLUSTER_SNAPSHOT,
    INSTANCE,
    RESTORE_PATIENCE,
    SNAPSHOT,
    Kind,
    arn_of,
    described,
    is_available,
    rds_of,
    wait_until_available,
)
from drillbook.aws.recovery.made_database import MadeDatabase, MadeDatabaseSettings, make_or_adopt
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.world import World

SNAPSHOT_PATIENCE = 6 * 3600.0


class SnapshotSettings(MadeDatabaseSettings):
    of: str
    """The instance or cluster."""


class ClusterSnapshot(MadeDatabase):
    """A manual snapshot of a cluster."""

    Settings = SnapshotSettings
    kind = CLUSTER_SNAPSHOT

    @property
    def origin(self) -> str:
        return f"snapshot of {self._settings.of}"

    def create(self, tags: list[dict[str, str]]) -> None:
        self._rds.create_db_cluster_snapshot(
            DBClusterIdentifier=self._settings.of, DBClusterSnapshotIdentifier=self._name, Tags=tags
        )


class InstanceSnapshot(ClusterSnapshot):
    """A manual snapshot of an instance."""

    kind = SNAPSHOT

    def create(self, tags: list[dict[str, str]]) -> None:
        self._rds.create_db_snapshot(DBInstanceIdentifier=self._settings.of, DBSnapshotIdentifier=self._name, Tags=tags)


class SnapshotCopySettings(MadeDatabaseSettings):
    """``region`` is where the copy goes."""

    source: str
    """Name of a snapshot in ``source_region``."""
    source_region: str
    kms_key: str | None = None
    """A key of the copy's region; needed for encrypted snapshots."""


class ClusterSnapshotCopy(MadeDatabase):
    """A copy of a cluster snapshot in another region."""

    Settings = SnapshotCopySettings
    kind = CLUSTER_SNAPSHOT

    @property
    def origin(self) -> str:
        return f"copy of {self._source}"

    @property
    def _source(self) -> str:
        return arn_of(self._world, self._settings.source_region, self.kind, self._settings.source)

    @property
    def _more(self) -> dict[str, Any]:
        key = {"KmsKeyId": self._settings.kms_key} if self._settings.kms_key else {}
        return {"SourceRegion": self._settings.source_region, "CopyTags": True, **key}

    def create(self, tags: list[dict[str, str]]) -> None:
        self._rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=self._source,
            TargetDBClusterSnapshotIdentifier=self._name,
            Tags=tags,
            **self._more,
        )


class InstanceSnapshotCopy(ClusterSnapshotCopy):
    """A copy of an instance's snapshot in another region."""

    kind = SNAPSHOT

    def create(self, tags: list[dict[str, str]]) -> None:
        self._rds.copy_db_snapshot(
            SourceDBSnapshotIdentifier=self._source, TargetDBSnapshotIdentifier=self._name, Tags=tags, **self._more
        )


class FromSnapshotSettings(MadeDatabaseSettings):
    snapshot: str
    parameters: dict[str, Json]
    """More parameters of the restore, such as ``DBSubnetGroupName``; see ``database_settings``."""


class ClusterFromSnapshot(MadeDatabase):
    """A cluster without instances, restored from a snapshot of its region."""

    Settings = FromSnapshotSettings
    kind = CLUSTER

    @property
    def origin(self) -> str:
        return f"snapshot {self._settings.snapshot} restored"

    def create(self, tags: list[dict[str, str]]) -> None:
        snapshot = described(self._rds, CLUSTER_SNAPSHOT, self._settings.snapshot)
        self._rds.restore_db_cluster_from_snapshot(
            **{
                "DBClusterIdentifier": self._name,
                "SnapshotIdentifier": self._settings.snapshot,
                "Engine": snapshot["Engine"],
                "EngineVersion": snapshot["EngineVersion"],
                "Tags": tags,
            }
            | self._settings.parameters
        )


class InstanceFromSnapshot(ClusterFromSnapshot):
    """An instance, restored from a snapshot of its region."""

    kind = INSTANCE

    def create(self, tags: list[dict[str, str]]) -> None:
        self._rds.restore_db_instance_from_db_snapshot(
            **{"DBInstanceIdentifier": self._name, "DBSnapshotIdentifier": self._settings.snapshot, "Tags": tags}
            | self._settings.parameters
        )


def take(
    world: World,
    kind: Kind,
    database: str,
    snapshot: str,
    region: str | None = None,
    *,
    timeout: float = SNAPSHOT_PATIENCE,
) -> str:
    """Take ``snapshot`` of ``database`` (``kind``: INSTANCE or CLUSTER), wait for it, and return its ARN."""
    described(rds_of(world, region), kind, database)
    factory = ClusterSnapshot if kind is CLUSTER else InstanceSnapshot
    make_or_adopt(world, factory, SnapshotSettings(name=snapshot, of=database, region=region))
    found = wait_until_available(world, factory.kind, snapshot, region, timeout=timeout)
    return str(found[factory.kind.arn])


def copy_to(
    world: World,
    kind: Kind,
    snapshot: str,
    *,
    from_region: str,
    to_region: str,
    kms_key: str | None = None,
    timeout: float = SNAPSHOT_PATIENCE,
) -> str:
    """Copy ``snapshot`` (of an INSTANCE or CLUSTER) under its name to another region, wait, and return its ARN there.

    ``kms_key``: of ``to_region``, needed if the snapshot is encrypted: keys do not leave their region.
    """
    factory = ClusterSnapshotCopy if kind is CLUSTER else InstanceSnapshotCopy
    settings = SnapshotCopySettings(
        name=snapshot, source=snapshot, source_region=from_region, region=to_region, kms_key=kms_key
    )
    make_or_adopt(world, factory, settings)
    return str(wait_until_available(world, factory.kind, snapshot, to_region, timeout=timeout)[factory.kind.arn])


def restore_instance(
    world: World,
    snapshot: str,
    target: str,
    region: str | None = None,
    *,
    parameters: dict[str, Json] | None = None,
    timeout: float = RESTORE_PATIENCE,
) -> dict[str, Any]:
    """Restore ``snapshot`` into the new instance ``target``, and wait. Returns what RDS says of it."""
    wait_until_available(world, SNAPSHOT, snapshot, region, timeout=timeout)
    settings = FromSnapshotSettings(name=target, snapshot=snapshot, parameters=parameters or {}, region=region)
    make_or_adopt(world, InstanceFromSnapshot, settings)
    return wait_until_available(world, INSTANCE, target, region, timeout=timeout)


def restore_cluster(
    world: World,
    snapshot: str,
    target: str,
    shapes: list[Shape],
    region: str | None = None,
    *,
    parameters: dict[str, Json] | None = None,
    timeout: float = RESTORE_PATIENCE,
) -> dict[str, Any]:
    """Restore ``snapshot`` into the new cluster ``target`` with instances of these ``shapes``, and wait for both.

    Its settings are AWS's defaults but for ``parameters``; see ``database_settings.of_cluster``.
    """
    wait_until_available(world, CLUSTER_SNAPSHOT, snapshot, region, timeout=timeout)
    settings = FromSnapshotSettings(name=target, snapshot=snapshot, parameters=parameters or {}, region=region)
    make_or_adopt(world, ClusterFromSnapshot, settings)
    wait_until_available(world, CLUSTER, target, region, timeout=timeout)
    cluster_instances.add(world, target, shapes, region, timeout=timeout)
    return wait_until_available(world, CLUSTER, target, region, timeout=timeout)


def is_taken(world: World, kind: Kind, snapshot: str, region: str | None = None) -> bool:
    """Is there such a snapshot (of an INSTANCE or CLUSTER), complete?"""
    return is_available(world, CLUSTER_SNAPSHOT if kind is CLUSTER else SNAPSHOT, snapshot, region)
