"""GET /products"""

from __future__ import annotations

from typing import Any

from catalogue import TABLE, dynamodb, product, respond


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    products = [product(item) for page in pages for item in page["Items"]]
    return respond(200, {"products": sorted(products, key=lambda each: each["id"])})
