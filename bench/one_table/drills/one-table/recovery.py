"""Corrupt an item, restore the table from its backup, copy the item back: seven calls, as Chaos Toolkit makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.fault import Settings
from drillbook.probe import Reading
from drillbook.recovery import Plan, Step
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

TABLE, COPY, KEY, GOOD = "products", "products-restored", {"id": {"S": "p7"}}, "107"


def _client(world: World) -> Any:
    return session_of(world).client("dynamodb")


def _price(world: World) -> str:
    item = _client(world).get_item(TableName=TABLE, Key=KEY, ConsistentRead=True).get("Item", {})
    return str(item.get("price", {}).get("N"))


class ItemCorrupted:
    Settings = Settings
    settle = 1.0

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world

    def describe(self) -> str:
        return f"corrupt an item of {TABLE}"

    def touches(self) -> list[str]:
        return [TABLE]

    def capture(self) -> str:
        return _price(self._world)

    def apply(self, before: str) -> None:
        self._set("-1")

    def observe(self, before: str) -> bool:
        return _price(self._world) == "-1"

    def restore(self, before: str) -> None:
        if not self.restored(before):
            self._set(before)

    def restored(self, before: str) -> bool:
        return _price(self._world) == before

    def _set(self, price: str) -> None:
        _client(self._world).update_item(
            TableName=TABLE,
            Key=KEY,
            UpdateExpression="SET price = :p",
            ExpressionAttributeValues={":p": {"N": price}},
        )


def restore_item(world: World) -> Plan:
    dynamodb = _client(world)

    def restore() -> None:
        backup = dynamodb.list_backups(TableName=TABLE)["BackupSummaries"][-1]["BackupArn"]
        dynamodb.restore_table_from_backup(TargetTableName=COPY, BackupArn=backup)

    def active() -> bool:
        return bool(dynamodb.describe_table(TableName=COPY)["Table"]["TableStatus"] == "ACTIVE")

    def wait() -> None:
        wait_for("the restore", active, timeout=60, clock=world.clock, interval=0.05)

    def copy_back() -> None:
        dynamodb.put_item(TableName=TABLE, Item=dynamodb.get_item(TableName=COPY, Key=KEY)["Item"])

    steps = {
        "restore": restore,
        "wait": wait,
        "copy back": copy_back,
        "remove the copy": lambda: dynamodb.delete_table(TableName=COPY),
    }
    return Plan("restore the item", tuple(Step(name, act) for name, act in steps.items()))


def item_is_good(world: World) -> Reading:
    price = _price(world)
    return Reading(price == GOOD, f"price {price}")
