"""A global table: what its replicas have written, what of it is under way to the others, and which write wins.

The pure part: no moto tables, no threads, no clock. Instants are UTC seconds since the epoch. Whoever calls holds the
ledger's lock. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from moto.dynamodb.models.dynamo_type import Item

from drillbook.embedded.dynamodb.ledger import ItemKey
from drillbook.events import Json

VERSION = "2019.11.21"
Status = Literal["CREATING", "UPDATING", "DELETING", "ACTIVE"]


@dataclass(frozen=True, order=True)
class Stamp:
    """The timestamp of an item by which the last writer wins; a tie goes to the region, the same one everywhere."""

    at: float
    region: str


@dataclass(frozen=True)
class Change:
    """One item as it was written; ``image`` None is a deletion."""

    key: ItemKey
    image: Item | None
    stamp: Stamp
    sent: float
    copied: bool = False
    """It is older than the receiving replica, which is being filled."""


@dataclass
class Replica:
    """The global table's copy in one region."""

    region: str
    status: Status = "ACTIVE"
    stamps: dict[ItemKey, Stamp] = field(default_factory=dict)
    """Of items and of deleted items that somewhere a change is under way for."""
    outboxes: dict[str, deque[Change]] = field(default_factory=dict)
    """What other regions have not received yet, by region, in the order of writing. It stays in this region."""
    settings: int = 0
    """The version of the table's settings that it has."""
    source: str = ""
    """The region that it is, or was, filled from,"""
    joined_at: float = 0.0
    """and since when."""
    sourced_at: float = -math.inf
    """When a new replica was last filled from it."""
    overrides: dict[str, int] = field(default_factory=dict)
    """Settings of this replica alone (``ReadCapacityUnits``)."""

    @property
    def pending(self) -> int:
        return sum(map(len, self.outboxes.values()))


@dataclass
class GlobalTable:
    """All replicas of a table of one account, by region."""

    name: str
    account: str
    replicas: dict[str, Replica] = field(default_factory=dict)
    settings: int = 0
    """Counts changes of the settings that all replicas share."""
    leader: str = ""
    """The region in which they were changed last."""

    @property
    def pending(self) -> int:
        return sum(replica.pending for replica in self.replicas.values())

    def others(self, region: str) -> list[Replica]:
        return [replica for replica in self.replicas.values() if replica.region != region]

    def found(self, region: str) -> None:
        """Begin with the table of one region."""
        self.leader = region
        self.replicas[region] = Replica(region)

    def join(self, region: str, source: str, images: dict[ItemKey, Item], at: float) -> None:
        """A new replica is filled with what ``source`` holds and has deleted, and all that is under way to it."""
        origin = self.replicas[source]
        new = Replica(region, "CREATING", settings=self.settings, source=source, joined_at=at)
        held: dict[ItemKey, Item | None] = dict.fromkeys(origin.stamps) | images
        old = Stamp(-math.inf, source)
        copies = [Change(key, image, origin.stamps.get(key, old), at, copied=True) for key, image in held.items()]
        for replica in self.replicas.values():
            replica.outboxes[region] = deque(replica.outboxes.get(source, ()))
            new.outboxes[replica.region] = deque()
        origin.outboxes[region] = deque(copies)
        origin.sourced_at = at
        self.replicas[region] = new

    def leave(self, region: str) -> None:
        self.replicas.pop(region)
        for replica in self.replicas.values():
            replica.outboxes.pop(region, None)

    def write(self, region: str, at: float, key: ItemKey, image: Item | None) -> bool:
        """A client of this region has written: send it to all others. True if nothing was under way before.

        The write wins over everything that its region has seen, whatever the clocks say.
        """
        own = self.replicas[region]
        seen = own.stamps.get(key)
        if seen is not None and Stamp(at, region) <= seen:
            at = math.nextafter(seen.at, math.inf)
        own.stamps[key] = Stamp(at, region)
        idle = not all(own.outboxes.values())
        for outbox in own.outboxes.values():
            outbox.append(Change(key, image, own.stamps[key], at))
        return idle

    def accept(self, region: str, change: Change) -> bool:
        """Does this change win over what its region has? It is then what the region has."""
        stamps = self.replicas[region].stamps
        seen = stamps.get(change.key)
        if seen is not None and change.stamp <= seen:
            return False
        stamps[change.key] = change.stamp
        return True

    def changed(self, region: str) -> None:
        """Settings that all replicas share were changed in this region."""
        self.leader, self.settings = region, self.settings + 1
        self.replicas[region].settings = self.settings

    def forget_stamps(self) -> None:
        """All replicas agree, and whatever is written from now on is later than all that was."""
        for replica in self.replicas.values():
            replica.stamps.clear()


def described_replicas(group: GlobalTable, region: str) -> dict[str, Json]:
    """What DescribeTable in this region adds for a global table: its replicas are those in the other regions.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
    """
    own, others = group.replicas[region], group.others(region)
    status = own.status if own.status != "ACTIVE" else _busy(others)
    return {
        "TableStatus": status,
        "GlobalTableVersion": VERSION,
        "Replicas": [_described(replica) for replica in others],
    }


def _busy(others: list[Replica]) -> Status:
    return "ACTIVE" if all(replica.status == "ACTIVE" for replica in others) else "UPDATING"


def _described(replica: Replica) -> dict[str, Json]:
    described: dict[str, Json] = {"RegionName": replica.region, "ReplicaStatus": replica.status}
    if replica.overrides:
        described["ProvisionedThroughputOverride"] = dict(replica.overrides)
    return described
