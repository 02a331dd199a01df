"""A DynamoDB table whose customer managed key cannot be used: its data are not there until the key is back.

``TableStatus`` INACCESSIBLE_ENCRYPTION_CREDENTIALS and ``InaccessibleEncryptionDateTime``:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSEDescription.html
Requests for data are refused with AccessDeniedException:
https://repost.aws/knowledge-center/dynamodb-access-denied-exception
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.table import Table

from drillbook.embedded.keys.state import usable_key
from drillbook.embedded.planes import CloudState

_AWS_MANAGED = "alias/aws/"
T = TypeVar("T", bound=Table)


def _lost(table: Table) -> JsonRESTError | None:
    """Why its key does not work; None if it does."""
    encryption: dict[str, Any] = table.sse_specification or {}
    key = encryption.get("KMSMasterKeyId") if encryption.get("Enabled") else None
    if not key or _AWS_MANAGED in key:
        return None
    try:
        usable_key(table.account_id, table.region_name, key)
    except JsonRESTError as error:
        return error
    return None


def data_there(original: Callable[[T], None]) -> Callable[[T], None]:
    def there(table: T) -> None:
        original(table)
        if lost := _lost(table):
            what = f"KMS key access denied error: {lost.message}"
            raise JsonRESTError("com.amazon.coral.service#AccessDeniedException", what)

    return there


def described(original: Callable[..., dict[str, Any]], cloud: CloudState) -> Callable[..., dict[str, Any]]:
    def describe(table: Table, base_key: str = "TableDescription") -> dict[str, Any]:
        told = original(table, base_key)
        if not _lost(table):
            vars(table).pop("inaccessible_since", None)
            return told
        since = vars(table).setdefault("inaccessible_since", cloud.clock.now().timestamp())
        told[base_key]["TableStatus"] = "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
        told[base_key]["SSEDescription"]["InaccessibleEncryptionDateTime"] = since
        return told

    return describe
