"""DELETE /products/{id}"""

from __future__ import annotations

from typing import Any

from catalogue import TABLE, asked_product, dynamodb, respond


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    key = {"id": {"S": asked_product(event)}}
    try:
        dynamodb.delete_item(TableName=TABLE, Key=key, ConditionExpression="attribute_exists(id)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return respond(404, {"message": "no such product"})
    return respond(204)
