"""The DynamoDB calls whose requests moto does not read whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import MockValidationException, ResourceNotFoundException
from moto.dynamodb.models.table import Backup
from moto.dynamodb.responses import DynamoResult

from drillbook.embedded.dynamodb import replicas
from drillbook.embedded.dynamodb.metered import MeteredApi
from drillbook.embedded.forms.plane import Malformed
from drillbook.embedded.metrics.store import Series, dimensions, store_of

_PATIENCE, _LOOK = 1.0, 0.02
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
_PAGE = 100


class TimeTravelApi(MeteredApi):
    """One request at a time in a region: moto's tables are plain dicts, and a scan beside a write would fail."""

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() == "DescribeTable":
            self._await_settled(self.params.get("TableName", ""))
        try:
            with self.backend.ledger.lock:
                answer: TYPE_RESPONSE = super().call_action()
        except Malformed:
            self._count_user_error()
            raise
        if answer[0] == HTTPStatus.BAD_REQUEST and "ConditionalCheckFailedException" not in str(answer[2]):
            self._count_user_error()
        return answer

    def _count_user_error(self) -> None:
        """Of a whole region, and without dimensions.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"""
        backend = self.backend
        series = Series(backend.account_id, backend.region_name, "AWS/DynamoDB", "UserErrors", dimensions({}))
        store_of(backend.cloud).record(series, backend.cloud.clock.now().timestamp(), [1.0])

    def _await_settled(self, name: str) -> None:
        """Hold the answer if the table is about to be ACTIVE, or a replica of it to be there or gone.

        The SDKs' waiters look again only after 20 s (boto3's TableExists), which at the embedded cloud's speed would
        be hours. The data plane stays closed meanwhile, so a plan that does not wait still fails.
        """
        clock = self.backend.cloud.clock
        patience = clock.monotonic() + _PATIENCE
        while (left := self._unsettled(name)) and clock.monotonic() + left <= patience:
            clock.sleep(left)

    def _unsettled(self, name: str) -> float:
        """After how many seconds to look again; 0 if there is nothing to wait for."""
        with self.backend.ledger.lock:
            try:
                table = self.backend.table(name)
            except ResourceNotFoundException:
                return 0.0
            return max(table.creating, _LOOK if table.unsettled else 0.0)

    def create_table(self) -> ActionResult:
        if not _TABLE_NAME.fullmatch(self.body["TableName"]):
            raise MockValidationException(
                "TableName must be at least 3 characters long and at most 255 characters long, "
                "of a-z, A-Z, 0-9, _, . and -"
            )
        return super().create_table()

    def update_table(self) -> ActionResult:
        given: dict[str, Any] = self.body
        if not set(given) - {"TableName", "AttributeDefinitions"}:
            raise MockValidationException(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
            )
        updates = given.get("ReplicaUpdates")
        if not updates:
            return super().update_table()
        if set(given) - {"TableName", "ReplicaUpdates"}:
            super().update_table()
        return DynamoResult(replicas.update(self.backend, given["TableName"], updates).describe())

    def restore_table_to_point_in_time(self) -> ActionResult:
        given: dict[str, Any] = self.body
        at: datetime | None = given.get("RestoreDateTime")
        if (at is None) != bool(given.get("UseLatestRestorableTime")):
            raise MockValidationException("Specify either RestoreDateTime or UseLatestRestorableTime, and not both")
        source = given.get("SourceTableArn") or given.get("SourceTableName")
        if not source:
            raise MockValidationException("Specify SourceTableArn or SourceTableName")
        table = self.backend.restore_as_of(given["TargetTableName"], source, None if at is None else _epoch(at), given)
        return DynamoResult(table.describe())

    def restore_table_from_backup(self) -> ActionResult:
        given: dict[str, Any] = self.body
        table = self.backend.restore_backup(given["TargetTableName"], given["BackupArn"], given)
        return DynamoResult(table.describe())

    def list_backups(self) -> ActionResult:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListBackups.html"""
        given: dict[str, Any] = self.body
        found = [backup for backup in self.backend.backups_of(given.get("TableName")) if _asked_for(backup, given)]
        if after := given.get("ExclusiveStartBackupArn"):
            if after not in [backup.arn for backup in found]:
                raise MockValidationException("Invalid ExclusiveStartBackupArn")
            found = found[[backup.arn for backup in found].index(after) + 1 :]
        page = found[: given.get("Limit", _PAGE)]
        answer: dict[str, Any] = {"BackupSummaries": [backup.summary for backup in page]}
        if len(page) < len(found):
            answer["LastEvaluatedBackupArn"] = page[-1].arn
        return DynamoResult(answer)


def _asked_for(backup: Backup, given: dict[str, Any]) -> bool:
    """The lower bound belongs to the range, the upper does not."""
    made, lower, upper = backup.creation_date_time, given.get("TimeRangeLowerBound"), given.get("TimeRangeUpperBound")
    return (
        given.get("BackupType", "ALL") in ("ALL", backup.type)
        and (lower is None or _epoch(made) >= _epoch(lower))
        and (upper is None or _epoch(made) < _epoch(upper))
    )


def _epoch(moment: datetime | float) -> float:
    """Moto parses some timestamps to naive UTC and leaves others as numbers."""
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment)
