"""What AWS Backup keeps: recovery points, and the jobs that make, copy and restore them. Plain data: it can be pickled.

Names of the answers' members: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRecoveryPoint.html and
the pages of the Describe…Job operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Lifecycle = dict[str, Any]
"""``DeleteAfterDays`` and ``MoveToColdStorageAfterDays``, in AWS days."""


@dataclass(frozen=True)
class Resource:
    """What is backed up. ``type`` as AWS Backup names it: DynamoDB, RDS, Aurora, S3."""

    arn: str
    type: str
    name: str

    def described(self) -> dict[str, Any]:
        return {"ResourceArn": self.arn, "ResourceType": self.type, "ResourceName": self.name}


@dataclass(frozen=True)
class Place:
    """A vault, as others refer to it."""

    arn: str

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    def described(self) -> dict[str, Any]:
        return {"BackupVaultName": self.name, "BackupVaultArn": self.arn}


@dataclass
class RecoveryPoint:
    arn: str
    vault: Place
    resource: Resource
    iam_role_arn: str
    created: datetime
    size: int
    restore_metadata: dict[str, str]
    contents: Any
    """What the kind of resource needs to restore it: an identifier within its service, or the data itself."""
    resource_tags: dict[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = field(default_factory=dict)
    delete_at: datetime | None = None
    """When the lifecycle ends it, at the embedded cloud's speed."""
    source_vault: Place | None = None
    created_by: dict[str, str] = field(default_factory=dict)
    last_restored: datetime | None = None

    def described(self) -> dict[str, Any]:
        told: dict[str, Any] = self.vault.described() | self.resource.described()
        told |= {
            "RecoveryPointArn": self.arn,
            "IamRoleArn": self.iam_role_arn,
            "Status": "COMPLETED",
            "CreationDate": self.created,
            "InitiationDate": self.created,
            "CompletionDate": self.created,
            "BackupSizeInBytes": self.size,
            "BackupSizeBytes": self.size,
            "IsEncrypted": True,
            "StorageClass": "WARM",
            "VaultType": "BACKUP_VAULT",
        }
        optional = {
            "Lifecycle": self.lifecycle,
            "CalculatedLifecycle": {"DeleteAt": self.delete_at} if self.delete_at else {},
            "SourceBackupVaultArn": self.source_vault.arn if self.source_vault else "",
            "CreatedBy": self.created_by,
            "LastRestoreTime": self.last_restored,
        }
        return told | {name: value for name, value in optional.items() if value}


@dataclass
class Job:
    """Common to all three kinds. It ends in COMPLETED, FAILED or ABORTED, and then never changes again."""

    id: str
    account: str
    resource: Resource
    iam_role_arn: str
    created: datetime
    state: str
    message: str = ""
    completed: datetime | None = None
    size: int = 0

    @property
    def ended(self) -> bool:
        return self.state in ("COMPLETED", "FAILED", "ABORTED")

    def end(self, state: str, at: datetime, message: str = "") -> None:
        self.message, self.completed, self.state = message, at, state

    def described(self) -> dict[str, Any]:
        told = self.resource.described() | {
            "AccountId": self.account,
            "IamRoleArn": self.iam_role_arn,
            "CreationDate": self.created,
            "State": self.state,
            "Status": self.state,
            "PercentDone": "100.0" if self.state == "COMPLETED" else "0.0",
            "BackupSizeInBytes": self.size,
            "IsParent": False,
        }
        optional = {"StatusMessage": self.message, "CompletionDate": self.completed}
        return told | {name: value for name, value in optional.items() if value}


@dataclass
class BackupJob(Job):
    vault: Place = field(kw_only=True)
    lifecycle: Lifecycle = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    point_arn: str = ""
    created_by: dict[str, str] = field(default_factory=dict)
    copies: list[dict[str, Any]] = field(default_factory=list)
    """The plan rule's CopyActions, begun when the backup is there."""

    def described(self) -> dict[str, Any]:
        told = super().described() | self.vault.described() | {"BackupJobId": self.id, "BytesTransferred": self.size}
        optional = {"RecoveryPointArn": self.point_arn, "CreatedBy": self.created_by}
        return told | {name: value for name, value in optional.items() if value}


@dataclass
class CopyJob(Job):
    source: RecoveryPoint = field(kw_only=True)
    destination: Place = field(kw_only=True)
    lifecycle: Lifecycle = field(default_factory=dict)
    point_arn: str = ""
    created_by: dict[str, str] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        told = super().described() | {
            "CopyJobId": self.id,
            "SourceBackupVaultArn": self.source.vault.arn,
            "SourceRecoveryPointArn": self.source.arn,
            "DestinationBackupVaultArn": self.destination.arn,
        }
        optional = {"DestinationRecoveryPointArn": self.point_arn, "CreatedBy": self.created_by}
        return told | {name: value for name, value in optional.items() if value}


@dataclass
class RestoreJob(Job):
    point: RecoveryPoint = field(kw_only=True)
    metadata: dict[str, str] = field(default_factory=dict)
    copy_tags: bool = False
    created_resource_arn: str = ""

    def described(self) -> dict[str, Any]:
        told = super().described() | {
            "RestoreJobId": self.id,
            "RecoveryPointArn": self.point.arn,
            "RecoveryPointCreationDate": self.point.created,
            "SourceResourceArn": self.resource.arn,
            "BackupVaultArn": self.point.vault.arn,
        }
        return told | ({"CreatedResourceArn": self.created_resource_arn} if self.created_resource_arn else {})
