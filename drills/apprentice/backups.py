"""AWS Backup: into a vault at home, copied at once to the vault of the standby region.

The runbook's hourly plan is not set up: a drill says itself when the hourly backup runs, so that it is repeatable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.waiting import wait_for

from .api import role, role_arn
from .names import AWAY, BACKUP_ROLE, CLUSTER, HOME, TAG_LIST, TAGS, VAULT, alarm_of, cluster_arn, topic_arn

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.world import World

_ENDED = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")
_PATIENCE = 120.0


def stand_up(world: World) -> None:
    """The vaults, and one backup with its copy: a standby without any could never be lit."""
    session = session_of(world)
    role(session, BACKUP_ROLE, "backup.amazonaws.com")
    for region in (HOME, AWAY):
        backup = session.client("backup", region)
        if VAULT not in [each["BackupVaultName"] for each in backup.list_backup_vaults()["BackupVaultList"]]:
            backup.create_backup_vault(BackupVaultName=VAULT, BackupVaultTags=TAGS)
    _alarm(session)
    backup = session.client("backup", AWAY)
    if not backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]:
        back_up(world)


def _alarm(session: Session) -> None:
    session.client("cloudwatch", HOME).put_metric_alarm(
        AlarmName=alarm_of(HOME, "backup-failures"),
        Namespace="AWS/Backup",
        MetricName="NumberOfBackupJobsFailed",
        Dimensions=[{"Name": "BackupVaultName", "Value": VAULT}],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic_arn(session.account, HOME)],
        Tags=TAG_LIST,
    )


def back_up(world: World) -> str:
    """Take a backup of the cluster now and copy it, as is done every hour; the copy's ARN."""
    session = session_of(world)
    backup, taker = session.client("backup", HOME), role_arn(session.account, BACKUP_ROLE)
    job = backup.start_backup_job(
        BackupVaultName=VAULT, ResourceArn=cluster_arn(session.account, CLUSTER, HOME), IamRoleArn=taker
    )["BackupJobId"]
    point = _ended(world, "the backup", lambda: backup.describe_backup_job(BackupJobId=job))["RecoveryPointArn"]
    copy = backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=VAULT,
        DestinationBackupVaultArn=f"arn:aws:backup:{AWAY}:{session.account}:backup-vault:{VAULT}",
        IamRoleArn=taker,
    )["CopyJobId"]
    copied = _ended(world, "the copy", lambda: backup.describe_copy_job(CopyJobId=copy)["CopyJob"])
    return str(copied["DestinationRecoveryPointArn"])


def _ended(world: World, what: str, look: Any) -> dict[str, Any]:
    ended: dict[str, Any] = wait_for(
        f"{what} ending",
        look,
        until=lambda job: job["State"] in _ENDED,
        timeout=_PATIENCE,
        interval=0.05,
        clock=world.clock,
    )
    return ended
