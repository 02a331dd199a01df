"""Five global tables: one replica in each region, with point-in-time recovery, and what they start with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.waiting import wait_for

from . import seed
from .names import DR, PRIMARY, REGIONS, TABLES, TAG_LIST

if TYPE_CHECKING:
    from drillbook.world import World

_CONTENTS = {
    "users": seed.users,
    "vendors": seed.vendors,
    "incidents": seed.incident_items,
    "call-records": seed.calls,
}


def stand_up(world: World) -> None:
    dynamodb = session_of(world).client("dynamodb", PRIMARY)
    for name in TABLES.values():
        _create(dynamodb, name)
    for name in TABLES.values():
        _until_active(world, PRIMARY, name)
        dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": DR}}])
    for name in TABLES.values():
        _until_active(world, DR, name)
        _protect(world, name)
    for what, items in _CONTENTS.items():
        _fill(dynamodb, TABLES[what], items())


def _create(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=TAG_LIST,
    )


def _until_active(world: World, region: str, name: str) -> None:
    """The table and, once it has any, its replicas."""
    dynamodb = session_of(world).client("dynamodb", region)

    def settled() -> bool:
        try:
            table = dynamodb.describe_table(TableName=name)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return False
        others = [replica["ReplicaStatus"] for replica in table.get("Replicas", [])]
        return {table["TableStatus"], *others} == {"ACTIVE"}

    wait_for(f"the table {name} in {region}", settled, timeout=60, interval=0.05, clock=world.clock)


def _protect(world: World, name: str) -> None:
    for region in REGIONS:
        session_of(world).client("dynamodb", region).update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )


def _fill(dynamodb: Any, name: str, items: list[seed.Item]) -> None:
    for item in items:
        dynamodb.put_item(TableName=name, Item=item)
