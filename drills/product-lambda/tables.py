"""The product table as the stand-up makes it: what a restore drops, and its replica in the other region."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from drillbook.aws.session import Session, session_of
from drillbook.waiting import wait_for

from . import seed
from .names import STAGING_TABLE, TABLE, TAG_LIST, standby, table_arn

if TYPE_CHECKING:
    from drillbook.world import World

TIME_TO_LIVE = "expires_at"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def tables(world: World) -> None:
    """The product table, filled and replicated, and a staging table that looks much like it."""
    session = session_of(world)
    present = session.client("dynamodb").list_tables()["TableNames"]
    if STAGING_TABLE not in present:
        _create(world, STAGING_TABLE)
    if TABLE not in present:
        _create(world, TABLE, StreamSpecification=STREAM)
    protect(session)
    _fill(world)
    replicate(world)


def _create(world: World, name: str, **rest: Any) -> None:
    session_of(world).client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=TAG_LIST,
        **rest,
    )
    await_active(world, name)


def await_active(world: World, table: str) -> None:
    dynamodb = session_of(world).client("dynamodb")
    wait_for(
        f"the table {table} becoming active",
        lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE",
        timeout=60,
        interval=0.05,
        clock=world.clock,
    )


def protect(session: Session) -> None:
    """Point-in-time recovery before the first product is written, so that its window covers every one."""
    dynamodb = session.client("dynamodb")
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        dynamodb.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    if dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        specification = {"Enabled": True, "AttributeName": TIME_TO_LIVE}
        dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=specification)


def _fill(world: World) -> None:
    """Write the products once, and let the clock reach the next second: PITR knows only whole ones."""
    dynamodb = session_of(world).client("dynamodb")
    items = list(seed.products().values())
    if "Item" in dynamodb.get_item(TableName=TABLE, Key={"id": items[-1]["id"]}):
        return
    for item in items:
        dynamodb.put_item(TableName=TABLE, Item=item)
    dynamodb.put_item(TableName=STAGING_TABLE, Item={**items[0], "name": {"S": "a product on trial"}})
    now = world.clock.now()
    next_second = now.replace(microsecond=0) + timedelta(seconds=1)
    world.clock.sleep((next_second - now).total_seconds())


def replicate(world: World) -> None:
    """A replica in the standby region, filled; its tags are its own."""
    session, there = session_of(world), standby(world)
    dynamodb = session.client("dynamodb")

    def replicas() -> dict[str, str]:
        found = dynamodb.describe_table(TableName=TABLE)["Table"].get("Replicas", [])
        return {each["RegionName"]: each["ReplicaStatus"] for each in found}

    if there in replicas():
        return
    dynamodb.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": there}}])
    wait_for(
        f"the replica of {TABLE} in {there}",
        lambda: replicas().get(there) == "ACTIVE",
        timeout=60,
        interval=0.05,
        clock=world.clock,
    )
    session.client("dynamodb", there).tag_resource(ResourceArn=table_arn(session, region=there), Tags=TAG_LIST)
