"""DynamoDB global tables (version 2019.11.21): what a region has when another one is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

HERE, THERE, ELSEWHERE = "us-east-1", "us-west-2", "eu-west-1"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference"
Client = Callable[..., Any]
clock = SystemClock()


class Table:
    """One table, which may have replicas."""

    def __init__(self, client: Client) -> None:
        self.of, self.name = client, f"global-{uuid4().hex[:8]}"

    def __call__(self, region: str) -> Any:
        return self.of("dynamodb", region)

    def create(self, view: str = "NEW_AND_OLD_IMAGES", **more: Any) -> None:
        self(HERE).create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
            **({"BillingMode": "PAY_PER_REQUEST"} | more),
        )
        self(HERE).get_waiter("table_exists").wait(TableName=self.name)

    def update(self, action: str, region: str, by: str = HERE) -> dict[str, Any]:
        asked = {"TableName": self.name, "ReplicaUpdates": [{action: {"RegionName": region}}]}
        answer: dict[str, Any] = self(by).update_table(**asked)["TableDescription"]
        return answer

    def replicas(self, region: str) -> dict[str, str]:
        described = self(region).describe_table(TableName=self.name)["Table"]
        return {one["RegionName"]: one["ReplicaStatus"] for one in described.get("Replicas", [])}

    def add(self, *regions: str) -> None:
        for region in regions:
            self.update("Create", region)
            self.await_status(region, "ACTIVE")

    def await_status(self, region: str, status: str | None) -> None:
        wait_for(
            f"the replica in {region} to be {status}",
            lambda: self.replicas(HERE).get(region),
            until=lambda seen: seen == status,
            timeout=60,
            clock=clock,
        )

    def put(self, region: str, key: str, value: str = "x") -> None:
        self(region).put_item(TableName=self.name, Item={"id": {"S": key}, "value": {"S": value}})

    def delete(self, region: str, key: str) -> None:
        self(region).delete_item(TableName=self.name, Key={"id": {"S": key}})

    def items(self, region: str, name: str = "") -> dict[str, str]:
        found = self(region).scan(TableName=name or self.name, ConsistentRead=True)["Items"]
        return {item["id"]["S"]: item["value"]["S"] for item in found}

    def await_items(self, region: str, expected: dict[str, str]) -> None:
        wait_for(
            f"what is written to be in {region}",
            lambda: self.items(region),
            until=lambda items: items == expected,
            timeout=30,
            clock=clock,
        )


@pytest.fixture
def table(client: Client) -> Table:
    made = Table(client)
    made.create()
    return made


@pytest.fixture
def pair(table: Table) -> Table:
    table.add(THERE)
    return table


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.rule(
    "a new replica is CREATING while it is filled, the table UPDATING; both sides then name each other",
    f"{GUIDE}/V2globaltables.tutorial.html",
)
def test_a_replica_is_filled_and_then_active_on_both_sides(table: Table) -> None:
    table.put(HERE, "old")
    answer = table.update("Create", THERE)
    assert answer["TableStatus"] == "UPDATING"
    assert [one["ReplicaStatus"] for one in answer["Replicas"]] == ["CREATING"]
    table.await_status(THERE, "ACTIVE")
    assert table.replicas(THERE) == {HERE: "ACTIVE"}
    assert table.items(THERE) == {"old": "x"}
    described = table(THERE).describe_table(TableName=table.name)["Table"]
    assert (described["GlobalTableVersion"], described["TableStatus"]) == ("2019.11.21", "ACTIVE")
    assert described["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


@pytest.mark.rule(
    "writes, updates, deletions and transactions in any region reach all others",
    f"{GUIDE}/globaltables-CoreConcepts.html",
)
def test_all_kinds_of_writes_replicate_both_ways(pair: Table) -> None:
    pair.put(HERE, "a")
    pair.put(HERE, "b")
    pair.put(THERE, "c")
    pair(THERE).transact_write_items(
        TransactItems=[{"Put": {"TableName": pair.name, "Item": {"id": {"S": "d"}, "value": {"S": "t"}}}}]
    )
    pair.await_items(THERE, {"a": "x", "b": "x", "c": "x", "d": "t"})
    pair.await_items(HERE, {"a": "x", "b": "x", "c": "x", "d": "t"})
    pair.delete(THERE, "a")
    pair(HERE).update_item(
        TableName=pair.name,
        Key={"id": {"S": "b"}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "updated"}},
    )
    for region in (HERE, THERE):
        pair.await_items(region, {"b": "updated", "c": "x", "d": "t"})


@pytest.mark.rule(
    "of two writes to one item in two regions the last one wins, in both", f"{GUIDE}/globaltables-CoreConcepts.html"
)
def test_the_last_writer_wins_after_a_partition(pair: Table, breaking: Any) -> None:
    for key in "ab":
        pair.put(HERE, key, "before")
    pair.await_items(THERE, {"a": "before", "b": "before"})
    breaking.link(HERE, THERE)
    pair.put(THERE, "a", "earlier")
    pair.put(HERE, "b", "deleted later, elsewhere")
    clock.sleep(0.05)
    pair.put(HERE, "a", "later")
    pair.delete(THERE, "b")
    clock.sleep(0.5)
    assert pair.items(THERE) == {"a": "earlier"}
    breaking.mend()
    for region in (HERE, THERE):
        pair.await_items(region, {"a": "later"})


@pytest.mark.rule(
    "what a lost region had not replicated is not in the others, and arrives there when the region returns",
    f"{GUIDE}/globaltables-CoreConcepts.html",
)
def test_a_dark_region_takes_its_last_writes_along_and_brings_them_back(
    pair: Table, breaking: Any, endpoint: Any
) -> None:
    from drillbook.embedded import process

    pair.put(HERE, "replicated")
    pair.await_items(THERE, {"replicated": "x"})
    process.set_links(endpoint.cloud, {f"dynamodb:{HERE}|{THERE}": 30})
    try:
        pair.put(HERE, "under way")
        breaking.region(HERE)
    finally:
        process.set_links(endpoint.cloud, {})
    clock.sleep(0.5)
    assert pair.items(THERE) == {"replicated": "x"}
    pair.put(THERE, "meanwhile")
    breaking.mend()
    for region in (HERE, THERE):
        pair.await_items(region, {"replicated": "x", "under way": "x", "meanwhile": "x"})


@pytest.mark.rule(
    "each replica has its own point-in-time recovery, of what was replicated to it, too",
    f"{GUIDE}/PointInTimeRecovery_Howitworks.html",
)
def test_a_replica_is_restored_to_an_instant(pair: Table) -> None:
    there = pair(THERE)
    there.update_continuous_backups(
        TableName=pair.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    pair.put(HERE, "a", "good")
    pair.await_items(THERE, {"a": "good"})
    instant = datetime.now(UTC)
    clock.sleep(0.01)
    pair.put(HERE, "a", "bad")
    pair.await_items(THERE, {"a": "bad"})

    def latest() -> datetime:
        described = there.describe_continuous_backups(TableName=pair.name)["ContinuousBackupsDescription"]
        moment: datetime = described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
        return moment

    wait_for("the instant to be restorable", lambda: latest() >= instant, timeout=30, clock=clock)
    restored = f"{pair.name}-restored"
    there.restore_table_to_point_in_time(SourceTableName=pair.name, TargetTableName=restored, RestoreDateTime=instant)
    there.get_waiter("table_exists").wait(TableName=restored)
    assert pair.items(THERE, restored) == {"a": "good"}


@pytest.mark.rule("a deleted replica is DELETING, then gone, and the others remain", f"{API}/API_UpdateTable.html")
def test_a_replica_is_deleted(table: Table) -> None:
    table.add(THERE, ELSEWHERE)
    answer = table.update("Delete", ELSEWHERE)
    assert {one["RegionName"]: one["ReplicaStatus"] for one in answer["Replicas"]}[ELSEWHERE] == "DELETING"
    table.await_status(ELSEWHERE, None)
    assert table.replicas(HERE) == {THERE: "ACTIVE"}
    with pytest.raises(ClientError) as gone:
        table.items(ELSEWHERE)
    assert code(gone) == ("ResourceNotFoundException", 400)


@pytest.mark.rule(
    "a replica that another was filled from cannot be deleted for 24 hours", f"{GUIDE}/V2globaltables.tutorial.html"
)
def test_the_source_of_a_replica_is_not_deleted_at_once(pair: Table) -> None:
    with pytest.raises(ClientError) as refused:
        pair(HERE).delete_table(TableName=pair.name)
    assert code(refused) == ("ValidationException", 400)


@pytest.mark.rule("impossible replica updates are ValidationExceptions", f"{API}/API_UpdateTable.html")
def test_impossible_replica_updates_are_refused(pair: Table) -> None:
    for action, region in (("Create", HERE), ("Create", THERE), ("Delete", ELSEWHERE)):
        with pytest.raises(ClientError) as refused:
            pair.update(action, region)
        assert code(refused) == ("ValidationException", 400)


@pytest.mark.rule(
    "a table gets replicas only with a stream of NEW_AND_OLD_IMAGES", f"{GUIDE}/V2globaltables.tutorial.html"
)
def test_a_table_without_both_images_in_its_stream_gets_no_replica(client: Client) -> None:
    table = Table(client)
    table.create(view="KEYS_ONLY")
    with pytest.raises(ClientError) as refused:
        table.update("Create", THERE)
    assert code(refused) == ("ValidationException", 400)


@pytest.mark.rule("a table that a replica is being added to cannot be updated meanwhile", f"{API}/API_UpdateTable.html")
def test_a_table_that_is_updated_is_in_use(table: Table, breaking: Any) -> None:
    breaking.link(HERE, THERE)
    table.update("Create", THERE)
    with pytest.raises(ClientError) as refused:
        table(HERE).delete_table(TableName=table.name)
    assert code(refused) == ("ResourceInUseException", 400)


@pytest.mark.rule(
    "time to live is a setting of all replicas, deletion protection of each its own",
    f"{GUIDE}/globaltables-CoreConcepts.html",
)
def test_shared_settings_follow_to_the_replicas(pair: Table) -> None:
    pair(HERE).update_time_to_live(
        TableName=pair.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    pair(HERE).update_table(TableName=pair.name, DeletionProtectionEnabled=True)

    def expiry() -> str:
        described = pair(THERE).describe_time_to_live(TableName=pair.name)["TimeToLiveDescription"]
        return str(described.get("AttributeName"))

    wait_for("the setting", expiry, until=lambda name: name == "expires", timeout=30, clock=clock)
    assert not pair(THERE).describe_table(TableName=pair.name)["Table"]["DeletionProtectionEnabled"]


@pytest.mark.rule(
    "ReplicationLatency tells, in milliseconds, how long a region's writes take to another",
    f"{GUIDE}/metrics-dimensions.html",
)
def test_the_latency_is_a_metric(pair: Table, client: Client) -> None:
    pair.put(HERE, "a")
    pair.await_items(THERE, {"a": "x"})

    def latencies() -> list[float]:
        now = datetime.now(UTC)
        told = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName="ReplicationLatency",
            Dimensions=[{"Name": "TableName", "Value": pair.name}, {"Name": "ReceivingRegion", "Value": THERE}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return [point["Maximum"] for point in told]

    [latency] = wait_for("the metric", latencies, timeout=30, clock=clock)[:1]
    assert 0 < latency < 60_000
