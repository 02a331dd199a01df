"""DynamoDB of the embedded cloud as boto3 sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

clock = SystemClock()
Client = Callable[..., Any]


@pytest.fixture
def dynamodb(client: Client) -> Any:
    return client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> Iterator[str]:
    name = f"table-{uuid4().hex[:8]}"
    make_table(dynamodb, name)
    yield name
    dynamodb.delete_table(TableName=name)


def make_table(dynamodb: Any, name: str, **more: Any) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    switch_recovery(dynamodb, name, on=True)


def switch_recovery(dynamodb: Any, name: str, *, on: bool) -> None:
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )


def put(dynamodb: Any, table: str, **values: str) -> None:
    for key, value in values.items():
        dynamodb.put_item(TableName=table, Item={"id": {"S": key}, "value": {"S": value}})


def held(dynamodb: Any, table: str) -> dict[str, str]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["id"]["S"]: item["value"]["S"] for page in pages for item in page["Items"]}


def moment() -> datetime:
    """An instant apart from the calls around it: the API keeps milliseconds."""
    clock.sleep(0.01)
    now = datetime.now(UTC)
    clock.sleep(0.01)
    return now


def await_restorable(dynamodb: Any, table: str, instant: datetime) -> None:
    def latest() -> datetime:
        described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        return described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]

    wait_for("the instant to be restorable", lambda: latest() >= instant, timeout=10, clock=clock)


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Code"]


def test_a_restore_brings_back_the_items_as_of_t(dynamodb: Any, table: str) -> None:
    put(dynamodb, table, kept="good", deleted="good", updated="good")
    instant = moment()
    put(dynamodb, table, kept="bad", added="bad")
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "deleted"}})
    dynamodb.execute_statement(Statement=f"UPDATE \"{table}\" SET value='bad' WHERE id='updated'")
    await_restorable(dynamodb, table, instant)
    target = f"{table}-restored"
    answer = dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=target, RestoreDateTime=instant
    )["TableDescription"]
    assert answer["TableStatus"] == "CREATING"
    assert answer["RestoreSummary"]["RestoreInProgress"]
    with pytest.raises(ClientError) as refused:
        put(dynamodb, target, early="write")
    assert code_of(refused) == "ResourceNotFoundException"
    dynamodb.get_waiter("table_exists").wait(TableName=target)
    assert held(dynamodb, target) == {"kept": "good", "deleted": "good", "updated": "good"}
    dynamodb.delete_table(TableName=target)


def test_the_window_lags_by_the_scaled_five_minutes(dynamodb: Any, table: str) -> None:
    early = datetime.now(UTC)
    with pytest.raises(ClientError) as refused:
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName="too-new", RestoreDateTime=early + timedelta(seconds=1)
        )
    assert code_of(refused) == "InvalidRestoreTimeException"
    await_restorable(dynamodb, table, early)
    assert 2.5 < (datetime.now(UTC) - early).total_seconds() < 6


def restore(dynamodb: Any, **given: Any) -> None:
    dynamodb.restore_table_to_point_in_time(**{"TargetTableName": "target", "UseLatestRestorableTime": True} | given)


def test_each_impossible_restore_is_refused_with_the_code_of_aws(dynamodb: Any, table: str) -> None:
    codes = []
    for given in (
        {"SourceTableName": "no-such-table"},
        {"SourceTableName": table, "TargetTableName": table},
        {"SourceTableName": table, "RestoreDateTime": datetime.now(UTC)},
        {"SourceTableName": table, "UseLatestRestorableTime": False},
        {},
    ):
        with pytest.raises(ClientError) as refused:
            restore(dynamodb, **given)
        codes.append(code_of(refused))
    switch_recovery(dynamodb, table, on=False)
    with pytest.raises(ClientError) as refused:
        restore(dynamodb, SourceTableName=table)
    assert [*codes, code_of(refused)] == [
        "TableNotFoundException",
        "TableAlreadyExistsException",
        "ValidationException",
        "ValidationException",
        "ValidationException",
        "PointInTimeRecoveryUnavailableException",
    ]


def test_backups_are_listed_by_time_and_type_and_page(dynamodb: Any, table: str) -> None:
    names = [f"backup-{number}" for number in range(3)]
    made = {}
    for name in names:
        made[name] = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]
        clock.sleep(0.01)

    def listed(**given: Any) -> list[str]:
        found = dynamodb.list_backups(TableName=table, **given)["BackupSummaries"]
        return [backup["BackupName"] for backup in found]

    second = made[names[1]]["BackupCreationDateTime"]
    assert listed(TimeRangeLowerBound=second) == names[1:]
    assert listed(TimeRangeUpperBound=second) == names[:1]
    assert listed(BackupType="SYSTEM") == []
    first_page = dynamodb.list_backups(TableName=table, Limit=2)
    assert listed(ExclusiveStartBackupArn=first_page["LastEvaluatedBackupArn"]) == names[2:]


def test_a_backup_restores_what_it_held_after_the_table_is_gone(client: Client) -> None:
    dynamodb = client("dynamodb")
    make_table(dynamodb, "short-lived")
    put(dynamodb, "short-lived", a="1")
    arn = dynamodb.create_backup(TableName="short-lived", BackupName="last")["BackupDetails"]["BackupArn"]
    put(dynamodb, "short-lived", a="2", b="2")
    dynamodb.delete_table(TableName="short-lived")
    dynamodb.restore_table_from_backup(TargetTableName="short-lived", BackupArn=arn)
    dynamodb.get_waiter("table_exists").wait(TableName="short-lived")
    assert held(dynamodb, "short-lived") == {"a": "1"}
    dynamodb.delete_table(TableName="short-lived")


def test_the_stream_is_evidence_with_both_images_and_times(client: Client) -> None:
    dynamodb, streams = client("dynamodb"), client("dynamodbstreams")
    make_table(
        dynamodb, "streamed", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    put(dynamodb, "streamed", a="good")
    before = moment()
    dynamodb.update_item(
        TableName="streamed",
        Key={"id": {"S": "a"}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "bad"}},
    )
    after = moment()
    arn = dynamodb.describe_table(TableName="streamed")["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    changed = records[-1]["dynamodb"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY"]
    assert (changed["OldImage"]["value"], changed["NewImage"]["value"]) == ({"S": "good"}, {"S": "bad"})
    assert before - timedelta(seconds=0.01) <= changed["ApproximateCreationDateTime"] <= after
    dynamodb.delete_table(TableName="streamed")


def test_a_stack_makes_a_table_with_its_recovery_switched_on(client: Client) -> None:
    template = """
    Resources:
      Products:
        Type: AWS::DynamoDB::Table
        Properties:
          TableName: from-a-stack
          BillingMode: PAY_PER_REQUEST
          KeySchema: [{AttributeName: id, KeyType: HASH}]
          AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
          PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
          TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
    """
    client("cloudformation").create_stack(StackName="products", TemplateBody=template)
    client("cloudformation").get_waiter("stack_create_complete").wait(StackName="products")
    dynamodb = client("dynamodb")
    described = dynamodb.describe_continuous_backups(TableName="from-a-stack")["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName="from-a-stack")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_writers_readers_and_transactions_at_the_same_time_lose_nothing(dynamodb: Any, table: str) -> None:
    ended = threading.Event()

    def write(writer: int) -> None:
        for number in range(30):
            put(dynamodb, table, **{f"{writer}-{number}": "x"})

    def transact(_: int) -> None:
        for number in range(15):
            item = {"id": {"S": f"t-{number}"}, "value": {"S": "x"}}
            dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}])
            impossible = {"TableName": table, "Key": {"id": {"S": "no"}}, "ConditionExpression": "attribute_exists(id)"}
            with pytest.raises(ClientError):
                dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": impossible}])

    def read(_: int) -> None:
        while not ended.is_set():
            held(dynamodb, table)

    with ThreadPoolExecutor(6) as pool:
        reading = [pool.submit(read, number) for number in range(2)]
        writing = [pool.submit(work, number) for number, work in enumerate([write, write, write, transact])]
        for work in writing:
            work.result()
        ended.set()
        for work in reading:
            work.result()
    assert len(held(dynamodb, table)) == 3 * 30 + 15
