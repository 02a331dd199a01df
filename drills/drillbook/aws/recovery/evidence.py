"""When a table's corruption began, from the table's own change stream.

A backup's stamp or a person's guess ("an hour ago") loses good writes or restores bad ones. The stream keeps 24 hours
of every item's image before and after each change (AWS: "Change data capture for DynamoDB Streams").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.items import Item, identity
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError

if TYPE_CHECKING:
    from drillbook.world import World

IsCorrupt = Callable[[Item], bool]
"""What the service knows to be nonsense, asked of an item as the API gives it."""

MARGIN = timedelta(milliseconds=100)
"""One transaction's changes bear stamps some milliseconds apart; the whole of it is to be undone."""
_EMPTY_PAGES = 3
"""An open shard never ends; after so many empty answers in a row we take it that we have seen all there is."""


@dataclass(frozen=True)
class StreamedChange:
    """One change. ``at`` is AWS's ApproximateCreationDateTime, which AWS rounds down to the second; UTC."""

    at: datetime
    key: str
    kind: str
    """INSERT | MODIFY | REMOVE"""
    new: Item | None


@dataclass(frozen=True)
class Evidence:
    """What the stream says about a corruption."""

    began: datetime
    """The stamp of the first change that left a corrupt item which is corrupt to this day."""
    restore_to: datetime
    """The last whole second before that: the finest that point-in-time recovery knows on AWS."""
    corrupt: int
    """Items that are corrupt now."""
    fewest: int
    most: int
    """How many more items the table had at ``restore_to`` than now; negative for fewer. The changes stamped within
    that very second make the difference: AWS does not tell whether they came before or after it."""


def gather(world: World, table: str, is_corrupt: IsCorrupt) -> Evidence:
    """Read the stream of ``table`` from its beginning.

    Raises PermanentError if the table has no stream of new images, or no item that it tells of is corrupt.
    """
    changes = list(_changes(world, table))
    corrupt = _corrupt_since(changes, is_corrupt)
    if not corrupt:
        raise PermanentError(
            f"none of the {len(changes)} changes in the stream of {table} left an item corrupt",
            do="find out by other means when the corruption began, and restore to that moment",
        )
    began = min(corrupt.values())
    restore_to = (began - MARGIN).replace(microsecond=0)
    next_second = restore_to + timedelta(seconds=1)
    within = [change.kind for change in changes if restore_to <= change.at < next_second]
    later = [change.kind for change in changes if change.at >= next_second]
    more = later.count("REMOVE") - later.count("INSERT")
    return Evidence(began, restore_to, len(corrupt), more - within.count("INSERT"), more + within.count("REMOVE"))


def _corrupt_since(changes: Sequence[StreamedChange], is_corrupt: IsCorrupt) -> dict[str, datetime]:
    """The items that are corrupt, and since when each is: one that was repaired tells of an earlier trouble."""
    since: dict[str, datetime] = {}
    for change in sorted(changes, key=lambda change: change.at):
        if change.new is not None and is_corrupt(change.new):
            since.setdefault(change.key, change.at)
        else:
            since.pop(change.key, None)
    return since


def _changes(world: World, table: str) -> Iterator[StreamedChange]:
    session = session_of(world)
    streams = session.client("dynamodbstreams")
    with calling(f"read the stream of {table}"):
        arn = _stream(session.client("dynamodb"), table)
        for shard in _shards(streams, arn):
            for record in _records(streams, arn, shard):
                yield StreamedChange(
                    at=record["dynamodb"]["ApproximateCreationDateTime"],
                    key=identity(record["dynamodb"]["Keys"]),
                    kind=record["eventName"],
                    new=record["dynamodb"].get("NewImage"),
                )


def _stream(dynamodb: Any, table: str) -> str:
    described = dynamodb.describe_table(TableName=table)["Table"]
    view = described.get("StreamSpecification", {}).get("StreamViewType")
    if view not in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        raise PermanentError(
            f"the table {table} has no stream with new images, so it cannot say when corruption began",
            do="turn on its stream with NEW_AND_OLD_IMAGES before it is needed",
        )
    arn: str = described["LatestStreamArn"]
    return arn


def _shards(streams: Any, arn: str) -> Iterator[str]:
    following: dict[str, str] = {}
    while True:
        described = streams.describe_stream(StreamArn=arn, **following)["StreamDescription"]
        for shard in described["Shards"]:
            yield shard["ShardId"]
        if "LastEvaluatedShardId" not in described:
            return
        following = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}


def _records(streams: Any, arn: str, shard: str) -> Iterator[dict[str, Any]]:
    """All records of one shard, oldest first (AWS: GetRecords; a closed shard ends without a next iterator)."""
    first = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterator, empty = first["ShardIterator"], 0
    while iterator and empty < _EMPTY_PAGES:
        page = streams.get_records(ShardIterator=iterator, Limit=1000)
        yield from page["Records"]
        empty = 0 if page["Records"] else empty + 1
        iterator = page.get("NextShardIterator")
