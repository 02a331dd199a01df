"""Delivers what the replicas of all global tables have written to one another, and completes what waits for that."""

from __future__ import annotations

from collections.abc import Iterator

from drillbook.embedded.courier import Transit
from drillbook.embedded.dynamodb.backend import TimeTravelBackend
from drillbook.embedded.dynamodb.ledger import Ledger, Written
from drillbook.embedded.dynamodb.regions import backend_of, backends
from drillbook.embedded.dynamodb.replication import Change, GlobalTable, Replica
from drillbook.embedded.dynamodb.shared_settings import share
from drillbook.embedded.dynamodb.table import TimeTravelTable
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState

_AT_ONCE = 500
"""Changes that are delivered before requests get their turn."""


def global_tables() -> list[GlobalTable]:
    found = {}
    for backend in backends():
        for table in list(backend.tables.values()):
            if isinstance(table, TimeTravelTable) and table.replication is not None:
                found[id(table.replication)] = table.replication
    return list(found.values())


class Delivery:
    """Call it to deliver all that is due now, with the ledger's lock held."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud, self._transit = cloud, Transit("dynamodb", cloud)

    def __call__(self) -> float | None:
        """Seconds until something is due next; None if nothing can be before a link is mended or something written."""
        with Ledger.lock:
            waits = [wait for group in global_tables() for wait in self._advance(group)]
            return min(waits, default=None)

    def _advance(self, group: GlobalTable) -> Iterator[float]:
        for source in list(group.replicas.values()):
            for region in list(source.outboxes):
                yield from self._empty(group, source, region)
        if not group.pending:
            group.forget_stamps()
        for replica in list(group.replicas.values()):
            yield from self._fill(group, replica)
            self._settle(group, replica)

    def _empty(self, group: GlobalTable, source: Replica, region: str) -> Iterator[float]:
        """Deliver what is due to this region; how long the rest has to wait, if it can come."""
        outbox, target = source.outboxes[region], backend_of(group.account, region).table(group.name)
        for _ in range(_AT_ONCE):
            arrival = self._transit.arrival(outbox[0].sent, source.region, region) if outbox else None
            if arrival is None:
                return
            now = target.ledger.instant()
            if arrival > now:
                yield arrival - now
                return
            self._receive(group, source, target, outbox.popleft(), now)
        yield 0.0

    def _receive(
        self, group: GlobalTable, source: Replica, target: TimeTravelTable, change: Change, now: float
    ) -> None:
        region = target.region_name
        if group.accept(region, change):
            written = Written(target, change.key, target.image(change.key), change.image)
            target.place(change.key, change.image)
            if not change.copied and (written.old is not None or written.new is not None):
                target.received(now, written)
        if not change.copied:
            named = dimensions({"TableName": group.name, "ReceivingRegion": region})
            series = Series(group.account, source.region, "AWS/DynamoDB", "ReplicationLatency", named)
            store_of(self._cloud).record(series, now, [(now - change.sent) * 1000])

    def _fill(self, group: GlobalTable, replica: Replica) -> Iterator[float]:
        """Let it be ACTIVE when all has arrived that its source had; how long that has to wait, if it can come."""
        if replica.status != "CREATING" or any(change.copied for change in self._inbound(group, replica)):
            return
        arrival = self._transit.arrival(replica.joined_at, replica.source, replica.region)
        if arrival is None:
            return
        left = arrival - self._table(group, replica).ledger.instant()
        if left > 0:
            yield left
        else:
            replica.status = "ACTIVE"

    def _settle(self, group: GlobalTable, replica: Replica) -> None:
        """Give it the settings that all share, and let it go if it is to and has sent all that it has."""
        linked = self._cloud.domains.now.linked
        if replica.settings < group.settings and linked(group.leader, replica.region):
            share(backend_of(group.account, group.leader).table(group.name), self._table(group, replica), replica)
            replica.settings = group.settings
        if replica.status == "DELETING" and not replica.pending and self._reached(group, replica):
            self._remove(group, replica)

    def _inbound(self, group: GlobalTable, replica: Replica) -> Iterator[Change]:
        return (change for other in group.others(replica.region) for change in other.outboxes.get(replica.region, ()))

    def _reached(self, group: GlobalTable, replica: Replica) -> bool:
        """Somebody in its region, which lives, can learn that it is to go."""
        linked = self._cloud.domains.now.linked
        return any(linked(other.region, replica.region) for other in group.others(replica.region))

    def _table(self, group: GlobalTable, replica: Replica) -> TimeTravelTable:
        return backend_of(group.account, replica.region).table(group.name)

    def _remove(self, group: GlobalTable, replica: Replica) -> None:
        backend: TimeTravelBackend = backend_of(group.account, replica.region)
        self._table(group, replica).replication = None
        group.leave(replica.region)
        backend.drop(group.name)
        if len(group.replicas) == 1:
            [last] = group.replicas.values()
            self._table(group, last).replication = None
