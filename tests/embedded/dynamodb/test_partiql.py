"""PartiQL: statements that clients write, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def dynamodb(client: Make) -> Any:
    one = client("dynamodb")
    one.create_table(
        TableName="statements",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return one


def item(dynamodb: Any, key: str) -> dict[str, Any]:
    found: dict[str, Any] = dynamodb.get_item(TableName="statements", Key={"id": {"S": key}}).get("Item", {})
    return found


def test_an_item_is_inserted_with_parameters_and_literals(dynamodb: Any) -> None:
    statement = """INSERT INTO "statements" VALUE {'id': ?, 'n': ?, 'why': 'is it?', 'deep': {'list': [1, ?]}}"""
    given = [{"S": "inserted"}, {"N": "7"}, {"SS": ["a", "b"]}]
    dynamodb.execute_statement(Statement=statement, Parameters=given)
    assert item(dynamodb, "inserted") == {
        "id": {"S": "inserted"},
        "n": {"N": "7"},
        "why": {"S": "is it?"},
        "deep": {"M": {"list": {"L": [{"N": "1"}, {"SS": ["a", "b"]}]}}},
    }


def test_no_item_is_inserted_twice(dynamodb: Any) -> None:
    dynamodb.execute_statement(Statement="INSERT INTO statements VALUE {'id':'once','n':1}")
    with pytest.raises(ClientError, match="DuplicateItemException"):
        dynamodb.execute_statement(Statement="INSERT INTO statements VALUE {'id':?}", Parameters=[{"S": "once"}])
    assert item(dynamodb, "once")["n"] == {"N": "1"}


def test_an_update_keeps_the_types_of_its_literals(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="statements", Item={"id": {"S": "updated"}})
    dynamodb.execute_statement(Statement="UPDATE statements SET n=5 SET t='it''s' WHERE id='updated'")
    assert item(dynamodb, "updated") == {"id": {"S": "updated"}, "n": {"N": "5"}, "t": {"S": "it's"}}


def test_a_condition_needs_no_blanks(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="statements", Item={"id": {"S": "a=b"}})
    found = dynamodb.execute_statement(Statement="SELECT * FROM statements WHERE id='a=b'")["Items"]
    assert found == [{"id": {"S": "a=b"}}]


@pytest.mark.parametrize(
    ("statement", "parameters", "code"),
    [
        ("nonsense", [], "ValidationException"),
        ("SELECT * FROM statements WHERE id=?", [], "ValidationException"),
        ("SELECT * FROM statements WHERE id='?'", [{"S": "x"}], "ValidationException"),
        ("INSERT INTO statements VALUE (?, ?)", [{"S": "x"}, {"S": "y"}], "ValidationException"),
        ("INSERT INTO statements VALUE {'n': 1}", [], "ValidationException"),
        ("INSERT INTO nowhere VALUE {'id': 'x'}", [], "ResourceNotFoundException"),
        ("SELECT * FROM nowhere WHERE id='x'", [], "ResourceNotFoundException"),
    ],
)
def test_a_wrong_statement_is_refused(dynamodb: Any, statement: str, parameters: list[Any], code: str) -> None:
    asked = {"Parameters": parameters} if parameters else {}
    with pytest.raises(ClientError, match=code):
        dynamodb.execute_statement(Statement=statement, **asked)


def test_a_batch_tells_each_statements_error_in_its_place(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="statements", Item={"id": {"S": "batch"}})
    statements = [
        {"Statement": "SELECT * FROM statements WHERE id='batch'"},
        {"Statement": "INSERT INTO statements VALUE {'id':?}", "Parameters": [{"S": "batch"}]},
        {"Statement": "SELECT * FROM nowhere WHERE id='batch'"},
        {"Statement": "SELECT * FROM statements WHERE n=1"},
    ]
    answers = dynamodb.batch_execute_statement(Statements=statements)["Responses"]
    codes = [answer.get("Error", {}).get("Code", "") for answer in answers]
    assert codes == ["", "DuplicateItem", "ResourceNotFound", "ValidationError"]
    assert answers[0]["Item"] == {"id": {"S": "batch"}}
