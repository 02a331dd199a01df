"""Delivers what buckets have for one another, and tells how much waits.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html#s3-cloudwatch-replication-metrics
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager

from moto.s3.exceptions import AccessDeniedByLock, MissingBucket
from moto.s3.models import FakeBucket, FakeKey, s3_backends

from drillbook.embedded import durations
from drillbook.embedded.courier import Transit
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.objects.outbox import COMPLETED, FAILED, Parcel, outboxes, settle
from drillbook.embedded.objects.replica import backend_of, copy_tags, is_there, place
from drillbook.embedded.objects.rules import Rule
from drillbook.embedded.planes import CloudState


def buckets() -> list[FakeBucket]:
    """All that have ever had something to replicate."""
    backends = [backend for regions in list(s3_backends.values()) for backend in list(regions.values())]
    found = [bucket for backend in backends for bucket in list(backend.buckets.values())]
    return [bucket for bucket in found if getattr(bucket, "outboxes", None)]


class Delivery:
    """Call it to deliver all that is due now; one caller at a time delivers, with ``lock`` held."""

    def __init__(self, cloud: CloudState, lock: AbstractContextManager[object]) -> None:
        self._cloud, self._lock, self._transit = cloud, lock, Transit("s3", cloud)
        self._watched: set[tuple[str, Rule]] = set()
        """Buckets and rules whose metrics were not 0 when they were told last."""

    def __call__(self) -> float | None:
        """Seconds until something is due or to be told next; None if there is nothing."""
        with self._lock:
            waits = [wait for bucket in buckets() for wait in self._advance(bucket)]
            if self._tell_metrics():
                waits.append(self._cloud.aws_seconds(durations.REPLICATION_METRICS))
            return min(waits, default=None)

    def _advance(self, bucket: FakeBucket) -> Iterator[float]:
        for name, outbox in list(outboxes(bucket).items()):
            target = _destination(bucket, name)
            region = bucket.region_name if target is None else target.region_name
            while outbox:
                arrival = self._transit.arrival(outbox[0].sent, bucket.region_name, region)
                if arrival is None:
                    break
                if (left := arrival - self._now()) > 0:
                    yield left
                    break
                _deliver(bucket, target, outbox[0])
                outbox.popleft()

    def _now(self) -> float:
        return self._cloud.clock.now().timestamp()

    def _tell_metrics(self) -> bool:
        """Record how far each rule is behind, and once that it is not any more. True if one is."""
        now, waiting = self._now(), {}
        for bucket in buckets():
            for outbox in outboxes(bucket).values():
                for rule in {parcel.rule for parcel in outbox if parcel.rule.metrics}:
                    waiting[bucket.name, rule] = (bucket, deque(one for one in outbox if one.rule == rule))
        for bucket, outbox in waiting.values():
            self._record(bucket, outbox[0].rule, now, outbox)
        for name, rule in self._watched - set(waiting):
            for bucket in buckets():
                if bucket.name == name:
                    self._record(bucket, rule, now, deque())
        self._watched = set(waiting)
        return bool(waiting)

    def _record(self, bucket: FakeBucket, rule: Rule, now: float, waiting: deque[Parcel]) -> None:
        told = {
            "ReplicationLatency": now - waiting[0].sent if waiting else 0.0,
            "BytesPendingReplication": float(sum(parcel.size for parcel in waiting)),
            "OperationsPendingReplication": float(len(waiting)),
        }
        named = dimensions({"SourceBucket": bucket.name, "DestinationBucket": rule.destination, "RuleId": rule.id})
        for name, value in told.items():
            series = Series(bucket.account_id, bucket.region_name, "AWS/S3", name, named)
            store_of(self._cloud).record(series, now, [value])


def _destination(bucket: FakeBucket, name: str) -> FakeBucket | None:
    try:
        found: FakeBucket = backend_of(bucket.account_id).get_bucket(name)
    except (MissingBucket, AccessDeniedByLock):
        return None
    return found


def _deliver(bucket: FakeBucket, target: FakeBucket | None, parcel: Parcel) -> None:
    """A version that was deleted for good meanwhile is not replicated. Without a destination, replication fails."""
    if not is_there(bucket, parcel.version):
        return
    if target is None or not target.is_versioned:
        settle(parcel.version, parcel.rule, FAILED)
        return
    if parcel.retagged and isinstance(parcel.version, FakeKey):
        copy_tags(target, parcel.version)
    else:
        place(target, parcel.version, parcel.rule)
    settle(parcel.version, parcel.rule, COMPLETED)
