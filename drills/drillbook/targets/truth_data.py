"""Truth probes of what keeps data: DynamoDB's recovery, backups and streams, and S3's versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.errors import WaitTimeout
from drillbook.targets.truth import TAG, Clients, TruthProbe, Untrue
from drillbook.waiting import wait_for

_clock = SystemClock()
_LAG = 300.0
"""AWS seconds that LatestRestorableDateTime is behind."""
_ACTIVE = 60.0
_BEFORE = {"kept": "before", "deleted": "before"}


def _dynamodb_pitr(session: Clients) -> None:
    dynamodb = session.client("dynamodb")
    with table(dynamodb, "dynamodb.pitr") as name:
        _switch_recovery(dynamodb, name, on=True)
        instant = _write_and_damage(dynamodb, name, session)
        _await_restorable(dynamodb, name, instant, session)
        with _restored(
            dynamodb,
            lambda copy: dynamodb.restore_table_to_point_in_time(
                SourceTableName=name, TargetTableName=copy, RestoreDateTime=instant
            ),
        ) as restored:
            _expect_before(dynamodb, restored, f"a restore as of {instant.isoformat()}")
        _switch_recovery(dynamodb, name, on=False)


def _dynamodb_backup(session: Clients) -> None:
    dynamodb = session.client("dynamodb")
    with table(dynamodb, "dynamodb.backup") as name:
        _put(dynamodb, name, _BEFORE)
        arn = dynamodb.create_backup(TableName=name, BackupName=name)["BackupDetails"]["BackupArn"]
        try:
            _await("an AVAILABLE backup", lambda: _backup_status(dynamodb, arn) == "AVAILABLE")
            _damage(dynamodb, name)
            with _restored(
                dynamodb, lambda copy: dynamodb.restore_table_from_backup(TargetTableName=copy, BackupArn=arn)
            ) as restored:
                _expect_before(dynamodb, restored, "a restore from the backup")
        finally:
            dynamodb.delete_backup(BackupArn=arn)


def _dynamodb_streams(session: Clients) -> None:
    dynamodb, streams = session.client("dynamodb"), session.client("dynamodbstreams")
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    with table(dynamodb, "dynamodb.streams", StreamSpecification=view) as name:
        arn = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
        _put(dynamodb, name, _BEFORE)
        _damage(dynamodb, name)
        expected = {
            ("kept", "INSERT", None, "before"),
            ("kept", "MODIFY", "before", "after"),
            ("deleted", "INSERT", None, "before"),
            ("deleted", "REMOVE", "before", None),
        }
        _await(
            "the stream's records with both images",
            lambda: expected <= {_told(record) for record in _records(streams, arn)},
        )


def _s3_versioning(session: Clients) -> None:
    s3 = session.client("s3")
    with bucket(s3, session.region, "s3.versioning") as name:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(Bucket=name, Key="key", Body=b"before").get("VersionId")
        s3.put_object(Bucket=name, Key="key", Body=b"after")
        if not first:
            raise Untrue("PutObject into a versioned bucket answers no VersionId")
        _expect_body(s3, b"before", Bucket=name, Key="key", VersionId=first)
        marker = s3.delete_object(Bucket=name, Key="key").get("VersionId")
        if not marker:
            raise Untrue("a delete in a versioned bucket leaves no delete marker")
        s3.delete_object(Bucket=name, Key="key", VersionId=marker)
        _expect_body(s3, b"after", Bucket=name, Key="key")


_GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
PROBES = {
    probe.capability: probe
    for probe in (
        TruthProbe(
            "dynamodb.pitr",
            f"a table is restored as of an instant ({_GUIDE}/PointInTimeRecovery_Howitworks.html)",
            _dynamodb_pitr,
        ),
        TruthProbe(
            "dynamodb.backup",
            f"a table is restored as of its backup ({_GUIDE}/backuprestore_HowItWorks.html)",
            _dynamodb_backup,
        ),
        TruthProbe(
            "dynamodb.streams",
            f"the stream tells each change with both images ({_GUIDE}/Streams.html)",
            _dynamodb_streams,
        ),
        TruthProbe(
            "s3.versioning",
            "earlier versions can be read, and a delete undone"
            " (https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html)",
            _s3_versioning,
        ),
    )
}


# Tables


@contextmanager
def table(dynamodb: Any, capability: str, **settings: Any) -> Iterator[str]:
    name = f"{TAG}-{uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": TAG, "Value": capability}],
        **settings,
    )
    try:
        _await_active(dynamodb, name)
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


@contextmanager
def _restored(dynamodb: Any, restore: Callable[[str], object]) -> Iterator[str]:
    name = f"{TAG}-{uuid4().hex[:12]}"
    restore(name)
    try:
        _await_active(dynamodb, name)
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


def _await_active(dynamodb: Any, name: str) -> None:
    _await(
        "an ACTIVE table",
        lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE",
        timeout=_ACTIVE,
    )


def _switch_recovery(dynamodb: Any, table: str, *, on: bool) -> None:
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )


def _write_and_damage(dynamodb: Any, table: str, session: Clients) -> datetime:
    """An instant between writing and damaging, well apart from both: AWS restores to a second."""
    apart = max(0.05, 1.1 / session.speed)
    _put(dynamodb, table, _BEFORE)
    _clock.sleep(apart)
    instant = _clock.now()
    _clock.sleep(apart)
    _damage(dynamodb, table)
    return instant


def _await_restorable(dynamodb: Any, table: str, instant: datetime, session: Clients) -> None:
    """Wait out the lag that the target itself states."""

    def latest() -> datetime:
        described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        moment: datetime = described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
        return moment

    lag = _LAG / session.speed
    _await("a LatestRestorableDateTime after the write", lambda: latest() >= instant, timeout=1.5 * lag + 5)


def _backup_status(dynamodb: Any, arn: str) -> str:
    return str(dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"])


def _put(dynamodb: Any, table: str, values: dict[str, str]) -> None:
    for key, value in values.items():
        dynamodb.put_item(TableName=table, Item={"id": {"S": key}, "value": {"S": value}})


def _damage(dynamodb: Any, table: str) -> None:
    _put(dynamodb, table, {"kept": "after"})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "deleted"}})


def _expect_before(dynamodb: Any, table: str, what: str) -> None:
    found = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    held = {item["id"]["S"]: item.get("value", {}).get("S") for item in found}
    if held != _BEFORE:
        raise Untrue(f"{what} holds {held}, not {_BEFORE}")


# Streams


def _records(streams: Any, arn: str) -> Iterator[dict[str, Any]]:
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        iterator, page = start["ShardIterator"], None
        while iterator and page != []:
            answer = streams.get_records(ShardIterator=iterator)
            iterator, page = answer.get("NextShardIterator"), answer["Records"]
            yield from page


def _told(record: dict[str, Any]) -> tuple[str, str, str | None, str | None]:
    change = record["dynamodb"]
    old, new = (change.get(image, {}).get("value", {}).get("S") for image in ("OldImage", "NewImage"))
    return change["Keys"]["id"]["S"], record["eventName"], old, new


# Buckets


@contextmanager
def bucket(s3: Any, region: str, capability: str) -> Iterator[str]:
    name = f"{TAG}-{uuid4().hex[:12]}"
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    try:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": TAG, "Value": capability}]})
        yield name
    finally:
        listed = s3.list_object_versions(Bucket=name)
        for version in [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]:
            s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
        s3.delete_bucket(Bucket=name)


def _expect_body(s3: Any, expected: bytes, **of: str) -> None:
    try:
        found = s3.get_object(**of)["Body"].read()
    except ClientError as error:
        raise Untrue(f"the {expected.decode()} version cannot be read: {error}") from error
    if found != expected:
        raise Untrue(f"the {expected.decode()} version reads {found.decode(errors='replace')!r}")


def _await(what: str, seen: Callable[[], bool], timeout: float = 10.0) -> None:
    try:
        wait_for(what, seen, timeout=timeout, clock=_clock)
    except WaitTimeout as late:
        raise Untrue(f"{what} was awaited in vain for {late.timeout:g} s") from late
