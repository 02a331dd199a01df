"""AWS Backup of S3 buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .backup_client import DOCS, Backups, Bucket, refused
from .conftest import Endpoint


@pytest.fixture
def backups(client: Callable[..., Any], endpoint: Endpoint) -> Backups:
    return Backups(client, endpoint.account)


@pytest.mark.rule("a bucket's latest versions are restored into a new bucket", DOCS + "restoring-s3.html")
def test_a_bucket_is_restored_into_a_new_one(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("bucket-new")
    bucket = Bucket(client, "drillbook-backup-source")
    arn = bucket.create()
    bucket.put(a="old", b="kept", c="gone")
    bucket.put(a="new")
    bucket.api.delete_object(Bucket=bucket.name, Key="c")
    point = backups.back_up("bucket-new", arn)["RecoveryPointArn"]
    bucket.put(a="corrupt", d="later")
    made = backups.restore(point, {"DestinationBucketName": "drillbook-backup-restored", "NewBucket": "true"})
    assert (made["Status"], made["CreatedResourceArn"]) == ("COMPLETED", "arn:aws:s3:::drillbook-backup-restored")
    restored = Bucket(client, "drillbook-backup-restored")
    assert restored.content() == {"a": "new", "b": "kept"}
    assert restored.api.head_object(Bucket=restored.name, Key="a")["Metadata"] == {"by": "test"}


@pytest.mark.rule(
    "a restore into a bucket never replaces an object that exists; one behind a delete marker comes back",
    DOCS + "restoring-s3.html",
)
def test_a_restore_into_the_same_bucket_fills_the_gaps(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("bucket-gaps")
    bucket = Bucket(client, "drillbook-backup-gaps")
    arn = bucket.create()
    bucket.put(a="one", b="two", c="three")
    point = backups.back_up("bucket-gaps", arn)["RecoveryPointArn"]
    bucket.put(a="changed")
    for key in ("b", "c"):
        bucket.api.delete_object(Bucket=bucket.name, Key=key)
    item = {"ItemPath1": f"s3://{bucket.name}/b"}
    assert backups.restore(point, {"DestinationBucketName": bucket.name} | item)["Status"] == "COMPLETED"
    assert bucket.content() == {"a": "changed", "b": "two"}
    assert backups.restore(point, {"DestinationBucketName": bucket.name})["Status"] == "COMPLETED"
    assert bucket.content() == {"a": "changed", "b": "two", "c": "three"}


@pytest.mark.rule("a bucket can be backed up only with versioning", DOCS + "s3-backups.html")
def test_a_bucket_without_versioning_is_not_backed_up(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("bucket-plain")
    job = backups.back_up("bucket-plain", Bucket(client, "drillbook-backup-plain").create(versioned=False))
    assert job["State"] == "FAILED"
    assert "ersioning" in job["StatusMessage"]


@pytest.mark.rule("an S3 restore needs its destination", DOCS + "restoring-s3.html")
def test_a_bucket_restore_needs_its_metadata(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("bucket-metadata")
    point = backups.back_up("bucket-metadata", Bucket(client, "drillbook-backup-metadata").create())
    wrong: tuple[dict[str, str], ...] = (
        {"NewBucket": "true"},
        {"DestinationBucketName": "x", "EncryptionType": "ROT13"},
        {"DestinationBucketName": "x", "ItemPath1": "not-a-uri"},
    )
    for metadata in wrong:
        assert refused(backups.restore, point["RecoveryPointArn"], metadata) == "InvalidParameterValueException", (
            metadata
        )
    missing = backups.restore(point["RecoveryPointArn"], {"DestinationBucketName": "drillbook-backup-no-such"})
    assert missing["Status"] == "FAILED"
