"""Hourly snapshots of the product table by AWS Backup, and one that is taken at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import Session, session_of
from drillbook.waiting import wait_for

from .names import BACKUP_ROLE, TABLE, TAGS, VAULT, role_arn, table_arn

if TYPE_CHECKING:
    from drillbook.world import World

PLAN = "product-hourly"
_ENDED = ("COMPLETED", "ABORTED", "FAILED", "EXPIRED")


def hourly(world: World) -> None:
    """The vault, a first snapshot in it, and the plan by which AWS Backup takes one each hour."""
    session = session_of(world)
    backup = session.client("backup")
    _role(session)
    if VAULT not in [each["BackupVaultName"] for each in backup.list_backup_vaults()["BackupVaultList"]]:
        backup.create_backup_vault(BackupVaultName=VAULT, BackupVaultTags=TAGS)
    if not backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]:
        await_job(world, begin(session))
    if PLAN not in [each["BackupPlanName"] for each in backup.list_backup_plans()["BackupPlansList"]]:
        _schedule(session, backup)


def begin(session: Session, token: str | None = None) -> str:
    """Start a snapshot of the table; the id of its job. The same ``token`` starts it once."""
    once = {} if token is None else {"IdempotencyToken": token}
    job: str = session.client("backup").start_backup_job(
        BackupVaultName=VAULT, ResourceArn=table_arn(session), IamRoleArn=role_arn(session), **once
    )["BackupJobId"]
    return job


def await_job(world: World, job: str) -> dict[str, Any]:
    """How the job ended. AWS Backup has no waiter; a job may wait an hour in its window before it begins."""
    backup = session_of(world).client("backup")
    return wait_for(
        f"the backup of {TABLE}",
        lambda: dict(backup.describe_backup_job(BackupJobId=job)),
        until=lambda found: found["State"] in _ENDED,
        timeout=7200,
        interval=2.0 / world.speed,
        clock=world.clock,
        do="ask DescribeBackupJob why it takes so long",
    )


def _schedule(session: Session, backup: Any) -> None:
    rule = {"RuleName": "hourly", "TargetBackupVaultName": VAULT, "ScheduleExpression": "cron(0 * * * ? *)"}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": PLAN, "Rules": [{**rule, "StartWindowMinutes": 60}]})
    selection = {"SelectionName": TABLE, "IamRoleArn": role_arn(session), "Resources": [table_arn(session)]}
    backup.create_backup_selection(BackupPlanId=plan["BackupPlanId"], BackupSelection=selection)


def _role(session: Session) -> None:
    iam = session.client("iam")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    trust += ' "Principal": {"Service": "backup.amazonaws.com"}}]}'
    try:
        iam.get_role(RoleName=BACKUP_ROLE)
    except iam.exceptions.NoSuchEntityException:
        iam.create_role(RoleName=BACKUP_ROLE, AssumeRolePolicyDocument=trust)
