"""Restore a DynamoDB table to a moment, into a new table.

AWS: "Point-in-time recovery for DynamoDB". Any second of the window can be restored; the window ends about five
minutes ago; a restore takes at least 20 minutes however small the table, so nothing here waits with boto's
``table_exists`` waiter, which gives up after 8.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

DELETE_PATIENCE = 2 * 3600.0
"""AWS deletes no table that is still being restored."""
RESTORE_PATIENCE = 4 * 3600.0


class RestoredTableSettings(Settings):
    source: str
    target: str
    at: AwareDatetime
    region: str | None = None


class RestoredTable:
    """Restore ``source`` as of ``at`` into ``target``, which undoing deletes again.

    A ``target`` that is already there is adopted if it was restored from ``source``, and then is not ours to delete.
    """

    Settings = RestoredTableSettings

    def __init__(self, world: World, settings: RestoredTableSettings) -> None:
        self._settings, self._world = settings, world
        self._session = session_of(world)
        self._dynamodb = self._session.client("dynamodb", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        wanted = self._settings
        return f"restore the table {wanted.source} as of {utc_text(wanted.at)} into {wanted.target}"

    def touches(self) -> list[str]:
        return [self._arn(self._settings.target)]

    def capture(self) -> Json:
        return {"existed": self._look() is not None}

    def apply(self, before: Json) -> None:
        if before["existed"]:
            self._refuse_a_stranger()
            return
        with calling(self.describe()):
            self._dynamodb.restore_table_to_point_in_time(
                SourceTableName=self._settings.source,
                TargetTableName=self._settings.target,
                RestoreDateTime=self._settings.at,
            )

    def restore(self, before: Json) -> None:
        """Delete the table. One that no restore made is left alone: PermanentError."""
        if self.restored(before):
            return
        self._refuse_a_stranger()
        wait_for(
            f"deleting the table {self._settings.target}",
            self._delete,
            timeout=DELETE_PATIENCE,
            interval=0.5 / self._session.speed,
            clock=self._world.clock,
            do="delete it by hand when its restore has ended",
        )

    def restored(self, before: Json) -> bool:
        return before["existed"] or self._look() is None

    def _look(self) -> dict[str, Any] | None:
        return _described(self._dynamodb, self._settings.target)

    def _refuse_a_stranger(self) -> None:
        """A table of that name which is no restore of our source belongs to somebody else."""
        found = self._look() or {}
        origin = found.get("RestoreSummary", {}).get("SourceTableArn", "")
        if found and not origin.endswith(f":table/{self._settings.source}"):
            raise PermanentError(
                f"a table {self._settings.target} exists that was not restored from {self._settings.source}",
                code="TableAlreadyExistsException",
                do="rename or remove it; a drill touches only tables it made",
            )

    def _delete(self) -> bool:
        """Ask for the deletion as long as the table is there; AWS refuses while it is being created."""
        from botocore.exceptions import ClientError

        found = self._look()
        if found is None:
            return True
        try:
            if found.get("DeletionProtectionEnabled"):
                self._dynamodb.update_table(TableName=self._settings.target, DeletionProtectionEnabled=False)
            if found["TableStatus"] != "DELETING":
                self._dynamodb.delete_table(TableName=self._settings.target)
        except ClientError as error:
            if code_of(error) not in ("ResourceInUseException", "ResourceNotFoundException"):
                raise
        return False

    def _arn(self, table: str) -> str:
        region = self._settings.region or self._session.region
        return f"arn:aws:dynamodb:{region}:{self._session.account}:table/{table}"


def wait_until_restorable(world: World, table: str, at: datetime, *, timeout: float) -> None:
    """Wait until point-in-time recovery covers ``at``; AWS lags about five minutes behind.

    ``timeout`` is seconds. Raises PermanentError if recovery is off or ``at`` is before its window, else WaitTimeout.
    """
    dynamodb = session_of(world).client("dynamodb")
    wait_for(
        f"{utc_text(at)} becoming restorable for {table}",
        lambda: _latest(dynamodb, table, at),
        until=lambda latest: latest >= at,
        timeout=timeout,
        interval=5.0 / world.speed,
        clock=world.clock,
        do="ask DescribeContinuousBackups for the table's window",
    )


def restore(world: World, source: str, target: str, at: datetime) -> None:
    """Begin to restore ``source`` as of ``at`` into the new table ``target``, unless that was begun before."""
    if _described(session_of(world).client("dynamodb"), target) is None:
        make(world, RestoredTable, RestoredTableSettings(source=source, target=target, at=at))


def wait_until_active(world: World, table: str, *, timeout: float = RESTORE_PATIENCE) -> None:
    """Wait until ``table`` can be used. ``timeout`` is seconds. Raises WaitTimeout."""
    wait_for(
        f"the table {table} becoming active",
        lambda: is_active(world, table),
        timeout=timeout,
        interval=5.0 / world.speed,
        clock=world.clock,
        do="look at the table's status; a restore takes AWS 20 minutes or more",
    )


def is_active(world: World, table: str) -> bool:
    found = _described(session_of(world).client("dynamodb"), table)
    return found is not None and found["TableStatus"] == "ACTIVE"


def _latest(dynamodb: Any, table: str, at: datetime) -> datetime:
    """The last restorable moment. Raises PermanentError if ``at`` can never become restorable."""
    with calling(f"read the recovery window of {table}"):
        answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    window = answer.get("PointInTimeRecoveryDescription", {})
    if window.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise PermanentError(
            f"point-in-time recovery of {table} is off",
            code="PointInTimeRecoveryUnavailableException",
            do="restore a backup instead, and turn point-in-time recovery on",
        )
    if at < window["EarliestRestorableDateTime"]:
        raise PermanentError(
            f"{utc_text(at)} is before {utc_text(window['EarliestRestorableDateTime'])}, the beginning of what can "
            f"be restored of {table}",
            code="InvalidRestoreTimeException",
            do="restore an older backup instead",
        )
    latest: datetime = window["LatestRestorableDateTime"]
    return latest


def _described(dynamodb: Any, table: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    with calling(f"describe the table {table}"):
        try:
            found: dict[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
    return found
