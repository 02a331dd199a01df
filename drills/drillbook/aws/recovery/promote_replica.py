"""Promote a read replica of RDS to a database of its own.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Promote.html: it "can take several minutes or
longer", restarts the instance, and cannot be taken back. What the source acknowledged and had not yet sent is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.database_kinds import (
    INSTANCE,
    arn_of,
    described,
    rds_of,
    wait_until_available,
    wait_until_unused,
)
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import EventKind, Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

PROMOTION_PATIENCE = 3600.0
"""Seconds. AWS takes 5 to 12 minutes, and waits for a backup that is under way."""


class PromotedReplicaSettings(Settings):
    replica: str
    backup_days: int
    region: str | None = None


class PromotedReplica:
    """Promote a replica. AWS cannot un-promote one: undoing leaves it standing, at rest, and says so."""

    Settings = PromotedReplicaSettings

    def __init__(self, world: World, settings: PromotedReplicaSettings) -> None:
        self._world, self._settings = world, settings
        self._rds = rds_of(world, settings.region)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"promote the replica {self._settings.replica} (cannot be undone)"

    def touches(self) -> list[str]:
        return [arn_of(self._world, self._settings.region, INSTANCE, self._settings.replica)]

    def capture(self) -> Json:
        return {"source": source_of(described(self._rds, INSTANCE, self._settings.replica))}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        with calling(self.describe()):
            self._rds.promote_read_replica(
                DBInstanceIdentifier=self._settings.replica, BackupRetentionPeriod=self._settings.backup_days
            )

    def restore(self, before: Json) -> None:
        replica, region = self._settings.replica, self._settings.region
        wait_until_unused(self._world, INSTANCE, replica, region, timeout=PROMOTION_PATIENCE)
        if before["source"]:
            said = f"{replica} stays a database of its own: make a new replica of {before['source']}, or stand up again"
            self._world.events.emit(EventKind.NOTE, said)

    def restored(self, before: Json) -> bool:  # noqa: ARG002 - whatever it is now, nothing more can be done
        return True


def promote(
    world: World, replica: str, region: str | None = None, *, backup_days: int = 7, timeout: float = PROMOTION_PATIENCE
) -> dict[str, Any]:
    """Make ``replica`` a database of its own, and wait until it takes writes. Returns what RDS says of it.

    ``backup_days``: the retention of its automated backups, which a replica has not; ``timeout`` is seconds for the
    wait before and for the one after. Raises PermanentError if it is no replica and this run has not promoted it.
    """
    key = f"promotion of {arn_of(world, region, INSTANCE, replica)}"
    source = source_of(described(rds_of(world, region), INSTANCE, replica))
    if recall(world, key) is None:
        _demand_a_replica(replica, source)
        wait_until_available(world, INSTANCE, replica, region, timeout=timeout)
        remember(world, key, {"source": source})
    if source is not None:
        wait_until_unused(world, INSTANCE, replica, region, timeout=timeout)
    if not stands_alone(world, replica, region):
        settings = PromotedReplicaSettings(replica=replica, backup_days=backup_days, region=region)
        make(world, PromotedReplica, settings)
    return wait_until_available(world, INSTANCE, replica, region, timeout=timeout)


def stands_alone(world: World, instance: str, region: str | None = None) -> bool:
    """Does it replicate from no other instance?"""
    return source_of(described(rds_of(world, region), INSTANCE, instance)) is None


def is_promoted(world: World, instance: str, region: str | None = None) -> bool:
    """Is it a database of its own, ready for use?"""
    found = described(rds_of(world, region), INSTANCE, instance)
    return source_of(found) is None and found["DBInstanceStatus"] == "available"


def source_of(instance: dict[str, Any]) -> str | None:
    """What it replicates from: an instance's name, or its ARN in another region; None if nothing."""
    return instance.get("ReadReplicaSourceDBInstanceIdentifier") or None


def _demand_a_replica(replica: str, source: str | None) -> None:
    if source is None:
        raise PermanentError(
            f"{replica} replicates from nothing, and this run has not promoted it",
            code="InvalidDBInstanceState",
            do="check the name and region of the replica; if it was promoted by hand, leave this step out",
        )
