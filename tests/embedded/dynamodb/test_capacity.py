"""Token buckets, units, and the metrics of throttling, with a clock that only the test moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from drillbook.embedded.dynamodb.capacity import Bucket, Meter, ThroughputExceeded, read_units, write_units
from drillbook.embedded.metrics.store import Series, dimensions, store_of

REGION = "us-east-1"


def item(size: int) -> Item:
    return Item(DynamoType({"S": "k"}), None, {"k": {"S": "x" * (size - 1)}})


@pytest.fixture
def meter(world: Any) -> Meter:
    """Of a table that lets 10 reads and 5 writes a second pass."""
    world.create(
        REGION, billing_mode="PROVISIONED", throughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 5}, streams=None
    )
    made: Meter = world.region(REGION).table("orders").meter
    return made


@pytest.mark.parametrize(
    ("old", "new", "units"), [(None, 1, 1), (None, 1024, 1), (None, 1025, 2), (5000, 1, 5), (1, None, 1)]
)
def test_a_write_costs_its_larger_image(old: int | None, new: int | None, units: int) -> None:
    images = [None if size is None else item(size) for size in (old, new)]
    assert write_units(*images) == units


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_a_read_costs_half_if_it_is_eventually_consistent(size: int, units: float) -> None:
    assert (read_units(size, consistent=True), read_units(size, consistent=False)) == (units, units / 2)


def test_a_burst_of_five_minutes_is_there_and_no_more(world: Any, meter: Meter) -> None:
    meter.wrote(5 * 300 - 1)
    meter.admit("Write", "PutItem")
    meter.wrote(1)
    with pytest.raises(ThroughputExceeded):
        meter.admit("Write", "PutItem")
    meter.admit("Read", "GetItem")
    world.clock.sleep(3600)
    assert meter.left("Write") == 5 * 300


def test_capacity_comes_back_at_the_table_s_rate(world: Any, meter: Meter) -> None:
    meter.wrote(5 * 300 + 10)
    world.clock.sleep(2)
    assert meter.left("Write") == pytest.approx(0)
    world.clock.sleep(1)
    assert meter.left("Write") == pytest.approx(5)


def test_a_changed_capacity_counts_at_once(world: Any, meter: Meter) -> None:
    meter.wrote(5 * 300)
    world.region(REGION).table("orders").throughput["WriteCapacityUnits"] = 100
    world.clock.sleep(1)
    assert meter.left("Write") == pytest.approx(100)
    world.region(REGION).table("orders").billing_mode = "PAY_PER_REQUEST"
    meter.wrote(10**6)
    meter.admit("Write", "PutItem")


def test_throttling_is_counted_by_table_and_operation(world: Any, meter: Meter) -> None:
    at = world.clock.now().timestamp()
    meter.wrote(10**4)
    with pytest.raises(ThroughputExceeded) as refused:
        meter.admit("Write", "PutItem")
    assert refused.value.code == 400

    def counted(name: str, **more: str) -> list[float]:
        store, named = store_of(world.cloud), dimensions({"TableName": "orders", **more})
        series = Series("111122223333", REGION, "AWS/DynamoDB", name, named)
        return store.between(series, store.tick(at), store.tick(at + 2))

    assert counted("WriteThrottleEvents") == counted("ThrottledRequests", Operation="PutItem") == [1.0]
    assert counted("ConsumedWriteCapacityUnits") == [10**4]


def test_a_transaction_costs_twice_and_a_replicated_write_once(world: Any) -> None:
    world.create(REGION)
    world.replicate(REGION, "us-west-2")
    here, there = (world.region(region).table("orders").meter for region in (REGION, "us-west-2"))
    here.last = there.last = 0
    world.region(REGION).transact_write_items([{"Put": {"TableName": "orders", "Item": {"id": {"S": "1"}}}}])
    world.pass_by(1)
    assert (here.last, there.last) == (2, 1)


@given(
    rate=st.floats(1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 2000)), max_size=50),
)
def test_nobody_gets_more_than_rate_and_burst_allow(rate: float, steps: list[tuple[float, float]]) -> None:
    bucket, now, taken, largest = Bucket(), 0.0, 0.0, 0.0
    bucket.refill(rate, 300, now)
    for passed, asked in steps:
        now += passed
        bucket.refill(rate, 300, now)
        if bucket.left > 0:
            bucket.left -= asked
            taken, largest = taken + asked, max(largest, asked)
    assert taken <= rate * (300 + now) + largest + 1e-6
