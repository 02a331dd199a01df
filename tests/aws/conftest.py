"""One embedded cloud for all of these tests; each makes its own resources, under names of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from drillbook import service
from drillbook.aws.session import Session
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.world import World

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Cloud]:
    started = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=1000)
    yield started
    process.stop(started)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t-{uuid4().hex[:10]}"


@pytest.fixture
def world(cloud: process.Cloud, name: str, tmp_path: Path) -> Iterator[World]:
    clock = SystemClock()
    events = EventStream(clock)
    session = Session(
        cloud.account, "af-south-1", cloud.endpoint, clock=clock, events=events, regions=["af-south-1", "eu-west-1"],
        speed=cloud.speed,
    )  # fmt: skip
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield World(
            target="embedded",
            basis=Basis.EMULATED,
            service=service.load(ROOT / "drills/product-lambda/service.yaml"),
            clock=clock,
            events=events,
            workdir=tmp_path,
            run_id=name,
            aws=session,
            journal=journal,
            speed=cloud.speed,
        )
    session.close()


@pytest.fixture
def dynamodb(world: World) -> Any:
    assert world.aws is not None
    return world.aws.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any, name: str) -> str:
    """A table with everything that a restore drops, and 40 items."""
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "chaos", "Value": "allowed"}],
    )
    while dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        pass
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    items = [{"id": {"S": f"i{n:02}"}, "price": {"N": str(n)}, "raw": {"B": b"\x00\xff"}} for n in range(40)]
    for half in (items[:20], items[20:]):
        dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in half]})
    return name


def items_of(dynamodb: Any, table: str) -> dict[str, dict[str, Any]]:
    return {item["id"]["S"]: item for item in dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]}
