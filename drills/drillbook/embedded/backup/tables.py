"""DynamoDB tables in AWS Backup, with the "advanced" features that are on for accounts since November 2021.

A recovery point is a DynamoDB backup of type AWS_BACKUP, which DynamoDB itself lists but cannot delete.
https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/UsageNotesAWS.html
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Backup

from drillbook.embedded.backup.kind import Home, Taken, demand
from drillbook.embedded.backup.records import RecoveryPoint
from drillbook.embedded.backup.refusals import bad_metadata
from drillbook.embedded.backup.work import Work

_KEYS = frozenset({"targetTableName", "encryptionType", "kmsMasterKeyArn", "deletionProtection", "originalTableName"})


class VaultBackup(Backup):
    """Takes over a backup that moto has just made. Its ARN is the recovery point's."""

    def __init__(self, plain: Backup, arn: str) -> None:
        self.__dict__.update(plain.__dict__)
        self.type, self.region_name, self.point_arn = "AWS_BACKUP", arn.split(":")[3], arn

    @property
    def arn(self) -> str:
        return self.point_arn


def refusing_ours(original: Callable[[DynamoDBBackend, str], Backup]) -> Callable[[DynamoDBBackend, str], Backup]:
    """DynamoDB's DeleteBackup: what AWS Backup made "can only be deleted from the AWS Backup vault"."""

    def delete_backup(backend: DynamoDBBackend, backup_arn: str) -> Backup:
        if isinstance(backend.backups.get(backup_arn), VaultBackup):
            raise MockValidationException(
                f"The backup was created by AWS Backup and can only be deleted there: {backup_arn}"
            )
        return original(backend, backup_arn)

    return delete_backup


class Tables:
    """The kind."""

    type = "DynamoDB"
    names_point_at_once = True
    vault_encrypts = True

    def owns(self, arn: str) -> bool:
        return re.fullmatch(r"arn:[^:]+:dynamodb:[^:]+:\d+:table/[^/]+", arn) is not None

    def name(self, home: Home, arn: str) -> str | None:
        name = arn.split(":table/")[1]
        return name if name in _backend(home).tables else None

    def tags(self, home: Home, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in _backend(home).list_tags_of_resource(arn)}

    def tag(self, home: Home, arn: str, tags: dict[str, str]) -> None:
        _backend(home).tag_resource(arn, tags)

    def point_arn(self, home: Home, name: str, number: str) -> str:
        del name
        return f"arn:aws:backup:{home.region}:{home.account}:recovery-point:{number}"

    def back_up(self, home: Home, name: str, point_arn: str, work: Work) -> Taken:
        backend = _backend(home)

        def take() -> Backup:
            plain = backend.create_backup(name, f"awsbackup-{name}")
            del backend.backups[plain.arn]
            return self._keep(backend, VaultBackup(plain, point_arn))

        return self._taken(work.step(take, home.region))

    def copy(self, point: RecoveryPoint, home: Home, point_arn: str, work: Work) -> Taken:
        def take() -> Backup:
            original = _backend_of(point).backups[point.arn]
            return self._keep(_backend(home), VaultBackup(copy.copy(original), point_arn))

        return self._taken(work.step(take, point.vault.region, home.region))

    @staticmethod
    def _keep(backend: DynamoDBBackend, backup: VaultBackup) -> Backup:
        backend.backups[backup.arn] = backup
        return backup

    def _taken(self, backup: Backup) -> Taken:
        encryption: dict[str, Any] = backup.table.sse_specification or {}
        metadata = {"originalTableName": backup.table.name, "encryptionType": "Default"}
        if encryption.get("Enabled"):
            metadata |= {"encryptionType": "KMS", "kmsMasterKeyArn": str(encryption.get("KMSMasterKeyId", ""))}
        size = sum(item.size() for item in backup.table.all_items())
        return Taken(backup.arn, contents=None, size=size, restore_metadata=metadata)

    def check(self, metadata: dict[str, str]) -> None:
        """https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html#ddb-restore-cli"""
        demand(metadata, "targetTableName")
        if unknown := sorted(set(metadata) - _KEYS - {"aws:backup:request-id"}):
            raise bad_metadata(f"Unrecognized key: {', '.join(unknown)}")
        if metadata.get("encryptionType", "Default") not in ("Default", "KMS"):
            raise bad_metadata("encryptionType must be Default or KMS")
        if metadata.get("kmsMasterKeyArn") and metadata.get("encryptionType") != "KMS":
            raise bad_metadata("kmsMasterKeyArn needs encryptionType KMS")

    def restore(self, point: RecoveryPoint, metadata: dict[str, str], work: Work) -> str:
        backend, target, region = _backend_of(point), metadata["targetTableName"], point.vault.region
        overrides = {"SSESpecificationOverride": _encryption(metadata)}
        table = work.step(lambda: backend.restore_backup(target, point.arn, overrides), region)
        work.until(lambda: backend.describe_table(target)["Table"]["TableStatus"] == "ACTIVE", region)
        return str(table.table_arn)

    def delete(self, point: RecoveryPoint) -> None:
        _backend_of(point).backups.pop(point.arn, None)


def _encryption(metadata: dict[str, str]) -> dict[str, Any]:
    if metadata.get("encryptionType") != "KMS":
        return {"Enabled": False}
    key = metadata.get("kmsMasterKeyArn")
    return {"Enabled": True, "SSEType": "KMS"} | ({"KMSMasterKeyId": key} if key else {})


def _backend(home: Home) -> Any:
    return dynamodb_backends[home.account][home.region]


def _backend_of(point: RecoveryPoint) -> Any:
    return _backend(Home(point.vault.account, point.vault.region))
