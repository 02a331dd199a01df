"""DynamoDB: what a recovery relies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.rule(
    "a new table's items are found by a consistent read at once",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html",
)
def test_a_consistent_read_sees_the_write_before_it(client: Callable[..., Any]) -> None:
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="consistent-read",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="consistent-read", Item={"id": {"S": "one"}})
    found = dynamodb.get_item(TableName="consistent-read", Key={"id": {"S": "one"}}, ConsistentRead=True)
    assert found["Item"] == {"id": {"S": "one"}}
