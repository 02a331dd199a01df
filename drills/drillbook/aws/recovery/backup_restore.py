"""Restore a recovery point of AWS Backup: a table, an instance, a cluster or a bucket, under a new name.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartRestoreJob.html. A restore job of a cluster takes 30 to
75 minutes and more; AWS Backup has no waiter at all.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from drillbook.aws.failures import calling
from drillbook.aws.recovery.backup_targets import merged
from drillbook.aws.recovery.backup_targets import target as target_of
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.recovery_points import RecoveryPoint
from drillbook.aws.session import acting, session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RESTORE_PATIENCE = 6 * 3600.0
_POLL = 5.0
_CLOCKS_APART = timedelta(minutes=15)
"""How far this machine's clock may be ahead of AWS's; a wider gap fails every signature."""
_ENDED = ("COMPLETED", "ABORTED", "FAILED")


class RestoredBackupSettings(Settings):
    """``point`` is a recovery point's ARN in ``vault``; ``kind`` is AWS Backup's ResourceType."""

    point: str
    vault: str
    kind: str
    target: str
    role: str
    """ARN of the role that AWS Backup takes."""
    overrides: dict[str, str]
    """Metadata of the restore that are to be other than at the time of the backup."""
    abroad: bool
    after: str = ""
    """A job that failed; the same restore is then another one."""
    region: str | None = None


class RestoredBackup:
    """Restore a recovery point. Undoing waits for the job, which cannot be stopped, and deletes what it made."""

    Settings = RestoredBackupSettings

    def __init__(self, world: World, settings: RestoredBackupSettings) -> None:
        self._world, self._settings = world, settings
        self._session = session_of(world)
        self._backup = self._session.client("backup", settings.region)
        self._target = target_of(world, settings.kind, settings.target, settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"restore {self._settings.point} of the vault {self._settings.vault} to {self._target.arn}"

    def touches(self) -> list[str]:
        return [self._target.arn]

    def capture(self) -> Json:
        return {"existed": self._target.exists(), "at": utc_text(self._world.clock.now())}

    def apply(self, before: Json) -> None:
        if before["existed"]:
            self.refuse()
        with calling(self.describe()):
            job = self._backup.start_restore_job(
                RecoveryPointArn=self._settings.point,
                Metadata=self._metadata(),
                IamRoleArn=self._settings.role,
                ResourceType=self._settings.kind,
                IdempotencyToken=self._token(),
            )["RestoreJobId"]
        remember(self._world, _key(self._target.arn), {"job": job, "point": self._settings.point})

    def restore(self, before: Json) -> None:
        """What no restore job made is left alone: PermanentError."""
        if before["existed"]:
            return
        jobs = [self._ended(job["RestoreJobId"]) for job in self._jobs(before)]
        if not self._target.exists():
            return
        if not any(self._made(job) for job in jobs):
            raise PermanentError(
                f"{self._target.arn} was not made by a restore of {self._settings.point}",
                code="AlreadyExistsException",
                do="see whose it is; a drill deletes only what it made",
            )
        wait_for(
            f"deleting {self._target.arn}",
            self._target.delete,
            timeout=RESTORE_PATIENCE,
            interval=_POLL / self._world.speed,
            clock=self._world.clock,
        )

    def restored(self, before: Json) -> bool:
        return before["existed"] or not self._target.exists()

    def refuse(self) -> NoReturn:
        raise PermanentError(
            f"{self._target.arn} exists, and a restore overwrites nothing",
            code="AlreadyExistsException",
            do="choose another name, or remove it; a drill touches only what it made",
        )

    def find_job(self, since: str) -> str | None:
        """The restore of our point to our target that was begun at ``since`` or later, and has not failed."""
        jobs = [job for job in self._jobs({"at": since}) if job["Status"] not in ("FAILED", "ABORTED")]
        return jobs[0]["RestoreJobId"] if jobs else None

    def _jobs(self, before: Json) -> list[dict[str, Any]]:
        """Restores of our point to our target since then."""
        since = datetime.fromisoformat(before["at"]).replace(microsecond=0) - _CLOCKS_APART
        with calling(f"list the restores of {self._settings.point}"):
            pages = self._backup.get_paginator("list_restore_jobs").paginate(ByCreatedAfter=since)
            listed = [job for page in pages for job in page["RestoreJobs"]]
            return [job for job in listed if job.get("RecoveryPointArn") == self._settings.point and self._is_ours(job)]

    def _is_ours(self, job: dict[str, Any]) -> bool:
        """AWS says what a job makes when it has made it; before, its metadata name the target."""
        if made := job.get("CreatedResourceArn"):
            return bool(made == self._target.arn)
        metadata = self._backup.get_restore_job_metadata(RestoreJobId=job["RestoreJobId"])["Metadata"]
        return self._settings.target in metadata.values()

    def _made(self, job: dict[str, Any]) -> bool:
        """Did the job, of ours and ended, make the target? One that failed may leave it broken and not say so: then
        what was not there before the job, and is no older than the job, is its own."""
        if job.get("CreatedResourceArn"):
            return bool(job["CreatedResourceArn"] == self._target.arn)
        made_at = self._target.made_at()
        return job["Status"] != "COMPLETED" and (made_at is None or made_at >= job["CreationDate"])

    def _token(self) -> str:
        """The same for the same restore of the same run: AWS begins it once, however often asked within an hour."""
        parts = (self._world.run_id, self._settings.point, self._target.arn, self._settings.after)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def _ended(self, job: str) -> dict[str, Any]:
        return wait_for(
            f"the restore job {job} ending",
            lambda: described(self._world, job, self._settings.region),
            until=lambda found: found["Status"] in _ENDED,
            timeout=RESTORE_PATIENCE,
            interval=_POLL / self._world.speed,
            clock=self._world.clock,
        )

    def _metadata(self) -> dict[str, str]:
        told = self._backup.get_recovery_point_restore_metadata(
            BackupVaultName=self._settings.vault, RecoveryPointArn=self._settings.point
        )["RestoreMetadata"]
        return merged(self._target.metadata(told, abroad=self._settings.abroad), self._settings.overrides)


def restore(
    world: World,
    point: RecoveryPoint,
    target: str,
    *,
    role: str,
    overrides: dict[str, str] | None = None,
    timeout: float = RESTORE_PATIENCE,
) -> str:
    """Restore ``point`` to the new resource ``target`` in the point's region, wait, and return its ARN.

    ``role``: ARN of the role for AWS Backup; ``overrides``: metadata of the restore (AWS: "Restoring …", one page per
    service); ``timeout`` is seconds. A cluster then has no instance: ``cluster_instances.add``. Raises PermanentError
    with AWS Backup's message if the job fails, or if a ``target`` is there that this run did not restore.
    """
    job = begin(world, point, target, role=role, overrides=overrides)
    return wait_until_restored(world, job, point.region, timeout=timeout)


def begin(
    world: World, point: RecoveryPoint, target: str, *, role: str, overrides: dict[str, str] | None = None
) -> str:
    """Start the restore job, unless this run has done so before; its id. A job that failed is begun anew."""
    settings = RestoredBackupSettings(
        point=point.arn, vault=point.vault, kind=point.kind, target=target, role=role, overrides=overrides or {},
        abroad=_region_of(point) != point.region, region=point.region,
    )  # fmt: skip
    change = RestoredBackup(world, settings)
    key = _key(change.touches()[0])
    known = recall(world, key) or {}
    _refuse_another_point(target, known, point)
    if not known and change.capture()["existed"]:
        change.refuse()
    job = known.get("job") or (change.find_job(known["began"]) if "began" in known else None)
    if job is None or described(world, job, point.region)["Status"] in ("FAILED", "ABORTED"):
        remember(world, key, {"began": utc_text(world.clock.now()), "point": point.arn})
        make(world, RestoredBackup, settings.model_copy(update={"after": job or ""}))
        job = recall(world, key)["job"]
    return str(job)


def _refuse_another_point(target: str, known: Json, point: RecoveryPoint) -> None:
    if known.get("point", point.arn) != point.arn:
        raise PermanentError(
            f"{target} is restored from {known['point']}, not from {point.arn}",
            code="AlreadyExistsException",
            do="choose another name for the restore of another recovery point",
        )


def wait_until_restored(world: World, job: str, region: str | None = None, *, timeout: float = RESTORE_PATIENCE) -> str:
    """Wait for the restore job, and return the ARN of what it made. ``timeout`` is seconds.

    Raises PermanentError with AWS Backup's message if it fails, else WaitTimeout.
    """
    ended = wait_for(
        f"the restore job {job} ending",
        lambda: described(world, job, region),
        until=lambda found: found["Status"] in _ENDED,
        timeout=timeout,
        interval=_POLL / world.speed,
        clock=world.clock,
        do="ask DescribeRestoreJob; restores take hours for large databases",
    )
    if ended["Status"] != "COMPLETED":
        raise PermanentError(
            f"the restore job {job} is {ended['Status']}: {ended.get('StatusMessage', 'no message')}",
            code=ended["Status"],
            do="correct what AWS Backup says, and restore to another name",
        )
    return str(ended["CreatedResourceArn"])


def discard(world: World, kind: str, target: str, region: str | None = None) -> None:
    """Delete what this run restored, a cluster with its instances, and wait: the end of a rehearsal. Twice is once.

    ``kind`` is AWS Backup's ResourceType. Heal would do the same, later. Raises PermanentError for a stranger's.
    """
    made = target_of(world, kind, target, region)
    if not made.exists():
        return
    if "job" not in (recall(world, _key(made.arn)) or {}):
        raise PermanentError(
            f"{made.arn} was not restored by this run",
            code="AlreadyExistsException",
            do="see whose it is; a drill deletes only what it made",
        )
    with acting("recovery"):
        wait_for(
            f"deleting {made.arn}",
            made.delete,
            timeout=RESTORE_PATIENCE,
            interval=_POLL / world.speed,
            clock=world.clock,
        )


def described(world: World, job: str, region: str | None = None) -> dict[str, Any]:
    """What AWS Backup says of a restore job."""
    with calling(f"describe the restore job {job}"):
        return dict(session_of(world).client("backup", region).describe_restore_job(RestoreJobId=job))


def _region_of(point: RecoveryPoint) -> str:
    """Where the backup was taken; buckets' ARNs do not say."""
    return point.resource.split(":")[3] or point.region


def _key(arn: str) -> str:
    return f"restore of {arn}"
