"""Moto's DynamoDB of one region, with truthful point-in-time recovery, backups and transactions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from moto.core.exceptions import JsonRESTError
from moto.dynamodb import urls
from moto.dynamodb.exceptions import (
    BackupNotFoundException,
    MockValidationException,
    PointInTimeRecoveryUnavailable,
    ResourceInUseException,
    ResourceNotFoundException,
    TableAlreadyExistsException,
    TableNotFoundException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Backup, Table

from drillbook.embedded import durations
from drillbook.embedded.dynamodb import partiql
from drillbook.embedded.dynamodb.ledger import ItemKey, Ledger
from drillbook.embedded.dynamodb.membership import let_go
from drillbook.embedded.dynamodb.overrides import refuse_impossible, table_settings
from drillbook.embedded.dynamodb.table import TimeTravelTable
from drillbook.embedded.planes import CloudState
from drillbook.events import Json
from drillbook.objective import Interval

_PREFIX = "com.amazonaws.dynamodb.v20120810#"


class TimeTravelBackend(DynamoDBBackend):
    """One region of one account. All instants are UTC seconds since the epoch, as the API's are."""

    cloud: ClassVar[CloudState]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.ledger = Ledger(self.cloud)

    @property
    def _url_module(self) -> Any:
        """Moto looks for the routes beside the backend's module, which is ours."""
        return urls

    # Tables

    def table(self, name_or_arn: str) -> TimeTravelTable:
        found = self.get_table(name_or_arn)
        assert isinstance(found, TimeTravelTable)
        return found

    def create_table(self, *args: Any, **kwargs: Any) -> TimeTravelTable:
        return self._adopt(super().create_table(*args, **kwargs))

    def _adopt(self, plain: Table) -> TimeTravelTable:
        table = self.tables[plain.name] = TimeTravelTable(plain, self.ledger, self.cloud)  # type: ignore[abstract]
        return table

    def update_table(self, name: str, *args: Any, **settings: Any) -> Table:
        table = self.changeable(name)
        refuse_impossible(table, settings)
        if table.replication is not None and settings.get("stream_spec"):
            raise MockValidationException(f"The stream of a table with replicas cannot be changed: {name}")
        updated = super().update_table(name, *args, **settings)
        if settings.get("billing_mode") == "PAY_PER_REQUEST":
            table.throughput = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0}
        self._follow(table)
        return updated

    def update_time_to_live(self, table_name: str, ttl_spec: dict[str, Any]) -> None:
        wanted = "ENABLED" if ttl_spec["Enabled"] else "DISABLED"
        if self.table(table_name).ttl["TimeToLiveStatus"] == wanted:
            raise MockValidationException(f"TimeToLive is already {wanted.lower()}")
        super().update_time_to_live(table_name, ttl_spec)
        self._follow(self.table(table_name))

    def _follow(self, table: TimeTravelTable) -> None:
        """Let the other replicas have the settings of this one."""
        if table.replication is not None:
            table.replication.changed(self.region_name)
            Ledger.courier()

    def delete_table(self, name: str) -> Table:
        """A replica goes when its writes have reached the others; any other table is gone at once."""
        table = self.changeable(name)
        self.refuse_if_protected(name)
        if table.replication is None:
            return self.drop(name)
        let_go(table, self.region_name)
        return table

    def drop(self, name: str) -> Table:
        """A table with point-in-time recovery leaves a system backup of its last state, as on AWS.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
        """
        table = self.tables.pop(self.table(name).name)
        assert isinstance(table, TimeTravelTable)
        if table.history is not None:
            self._keep(
                Backup(self.account_id, self.region_name, f"{table.name}$DeletedTableBackup", table, None, "SYSTEM")
            )
        return table

    def refuse_if_protected(self, name: str) -> None:
        """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html"""
        if self.table(name).deletion_protection_enabled:
            raise MockValidationException(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )

    def changeable(self, name: str) -> TimeTravelTable:
        """The table. Raises ResourceInUseException while it is being created or updated."""
        table = self.table(name)
        if table.creating > 0:
            raise ResourceInUseException(
                f"Attempt to change a resource which is still in use: Table is being created: {name}"
            )
        if table.unsettled:
            raise ResourceInUseException(
                f"Attempt to change a resource which is still in use: Table is being updated: {name}"
            )
        return table

    # Writes

    def update_item(self, table_name: str, key: dict[str, dict[str, Any]], *args: Any, **kwargs: Any) -> Item:
        table = self.table(table_name)
        with self.ledger.one_write(table, self.get_keys_value(table, key)):
            return super().update_item(table_name, key, *args, **kwargs)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        with self._all_or_nothing():
            super().transact_write_items(transact_items)

    def execute_statement(self, statement: str, parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Raises NotImplementedError for what is PartiQL and not emulated."""
        given = parameters or []
        table = self.table(partiql.table_of(statement, given))
        if partiql.is_of_kind(statement, "INSERT"):
            return self._insert(table, partiql.inserted(statement, given))
        if partiql.is_of_kind(statement, "UPDATE"):
            statement, given = partiql.with_parameters_only(statement, given)
        try:
            found: list[dict[str, Any]] = super().execute_statement(partiql.spaced(statement), given)
        except (AssertionError, AttributeError, LookupError, TypeError) as error:
            raise NotImplementedError("this PartiQL statement is not emulated") from error
        return found

    def batch_execute_statement(self, statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each by itself: what is wrong with one is told in its place."""
        return [self._one_of_batch(one["Statement"], one.get("Parameters") or []) for one in statements]

    def _one_of_batch(self, statement: str, given: list[dict[str, Any]]) -> dict[str, Any]:
        try:
            table = self.table(partiql.table_of(statement, given))
            partiql.refuse_read_without_key(statement, table.table_key_attrs)
            items = self.execute_statement(statement, given)
        except JsonRESTError as error:
            return {"Error": partiql.error_in_batch(error)}
        return {"TableName": table.name} | ({"Item": items[0]} if items else {})

    def _insert(self, table: TimeTravelTable, item: dict[str, Any]) -> list[dict[str, Any]]:
        with self.ledger.lock:
            if all(name in item for name in table.table_key_attrs):
                key = {name: item[name] for name in table.table_key_attrs}
                if table.image(self.get_keys_value(table, key)) is not None:
                    raise partiql.DuplicateItem
            self.put_item(table.name, item)
        return []

    def execute_transaction(self, statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with self._all_or_nothing():
            return super().execute_transaction(statements)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Moto rolls back by putting copies of whole tables in place; the real ones go back instead."""
        with self.ledger.lock:
            tables = dict(self.tables)
            try:
                with self.ledger.one_instant():
                    yield
            except BaseException:
                self.tables.update(tables)
                raise

    # Point-in-time recovery

    def update_continuous_backups(self, table_name: str, point_in_time_spec: dict[str, Any]) -> dict[str, Any]:
        """Switching it off and on again begins a new window: what was before cannot be restored any more."""
        if table_name in self.tables:
            self.changeable(table_name)
        super().update_continuous_backups(table_name, point_in_time_spec)
        table = self.table(table_name)
        with self.ledger.lock:
            if not point_in_time_spec["PointInTimeRecoveryEnabled"]:
                table.history = None
            elif table.history is None:
                table.start_history(self.ledger.instant())
        return self.describe_continuous_backups(table_name)

    def describe_continuous_backups(self, table_name: str) -> dict[str, Any]:
        described: dict[str, Any] = copy.deepcopy(super().describe_continuous_backups(table_name))
        if window := self._window(self.table(table_name)):
            described["PointInTimeRecoveryDescription"] |= {
                "EarliestRestorableDateTime": window.lo,
                "LatestRestorableDateTime": window.hi,
            }
        return described

    def _window(self, table: TimeTravelTable) -> Interval | None:
        """What can be restored now: from when it was switched on, or the recovery period, until the lag ago."""
        if table.history is None:
            return None
        now = self.ledger.instant()
        days = table.continuous_backups["PointInTimeRecoveryDescription"].get("RecoveryPeriodInDays", 35)
        table.history.forget_before(now - self.cloud.aws_seconds(days * durations.DAY))
        earliest = table.history.since
        return Interval(earliest, max(earliest, now - self.cloud.aws_seconds(durations.RESTORABLE_LAG)))

    def restore_as_of(self, target: str, source: str, at: float | None, overrides: dict[str, Any]) -> TimeTravelTable:
        """A new table with the items that ``source`` (name, or ARN in any region) held at ``at``; None: the latest.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
        """
        origin = self._origin(source)
        try:
            table = origin.table(source)
        except ResourceNotFoundException:
            raise TableNotFoundException(source) from None
        self._name_is_free(target)
        with origin.ledger.lock:
            window = origin._window(table)
            if window is None or table.history is None:
                raise PointInTimeRecoveryUnavailable(table.name)
            instant = window.hi if at is None else at
            # SDKs may send whole seconds: the second in which recovery was switched on counts as restorable.
            if not int(window.lo) <= instant <= window.hi:
                raise _invalid_restore_time(window)
            images = table.history.as_of(instant)
        summary = {"SourceTableArn": table.table_arn, "RestoreDateTime": datetime.fromtimestamp(instant, UTC)}
        return self._restored(target, table, images, summary, overrides)

    # Backups

    def create_backup(self, table_name: str, backup_name: str) -> Backup:
        with self.ledger.lock:
            if table_name in self.tables and self.table(table_name).creating > 0:
                raise JsonRESTError(f"{_PREFIX}TableInUseException", f"Table is being created: {table_name}")
            return self._keep(super().create_backup(table_name, backup_name))

    def _keep(self, backup: Backup) -> Backup:
        backup.creation_date_time = self.cloud.clock.now()
        self.backups[backup.arn] = backup
        return backup

    def backups_of(self, table: str | None) -> list[Backup]:
        """All backups, or those of one table (name or ARN), be it deleted by now."""
        kept = list(self.backups.values())
        return [backup for backup in kept if table in (None, backup.table.name, backup.table.table_arn)]

    def restore_backup(self, target: str, backup_arn: str, overrides: dict[str, Any]) -> TimeTravelTable:
        """A new table with the items of a backup, which may be another region's."""
        backup = self._origin(backup_arn).backups.get(backup_arn)
        if backup is None:
            raise BackupNotFoundException(backup_arn)
        self._name_is_free(target)
        kept = backup.table
        assert isinstance(kept, TimeTravelTable)
        summary = {
            "SourceBackupArn": backup.arn,
            "SourceTableArn": kept.table_arn,
            "RestoreDateTime": backup.creation_date_time,
        }
        return self._restored(target, kept, kept.images(), summary, overrides)

    def _restored(
        self,
        target: str,
        source: TimeTravelTable,
        images: dict[ItemKey, Item],
        summary: dict[str, Json],
        overrides: dict[str, Any],
    ) -> TimeTravelTable:
        """Schema, capacity, indexes and encryption come along; tags, TTL, stream, recovery and protection do not.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
        """
        with self.ledger.lock:
            table = self.create_table(target, **table_settings(source, overrides))
            table.hold(images)
            table.restored_from = summary
            table.active_at = self.cloud.clock.now().timestamp() + self.cloud.aws_seconds(durations.RESTORE)
            return table

    def _origin(self, name_or_arn: str) -> TimeTravelBackend:
        """The backend that holds the source: this one, unless an ARN names another region."""
        region = name_or_arn.split(":")[3] if name_or_arn.startswith("arn:") else self.region_name
        origin = dynamodb_backends[self.account_id][region]
        assert isinstance(origin, TimeTravelBackend)
        return origin

    def _name_is_free(self, name: str) -> None:
        if name in self.tables:
            raise TableAlreadyExistsException(name)


def _invalid_restore_time(window: Interval) -> JsonRESTError:
    lo, hi = (
        datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds") for moment in (window.lo, window.hi)
    )
    return JsonRESTError(f"{_PREFIX}InvalidRestoreTimeException", f"RestoreDateTime must be between {lo} and {hi}")
