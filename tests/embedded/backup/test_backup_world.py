"""A saved world keeps its recovery points, its keys and its secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.clock import SystemClock
from drillbook.embedded import process, worlds
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

pytestmark = pytest.mark.slow
HERE, THERE = "us-east-1", "us-west-2"
ROLE = "arn:aws:iam::111122223333:role/backup"


def calls(cloud: Cloud, service: str, region: str = HERE) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Cloud]]:
    running: list[Cloud] = []

    def one() -> Cloud:
        # A day of AWS passes in 9 s: lifecycles and plans must not have run on while the world was a file.
        running.append(process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=9_600))
        return running[-1]

    yield one
    for cloud in running:
        process.stop(cloud)


@pytest.fixture(scope="module")
def twin(start: Callable[[], Cloud], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    source, file = start(), tmp_path_factory.mktemp("world") / "world"
    fill(source)
    worlds.save(source, file)
    process.stop(source)
    loaded = start()
    worlds.load(loaded, file)
    return loaded


def fill(cloud: Cloud) -> None:
    backup, dynamodb, s3 = (calls(cloud, service) for service in ("backup", "dynamodb", "s3"))
    backup.create_backup_vault(BackupVaultName="world")
    dynamodb.create_table(
        TableName="world",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="world", Item={"id": {"S": "kept"}})
    s3.create_bucket(Bucket="drillbook-world")
    s3.put_bucket_versioning(Bucket="drillbook-world", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="drillbook-world", Key="kept", Body=b"content")
    for arn in ("arn:aws:dynamodb:us-east-1:111122223333:table/world", "arn:aws:s3:::drillbook-world"):
        job = backup.start_backup_job(
            BackupVaultName="world", ResourceArn=arn, IamRoleArn=ROLE, Lifecycle={"DeleteAfterDays": 7}
        )
        ended(backup, "backup", job["BackupJobId"])
    kms, secrets = calls(cloud, "kms"), calls(cloud, "secretsmanager")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name="world", SecretString="one", AddReplicaRegions=[{"Region": THERE}])
    secrets.create_secret(Name="world-key", SecretString="two", KmsKeyId=key)
    calls(cloud, "ssm").put_parameter(Name="/world", Value="three", Type="SecureString")
    kms.disable_key(KeyId=key)


def ended(backup: Any, what: str, job_id: str) -> dict[str, Any]:
    describe = getattr(backup, f"describe_{what}_job")
    name = {"backup": "BackupJobId", "restore": "RestoreJobId"}[what]
    state = {"backup": "State", "restore": "Status"}[what]
    return wait_for(
        "the job",
        lambda: describe(**{name: job_id}),
        until=lambda job: job[state] in ("COMPLETED", "FAILED"),
        timeout=60,
        clock=SystemClock(),
    )


def point(backup: Any, resource_type: str) -> str:
    listed = backup.list_recovery_points_by_backup_vault(BackupVaultName="world", ByResourceType=resource_type)
    (found,) = listed["RecoveryPoints"]
    return str(found["RecoveryPointArn"])


def test_a_recovery_point_is_restored_in_the_twin(twin: Cloud) -> None:
    backup = calls(twin, "backup")
    for kind, metadata in (
        ("DynamoDB", {"targetTableName": "restored"}),
        ("S3", {"DestinationBucketName": "drillbook-restored", "NewBucket": "true"}),
    ):
        job = backup.start_restore_job(RecoveryPointArn=point(backup, kind), Metadata=metadata, IamRoleArn=ROLE)
        done = ended(backup, "restore", job["RestoreJobId"])
        assert done["Status"] == "COMPLETED", done
    assert calls(twin, "dynamodb").scan(TableName="restored")["Items"] == [{"id": {"S": "kept"}}]
    kept = calls(twin, "s3").get_object(Bucket="drillbook-restored", Key="kept")
    assert kept["Body"].read() == b"content"


def test_a_recovery_point_is_as_old_as_it_was(start: Callable[[], Cloud], tmp_path: Path) -> None:
    source, clock = start(), SystemClock()
    fill(source)
    saved, created = clock.now(), oldest(source)
    worlds.save(source, tmp_path / "world")
    process.stop(source)
    loaded = start()
    worlds.load(loaded, tmp_path / "world")
    assert oldest(loaded) - created > (clock.now() - saved) / 2


def oldest(cloud: Cloud) -> datetime:
    listed = calls(cloud, "backup").list_recovery_points_by_backup_vault(BackupVaultName="world")["RecoveryPoints"]
    return min(each["CreationDate"] for each in listed)


def test_secrets_and_keys_are_as_they_were(twin: Cloud) -> None:
    here, there = calls(twin, "secretsmanager"), calls(twin, "secretsmanager", THERE)
    here.put_secret_value(SecretId="world", SecretString="new")
    assert there.get_secret_value(SecretId="world")["SecretString"] == "new"
    with pytest.raises(here.exceptions.DecryptionFailure):
        here.get_secret_value(SecretId="world-key")
    assert calls(twin, "ssm").get_parameter(Name="/world", WithDecryption=True)["Parameter"]["Value"] == "three"
