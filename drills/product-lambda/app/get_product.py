"""GET /products/{id}"""

from __future__ import annotations

from typing import Any

from catalogue import TABLE, asked_product, dynamodb, product, respond


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    key = {"id": {"S": asked_product(event)}}
    item = dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return respond(404, {"message": "no such product"})
    return respond(200, product(item))
