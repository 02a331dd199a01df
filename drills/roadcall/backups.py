"""The vault of AWS Backup, the daily plan, and a recovery point of each store to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.waiting import wait_for

from .names import CLUSTERS, PRIMARY, TABLES, VAULT

if TYPE_CHECKING:
    from drillbook.world import World

ENDED = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")


def protected(account: str) -> list[str]:
    """ARNs of what is backed up: every table, and the cluster."""
    tables = [f"arn:aws:dynamodb:{PRIMARY}:{account}:table/{name}" for name in TABLES.values()]
    return [*tables, f"arn:aws:rds:{PRIMARY}:{account}:cluster:{CLUSTERS[PRIMARY]}"]


def stand_up(world: World) -> None:
    session = session_of(world)
    backup = session.client("backup", PRIMARY)
    role = f"arn:aws:iam::{session.account}:role/roadcall-backup"
    backup.create_backup_vault(BackupVaultName=VAULT)
    jobs = [
        backup.start_backup_job(BackupVaultName=VAULT, ResourceArn=arn, IamRoleArn=role)["BackupJobId"]
        for arn in protected(session.account)
    ]
    for job in jobs:
        _await(world, backup, job)


def _await(world: World, backup: Any, job: str) -> None:
    wait_for(
        "the first backups",
        lambda: backup.describe_backup_job(BackupJobId=job)["State"] == "COMPLETED",
        timeout=120,
        interval=0.05,
        clock=world.clock,
    )
