"""AWS Backup: vaults that hold something, jobs that do something, plans that run.

It works on tables, databases, clusters and buckets through moto's backends of these services, so a recovery point is as
true as they are. A job waits while its region is dark or the link of a copy is cut, and goes on when that is mended.

Not emulated: cold storage (points stay warm), continuous backups, legal holds, access policies, notifications, restore
testing, air-gapped vaults, other accounts, and who may do what.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from drillbook.embedded import keeping
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.backup.backend import VaultBackend
    from drillbook.embedded.backup.work import Desk

_TICK = 0.25
"""Seconds between looks at what is due, or a hundredth of the shortest schedule at the cloud's speed."""
_SHORTEST_SCHEDULE = 3600.0
_log = logging.getLogger(__name__)


def plane() -> Backup:
    return Backup()


class Backup:
    """The plane. Its state is in moto's backends; one thread runs what is due."""

    name = "backup"

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._closed = threading.Event()
        self._desk: Desk | None = None
        self._runs = 0

    def install(self, cloud: CloudState) -> None:
        from moto.backup import urls
        from moto.backup.models import backup_backends
        from moto.dynamodb.models import DynamoDBBackend
        from moto.rds.models import RDSBackend

        from drillbook.embedded.backup.api import BackupApi
        from drillbook.embedded.backup.backend import VaultBackend
        from drillbook.embedded.backup.databases import allowing_ours
        from drillbook.embedded.backup.tables import refusing_ours
        from drillbook.embedded.backup.work import Desk

        self._desk = VaultBackend.desk = Desk(cloud)
        names = allowing_ours(RDSBackend.validate_db_snapshot_identifier)
        everything = {"{0}/(?P<path>.+)$": BackupApi.dispatch}
        for replaced in (
            mock.patch.object(backup_backends, "backend", VaultBackend),
            mock.patch.dict(urls.url_paths, everything, clear=True),
            mock.patch.object(RDSBackend, "validate_db_snapshot_identifier", staticmethod(names)),
            mock.patch.object(DynamoDBBackend, "delete_backup", refusing_ours(DynamoDBBackend.delete_backup)),
        ):
            self._undo.enter_context(replaced)
        backup_backends.clear()
        self._undo.callback(backup_backends.clear)
        threading.Thread(target=self._run_what_is_due, args=(cloud, self._desk), name="backup", daemon=True).start()

    def status(self) -> dict[str, Json]:
        backends = _backends()
        jobs = [job for backend in backends for job in list(backend.backup_jobs.values())]
        return {
            "recovery_points": sum(len(backend.points) for backend in backends),
            "backup_jobs": len(jobs),
            "scheduled": self._runs,
            "faults": list(self._desk.faults) if self._desk else [],
        }

    def close(self) -> None:
        self._closed.set()
        if self._desk is not None:
            self._desk.close()
        self._undo.close()

    def save(self, folder: Path) -> None:
        """Moto's backends hold everything but the moment."""
        if self._desk is not None:
            keeping.write(folder, self._desk.cloud.clock.now())

    def load(self, folder: Path) -> None:
        """No time has passed in the world meanwhile: its points live and its plans run as long as they would have."""
        saved: datetime | None = keeping.read(folder)
        for backend in _backends():
            backend.wake_up(saved or backend.now())

    def _run_what_is_due(self, cloud: CloudState, desk: Desk) -> None:
        pause = min(_TICK, cloud.aws_seconds(_SHORTEST_SCHEDULE) / 100)
        while not self._closed.wait(pause):
            for backend in _backends():
                try:
                    with desk.if_alive(backend.region_name) as alive:
                        if alive:
                            self._run(backend, cloud.clock.now(), cloud.speed)
                except Exception as error:  # noqa: BLE001 - a thread's last frame: other plans must go on
                    _log.error("plans of %s", backend.region_name, exc_info=error)
                    desk.faults = [*desk.faults[-4:], f"plans: {type(error).__name__}: {error}"]

    def _run(self, backend: VaultBackend, now: datetime, speed: float) -> None:
        backend.expire(now)
        for plan, rule in backend.due_rules(now, speed):
            vars(plan)["last_execution_date"] = now.timestamp()
            for selection in backend.selections_of(plan.backup_plan_id):
                for arn in _selected(backend, selection.content):
                    backend.start_backup(*_order(plan, rule, selection.content["IamRoleArn"], arn))
                    self._runs += 1


def _selected(backend: VaultBackend, selection: dict[str, Any]) -> list[str]:
    from drillbook.embedded.backup.kinds import everything_in
    from drillbook.embedded.backup.selection import selects

    return [arn for arn, tags in everything_in(backend.home) if selects(selection, arn, tags)]


def _order(plan: Any, rule: dict[str, Any], role: str, arn: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What a due rule asks for, and who asks."""
    given = {
        "BackupVaultName": rule["TargetBackupVaultName"],
        "ResourceArn": arn,
        "IamRoleArn": role,
        "Lifecycle": rule.get("Lifecycle"),
        "RecoveryPointTags": rule.get("RecoveryPointTags"),
        "CopyActions": rule.get("CopyActions"),
    }
    created_by = {
        "BackupPlanId": plan.backup_plan_id,
        "BackupPlanArn": plan.backup_plan_arn,
        "BackupPlanVersion": plan.version_id,
        "BackupPlanName": plan.backup_plan["BackupPlanName"],
        "BackupRuleId": rule["RuleId"],
        "BackupRuleName": rule["RuleName"],
    }
    return given, created_by


def _backends() -> list[VaultBackend]:
    from moto.backup.models import backup_backends

    from drillbook.embedded.backup.backend import VaultBackend

    backends = [backend for regions in list(backup_backends.values()) for backend in list(regions.values())]
    return [backend for backend in backends if isinstance(backend, VaultBackend)]
