"""How the backup tests use AWS Backup, tables and buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .conftest import HERE

DOCS = "https://docs.aws.amazon.com/aws-backup/latest/devguide/"
ENDED = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")
PATIENCE = 60.0


class Backups:
    """AWS Backup of one region, as a recovery uses it."""

    def __init__(self, client: Callable[..., Any], account: str, region: str = HERE) -> None:
        self.api = client("backup", region)
        self.role = f"arn:aws:iam::{account}:role/backup"

    def vault(self, name: str) -> str:
        return str(self.api.create_backup_vault(BackupVaultName=name)["BackupVaultArn"])

    def back_up(self, vault: str, arn: str, **more: Any) -> dict[str, Any]:
        """Start a job and wait until it has ended."""
        started = self.api.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=self.role, **more)
        return self._ended("State", lambda: self.api.describe_backup_job(BackupJobId=started["BackupJobId"]))

    def copy(self, vault: str, point: str, destination: str) -> dict[str, Any]:
        started = self.api.start_copy_job(
            RecoveryPointArn=point,
            SourceBackupVaultName=vault,
            DestinationBackupVaultArn=destination,
            IamRoleArn=self.role,
        )
        return self._ended("State", lambda: self.api.describe_copy_job(CopyJobId=started["CopyJobId"])["CopyJob"])

    def restore(self, point: str, metadata: dict[str, str], **more: Any) -> dict[str, Any]:
        started = self.api.start_restore_job(RecoveryPointArn=point, Metadata=metadata, IamRoleArn=self.role, **more)
        return self._ended("Status", lambda: self.api.describe_restore_job(RestoreJobId=started["RestoreJobId"]))

    def _ended(self, state: str, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return wait_for(
            "the job to end", look, until=lambda job: job[state] in ENDED, timeout=PATIENCE, clock=SystemClock()
        )


class Table:
    """A DynamoDB table with a number in each item."""

    def __init__(self, client: Callable[..., Any], name: str, region: str = HERE) -> None:
        self.api, self.name = client("dynamodb", region), name

    def create(self, **more: Any) -> str:
        made = self.api.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
        return str(made["TableDescription"]["TableArn"])

    def put(self, **numbers: int) -> None:
        for name, number in numbers.items():
            self.api.put_item(TableName=self.name, Item={"id": {"S": name}, "n": {"N": str(number)}})

    def content(self) -> dict[str, int]:
        items = self.api.scan(TableName=self.name, ConsistentRead=True)["Items"]
        return {item["id"]["S"]: int(item["n"]["N"]) for item in items}


class Bucket:
    """A versioned bucket."""

    def __init__(self, client: Callable[..., Any], name: str, region: str = HERE) -> None:
        self.api, self.name, self.region = client("s3", region), name, region

    def create(self, versioned: bool = True) -> str:
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        self.api.create_bucket(Bucket=self.name, **({"CreateBucketConfiguration": place} if place else {}))
        if versioned:
            self.api.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        return f"arn:aws:s3:::{self.name}"

    def put(self, **texts: str) -> None:
        for name, text in texts.items():
            self.api.put_object(Bucket=self.name, Key=name, Body=text.encode(), Metadata={"by": "test"})

    def content(self) -> dict[str, str]:
        keys = [one["Key"] for one in self.api.list_objects_v2(Bucket=self.name).get("Contents", [])]
        return {key: self.api.get_object(Bucket=self.name, Key=key)["Body"].read().decode() for key in keys}


def refused(call: Callable[..., Any], *args: Any, **named: Any) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(ClientError) as error:
        call(*args, **named)
    assert 400 <= error.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return str(error.value.response["Error"]["Code"])
