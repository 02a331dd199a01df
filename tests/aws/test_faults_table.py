from __future__ import annotations

import json
from typing import Any

import pytest

from drillbook.aws.faults.table import NONSENSE, CorruptItems, CorruptItemsSettings
from drillbook.errors import FaultError, Refused
from drillbook.fault import Fault
from drillbook.world import World

from .conftest import items_of


def fault(world: World, table: str, **settings: Any) -> CorruptItems:
    given = {"table": table, "attribute": "price", "corrupt": "30 %", "delete": "10 %", **settings}
    return CorruptItems(world, CorruptItemsSettings.model_validate(given))


def corrupt_in(items: dict[str, Any]) -> set[str]:
    return {key for key, item in items.items() if item.get("price") == NONSENSE}


def test_it_is_a_fault(world: World, table: str) -> None:
    assert isinstance(fault(world, table), Fault)
    assert fault(world, table).describe() == f"corrupt 30% and delete 10% of the items of {table}"
    assert fault(world, table).touches() == [f"arn:aws:dynamodb:af-south-1:111122223333:table/{table}"]


def test_it_corrupts_and_deletes_its_shares_and_is_in_effect(world: World, table: str, dynamodb: Any) -> None:
    made = fault(world, table)
    before = made.capture()
    assert not made.observe(before)
    made.apply(before)
    items = items_of(dynamodb, table)
    assert (len(corrupt_in(items)), len(items)) == (12, 36)
    assert made.observe(before)
    assert not made.restored(before)


def test_the_same_seed_chooses_the_same_victims(world: World, table: str) -> None:
    assert fault(world, table).capture() == fault(world, table).capture()
    assert fault(world, table, seed=1).capture() != fault(world, table, seed=2).capture()


def test_restore_in_another_process_puts_back_every_byte(world: World, table: str, dynamodb: Any) -> None:
    whole = items_of(dynamodb, table)
    made = fault(world, table)
    kept = json.dumps(made.capture())
    made.apply(json.loads(kept))
    assert items_of(dynamodb, table) != whole
    another = fault(world, table)
    another.restore(json.loads(kept))
    another.restore(json.loads(kept))
    assert items_of(dynamodb, table) == whole
    assert another.restored(json.loads(kept))


def test_restore_is_right_when_nothing_or_half_was_applied(world: World, table: str, dynamodb: Any) -> None:
    whole = items_of(dynamodb, table)
    made = fault(world, table)
    before = made.capture()
    made.restore(before)
    assert items_of(dynamodb, table) == whole
    made.apply({**before, "delete": []})
    made.restore(before)
    assert items_of(dynamodb, table) == whole


def test_restore_keeps_what_was_written_since(world: World, table: str, dynamodb: Any) -> None:
    made = fault(world, table)
    before = made.capture()
    made.apply(before)
    updated, repriced = (item["id"] for item in before["corrupt"][:2])
    recreated = before["delete"][0]["id"]
    dynamodb.update_item(
        TableName=table,
        Key={"id": updated},
        UpdateExpression="SET note = :n",
        ExpressionAttributeValues={":n": {"S": "new"}},
    )
    for key in (repriced, recreated):
        dynamodb.put_item(TableName=table, Item={"id": key, "price": {"N": "999"}})
    removed = before["corrupt"][2]["id"]
    dynamodb.delete_item(TableName=table, Key={"id": removed})
    made.restore(before)
    items = items_of(dynamodb, table)
    assert items[repriced["S"]]["price"] == items[recreated["S"]]["price"] == {"N": "999"}
    assert items[updated["S"]]["note"] == {"S": "new"}
    assert items[updated["S"]]["price"] == before["corrupt"][0]["price"]
    assert removed["S"] not in items
    assert made.restored(before)


def test_a_victim_that_changed_since_it_was_chosen_is_spared(world: World, table: str, dynamodb: Any) -> None:
    made = fault(world, table)
    before = made.capture()
    for victim in (before["corrupt"][0], before["delete"][0]):
        dynamodb.put_item(TableName=table, Item={"id": victim["id"], "price": {"N": "999"}})
    made.apply(before)
    items = items_of(dynamodb, table)
    assert len(corrupt_in(items)) == 11
    assert len(items) == 37
    made.restore(before)
    assert len(items_of(dynamodb, table)) == 40


def test_more_than_one_transaction_is_harmed_and_restored(world: World, table: str, dynamodb: Any) -> None:
    more = [{"PutRequest": {"Item": {"id": {"S": f"more-{n}"}, "price": {"N": "1"}}}} for n in range(100)]
    for start in range(0, 100, 25):
        dynamodb.batch_write_item(RequestItems={table: more[start : start + 25]})
    whole = items_of(dynamodb, table)
    made = fault(world, table, corrupt="80 %")
    before = made.capture()
    made.apply(before)
    assert len(corrupt_in(items_of(dynamodb, table))) == 112
    made.restore(before)
    assert items_of(dynamodb, table) == whole


def test_the_instants_of_the_writes_are_told(world: World, table: str) -> None:
    made = fault(world, table)
    made.apply(made.capture())
    names = [event.name for event in world.events.events if event.name.startswith("t_corrupt")]
    assert names == ["t_corrupt_first", "t_corrupt_last"]


def test_too_many_victims_are_refused(world: World, table: str) -> None:
    with pytest.raises(Refused, match="would harm 16 items; 10 may be") as refused:
        fault(world, table, max_items=10).capture()
    assert refused.value.rail == "blast radius"


def test_an_empty_table_cannot_be_harmed(world: World, table: str, dynamodb: Any) -> None:
    for key in items_of(dynamodb, table):
        dynamodb.delete_item(TableName=table, Key={"id": {"S": key}})
    with pytest.raises(FaultError, match="holds no item"):
        fault(world, table).capture()


def test_a_table_that_is_gone_needs_no_restore(world: World, table: str, dynamodb: Any) -> None:
    made = fault(world, table)
    before = made.capture()
    made.apply(before)
    dynamodb.delete_table(TableName=table)
    made.restore(before)
    assert made.restored(before)
