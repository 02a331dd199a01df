"""Records in DynamoDB: flat texts and numbers by id."""

from __future__ import annotations

import os
from typing import Any

import botocore.session
from botocore.config import Config

_QUICK = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
dynamodb: Any = botocore.session.get_session().create_client("dynamodb", config=_QUICK)


def table(what: str) -> str:
    """The name of the table of ``what``, as the environment has it."""
    return os.environ[f"{what.upper().replace('-', '_')}_TABLE"]


def get(what: str, name: str) -> dict[str, Any] | None:
    found = dynamodb.get_item(TableName=table(what), Key={"id": {"S": name}}, ConsistentRead=True).get("Item")
    return None if found is None else {key: _plain(value) for key, value in found.items()}


def put(what: str, record: dict[str, Any]) -> None:
    dynamodb.put_item(TableName=table(what), Item={key: _typed(value) for key, value in record.items()})


def _typed(value: Any) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _plain(value: dict[str, str]) -> Any:
    return int(value["N"]) if "N" in value else value["S"]
