"""PUT /products/{id}"""

from __future__ import annotations

from typing import Any

from catalogue import TABLE, Answer, asked_body, asked_product, dynamodb, name_and_price, product, respond


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    try:
        item = {"id": {"S": asked_product(event)}, **name_and_price(asked_body(event))}
    except Answer as answer:
        return respond(answer.status, {"message": answer.message})
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_exists(id)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return respond(404, {"message": "no such product"})
    return respond(200, product(item))
