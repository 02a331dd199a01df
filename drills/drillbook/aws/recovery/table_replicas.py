"""Add and remove replicas of a DynamoDB global table, and wait until they hold what was written.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html. A new replica is filled
before it is ACTIVE: minutes for a small table, hours for a large one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.items import Item, identity, key_names, key_of, scan
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

REPLICA_PATIENCE = 6 * 3600.0
CATCH_UP_PATIENCE = 900.0
"""Seconds. Replication takes about a second, and as long as a region was cut off."""
_POLL = 5.0
_KEPT = ("KMSMasterKeyId", "TableClassOverride", "ProvisionedThroughputOverride", "GlobalSecondaryIndexes")


class TableReplicaSettings(Settings):
    table: str
    replica: str
    """The region."""
    present: bool
    region: str | None = None
    """The one that is asked to do it; it has a replica itself."""


class TableReplica:
    """Add a replica to a table, or remove one. Undoing does the other; a replica that was there keeps its data."""

    Settings = TableReplicaSettings

    def __init__(self, world: World, settings: TableReplicaSettings) -> None:
        self._world, self._settings = world, settings
        self._session = session_of(world)
        self._dynamodb = self._session.client("dynamodb", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        verb = "add a replica of {} in {}" if self._settings.present else "remove the replica of {} in {}"
        return verb.format(self._settings.table, self._settings.replica)

    def touches(self) -> list[str]:
        return [f"arn:aws:dynamodb:{self._settings.replica}:{self._session.account}:table/{self._settings.table}"]

    def capture(self) -> Json:
        """How the replica is; None if there is none."""
        return _replica(self._described(), self._settings.replica)

    def apply(self, before: Json) -> None:
        if (before is not None) != self._settings.present:
            self._await_table()
            self._make(present=self._settings.present, like=before)

    def restore(self, before: Json) -> None:
        wait_for(
            f"undoing: {self.describe()}",
            lambda: self._undo(before),
            timeout=REPLICA_PATIENCE,
            interval=_POLL / self._world.speed,
            clock=self._world.clock,
            do="AWS removes no replica for 24 hours after another was filled from it",
        )

    def restored(self, before: Json) -> bool:
        found = _replica(self._described(), self._settings.replica)
        if before is None:
            return found is None
        return found is not None and found["ReplicaStatus"] == "ACTIVE"

    def _undo(self, before: Json) -> bool:
        """Ask for it as long as AWS is busy with the table."""
        if self.restored(before):
            return True
        found = self._described()
        if found["TableStatus"] != "ACTIVE" or _is_changing(found):
            return False
        self._make(present=before is not None, like=before)
        return False

    def _make(self, *, present: bool, like: Json) -> None:
        change: dict[str, Any] = {"RegionName": self._settings.replica}
        if present and like:
            change |= {name: like[name] for name in _KEPT if name in like}
        with calling(self.describe()):
            self._dynamodb.update_table(
                TableName=self._settings.table, ReplicaUpdates=[{"Create" if present else "Delete": change}]
            )

    def _await_table(self) -> None:
        """AWS takes one change of a table at a time."""
        wait_for(
            f"the table {self._settings.table} being at rest",
            lambda: self._described()["TableStatus"] == "ACTIVE",
            timeout=REPLICA_PATIENCE,
            interval=_POLL / self._world.speed,
            clock=self._world.clock,
        )

    def _described(self) -> dict[str, Any]:
        return _table(self._dynamodb, self._settings.table)


def add_replica(
    world: World, table: str, replica: str, region: str | None = None, *, timeout: float = REPLICA_PATIENCE
) -> None:
    """Give ``table`` a replica in the region ``replica``, unless it has one, and wait until it is ACTIVE.

    ``region``: where the table is. The table's stream must have new and old images (AWS refuses otherwise). Raises
    PermanentError if a table of that name in ``replica`` belongs to something else.
    """
    dynamodb = session_of(world).client("dynamodb", region)
    if _replica(_table(dynamodb, table), replica) is None:
        make(world, TableReplica, TableReplicaSettings(table=table, replica=replica, present=True, region=region))
    wait_until_active(world, table, replica, region, timeout=timeout)


def remove_replica(
    world: World, table: str, replica: str, region: str | None = None, *, timeout: float = REPLICA_PATIENCE
) -> None:
    """Remove the replica of ``table`` in the region ``replica``, if there is one, and wait until it is gone.

    It takes its own tags, alarms and backups along; heal makes it anew, without them.
    """
    dynamodb = session_of(world).client("dynamodb", region)
    found = _replica(_table(dynamodb, table), replica)
    if found is not None and found["ReplicaStatus"] != "DELETING":
        make(world, TableReplica, TableReplicaSettings(table=table, replica=replica, present=False, region=region))
    wait_for(
        f"the replica of {table} in {replica} being gone",
        lambda: _replica(_table(dynamodb, table), replica) is None,
        timeout=timeout,
        interval=_POLL / world.speed,
        clock=world.clock,
    )


def replicas(world: World, table: str, region: str | None = None) -> dict[str, str]:
    """The other regions that have ``table``, each with its ReplicaStatus."""
    found = _table(session_of(world).client("dynamodb", region), table)
    return {one["RegionName"]: one["ReplicaStatus"] for one in found.get("Replicas", [])}


def wait_until_active(
    world: World, table: str, replica: str, region: str | None = None, *, timeout: float = REPLICA_PATIENCE
) -> None:
    """Wait until the replica is ACTIVE. Raises PermanentError if its creation failed, else WaitTimeout."""
    wait_for(
        f"the replica of {table} in {replica} becoming active",
        lambda: _not_failed(table, replica, replicas(world, table, region).get(replica)),
        until=lambda status: status == "ACTIVE",
        timeout=timeout,
        interval=_POLL / world.speed,
        clock=world.clock,
        do="ask DescribeTable for the replica's status; large tables take hours",
    )


def wait_until_caught_up(
    world: World, table: str, source: str, target: str, *, timeout: float = CATCH_UP_PATIENCE
) -> int:
    """Wait until every item of ``table`` in the region ``source`` is the same in ``target``; how many there are.

    Reads the whole table in both regions each time: stop the writes first, and use it on tables that can be read in
    seconds. AWS gives no other proof: the metric ReplicationLatency says nothing while nothing is written.
    """
    seen: dict[str, int] = {}

    def missing() -> int:
        here, there = (_items(world, table, region) for region in (source, target))
        seen["items"] = len(here)
        return sum(1 for key, item in here.items() if there.get(key) != item)

    wait_for(
        f"{table} in {target} having what is in {source}",
        missing,
        until=lambda count: count == 0,
        timeout=timeout,
        interval=1.0 / world.speed,
        clock=world.clock,
        do="see that nothing writes any more, and that both regions are reachable",
    )
    return seen["items"]


def _items(world: World, table: str, region: str) -> dict[str, Item]:
    dynamodb = session_of(world).client("dynamodb", region)
    with calling(f"read {table} in {region}"):
        names = key_names(dynamodb, table)
        return {identity(key_of(item, names)): _written(item) for item in scan(dynamodb, table)}


def _written(item: Item) -> Item:
    """What its owner wrote: older global tables add attributes of their own."""
    return {name: value for name, value in item.items() if not name.startswith("aws:rep:")}


def _not_failed(table: str, replica: str, status: str | None) -> str | None:
    if status in ("CREATION_FAILED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REGION_DISABLED"):
        raise PermanentError(
            f"the replica of {table} in {replica} is {status}",
            code=str(status),
            do="remove it, correct what DescribeTable says, and add it again",
        )
    return status


def _replica(found: dict[str, Any], region: str) -> dict[str, Any] | None:
    kept = ("RegionName", "ReplicaStatus", *_KEPT)
    for one in found.get("Replicas", []):
        if one["RegionName"] == region:
            return {name: _plain(one[name]) for name in kept if name in one}
    return None


def _plain(value: Any) -> Any:
    """As UpdateTable takes it: index descriptions have more than it wants."""
    if isinstance(value, list):
        wanted = ("IndexName", "ProvisionedThroughputOverride")
        return [{name: one[name] for name in wanted if name in one} for one in value]
    return value


def _is_changing(found: dict[str, Any]) -> bool:
    return any(one["ReplicaStatus"] in ("CREATING", "UPDATING", "DELETING") for one in found.get("Replicas", []))


def _table(dynamodb: Any, table: str) -> dict[str, Any]:
    with calling(f"describe the table {table}"):
        return dict(dynamodb.describe_table(TableName=table)["Table"])
