"""A world that is saved while its regions cannot reach one another, and loaded into another cloud."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.clock import SystemClock
from drillbook.embedded import process, worlds
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

HERE, THERE = "us-east-1", "us-west-2"
APART = Failures(partitions=frozenset({frozenset({HERE, THERE})}))
clock = SystemClock()


def client_of(cloud: Cloud, service: str, region: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name=region, endpoint_url=cloud.endpoint, config=config, **keys)


def items(cloud: Cloud, region: str) -> int:
    return int(client_of(cloud, "dynamodb", region).scan(TableName="orders", ConsistentRead=True)["Count"])


def objects(cloud: Cloud) -> int:
    return int(client_of(cloud, "s3", THERE).list_objects_v2(Bucket="target-bucket")["KeyCount"])


def prepare(cloud: Cloud) -> None:
    """A global table and two buckets, each with something that has not arrived."""
    dynamodb, s3 = client_of(cloud, "dynamodb", HERE), client_of(cloud, "s3", HERE)
    dynamodb.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.update_table(TableName="orders", ReplicaUpdates=[{"Create": {"RegionName": THERE}}])
    dynamodb.get_waiter("table_exists").wait(TableName="orders")
    for bucket, region in (("source-bucket", HERE), ("target-bucket", THERE)):
        place = {} if region == HERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client_of(cloud, "s3", region).create_bucket(Bucket=bucket, **place)
        client_of(cloud, "s3", region).put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    rule = {"ID": "all", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::target-bucket"}}
    s3.put_bucket_replication(
        Bucket="source-bucket",
        ReplicationConfiguration={"Role": "arn:aws:iam::111122223333:role/r", "Rules": [rule]},
    )
    process.become(cloud, APART)
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    s3.put_object(Bucket="source-bucket", Key="k", Body=b"x")


@pytest.mark.slow
def test_what_had_not_arrived_when_a_world_was_saved_arrives_in_the_cloud_that_loads_it(tmp_path: Path) -> None:
    first = process.start(tmp_path / "first", owner=os.getpid(), speed=100)
    prepare(first)
    assert (items(first, HERE), items(first, THERE), objects(first)) == (1, 0, 0)
    worlds.save(first, tmp_path / "world")
    process.stop(first)
    second = process.start(tmp_path / "second", owner=os.getpid(), speed=100)
    worlds.load(second, tmp_path / "world")
    process.become(second, Failures())
    wait_for("the item and the object", lambda: items(second, THERE) + objects(second) == 2, timeout=30, clock=clock)
    client_of(second, "dynamodb", THERE).put_item(TableName="orders", Item={"id": {"S": "2"}})
    wait_for("the way back", lambda: items(second, HERE) == 2, timeout=30, clock=clock)
    process.stop(second)
