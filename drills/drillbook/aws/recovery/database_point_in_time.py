"""Restore an RDS instance or an Aurora cluster to a moment, under a new name, next to the one that is broken.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html and
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-pitr.html: any second of the retention can be
restored, up to about five minutes ago. What the restore does not carry over is given to the restored one here; a
restored cluster gets instances like those of its source.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime

from drillbook.aws.failures import calling
from drillbook.aws.recovery import cluster_instances, database_settings
from drillbook.aws.recovery.cluster_instances import Shape
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    INSTANCE,
    POLL,
    RESTORE_PATIENCE,
    Kind,
    described,
    rds_of,
    wait_until_available,
)
from drillbook.aws.recovery.made_database import MadeDatabase, MadeDatabaseSettings, make_or_adopt
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

WINDOW_PATIENCE = 30 * 60.0
"""Seconds. LatestRestorableTime is about five minutes behind; longer while a backup is under way."""


class RestoredDatabaseSettings(MadeDatabaseSettings):
    source: str
    at: AwareDatetime
    """RDS knows whole seconds: parts of one are cut off, which restores to a little earlier."""


class RestoredInstance(MadeDatabase):
    """Restore the instance ``source`` as of ``at`` into a new one, which undoing deletes again."""

    Settings = RestoredDatabaseSettings
    kind = INSTANCE

    @property
    def origin(self) -> str:
        return f"{self._settings.source} as of {utc_text(self._settings.at)}"

    def create(self, tags: list[dict[str, str]]) -> None:
        source = described(self._rds, INSTANCE, self._settings.source)
        self._rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=self._settings.source,
            TargetDBInstanceIdentifier=self._name,
            RestoreTime=self._settings.at.replace(microsecond=0),
            Tags=tags,
            **database_settings.of_instance(source),
        )


class RestoredCluster(MadeDatabase):
    """Restore the cluster ``source`` as of ``at`` into a new one without instances, which undoing deletes again."""

    Settings = RestoredDatabaseSettings
    kind = CLUSTER

    @property
    def origin(self) -> str:
        return f"{self._settings.source} as of {utc_text(self._settings.at)}"

    def create(self, tags: list[dict[str, str]]) -> None:
        source = described(self._rds, CLUSTER, self._settings.source)
        self._rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=self._settings.source,
            DBClusterIdentifier=self._name,
            RestoreToTime=self._settings.at.replace(microsecond=0),
            Tags=tags,
            **database_settings.of_cluster(source),
        )


def restore_instance(
    world: World,
    source: str,
    target: str,
    at: datetime,
    region: str | None = None,
    *,
    timeout: float = RESTORE_PATIENCE,
) -> dict[str, Any]:
    """Restore ``source`` as of ``at`` into the new instance ``target`` with the settings of ``source``, and wait.

    ``timeout`` is seconds. Returns what RDS says of ``target``.
    """
    original = described(rds_of(world, region), INSTANCE, source)
    settings = RestoredDatabaseSettings(name=target, source=source, at=at, region=region)
    make_or_adopt(world, RestoredInstance, settings)
    wait_until_available(world, INSTANCE, target, region, timeout=timeout)
    database_settings.carry_over(world, INSTANCE, original, target, region)
    return wait_until_available(world, INSTANCE, target, region, timeout=timeout)


def restore_cluster(
    world: World,
    source: str,
    target: str,
    at: datetime,
    region: str | None = None,
    *,
    shapes: list[Shape] | None = None,
    timeout: float = RESTORE_PATIENCE,
) -> dict[str, Any]:
    """Restore ``source`` as of ``at`` into the new cluster ``target``, with instances, and wait for both.

    ``shapes``: the instances to create; None for some like those of ``source``. ``timeout`` is seconds for each wait.
    Returns what RDS says of ``target``.
    """
    wanted = shapes if shapes is not None else cluster_instances.shapes_of(world, source, region)
    make_or_adopt(world, RestoredCluster, RestoredDatabaseSettings(name=target, source=source, at=at, region=region))
    wait_until_available(world, CLUSTER, target, region, timeout=timeout)
    database_settings.carry_over(world, CLUSTER, described(rds_of(world, region), CLUSTER, source), target, region)
    cluster_instances.add(world, target, wanted, region, timeout=timeout)
    return wait_until_available(world, CLUSTER, target, region, timeout=timeout)


def wait_until_restorable(
    world: World,
    kind: Kind,
    source: str,
    at: datetime,
    region: str | None = None,
    *,
    timeout: float = WINDOW_PATIENCE,
) -> None:
    """Wait until ``at`` is within what can be restored of ``source`` (``kind``: INSTANCE or CLUSTER).

    ``timeout`` is seconds. Raises PermanentError if backups are off or ``at`` is before their window, else WaitTimeout.
    """
    wait_for(
        f"{utc_text(at)} becoming restorable for {source}",
        lambda: _latest(rds_of(world, region), kind, source, at),
        until=lambda latest: latest is not None and latest >= at,
        timeout=timeout,
        interval=POLL / world.speed,
        clock=world.clock,
        do=f"look at the LatestRestorableTime of the {kind.noun}",
    )


def _latest(rds: Any, kind: Kind, source: str, at: datetime) -> datetime | None:
    """The last restorable moment, None while there is none. Raises PermanentError if ``at`` never becomes one."""
    found = described(rds, kind, source)
    if not found.get("BackupRetentionPeriod"):
        raise PermanentError(
            f"the {kind.noun} {source} has no automated backups",
            code="PointInTimeRestoreNotEnabled",
            do="restore a snapshot or a recovery point instead, and turn automated backups on",
        )
    earliest = found.get("EarliestRestorableTime") if kind is CLUSTER else _earliest(rds, source)
    # The window is told in whole seconds by some SDKs: its first second counts.
    if earliest is not None and at < earliest.replace(microsecond=0):
        raise PermanentError(
            f"{utc_text(at)} is before {utc_text(earliest)}, the beginning of what can be restored of {source}",
            code="InvalidRestoreFault",
            do="restore an older snapshot or recovery point instead",
        )
    latest: datetime | None = found.get("LatestRestorableTime")
    return latest


def _earliest(rds: Any, instance: str) -> datetime | None:
    """When an instance's window begins stands with its automated backup only."""
    with calling(f"read the backup window of {instance}"):
        backups = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=instance)
    windows = [one.get("RestoreWindow", {}) for one in backups["DBInstanceAutomatedBackups"]]
    return min((one["EarliestTime"] for one in windows if "EarliestTime" in one), default=None)
