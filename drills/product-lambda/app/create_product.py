"""POST /products"""

from __future__ import annotations

from typing import Any

from catalogue import TABLE, Answer, asked_body, dynamodb, name_and_price, product, respond


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    try:
        item = _item(asked_body(event))
    except Answer as answer:
        return respond(answer.status, {"message": answer.message})
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(id)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return respond(409, {"message": "there is such a product"})
    return respond(201, product(item))


def _item(body: dict[str, Any]) -> dict[str, Any]:
    key = body.get("id")
    if not isinstance(key, str) or not key:
        raise Answer(400, "a product needs an id")
    return {"id": {"S": key}, **name_and_price(body)}
