"""Which recovery point of AWS Backup to restore.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListRecoveryPointsByBackupVault.html. The newest one is not
always the right one: after a corruption it holds the corruption.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook.world import World

_WHOLE = ("COMPLETED", "AVAILABLE")


@dataclass(frozen=True)
class RecoveryPoint:
    """One backup in a vault. ``created`` is UTC, by AWS's clock: when the backup began."""

    arn: str
    vault: str
    region: str
    resource: str
    """The ARN of what was backed up, in the region where it was backed up, also for a copy."""
    kind: str
    """DynamoDB, RDS, Aurora or S3."""
    created: datetime
    completed: datetime
    """No change made after this is in it."""
    size: int
    """Bytes."""


def points(world: World, vault: str, resource: str, region: str | None = None) -> list[RecoveryPoint]:
    """The whole recovery points of ``resource`` (an ARN) in ``vault``, newest first."""
    backup = session_of(world).client("backup", region)
    with calling(f"list the recovery points of {resource} in the vault {vault}"):
        pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
            BackupVaultName=vault, ByResourceArn=resource
        )
        found = [point for page in pages for point in page["RecoveryPoints"] if point["Status"] in _WHOLE]
    made = [_point(point, vault, region or session_of(world).region) for point in found]
    return sorted(made, key=lambda point: point.created, reverse=True)


def choose(
    world: World,
    vault: str,
    resource: str,
    region: str | None = None,
    *,
    before: datetime | None = None,
    max_age: float | None = None,
) -> RecoveryPoint:
    """The newest recovery point of ``resource`` that was complete before ``before``.

    ``max_age``: AWS seconds that it may be older than ``before`` (or than now): the RPO that was promised. Raises
    PermanentError if there is no such point.
    """
    known = points(world, vault, resource, region)
    fit = [point for point in known if before is None or point.completed < before]
    if not fit:
        raise PermanentError(_nothing(vault, resource, known, before), do="look in the vault of the other region")
    newest, moment = fit[0], before or world.clock.now()
    age = (moment - newest.created).total_seconds()
    if max_age is not None and age > max_age / world.speed:
        raise PermanentError(
            f"the newest recovery point of {resource} in {vault} is of {utc_text(newest.created)}, "
            f"{duration_text(age * world.speed)} too old for {duration_text(max_age)}",
            do="see why backups or copies stopped; restore it all the same by leaving max_age out",
        )
    return newest


def _nothing(vault: str, resource: str, known: list[RecoveryPoint], before: datetime | None) -> str:
    if before is None or not known:
        return f"there is no recovery point of {resource} in the vault {vault}"
    oldest = utc_text(known[-1].created)
    return f"no recovery point of {resource} in the vault {vault} is of before {utc_text(before)}; the oldest: {oldest}"


def _point(point: dict[str, Any], vault: str, region: str) -> RecoveryPoint:
    return RecoveryPoint(
        arn=point["RecoveryPointArn"],
        vault=vault,
        region=region,
        resource=point["ResourceArn"],
        kind=point["ResourceType"],
        created=point["CreationDate"],
        completed=point.get("CompletionDate") or point["CreationDate"],
        size=point.get("BackupSizeInBytes", 0),
    )
