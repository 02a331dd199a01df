"""What a restored table takes from its source, and what the restore call may change about it."""

from __future__ import annotations

import copy
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.table import SecondaryIndex, Table


def table_settings(source: Table, overrides: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``create_table`` for a table like ``source``, with the ``…Override`` parameters of the request.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
    """
    billing = overrides.get("BillingModeOverride") or source.billing_mode or "PROVISIONED"
    capacity = overrides.get("ProvisionedThroughputOverride") or _units(source.throughput)
    provisioned = billing == "PROVISIONED"
    if provisioned and not capacity["ReadCapacityUnits"]:
        raise MockValidationException(
            "ProvisionedThroughputOverride must be given with BillingModeOverride PROVISIONED"
        )
    return {
        "schema": copy.deepcopy(source.schema),
        "attr": copy.deepcopy(source.attr),
        "throughput": dict(capacity) if provisioned else None,
        "billing_mode": billing,
        "indexes": _indexes(list(source.indexes), overrides.get("LocalSecondaryIndexOverride")),
        "global_indexes": _indexes(list(source.global_indexes), overrides.get("GlobalSecondaryIndexOverride")),
        "sse_specification": copy.deepcopy(overrides.get("SSESpecificationOverride") or source.sse_specification),
        "streams": None,
        "tags": [],
        "deletion_protection_enabled": False,
        "warm_throughput": None,
    }


def _units(throughput: dict[str, int]) -> dict[str, int]:
    return {name: throughput[name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _indexes(existing: list[SecondaryIndex], override: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """All indexes, or those that the override names: it may leave some out, but not add or alter any."""
    settings = {index.name: _settings(index) for index in existing}
    if override is None:
        return list(settings.values())
    if foreign := [index["IndexName"] for index in override if index["IndexName"] not in settings]:
        raise MockValidationException(f"The source table has no index {', '.join(foreign)}")
    return [settings[index["IndexName"]] | copy.deepcopy(index) for index in override]


def _settings(index: SecondaryIndex) -> dict[str, Any]:
    described = {"IndexName": index.name, "KeySchema": index.schema, "Projection": index.projection}
    throughput = getattr(index, "throughput", None)
    if throughput and throughput["ReadCapacityUnits"]:
        described["ProvisionedThroughput"] = _units(throughput)
    return copy.deepcopy(described)
