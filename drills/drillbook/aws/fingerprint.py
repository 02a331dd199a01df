"""What a drill may have changed, as one comparable value: two equal fingerprints, and nothing stayed broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.items import Item, key_names, key_of, scan, to_json
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.aws.session import Session

_ALARM_FACTS = ("MetricName", "Namespace", "Threshold", "Period", "Dimensions", "ComparisonOperator")


def every(table: str, item: Item) -> bool:  # noqa: ARG001 - whichever it is
    """Every item counts."""
    return True


def fingerprint(
    session: Session, region: str | None = None, *, of_item: Callable[[str, Item], bool] = every
) -> dict[str, Json]:
    """Tables with their items, functions with code, environment and concurrency, API stages and alarms of a region.

    ``of_item`` leaves out items that live on by themselves (a canary's). An environment is told by its hash: it may
    hold secrets. Reads only, and reads everything: for accounts made for drills. Raises OperationError.
    """
    with calling(f"read all that stands at {session.place}"):
        return {
            "tables": _tables(session, region, of_item),
            "functions": _functions(session, region),
            "apis": _apis(session, region),
            "alarms": _alarms(session, region),
        }


def _table_names(dynamodb: Any) -> list[str]:
    return [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]


def _tables(session: Session, region: str | None, of_item: Callable[[str, Item], bool]) -> dict[str, Json]:
    dynamodb = session.client("dynamodb", region)
    return {table: _items(dynamodb, table, of_item) for table in sorted(_table_names(dynamodb))}


def _items(dynamodb: Any, table: str, of_item: Callable[[str, Item], bool]) -> dict[str, Json]:
    names = key_names(dynamodb, table)
    items = [item for item in scan(dynamodb, table) if of_item(table, item)]
    return {_text(key_of(item, names)): to_json(item) for item in items}


def _functions(session: Session, region: str | None) -> dict[str, Json]:
    client = session.client("lambda", region)
    pages = client.get_paginator("list_functions").paginate()
    return {found["FunctionName"]: _function(client, found) for page in pages for found in page["Functions"]}


def _function(client: Any, found: dict[str, Any]) -> dict[str, Json]:
    concurrency = client.get_function_concurrency(FunctionName=found["FunctionName"])
    environment = _text(found.get("Environment", {}).get("Variables", {}))
    return {
        "code": found["CodeSha256"],
        "handler": found["Handler"],
        "environment": hashlib.sha256(environment.encode()).hexdigest(),
        "concurrency": concurrency.get("ReservedConcurrentExecutions"),
    }


def _apis(session: Session, region: str | None) -> dict[str, Json]:
    gateway = session.client("apigateway", region)
    apis = gateway.get_rest_apis(limit=500)["items"]
    return {api["name"]: _stages(gateway, api["id"]) for api in apis}


def _stages(gateway: Any, api: str) -> dict[str, Json]:
    return {
        stage["stageName"]: {"deployment": stage["deploymentId"], "settings": stage.get("methodSettings", {})}
        for stage in gateway.get_stages(restApiId=api)["item"]
    }


def _alarms(session: Session, region: str | None) -> dict[str, Json]:
    pages = session.client("cloudwatch", region).get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {alarm["AlarmName"]: {fact: alarm.get(fact) for fact in _ALARM_FACTS} for alarm in alarms}


def _text(value: Any) -> str:
    return json.dumps(to_json(value), sort_keys=True)
