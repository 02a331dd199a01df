"""The calls about recovery points and jobs, and with the others all that AWS Backup answers here."""

from __future__ import annotations

from typing import Any

from moto.backup.exceptions import InvalidParameterValueException
from moto.core.responses import ActionResult, EmptyResult

from drillbook.embedded.backup.backend import job_of
from drillbook.embedded.backup.kinds import KINDS
from drillbook.embedded.backup.plan_calls import PlanCalls
from drillbook.embedded.backup.records import Job, RecoveryPoint
from drillbook.embedded.backup.request import newest_first

_PATIENCE = 0.5
_LOOK_AGAIN = 0.01


class BackupApi(PlanCalls):
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Operations.html"""

    # Recovery points

    def list_recovery_points_by_backup_vault(self) -> ActionResult:
        (name,) = self.given("BackupVaultName")
        wanted = {"ByResourceArn": "ResourceArn", "ByResourceType": "ResourceType"}
        points = [point.described() for point in self.backend.points_in(name)]
        plan = self.params.get("ByBackupPlanId")
        if plan:
            points = [point for point in points if point.get("CreatedBy", {}).get("BackupPlanId") == plan]
        return self.page("RecoveryPoints", self.filtered(points, wanted))

    def list_recovery_points_by_resource(self) -> ActionResult:
        (arn,) = self.given("ResourceArn")
        points = [point.described() for point in list(self.backend.points.values()) if point.resource.arn == arn]
        return self.page("RecoveryPoints", newest_first(points))

    def describe_recovery_point(self) -> ActionResult:
        return ActionResult(self._point().described())

    def get_recovery_point_restore_metadata(self) -> ActionResult:
        point = self._point()
        return ActionResult(
            {
                "BackupVaultArn": point.vault.arn,
                "RecoveryPointArn": point.arn,
                "RestoreMetadata": point.restore_metadata,
                "ResourceType": point.resource.type,
            }
        )

    def update_recovery_point_lifecycle(self) -> ActionResult:
        name, arn, lifecycle = self.given("BackupVaultName", "RecoveryPointArn", "Lifecycle")
        return ActionResult(self.backend.change_lifecycle(name, arn, lifecycle or {}).described())

    def delete_recovery_point(self) -> EmptyResult:
        self.backend.delete_point(*self.given("BackupVaultName", "RecoveryPointArn"))
        return EmptyResult()

    def _point(self) -> RecoveryPoint:
        return self.backend.point(*self.given("BackupVaultName", "RecoveryPointArn"))

    def list_protected_resources(self) -> ActionResult:
        newest = {point["ResourceArn"]: point for point in reversed(newest_first(self._all_points()))}
        return self.page("Results", (_protected(point) for point in newest.values()))

    def describe_protected_resource(self) -> ActionResult:
        (arn,) = self.given("ResourceArn")
        points = newest_first([point for point in self._all_points() if point["ResourceArn"] == arn])
        if not points:
            raise InvalidParameterValueException(f"{arn} has never been backed up")
        return ActionResult(_protected(points[0]))

    def _all_points(self) -> list[dict[str, Any]]:
        return [point.described() for point in list(self.backend.points.values())]

    def get_supported_resource_types(self) -> ActionResult:
        return ActionResult({"ResourceTypes": [kind.type for kind in KINDS]})

    # Jobs

    def start_backup_job(self) -> ActionResult:
        self.all_there()
        return ActionResult(self.backend.start_backup(self.params).described())

    def stop_backup_job(self) -> EmptyResult:
        (job_id,) = self.given("BackupJobId")
        self.backend.stop_backup(job_id)
        return EmptyResult()

    def describe_backup_job(self) -> ActionResult:
        (job_id,) = self.given("BackupJobId")
        return ActionResult(self._awaited(job_of(self.backend.backup_jobs, job_id)).described())

    def list_backup_jobs(self) -> ActionResult:
        wanted = {
            "ByResourceArn": "ResourceArn",
            "ByState": "State",
            "ByBackupVaultName": "BackupVaultName",
            "ByResourceType": "ResourceType",
            "ByAccountId": "AccountId",
        }
        return self.page("BackupJobs", self.filtered(_all(self.backend.backup_jobs), wanted))

    def start_copy_job(self) -> ActionResult:
        self.all_there()
        return ActionResult(self.backend.start_copy(self.params).described())

    def describe_copy_job(self) -> ActionResult:
        (job_id,) = self.given("CopyJobId")
        return ActionResult({"CopyJob": self._awaited(job_of(self.backend.copy_jobs, job_id)).described()})

    def list_copy_jobs(self) -> ActionResult:
        wanted = {
            "ByResourceArn": "ResourceArn",
            "ByState": "State",
            "ByDestinationVaultArn": "DestinationBackupVaultArn",
            "BySourceRecoveryPointArn": "SourceRecoveryPointArn",
            "ByResourceType": "ResourceType",
            "ByAccountId": "AccountId",
        }
        return self.page("CopyJobs", self.filtered(_all(self.backend.copy_jobs), wanted))

    def start_restore_job(self) -> ActionResult:
        self.all_there()
        return ActionResult(self.backend.start_restore(self.params).described())

    def describe_restore_job(self) -> ActionResult:
        (job_id,) = self.given("RestoreJobId")
        return ActionResult(self._awaited(job_of(self.backend.restore_jobs, job_id)).described())

    def get_restore_job_metadata(self) -> ActionResult:
        (job_id,) = self.given("RestoreJobId")
        job = job_of(self.backend.restore_jobs, job_id)
        return ActionResult({"RestoreJobId": job.id, "Metadata": job.metadata})

    def list_restore_jobs(self) -> ActionResult:
        wanted = {"ByStatus": "Status", "ByResourceType": "ResourceType", "ByAccountId": "AccountId"}
        return self.page("RestoreJobs", self.filtered(_all(self.backend.restore_jobs), wanted))

    def list_restore_jobs_by_protected_resource(self) -> ActionResult:
        (arn,) = self.given("ResourceArn")
        jobs = [job for job in _all(self.backend.restore_jobs) if job["SourceResourceArn"] == arn]
        return self.page("RestoreJobs", self.filtered(jobs, {"ByStatus": "Status"}))

    def _awaited(self, job: Job) -> Job:
        """Hold the answer while the job is about to end: who polls a real AWS looks again after many seconds."""
        clock = self.backend.desk.cloud.clock
        until = clock.monotonic() + _PATIENCE
        while not job.ended and clock.monotonic() < until:
            clock.sleep(_LOOK_AGAIN)
        return job


def _all(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    return [job.described() for job in list(jobs.values())]


def _protected(point: dict[str, Any]) -> dict[str, Any]:
    return point | {
        "LastBackupTime": point["CreationDate"],
        "LastBackupVaultArn": point["BackupVaultArn"],
        "LastRecoveryPointArn": point["RecoveryPointArn"],
    }
