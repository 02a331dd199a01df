"""Truth probes of copies elsewhere: global tables, S3 replication, AWS Backup; and of what protects data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from drillbook.targets.truth import Clients, TruthProbe, Untrue
from drillbook.targets.truth_data import bucket, table
from drillbook.targets.truth_probing import elsewhere, equals, expect, name_of, until

_ITEM = {"id": {"S": "one"}, "value": {"S": "replicated"}}
_ENDED = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")


def _global_tables(session: Clients) -> None:
    there = elsewhere(session)
    here, far = session.client("dynamodb"), session.client("dynamodb", there)
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    with table(here, "dynamodb.global_tables", StreamSpecification=view) as name, _replica(here, name, there):
        until("the replica's status", lambda: _replicas(here, name), lambda seen: seen.get(there) == "ACTIVE")
        here.put_item(TableName=name, Item=_ITEM)
        until("the item in the other region", lambda: _read(far, name), equals(_ITEM))
        far.delete_item(TableName=name, Key={"id": _ITEM["id"]})
        until("the item after its deletion there", lambda: _read(here, name), lambda item: item is None)


@contextmanager
def _replica(dynamodb: Any, name: str, region: str) -> Iterator[None]:
    def update(action: str) -> None:
        dynamodb.update_table(TableName=name, ReplicaUpdates=[{action: {"RegionName": region}}])

    update("Create")
    if region not in _replicas(dynamodb, name):
        raise Untrue("UpdateTable with ReplicaUpdates succeeds, and there is no replica")
    try:
        yield
    finally:
        until("the replica's status", lambda: _replicas(dynamodb, name), lambda seen: seen.get(region) == "ACTIVE")
        update("Delete")
        until("the replicas", lambda: _replicas(dynamodb, name), lambda seen: region not in seen)


def _replicas(dynamodb: Any, name: str) -> dict[str, str]:
    found = dynamodb.describe_table(TableName=name)["Table"].get("Replicas", [])
    return {each["RegionName"]: each.get("ReplicaStatus", "") for each in found}


def _read(dynamodb: Any, name: str) -> dict[str, Any] | None:
    item: dict[str, Any] | None = dynamodb.get_item(TableName=name, Key={"id": _ITEM["id"]}).get("Item")
    return None if item is None else {key: value for key, value in item.items() if key in _ITEM}


def _deletion_protection(session: Clients) -> None:
    dynamodb = session.client("dynamodb")
    with table(dynamodb, "dynamodb.deletion_protection", DeletionProtectionEnabled=True) as name:
        try:
            dynamodb.delete_table(TableName=name)
        except ClientError as refused:
            expect("the refusal of DeleteTable", refused.response["Error"]["Code"], "ValidationException")
        else:
            raise Untrue("a protected table was deleted")
        finally:
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def _s3_replication(session: Clients) -> None:
    there = elsewhere(session)
    here, far = session.client("s3"), session.client("s3", there)
    with bucket(here, session.region, "s3.replication") as source, bucket(far, there, "s3.replication") as copy:
        for client, name in ((here, source), (far, copy)):
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {
            "ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{copy}"},
        }  # fmt: skip
        role = "arn:aws:iam::111122223333:role/replication"
        here.put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": role, "Rules": [rule]})
        here.put_object(Bucket=source, Key="key", Body=b"replicated")
        until("the object in the other region", lambda: _body(far, copy), equals(b"replicated"))


def _body(s3: Any, name: str) -> bytes | None:
    try:
        return bytes(s3.get_object(Bucket=name, Key="key")["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None


def _backup_jobs(session: Clients) -> None:
    backup, dynamodb = session.client("backup"), session.client("dynamodb")
    name, restored = name_of("backup.jobs"), name_of("backup.jobs")
    backup.create_backup_vault(BackupVaultName=name)
    try:
        with table(dynamodb, "backup.jobs") as source:
            dynamodb.put_item(TableName=source, Item=_ITEM)
            point = _back_up(backup, name, dynamodb.describe_table(TableName=source)["Table"]["TableArn"])
            try:
                dynamodb.delete_item(TableName=source, Key={"id": _ITEM["id"]})
                _restore(backup, point, restored)
                expect("the restored item", _read(dynamodb, restored), _ITEM)
            finally:
                backup.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=point)
                _drop(dynamodb, restored)
    finally:
        backup.delete_backup_vault(BackupVaultName=name)


def _back_up(backup: Any, vault: str, arn: str) -> str:
    role = "arn:aws:iam::111122223333:role/backup"
    job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=role)["BackupJobId"]
    done = until(
        "the backup job", lambda: backup.describe_backup_job(BackupJobId=job), lambda seen: seen["State"] in _ENDED
    )
    expect("the backup job's state", done["State"], "COMPLETED")
    listed = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
    expect("the vault's recovery points", [each["RecoveryPointArn"] for each in listed], [done["RecoveryPointArn"]])
    return str(done["RecoveryPointArn"])


def _restore(backup: Any, point: str, target: str) -> None:
    role = "arn:aws:iam::111122223333:role/backup"
    job = backup.start_restore_job(
        RecoveryPointArn=point, Metadata={"targetTableName": target}, IamRoleArn=role, ResourceType="DynamoDB"
    )["RestoreJobId"]
    done = until(
        "the restore job", lambda: backup.describe_restore_job(RestoreJobId=job), lambda seen: seen["Status"] in _ENDED
    )
    expect("the restore job's state", done["Status"], "COMPLETED")


def _drop(dynamodb: Any, name: str) -> None:
    try:
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return


_GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
PROBES = {
    probe.capability: probe
    for probe in (
        TruthProbe(
            "dynamodb.global_tables",
            f"what is written in one region is written in the other ({_GUIDE}/GlobalTables.html)",
            _global_tables,
        ),
        TruthProbe(
            "dynamodb.deletion_protection",
            f"a protected table cannot be deleted ({_GUIDE}/WorkingWithTables.Basics.html)",
            _deletion_protection,
        ),
        TruthProbe(
            "s3.replication",
            "objects are copied to the other region"
            " (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html)",
            _s3_replication,
        ),
        TruthProbe(
            "backup.jobs",
            "a recovery point is restored as it was"
            " (https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html)",
            _backup_jobs,
        ),
    )
}
