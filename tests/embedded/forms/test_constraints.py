"""What a service's model demands of a request, without a cloud."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session

from drillbook.embedded.forms.constraints import breaches


def found(service: str, operation: str, asked: dict[str, Any]) -> list[str]:
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    return [f"{one.path}: {one.kind}" for one in breaches(shape, asked)]


@pytest.mark.parametrize(
    ("operation", "asked", "wrong"),
    [
        ("CreateBackup", {"TableName": "notes"}, ["backupName: missing"]),
        ("CreateBackup", {"TableName": "notes", "BackupName": "x"}, ["backupName: constraint"]),
        ("CreateBackup", {"TableName": "notes", "BackupName": "no blank"}, ["backupName: constraint"]),
        ("CreateBackup", {"TableName": 7, "BackupName": "daily"}, ["tableName: type"]),
        ("Scan", {"TableName": "notes", "Limit": 0}, ["limit: constraint"]),
        ("Scan", {"TableName": "notes", "Limit": True}, ["limit: type"]),
        ("Scan", {"TableName": "notes", "Select": "SOME"}, ["select: constraint"]),
        ("BatchWriteItem", {"RequestItems": {"notes": [{}] * 26}}, ["requestItems.notes.member: constraint"]),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": {}}}]},
            ["transactItems.1.member.put.tableName: missing"],
        ),
        ("CreateBackup", {"TableName": "notes", "BackupName": "daily"}, []),
        ("CreateBackup", {"TableName": "notes", "BackupName": "daily", "Unknown": 1}, []),
    ],
)
def test_a_request_is_held_against_the_model_of_its_service(operation: str, asked: Any, wrong: list[str]) -> None:
    assert found("dynamodb", operation, asked) == wrong


def test_a_pattern_that_only_java_has_is_not_looked_at() -> None:
    tagged = {"Resource": "arn:aws:lambda:us-east-1:111122223333:function:notes", "Tags": {"läge": "süd"}}
    assert found("lambda", "TagResource", tagged) == []
