"""A moto table that keeps its history, feeds its stream as DynamoDB does, and is not there while it is created."""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table

from drillbook.embedded import durations
from drillbook.embedded.dynamodb.capacity import Meter, write_units
from drillbook.embedded.dynamodb.history import History
from drillbook.embedded.dynamodb.ledger import ItemKey, Ledger, Written
from drillbook.embedded.dynamodb.replication import GlobalTable, described_replicas
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

TTL_USER = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""Who deletes expired items, as streams tell it.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""


class ChangeFeed(StreamShard):
    """The one place that moto tells every write of a table to, whichever API made it: put, batch, PartiQL, import."""

    table: TimeTravelTable

    def add(self, old: Item | None, new: Item | None) -> None:
        item = new if new is not None else old
        if item is not None:
            self.table.ledger.record(Written(self.table, (item.hash_key, item.range_key), old, new))

    def publish(self, written: Written, at: float, by: dict[str, str] | None) -> None:
        """Append the write to the stream, unless it changed nothing: DynamoDB then writes no stream record."""
        if written.old is not None and written.new is not None and written.old == written.new:
            return
        event = "INSERT" if written.old is None else "REMOVE" if written.new is None else "MODIFY"
        view = (self.table.stream_specification or {})["StreamViewType"]
        number = self.starting_sequence_number + len(self.items)
        entry = StreamRecord(self.table, view, event, written.old, written.new, number)
        entry.record["awsRegion"] = self.table.region_name
        entry.record["dynamodb"]["ApproximateCreationDateTime"] = datetime.fromtimestamp(at, UTC)
        if by:
            entry.record["userIdentity"] = by
        self.items.append(entry)
        for function, mapping in self.table.lambda_event_source_mappings.items():
            self.table.ledger.couriers.submit(_deliver, function, self.account_id, entry, mapping.event_source_arn)


def _deliver(function: str, account: str, entry: StreamRecord, source: str) -> None:
    """Invoke the function with the record, after the write and not as a part of it, as AWS polls streams."""
    from moto.awslambda.utils import get_backend

    get_backend(account, function.split(":")[3]).send_dynamodb_items(function, [entry], source)


class TimeTravelTable(Table):
    """Takes over a table that moto has just made."""

    def __init__(self, plain: Table, ledger: Ledger, cloud: CloudState) -> None:
        self.__dict__.update(plain.__dict__)
        self.ledger, self._cloud = ledger, cloud
        self.history: History[ItemKey, Item] | None = None
        self.restored_from: dict[str, Json] = {}
        self.active_at = 0.0
        """Until then (UTC seconds since the epoch) the table is CREATING."""
        self.writer: dict[str, str] | None = None
        """Who writes, if it is not a client."""
        self.stream_shard: ChangeFeed = ChangeFeed(self.account_id, self)
        self.replication: GlobalTable | None = None
        self.meter = Meter(cloud, self)

    def __deepcopy__(self, memo: dict[int, Any]) -> TimeTravelTable:
        """For backups: settings are copied, images shared, the history stays behind. moto also copies the tables that
        a transaction writes to, to put the copies back if it fails: that is the ledger's work, and needs none."""
        if self.ledger.transacting:
            return self
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        shared = {"items", "history", "ledger", "_cloud", "stream_shard", "replication", "meter"}
        twin.__dict__.update(
            {name: copy.deepcopy(value, memo) for name, value in vars(self).items() if name not in shared}
        )
        for name in ("ledger", "_cloud", "stream_shard", "meter"):
            setattr(twin, name, getattr(self, name))
        twin.history = twin.replication = None
        twin.hold(self.images())
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """For a saved world: monotonic time means nothing in another cloud, what is left of it does."""
        return vars(self) | {"active_at": max(0.0, self.creating)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.active_at += self._cloud.clock.monotonic()

    # Content

    def image(self, key: ItemKey) -> Item | None:
        hash_key, range_key = key
        stored: dict[DynamoType, Any] = self.items
        return stored.get(hash_key) if range_key is None else stored.get(hash_key, {}).get(range_key)

    def images(self) -> dict[ItemKey, Item]:
        stored: dict[DynamoType, Any] = self.items
        if not self.has_range_key:
            return {(hash_key, None): item for hash_key, item in stored.items()}
        return {(hash_key, key): item for hash_key, group in stored.items() for key, item in group.items()}

    def hold(self, images: dict[ItemKey, Item]) -> None:
        """Have exactly these items. Not a write: nobody is told."""
        self.items = defaultdict(dict)
        for key, item in images.items():
            self.place(key, item)

    def place(self, key: ItemKey, item: Item | None) -> None:
        """Put back an image, or its absence. Not a write."""
        hash_key, range_key = key
        group: dict[DynamoType, Any] = self.items if range_key is None else self.items[hash_key]
        place = hash_key if range_key is None else range_key
        if item is None:
            group.pop(place, None)
        else:
            group[place] = item

    def start_history(self, at: float) -> None:
        self.history = History(at, self.images())

    def committed(self, at: float, written: Written, *, transactional: bool) -> None:
        """The ledger says that this write of a client counts, from the instant ``at`` on."""
        self.received(at, written, cost=2 if transactional else 1)
        if self.replication is not None and self.replication.write(self.region_name, at, written.key, written.new):
            Ledger.courier()

    def received(self, at: float, written: Written, *, cost: int = 1) -> None:
        """This write, made here or in another replica, is part of the table from ``at`` on."""
        self.meter.wrote(write_units(written.old, written.new) * cost)
        if self.history is not None:
            self.history.append(at, written.key, written.new)
        if self.stream_specification and self.stream_specification["StreamEnabled"]:
            step = self._cloud.aws_seconds(durations.STREAM_RESOLUTION)
            self.stream_shard.publish(written, math.floor(at / step) * step, self.writer)

    # Settings

    def set_stream_specification(self, streams: dict[str, Any] | None) -> None:
        super().set_stream_specification(streams)
        if not isinstance(self.stream_shard, ChangeFeed):
            self.stream_shard = ChangeFeed(self.account_id, self)

    # Life

    @property
    def creating(self) -> float:
        """Seconds until the table is ACTIVE; 0 or less if it is."""
        return self.active_at - self._cloud.clock.now().timestamp() if self.active_at else 0.0

    @property
    def unsettled(self) -> bool:
        """Is a replica of this table being created or deleted?"""
        group = self.replication
        return group is not None and any(one.status != "ACTIVE" for one in group.replicas.values())

    def describe(self, base_key: str = "TableDescription") -> dict[str, Any]:
        described = super().describe(base_key)
        creating = self.creating > 0
        if creating:
            described[base_key]["TableStatus"] = "CREATING"
        if self.replication is not None:
            described[base_key] |= described_replicas(self.replication, self.region_name)
        if self.restored_from:
            described[base_key]["RestoreSummary"] = {**self.restored_from, "RestoreInProgress": creating}
        return described

    @property
    def absent(self) -> bool:
        """The data plane does not know a table before it is ACTIVE."""
        group = self.replication
        filling = group is not None and group.replicas[self.region_name].status == "CREATING"
        return filling or self.creating > 0

    def _there(self) -> None:
        if self.absent:
            raise ResourceNotFoundException()

    def put_item(self, *args: Any, **kwargs: Any) -> Item:
        self._there()
        with self.ledger.lock:
            return super().put_item(*args, **kwargs)

    def get_item(self, *args: Any, **kwargs: Any) -> Item | None:
        self._there()
        return super().get_item(*args, **kwargs)

    def delete_item(self, *args: Any, **kwargs: Any) -> Item | None:
        self._there()
        with self.ledger.lock:
            return super().delete_item(*args, **kwargs)

    def query(self, *args: Any, **kwargs: Any) -> tuple[list[Item], int, dict[str, Any] | None]:
        self._there()
        return super().query(*args, **kwargs)

    def scan(self, *args: Any, **kwargs: Any) -> tuple[list[Item], int, dict[str, Any] | None]:
        self._there()
        return super().scan(*args, **kwargs)
