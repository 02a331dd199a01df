"""The settings of a table that is made after another's, and which of them may be changed how."""

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


def refuse_impossible(table: Table, asked: dict[str, Any]) -> None:
    """Changes that UpdateTable refuses and moto makes. ``asked`` are the arguments of the backend's ``update_table``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    mode, capacity = asked.get("billing_mode") or table.billing_mode, asked.get("throughput")
    if mode == "PAY_PER_REQUEST" and capacity:
        raise MockValidationException(
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
            "specified when BillingMode is PAY_PER_REQUEST"
        )
    if mode == "PROVISIONED" and table.billing_mode == "PAY_PER_REQUEST" and not capacity:
        raise MockValidationException(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED"
        )
    if capacity and mode == table.billing_mode and _units(capacity) == _units(table.throughput):
        raise MockValidationException(
            "The provisioned throughput for the table will not change. The requested value equals the current value."
        )


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
