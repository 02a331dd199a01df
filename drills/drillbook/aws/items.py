"""DynamoDB items as the API gives them (``{"price": {"N": "1.00"}}``), read in bulk and kept as JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from drillbook.clock import Clock
from drillbook.errors import WaitTimeout

if TYPE_CHECKING:
    from drillbook.events import Json

Item = dict[str, Any]
Key = dict[str, Any]

BATCH_GET_LIMIT = 100
"""Keys of one BatchGetItem (AWS: BatchGetItem)."""
_BATCH_GET_ATTEMPTS = 10


def scan(dynamodb: Any, table: str) -> Iterator[Item]:
    """Every item of ``table``, read consistently, page by page (1 MB each)."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def key_names(dynamodb: Any, table: str) -> list[str]:
    """The partition key's name, then the sort key's if there is one."""
    schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    return [part["AttributeName"] for part in schema]


def key_of(item: Item, names: Sequence[str]) -> Key:
    return {name: item[name] for name in names}


def identity(key: Key) -> str:
    """The key as one comparable text."""
    return repr(sorted(key.items()))


def get_many(dynamodb: Any, table: str, keys: Sequence[Key], clock: Clock) -> dict[str, Item]:
    """The items of ``keys`` that exist, by ``identity`` of their key, read consistently.

    Raises WaitTimeout if the table keeps throttling.
    """
    found: dict[str, Item] = {}
    for start in range(0, len(keys), BATCH_GET_LIMIT):
        for item in _get_batch(dynamodb, table, keys[start : start + BATCH_GET_LIMIT], clock):
            found[identity(key_of(item, sorted(keys[start])))] = item
    return found


def _get_batch(dynamodb: Any, table: str, keys: Sequence[Key], clock: Clock) -> list[Item]:
    """One batch; what the table leaves unprocessed is asked for again (AWS: BatchGetItem, UnprocessedKeys)."""
    items: list[Item] = []
    asked: dict[str, Any] = {table: {"Keys": list(keys), "ConsistentRead": True}}
    for attempt in range(_BATCH_GET_ATTEMPTS):
        answer = dynamodb.batch_get_item(RequestItems=asked)
        items += answer["Responses"].get(table, [])
        asked = answer.get("UnprocessedKeys", {})
        if not asked:
            return items
        clock.sleep(0.05 * 2**attempt)
    raise WaitTimeout(
        f"reading {len(keys)} items of {table}",
        timeout=0.05 * 2**_BATCH_GET_ATTEMPTS,
        last="unprocessed keys",
        do="give the table more read capacity",
    )


def to_json(value: Any) -> Json:
    """An item, or a part of one, as JSON; binary values become base64."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: to_json(part) for name, part in value.items()}
    if isinstance(value, list | set | tuple):
        return [to_json(part) for part in value]
    return value


def from_json(value: Json) -> Any:
    """The opposite of ``to_json``. An attribute value is never a map of ``base64`` alone, so nothing is mistaken."""
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        return base64.b64decode(value["base64"])
    if isinstance(value, dict):
        return {name: from_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [from_json(part) for part in value]
    return value
