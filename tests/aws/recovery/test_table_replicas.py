from __future__ import annotations

from typing import Any

import pytest

from drillbook.aws.recovery import table_replicas
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, WaitTimeout
from drillbook.world import World

from .attempts import Killed, changes, healed
from .databases import HERE, THERE, fail_after


def there_has(world: World, table: str) -> int:
    return len(session_of(world).client("dynamodb", THERE).scan(TableName=table)["Items"])


def test_a_replica_is_added_once_filled_and_taken_back_by_heal(world: World, table: str) -> None:
    for _ in range(2):
        table_replicas.add_replica(world, table, THERE)
    assert table_replicas.wait_until_caught_up(world, table, HERE, THERE) == 40
    assert there_has(world, table) == 40
    assert changes(world) == 1
    assert healed(world).ok
    assert table_replicas.replicas(world, table) == {}
    assert len(session_of(world).client("dynamodb").scan(TableName=table)["Items"]) == 40


def test_a_replica_that_a_killed_attempt_added_is_adopted_and_heal_removes_it(
    world: World, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_after(monkeypatch, session_of(world).client("dynamodb"), "update_table")
    with pytest.raises(Killed):
        table_replicas.add_replica(world, table, THERE)
    table_replicas.add_replica(world, table, THERE)
    assert table_replicas.replicas(world, table) == {THERE: "ACTIVE"}
    assert changes(world) == 1
    assert healed(world).ok
    assert table_replicas.replicas(world, table) == {}


def test_heal_leaves_a_replica_that_was_there_before(world: World, table: str, dynamodb: Any) -> None:
    dynamodb.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": THERE}}])
    table_replicas.wait_until_active(world, table, THERE)
    table_replicas.add_replica(world, table, THERE)
    assert changes(world) == 0
    table_replicas.remove_replica(world, table, THERE)
    table_replicas.remove_replica(world, table, THERE)
    assert table_replicas.replicas(world, table) == {}
    assert changes(world) == 1
    assert healed(world).ok
    assert table_replicas.replicas(world, table) == {THERE: "ACTIVE"}
    assert table_replicas.wait_until_caught_up(world, table, HERE, THERE) == 40


@pytest.mark.slow
def test_a_table_of_that_name_in_the_other_region_is_not_taken(world: World, table: str) -> None:
    other = session_of(world).client("dynamodb", THERE)
    other.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(PermanentError):
        table_replicas.add_replica(world, table, THERE)
    assert healed(world).ok
    assert other.describe_table(TableName=table)["Table"]["TableName"] == table


def test_a_table_that_is_not_there_is_told(world: World, name: str) -> None:
    with pytest.raises(PermanentError, match=f"describe the table {name}") as refused:
        table_replicas.add_replica(world, name, THERE)
    assert refused.value.code == "ResourceNotFoundException"


def test_a_replica_that_lacks_an_item_has_not_caught_up(world: World, table: str, dynamodb: Any) -> None:
    other = session_of(world).client("dynamodb", THERE)
    other.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(WaitTimeout, match="last seen: 40"):
        table_replicas.wait_until_caught_up(world, table, HERE, THERE, timeout=0.2)
