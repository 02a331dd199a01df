"""The settings that all replicas of a global table share, and that follow a change in one of them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html ("Settings"): capacity
mode and write capacity, key schema and indexes, encryption type, stream, TTL; read capacity unless it is overridden.
Deletion protection, recovery, tags and policies are each replica's own.
"""

from __future__ import annotations

import copy

from moto.dynamodb.models.table import Table

from drillbook.embedded.dynamodb.replication import Replica


def share(source: Table, target: Table, replica: Replica) -> None:
    """Give ``target``, which is ``replica``, what ``source`` has."""
    target.attr = copy.deepcopy(source.attr)
    target.global_indexes = copy.deepcopy(source.global_indexes)
    target.billing_mode = source.billing_mode
    target.throughput = dict(source.throughput) | replica.overrides
    target.ttl = dict(source.ttl)
