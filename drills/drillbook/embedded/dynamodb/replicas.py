"""UpdateTable's ReplicaUpdates: adding, changing and deleting the replicas of a table.

Version 2019.11.21 of global tables. UpdateTable answers its own mistakes with ValidationException: the errors
ReplicaAlreadyExists and ReplicaNotFound belong to the operations of the version before.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicationGroupUpdate.html
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.exceptions import MockValidationException

from drillbook.embedded.addresses import REGIONS
from drillbook.embedded.dynamodb.backend import TimeTravelBackend
from drillbook.embedded.dynamodb.ledger import Ledger
from drillbook.embedded.dynamodb.membership import let_go, member
from drillbook.embedded.dynamodb.overrides import table_settings
from drillbook.embedded.dynamodb.regions import backend_of
from drillbook.embedded.dynamodb.replication import GlobalTable
from drillbook.embedded.dynamodb.table import TimeTravelTable

_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def update(backend: TimeTravelBackend, name: str, updates: list[dict[str, Any]]) -> TimeTravelTable:
    """Do what ReplicaUpdates asks of the table in the region of ``backend``; the answer is its table."""
    table = backend.changeable(name)
    for one in updates:
        if len(one) != 1:
            raise MockValidationException("Each replica update must have exactly one of Create, Update and Delete")
        [(action, asked)] = one.items()
        if asked["RegionName"] == table.region_name:
            raise MockValidationException(
                "Cannot add, delete, or update the local region through ReplicaUpdates. "
                "Use CreateTable, DeleteTable, or UpdateTable as required."
            )
        {"Create": _create, "Update": _update, "Delete": _delete}[action](table, asked)
    Ledger.courier()
    return table


def _create(table: TimeTravelTable, asked: dict[str, Any]) -> None:
    region = asked["RegionName"]
    if region not in REGIONS:
        raise MockValidationException(f"Region {region} is not a supported region for a replica")
    backend = backend_of(table.account_id, region)
    if table.name in backend.tables:
        raise MockValidationException(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    _ready_for_replicas(table)
    group = table.replication or _found(table)
    new = backend.create_table(table.name, **_settings(table, asked))
    group.join(region, table.region_name, table.images(), table.ledger.instant())
    group.replicas[region].overrides = _overrides(asked)
    new.replication, new.ttl = group, dict(table.ttl)
    new.throughput |= group.replicas[region].overrides


def _ready_for_replicas(table: TimeTravelTable) -> None:
    if (table.stream_specification or {}).get("StreamViewType") != _STREAM["StreamViewType"]:
        raise MockValidationException(
            "One or more parameter values were invalid: Table must have streams enabled with NEW_AND_OLD_IMAGES to "
            f"add a replica: {table.name}"
        )
    if table.billing_mode == "PROVISIONED" and not _auto_scaled(table):
        raise MockValidationException("Table write capacity should either be Pay-Per-Request or AutoScaled.")


def _auto_scaled(table: TimeTravelTable) -> bool:
    from moto.applicationautoscaling.models import applicationautoscaling_backends

    targets = applicationautoscaling_backends[table.account_id][table.region_name].targets
    return f"table/{table.name}" in targets.get("dynamodb:table:WriteCapacityUnits", {})


def _found(table: TimeTravelTable) -> GlobalTable:
    table.replication = GlobalTable(table.name, table.account_id)
    table.replication.found(table.region_name)
    return table.replication


def _settings(table: TimeTravelTable, asked: dict[str, Any]) -> dict[str, Any]:
    """Encrypted with the region's own key, or with the one that was given for the replica."""
    own = table.sse_specification or {}
    sse: dict[str, Any] | None = {name: own[name] for name in ("Enabled", "SSEType") if name in own} or None
    if key := asked.get("KMSMasterKeyId"):
        sse = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    return table_settings(table, {}) | {"streams": dict(_STREAM), "sse_specification": sse}


def _overrides(asked: dict[str, Any]) -> dict[str, int]:
    return dict(asked.get("ProvisionedThroughputOverride") or {})


def _update(table: TimeTravelTable, asked: dict[str, Any]) -> None:
    group, replica = member(table, asked["RegionName"])
    if not (overrides := _overrides(asked)) or overrides == replica.overrides:
        raise MockValidationException("One or more parameter values were invalid: The replica update changes nothing")
    replica.overrides = overrides
    group.changed(table.region_name)


def _delete(table: TimeTravelTable, asked: dict[str, Any]) -> None:
    group, replica = member(table, asked["RegionName"])
    backend_of(group.account, replica.region).refuse_if_protected(table.name)
    let_go(table, replica.region)
