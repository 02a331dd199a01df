"""The embedded cloud's DynamoDB beside plain moto, in one run: calls over HTTP, and a restore of 10,000 items.

    python bench/dynamodb.py [calls]

Plain moto is its own server (``moto.moto_server.threaded_moto_server``) in a process of its own, as ours is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.waiting import wait_for

ITEMS = 10_000
clock = SystemClock()
_PLAIN = """
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
import sys
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def plain_moto() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", _PLAIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@contextmanager
def embedded() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as state:
        began = clock.monotonic()
        cloud = process.start(Path(state), owner=os.getpid(), speed=100)
        print(f"embedded cloud ready after {clock.monotonic() - began:.2f} s")
        yield cloud.endpoint
        process.stop(cloud)


def client(endpoint: str, region: str = "eu-west-1") -> Any:
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
    return boto3.client("dynamodb", endpoint_url=endpoint, region_name=region, **keys)


def prepare(dynamodb: Any, *, recovery: bool) -> None:
    dynamodb.create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    if recovery:
        dynamodb.update_continuous_backups(
            TableName="bench", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    for start in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(start, start + 25)]
        dynamodb.batch_write_item(RequestItems={"bench": puts})


def item(number: int) -> dict[str, Any]:
    return {"id": {"S": str(number)}, "name": {"S": f"product {number}"}, "price": {"N": "1.00"}}


def calls(dynamodb: Any) -> dict[str, Callable[[int], object]]:
    values = {":p": {"N": "2.00"}}
    return {
        "GetItem": lambda n: dynamodb.get_item(TableName="bench", Key={"id": {"S": str(n)}}),
        "PutItem": lambda n: dynamodb.put_item(TableName="bench", Item=item(n)),
        "UpdateItem": lambda n: dynamodb.update_item(
            TableName="bench",
            Key={"id": {"S": str(n)}},
            UpdateExpression="SET price = :p",
            ExpressionAttributeValues=values,
        ),
        "TransactWriteItems": lambda n: dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": "bench", "Item": item(n)}}]
        ),
    }


def replicate(endpoint: str, dynamodb: Any) -> None:
    """Make the table a global one: from now on every write goes to another region, too."""
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    dynamodb.update_table(TableName="bench", StreamSpecification=stream)
    began = clock.monotonic()
    dynamodb.update_table(TableName="bench", ReplicaUpdates=[{"Create": {"RegionName": "us-west-2"}}])
    wait_for("the replica", lambda: replica_status(dynamodb), until=lambda s: s == "ACTIVE", timeout=60, clock=clock)
    print(f"\nreplica of {ITEMS} items ACTIVE after {clock.monotonic() - began:.2f} s, 0.2 s of it the link's delay")
    assert client(endpoint, "us-west-2").describe_table(TableName="bench")["Table"]["ItemCount"] == ITEMS


def replica_status(dynamodb: Any) -> str:
    [replica] = dynamodb.describe_table(TableName="bench")["Table"]["Replicas"]
    return str(replica["ReplicaStatus"])


def medians_ms(peers: list[Callable[[int], object]], times: int) -> list[float]:
    """The peers take turns, so that the machine's other load meets them alike."""
    took: list[list[float]] = [[] for _ in peers]
    for number in range(times):
        for call, seconds in zip(peers, took, strict=True):
            began = clock.monotonic()
            call(number)
            seconds.append(clock.monotonic() - began)
    return [statistics.median(seconds) * 1000 for seconds in took]


def restore(dynamodb: Any) -> tuple[float, float]:
    """Seconds until the call answers, and until the restored table is ACTIVE."""
    instant = datetime.now(UTC)
    wait_for("the lag", lambda: latest(dynamodb) >= instant, timeout=30, clock=clock)
    began = clock.monotonic()
    dynamodb.restore_table_to_point_in_time(
        SourceTableName="bench", TargetTableName="restored", RestoreDateTime=instant
    )
    answered = clock.monotonic() - began
    table = dynamodb.describe_table(TableName="restored")["Table"]
    assert (table["TableStatus"], table["ItemCount"]) == ("ACTIVE", ITEMS)
    return answered, clock.monotonic() - began


def latest(dynamodb: Any) -> datetime:
    described = dynamodb.describe_continuous_backups(TableName="bench")["ContinuousBackupsDescription"]
    moment: datetime = described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    return moment


def compare(told: str, name: str, peers: dict[str, Any], times: int) -> None:
    moto, own = medians_ms([calls(peer)[name] for peer in peers.values()], times)
    print(f"{told:32}{moto:8.2f}{own:10.2f}{own / moto:8.2f}")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with plain_moto() as plain, embedded() as ours:
        peers = {"moto": client(plain), "embedded": client(ours)}
        prepare(peers["moto"], recovery=False)
        prepare(peers["embedded"], recovery=True)
        print(f"\n{'median ms, ' + str(ITEMS) + ' items':32}{'moto':>8}{'embedded':>10}{'ratio':>8}")
        for name in calls(peers["moto"]):
            compare(name, name, peers, times if name != "TransactWriteItems" else 5)
        answered, active = restore(peers["embedded"])
        replicate(ours, peers["embedded"])
        compare("PutItem, with a replica", "PutItem", peers, times)
        print(f"\npoint-in-time restore of {ITEMS} items: answered {answered:.3f} s, ACTIVE {active:.3f} s (limit 2 s)")


if __name__ == "__main__":
    main()
