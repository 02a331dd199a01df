"""Moto's AWS Backup of one region, with jobs that do something."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from moto.backup.exceptions import (
    InvalidParameterValueException,
    InvalidRequestException,
    ResourceNotFoundException,
)
from moto.backup.models import backup_backends

from drillbook.embedded.backup.kind import Taken
from drillbook.embedded.backup.kinds import kind_named, kind_of
from drillbook.embedded.backup.records import (
    BackupJob,
    CopyJob,
    Job,
    Place,
    RecoveryPoint,
    Resource,
    RestoreJob,
)
from drillbook.embedded.backup.refusals import MissingParameterValue
from drillbook.embedded.backup.vaults import Vaults
from drillbook.embedded.backup.work import Work

J = TypeVar("J", bound=Job)


class VaultBackend(Vaults):
    """One region of one account."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.backup_jobs: dict[str, BackupJob] = {}
        self.copy_jobs: dict[str, CopyJob] = {}
        self.restore_jobs: dict[str, RestoreJob] = {}
        self.asked: dict[tuple[str, str], str] = {}
        """The job that an idempotency token of an operation has begun."""

    # Backups

    def start_backup(self, given: dict[str, Any], created_by: dict[str, str] | None = None) -> BackupJob:
        vault = self.vault(given["BackupVaultName"])
        resource = self._resource(given["ResourceArn"])
        lifecycle = given.get("Lifecycle") or {}
        self.check_lifecycle(lifecycle)
        job = BackupJob(
            **self._job(resource, given, "CREATED"),
            vault=Place(vault.backup_vault_arn),
            lifecycle=lifecycle,
            tags=given.get("RecoveryPointTags") or {},
            created_by=created_by or {},
            copies=given.get("CopyActions") or [],
        )
        kind = kind_of(resource.arn)
        if kind.names_point_at_once:
            job.point_arn = kind.point_arn(self.home, resource.name, job.id)
        return self._begin(self.backup_jobs, job, given, partial(self._back_up, job))

    def _resource(self, arn: str) -> Resource:
        """Raises ResourceNotFoundException unless it is there, in this region."""
        kind = kind_of(arn)
        name = kind.name(self.home, arn) if arn.split(":")[3] in ("", self.region_name) else None
        if name is None:
            raise ResourceNotFoundException(f"Resource {arn} does not exist in {self.region_name}")
        return Resource(arn, kind.type, name)

    def _back_up(self, job: BackupJob, work: Work) -> None:
        kind, name = kind_of(job.resource.arn), job.resource.name
        self.keepable(job.vault, job.lifecycle)
        self.unlock(kind, job.vault)
        tags = work.step(lambda: kind.tags(self.home, job.resource.arn), self.region_name)
        began = self.now()
        taken = kind.back_up(self.home, name, kind.point_arn(self.home, name, job.id), work)
        self._put(job, taken, RecoveryPoint(**_inside(taken, job), vault=job.vault, created=began, resource_tags=tags))
        for action in job.copies:
            self.start_copy(
                action
                | {
                    "RecoveryPointArn": taken.arn,
                    "SourceBackupVaultName": job.vault.name,
                    "IamRoleArn": job.iam_role_arn,
                },
                job.created_by,
            )

    def _put(self, job: BackupJob | CopyJob, taken: Taken, point: RecoveryPoint) -> None:
        point.lifecycle, point.created_by = job.lifecycle, job.created_by
        point.delete_at = self.end_of(job.lifecycle, point.created)
        self.points[point.arn] = point
        tags = point.resource_tags | (job.tags if isinstance(job, BackupJob) else {})
        if tags:
            self.tag_resource(point.arn, tags)
        job.point_arn, job.size = taken.arn, taken.size

    # Copies

    def start_copy(self, given: dict[str, Any], created_by: dict[str, str] | None = None) -> CopyJob:
        source = self.point(given["SourceBackupVaultName"], given["RecoveryPointArn"])
        destination = self._destination(given["DestinationBackupVaultArn"])
        if destination == source.vault:
            raise InvalidRequestException("The destination must be another vault")
        lifecycle = given.get("Lifecycle") or {}
        self.check_lifecycle(lifecycle)
        job = CopyJob(
            **self._job(source.resource, given, "CREATED"),
            source=source,
            destination=destination,
            lifecycle=lifecycle,
            created_by=created_by or {},
        )
        return self._begin(self.copy_jobs, job, given, partial(self._copy, job))

    def _destination(self, arn: str) -> Place:
        parts = arn.split(":")
        if parts[:3] != ["arn", "aws", "backup"] or parts[5:6] != ["backup-vault"] or len(parts) != 7:
            raise InvalidParameterValueException(f"Not the ARN of a backup vault: {arn}")
        place = Place(arn)
        if place.account != self.account_id:
            raise InvalidParameterValueException("The embedded cloud copies within one account only")
        backend_of(place).vault(place.name)
        return place

    def _copy(self, job: CopyJob, work: Work) -> None:
        kind, there = kind_named(job.resource.type), backend_of(job.destination)
        there.keepable(job.destination, job.lifecycle)
        self.unlock(kind, job.source.vault)
        there.unlock(kind, job.destination)
        taken = kind.copy(job.source, there.home, kind.point_arn(there.home, job.resource.name, job.id), work)
        point = RecoveryPoint(
            **_inside(taken, job),
            vault=job.destination,
            created=job.source.created,
            source_vault=job.source.vault,
            resource_tags=job.source.resource_tags,
        )
        there._put(job, taken, point)

    # Restores

    def start_restore(self, given: dict[str, Any]) -> RestoreJob:
        point = self.points.get(given["RecoveryPointArn"])
        if point is None:
            raise ResourceNotFoundException(f"There is no recovery point {given['RecoveryPointArn']}")
        if not given.get("IamRoleArn"):
            raise MissingParameterValue("IamRoleArn is required")
        if given.get("ResourceType", point.resource.type) != point.resource.type:
            raise InvalidParameterValueException(f"The recovery point is of a resource of type {point.resource.type}")
        metadata: dict[str, str] = given["Metadata"]
        kind_named(point.resource.type).check(metadata)
        job = RestoreJob(
            **self._job(point.resource, given, "PENDING"),
            point=point,
            metadata=metadata,
            copy_tags=bool(given.get("CopySourceTagsToRestoredResource")),
            size=point.size,
        )
        return self._begin(self.restore_jobs, job, given, partial(self._restore, job))

    def _restore(self, job: RestoreJob, work: Work) -> None:
        kind = kind_named(job.resource.type)
        self.unlock(kind, job.point.vault)
        job.created_resource_arn = kind.restore(job.point, job.metadata, work)
        if job.copy_tags and job.point.resource_tags:
            kind.tag(self.home, job.created_resource_arn, job.point.resource_tags)
        job.point.last_restored = self.now()

    # Jobs

    def _job(self, resource: Resource, given: dict[str, Any], state: str) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()).upper(),
            "account": self.account_id,
            "resource": resource,
            "iam_role_arn": given.get("IamRoleArn", ""),
            "created": self.now(),
            "state": state,
        }

    def _begin(self, jobs: dict[str, J], job: J, given: dict[str, Any], work: Callable[[Work], None]) -> J:
        """The same idempotency token means the same job."""
        if token := given.get("IdempotencyToken"):
            known = self.asked.setdefault((type(job).__name__, token), job.id)
            if known != job.id:
                return jobs[known]
        jobs[job.id] = job
        self.desk.begin(job, work)
        return job

    def stop_backup(self, job_id: str) -> None:
        job = job_of(self.backup_jobs, job_id)
        if job.ended:
            raise InvalidRequestException(f"Backup job {job_id} is {job.state} and cannot be stopped")
        job.state = "ABORTING"

    def wake_up(self, saved: datetime) -> None:
        """After a world that was saved then has been loaded: what was under way has no thread any more."""
        slept = self.now() - saved
        for jobs in (self.backup_jobs, self.copy_jobs, self.restore_jobs):
            for job in jobs.values():
                if not job.ended:
                    job.end("FAILED", self.now(), "The job was under way when the world was saved")
        for point in self.points.values():
            # A snapshot is as old as it was: whoever demands a recent one must not be told how long the file lay about.
            # One that a plan took since the world was read, a moment ago, does not become one of the future.
            point.created = min(point.created + slept, self.now())
            point.delete_at = point.delete_at and point.delete_at + slept
        for clockwork in self.clockworks.values():
            clockwork.begun, clockwork.last = clockwork.begun + slept, clockwork.last + slept


def backend_of(place: Place) -> VaultBackend:
    """Raises ResourceNotFoundException for a region that there is not."""
    regions = backup_backends[place.account]
    if place.region not in regions.regions:
        raise ResourceNotFoundException(f"There is no region {place.region}")
    backend = regions[place.region]
    assert isinstance(backend, VaultBackend)
    return backend


def job_of(jobs: dict[str, J], job_id: str) -> J:
    """Raises ResourceNotFoundException."""
    if job_id not in jobs:
        raise ResourceNotFoundException(f"There is no job {job_id}")
    return jobs[job_id]


def _inside(taken: Taken, job: BackupJob | CopyJob) -> dict[str, Any]:
    return {
        "arn": taken.arn,
        "resource": job.resource,
        "iam_role_arn": job.iam_role_arn,
        "size": taken.size,
        "restore_metadata": taken.restore_metadata,
        "contents": taken.contents,
    }
