"""DynamoDB: deletion protection, and capacity that runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference"
Client = Callable[..., Any]
TOO_MANY = 2000
"""More requests than the burst of a table with one unit a second lets pass: 300 on AWS."""


def create(dynamodb: Any, **more: Any) -> str:
    name = f"capacity-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        **({"BillingMode": "PAY_PER_REQUEST"} | more),
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def provisioned(units: int) -> dict[str, Any]:
    throughput = {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput}


def put(dynamodb: Any, table: str, key: str = "1", size: int = 1, **more: Any) -> dict[str, Any]:
    item = {"id": {"S": key}, "value": {"S": "x" * size}}
    answer: dict[str, Any] = dynamodb.put_item(TableName=table, Item=item, **more)
    return answer


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def exhaust(call: Callable[[], object]) -> None:
    for _ in range(TOO_MANY):
        call()


@pytest.mark.rule(
    "a protected table is not deleted before its protection is off", f"{GUIDE}/WorkingWithTables.Basics.html"
)
def test_a_protected_table_is_not_deleted(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, DeletionProtectionEnabled=True)
    with pytest.raises(ClientError) as refused:
        dynamodb.delete_table(TableName=name)
    assert code(refused) == ("ValidationException", 400)
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name)


@pytest.mark.rule(
    "writes beyond the provisioned capacity and its burst are refused", f"{GUIDE}/ProvisionedThroughput.html"
)
def test_writes_beyond_the_capacity_are_throttled_until_there_is_more(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    with pytest.raises(ClientError) as refused:
        exhaust(lambda: put(dynamodb, name, size=100_000))
    assert code(refused) == ("ProvisionedThroughputExceededException", 400)
    dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})
    dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    for _ in range(5):
        put(dynamodb, name, size=100_000)


@pytest.mark.rule(
    "reads beyond the provisioned capacity and its burst are refused", f"{GUIDE}/ProvisionedThroughput.html"
)
def test_reads_beyond_the_capacity_are_throttled(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    dynamodb.update_table(TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 500})
    put(dynamodb, name, size=300_000)
    with pytest.raises(ClientError) as refused:
        exhaust(lambda: dynamodb.scan(TableName=name, Limit=1, ConsistentRead=True))
    assert code(refused) == ("ProvisionedThroughputExceededException", 400)


@pytest.mark.rule("a statement is throttled as the call is that it stands for", f"{GUIDE}/ql-reference.statements.html")
def test_statements_are_throttled_too(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    numbers = iter(range(TOO_MANY))

    def add() -> None:
        values = f"{{'id': '{next(numbers)}', 'value': '{'x' * 5000}'}}"
        dynamodb.execute_statement(Statement=f'INSERT INTO "{name}" VALUE {values}')

    with pytest.raises(ClientError) as refused:
        exhaust(add)
    assert code(refused) == ("ProvisionedThroughputExceededException", 400)


@pytest.mark.rule("a write whose condition fails costs its units, too", f"{GUIDE}/read-write-operations.html")
def test_a_failed_condition_consumes_capacity(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    put(dynamodb, name)
    fails = {"ConditionExpression": "attribute_not_exists(id)"}
    codes = set()
    for _ in range(TOO_MANY):
        with pytest.raises(ClientError) as refused:
            put(dynamodb, name, **fails)
        codes.add(code(refused)[0])
        if "ProvisionedThroughputExceededException" in codes:
            break
    assert codes == {"ConditionalCheckFailedException", "ProvisionedThroughputExceededException"}


@pytest.mark.rule("what a batch cannot write is told as unprocessed", f"{API}/API_BatchWriteItem.html")
def test_a_batch_tells_what_it_could_not_write(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    big = {"S": "x" * 300_000}
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}, "value": big}}} for number in range(10)]
    answer = dynamodb.batch_write_item(RequestItems={name: puts})
    left = answer["UnprocessedItems"][name]
    assert 0 < len(left) < 10
    assert dynamodb.describe_table(TableName=name)["Table"]["ItemCount"] in (0, 10 - len(left))
    with pytest.raises(ClientError) as refused:
        exhaust(lambda: dynamodb.batch_write_item(RequestItems={name: puts}))
    assert code(refused) == ("ProvisionedThroughputExceededException", 400)


@pytest.mark.rule("a transaction without capacity is cancelled, with the reason", f"{API}/API_TransactWriteItems.html")
def test_a_transaction_without_capacity_is_cancelled(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb, **provisioned(1))
    with pytest.raises(ClientError):
        exhaust(lambda: put(dynamodb, name, size=300_000))
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": {"id": {"S": "2"}}}}])
    assert code(refused) == ("TransactionCanceledException", 400)
    assert "ProvisionedThroughputExceeded" in str(refused.value)


@pytest.mark.rule(
    "a write costs a unit for each KiB, a read one for each 4 KiB, half of that if eventually consistent",
    f"{GUIDE}/read-write-operations.html",
)
def test_units_are_counted_by_size(client: Client) -> None:
    dynamodb = client("dynamodb")
    name = create(dynamodb)
    told = {"ReturnConsumedCapacity": "TOTAL"}

    def cost(answer: dict[str, Any]) -> float:
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    key = {"id": {"S": "1"}}
    assert cost(put(dynamodb, name, size=5000, **told)) == 5
    assert cost(dynamodb.get_item(TableName=name, Key=key, ConsistentRead=True, **told)) == 2
    assert cost(dynamodb.get_item(TableName=name, Key=key, **told)) == 1
    assert cost(dynamodb.scan(TableName=name, ConsistentRead=True, **told)) == 2
    assert cost(dynamodb.delete_item(TableName=name, Key=key, **told)) == 5
    assert cost(dynamodb.delete_item(TableName=name, Key=key, **told)) == 1


@pytest.mark.rule("capacity is given for provisioned tables, and only for these", f"{API}/API_UpdateTable.html")
def test_capacity_and_billing_mode_must_agree(client: Client) -> None:
    dynamodb = client("dynamodb")
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    on_demand, fixed = create(dynamodb), create(dynamodb, **provisioned(5))
    for name, change in (
        (on_demand, {"ProvisionedThroughput": units}),
        (on_demand, {"BillingMode": "PROVISIONED"}),
        (fixed, {"ProvisionedThroughput": units}),
    ):
        with pytest.raises(ClientError) as refused:
            dynamodb.update_table(TableName=name, **change)
        assert code(refused) == ("ValidationException", 400)
