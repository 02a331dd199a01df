"""The product table, and what the five functions share."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from decimal import Decimal, InvalidOperation
from typing import Any

import botocore.session

TABLE = os.environ["DYNAMODB_TABLE"]
SIGNING_KEY = os.environ["PRICING_API_KEY"].encode()
"""Shops trust only prices that are signed with it. On AWS this would be a reference to a secret."""
dynamodb: Any = botocore.session.get_session().create_client("dynamodb")


class Answer(Exception):
    """Ends a request with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def respond(status: int, body: Any = None) -> dict[str, Any]:
    """What API Gateway expects of a function (AWS: "Output format of a Lambda function for proxy integration")."""
    text = "" if body is None else json.dumps(body)
    signature = hmac.new(SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature}
    return {"statusCode": status, "headers": headers, "body": text}


def asked_product(event: dict[str, Any]) -> str:
    product: str = event["pathParameters"]["id"]
    return product


def asked_body(event: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(event.get("body") or "")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Answer(400, "the body must be a JSON object")
    return body


def name_and_price(body: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a product, checked."""
    name, price = body.get("name"), body.get("price")
    try:
        amount = Decimal(str(price))
    except InvalidOperation:
        amount = Decimal(-1)
    if not isinstance(name, str) or not name or not amount.is_finite() or amount < 0:
        raise Answer(400, "a product needs a name and a price of 0 or more")
    return {"name": {"S": name}, "price": {"N": str(amount)}}


def product(item: dict[str, Any]) -> dict[str, str]:
    """An item of the table for the client. An item that is no product raises: the table is corrupt."""
    return {"id": item["id"]["S"], "name": item["name"]["S"], "price": f"{Decimal(item['price']['N']):.2f}"}
