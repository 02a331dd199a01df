"""Read and write capacity: what a request consumes, and what a provisioned table lets pass.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (units)
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html (burst)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

from drillbook.embedded import durations
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState

Way = Literal["Read", "Write"]
_WRITE_UNIT, _READ_UNIT = 1024, 4096
_MESSAGE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)


class ThroughputExceeded(JsonRESTError):
    def __init__(self) -> None:
        super().__init__("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", _MESSAGE)


def write_units(old: Item | None, new: Item | None) -> int:
    """One for each KiB, begun or whole, of the larger of the item before and after the write."""
    size = max((item.size() for item in (old, new) if item is not None), default=0)
    return max(1, -(-size // _WRITE_UNIT))


def read_units(size: int, *, consistent: bool) -> float:
    """One for each 4 KiB, begun or whole; half of that for an eventually consistent read."""
    return max(1, -(-size // _READ_UNIT)) * (1.0 if consistent else 0.5)


@dataclass
class Bucket:
    """What may be consumed now, in units. Who finds any unit there is let pass, whatever it costs: then less than 0."""

    left: float = math.inf
    at: float = 0.0

    def refill(self, rate: float, window: float, now: float) -> None:
        """``rate`` units come in a second, and those of the last ``window`` seconds are kept."""
        gained = rate * max(0.0, now - self.at)
        self.left, self.at = min(self.left + gained, rate * window), now


class Meter:
    """The capacity of one table. A provisioned table begins with a full burst, as after minutes without a request."""

    def __init__(self, cloud: CloudState, table: Table) -> None:
        self._cloud, self._table = cloud, table
        self._buckets: dict[Way, Bucket] = {"Read": Bucket(), "Write": Bucket()}
        self.last = 0.0
        """Write units since somebody set it to 0."""

    def admit(self, way: Way, operation: str) -> None:
        """Raises ThroughputExceeded, and counts it, if nothing is left."""
        if self.left(way) <= 0:
            self.throttled(way, operation)
            raise ThroughputExceeded

    def throttled(self, way: Way, operation: str) -> None:
        self._count(f"{way}ThrottleEvents", 1.0)
        self._count("ThrottledRequests", 1.0, Operation=operation)

    def left(self, way: Way) -> float:
        """Units that are there now; infinitely many on demand."""
        rate = self._table.throughput[f"{way}CapacityUnits"]
        if self._table.billing_mode != "PROVISIONED" or not rate:
            return math.inf
        bucket = self._buckets[way]
        window = max(1.0, self._cloud.aws_seconds(durations.BURST))
        bucket.refill(float(rate), window, self._cloud.clock.monotonic())
        return bucket.left

    def read(self, units: float) -> None:
        self._consume("Read", units)

    def wrote(self, units: float) -> None:
        self.last += units
        self._consume("Write", units)

    def _consume(self, way: Way, units: float) -> None:
        if self.left(way) < math.inf:
            self._buckets[way].left -= units
        self._count(f"Consumed{way}CapacityUnits", units)

    def _count(self, name: str, value: float, **more: str) -> None:
        """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"""
        named = dimensions({"TableName": self._table.name, **more})
        series = Series(self._table.account_id, self._table.region_name, "AWS/DynamoDB", name, named)
        store_of(self._cloud).record(series, self._cloud.clock.now().timestamp(), [value])
