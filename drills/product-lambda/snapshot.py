"""A snapshot that is taken at once, and taken back when the drill is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.recovery import Plan, Step

from .backups import await_job, begin
from .names import TABLE, VAULT, table_arn

if TYPE_CHECKING:
    from drillbook.world import World

TAKEN = "snapshot of this run"


def take_snapshot(world: World) -> Plan:
    """The snapshot that AWS Backup takes each hour, taken now."""
    return Plan("take a snapshot", (step(world),))


def step(world: World) -> Step:
    return Step("take a snapshot", lambda: take(world), budget=600, check=lambda: recall(world, TAKEN) is not None)


def take(world: World) -> str:
    """The new recovery point's ARN, once in a run. Raises PermanentError if the job fails."""
    if recall(world, TAKEN) is None:
        make(world, Snapshot, SnapshotSettings())
    return str(recall(world, TAKEN))


class SnapshotSettings(Settings):
    pass


class Snapshot:
    """Take a snapshot. Undoing deletes what this run took: recovery points that were there before stay."""

    Settings = SnapshotSettings

    def __init__(self, world: World, settings: SnapshotSettings) -> None:
        del settings
        self._world, self._session = world, session_of(world)
        self._backup = self._session.client("backup")
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"take a snapshot of {TABLE} into {VAULT}"

    def touches(self) -> list[str]:
        return [table_arn(self._session)]

    def capture(self) -> Json:
        return {"once": f"drillbook-{self._world.run_id}"}

    def apply(self, before: Json) -> None:
        with calling(self.describe()):
            ended = await_job(self._world, begin(self._session, before["once"]))
        if ended["State"] != "COMPLETED":
            why = ended.get("StatusMessage", "no reason given")
            raise PermanentError(f"the snapshot is {ended['State']}: {why}", do="correct what AWS Backup says")
        remember(self._world, TAKEN, ended["RecoveryPointArn"])

    def restore(self, before: Json) -> None:
        """The same word finds the job whoever began it: one that was under way is waited for."""
        if self.restored(before):
            return
        with calling(f"undo: {self.describe()}"):
            ended = await_job(self._world, begin(self._session, before["once"]))
            if ended["State"] == "COMPLETED":
                self._backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=ended["RecoveryPointArn"])

    def restored(self, before: Json) -> bool:  # noqa: ARG002 - this run's snapshot is known by its record
        taken = recall(self._world, TAKEN)
        return taken is not None and taken not in self._points()

    def _points(self) -> list[str]:
        with calling(f"list the recovery points in {VAULT}"):
            pages = self._backup.get_paginator("list_recovery_points_by_backup_vault").paginate(BackupVaultName=VAULT)
            return [each["RecoveryPointArn"] for page in pages for each in page["RecoveryPoints"]]
