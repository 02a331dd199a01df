"""Time to live: items that have expired are deleted, by the service and not by a client.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

from __future__ import annotations

from moto.dynamodb.models.dynamo_type import Item

from drillbook.embedded import durations
from drillbook.embedded.dynamodb.ledger import Ledger
from drillbook.embedded.dynamodb.regions import backends
from drillbook.embedded.dynamodb.table import TTL_USER, TimeTravelTable
from drillbook.embedded.planes import CloudState


def expire_everywhere(cloud: CloudState) -> int:
    """Delete every item whose time to live is over, in all accounts and regions that live, and count them."""
    with Ledger.lock:
        tables = [
            table
            for backend in backends()
            if not cloud.domains.now.dark(backend.region_name)
            for table in backend.tables.values()
            if isinstance(table, TimeTravelTable) and table.ttl["TimeToLiveStatus"] == "ENABLED"
        ]
    return sum(_expire(table, cloud) for table in tables)


def _expire(table: TimeTravelTable, cloud: CloudState) -> int:
    with Ledger.lock:
        now = cloud.clock.now().timestamp()
        overdue = now - cloud.aws_seconds(durations.TTL_DELETE)
        if table.absent:
            return 0
        expired = [
            key for key, item in table.images().items() if now - durations.TTL_TOO_OLD < _expiry(table, item) <= overdue
        ]
        table.writer = TTL_USER
        try:
            for key in expired:
                table.delete_item(*key)
        finally:
            table.writer = None
        return len(expired)


def _expiry(table: TimeTravelTable, item: Item) -> float:
    """When the item's time to live ends, in epoch seconds; never (infinity), if it has none that is a number."""
    value = item.attrs.get(table.ttl.get("AttributeName", ""))
    return float(value.value) if value is not None and value.is_number() else float("inf")
