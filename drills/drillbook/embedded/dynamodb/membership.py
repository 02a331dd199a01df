"""Who is a replica of a global table, and how one goes."""

from __future__ import annotations

from moto.dynamodb.exceptions import MockValidationException

from drillbook.embedded import durations
from drillbook.embedded.dynamodb.ledger import Ledger
from drillbook.embedded.dynamodb.replication import GlobalTable, Replica
from drillbook.embedded.dynamodb.table import TimeTravelTable


def member(table: TimeTravelTable, region: str) -> tuple[GlobalTable, Replica]:
    """The replica in this region. Raises ValidationException if there is none."""
    if table.replication is None or region not in table.replication.replicas:
        raise MockValidationException(
            "Replica specified in the Replica Update or Replica Delete action of the request was not found."
        )
    return table.replication, table.replication.replicas[region]


def let_go(table: TimeTravelTable, region: str) -> None:
    """Let the replica of a region go; it is gone when its own writes have reached the others."""
    _, replica = member(table, region)
    sourced = replica.sourced_at + table.ledger.cloud.aws_seconds(durations.SOURCE_OF_REPLICA)
    if table.ledger.instant() < sourced:
        raise MockValidationException(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            "table in the last 24 hours."
        )
    replica.status = "DELETING"
    Ledger.courier()
