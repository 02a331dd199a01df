"""The vaults of a region and what is in them: recovery points, how long they live, who may delete them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from moto.backup import urls
from moto.backup.exceptions import (
    InvalidParameterValueException,
    InvalidRequestException,
    ResourceNotFoundException,
)
from moto.backup.models import Vault

from drillbook.embedded import durations
from drillbook.embedded.backup.kind import Home, Kind
from drillbook.embedded.backup.kinds import kind_named
from drillbook.embedded.backup.plans import Plans
from drillbook.embedded.backup.records import Lifecycle, Place, RecoveryPoint
from drillbook.embedded.backup.work import Desk, JobFailed
from drillbook.embedded.keys.state import usable_key

_COLD_DAYS = 90


class Vaults(Plans):
    """The part of a region's AWS Backup that is about vaults."""

    desk: ClassVar[Desk]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.points: dict[str, RecoveryPoint] = {}

    @property
    def _url_module(self) -> Any:
        """Moto looks for the routes beside the backend's module, which is ours."""
        return urls

    @property
    def home(self) -> Home:
        return Home(self.account_id, self.region_name)

    def now(self) -> datetime:
        return self.desk.cloud.clock.now()

    # Vaults

    def vault(self, name: str) -> Vault:
        return self.describe_backup_vault(name)

    def describe_backup_vault(self, backup_vault_name: str) -> Vault:
        if backup_vault_name not in self.vaults:
            raise ResourceNotFoundException(f"Backup vault {backup_vault_name} does not exist")
        return self.vaults[backup_vault_name]

    def delete_backup_vault(self, backup_vault_name: str) -> None:
        """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVault.html"""
        self.vault(backup_vault_name)
        if self.points_in(backup_vault_name):
            raise InvalidRequestException("Backup vault cannot be deleted because it contains recovery points.")
        super().delete_backup_vault(backup_vault_name)

    def put_backup_vault_lock_configuration(self, backup_vault_name: str, *args: Any, **named: Any) -> None:
        """The grace time passes at the embedded cloud's speed."""
        super().put_backup_vault_lock_configuration(backup_vault_name, *args, **named)
        vault = self.vault(backup_vault_name)
        if vault.changeable_for_days is not None:
            vault.lock_date = self._in_days(vault.changeable_for_days).timestamp()

    def points_in(self, vault_name: str) -> list[RecoveryPoint]:
        self.vault(vault_name)
        return [point for point in list(self.points.values()) if point.vault.name == vault_name]

    # Recovery points

    def point(self, vault_name: str, arn: str) -> RecoveryPoint:
        self.vault(vault_name)
        point = self.points.get(arn)
        if point is None or point.vault.name != vault_name:
            raise ResourceNotFoundException(f"Recovery point {arn} is not in the vault {vault_name}")
        return point

    def delete_point(self, vault_name: str, arn: str) -> None:
        point = self.point(vault_name, arn)
        if self.vault(vault_name).locked:
            raise InvalidRequestException(f"Recovery point cannot be deleted: the vault {vault_name} is locked")
        self.forget(point)

    def forget(self, point: RecoveryPoint) -> None:
        del self.points[point.arn]
        kind_named(point.resource.type).delete(point)
        self.tagger.delete_all_tags_for_resource(point.arn)

    def change_lifecycle(self, vault_name: str, arn: str, lifecycle: Lifecycle) -> RecoveryPoint:
        point = self.point(vault_name, arn)
        self.check_lifecycle(lifecycle)
        point.lifecycle, point.delete_at = lifecycle, self.end_of(lifecycle, point.created)
        return point

    def expire(self, now: datetime) -> None:
        """Delete the points whose lifecycle is over, also in locked vaults."""
        for point in list(self.points.values()):
            if point.delete_at is not None and point.delete_at <= now:
                self.forget(point)

    def check_lifecycle(self, lifecycle: Lifecycle) -> None:
        """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html"""
        cold, delete = (lifecycle.get(name) or -1 for name in ("MoveToColdStorageAfterDays", "DeleteAfterDays"))
        if cold >= 0 and 0 <= delete < cold + _COLD_DAYS:
            raise InvalidParameterValueException(
                f"DeleteAfterDays must be at least {_COLD_DAYS} days after MoveToColdStorageAfterDays"
            )

    # What a vault refuses

    def keepable(self, vault: Place, lifecycle: Lifecycle) -> None:
        """A locked vault refuses what would be kept too short or too long.

        https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html
        """
        lock = self.vault(vault.name)
        days = lifecycle.get("DeleteAfterDays") or float("inf")
        if lock.locked and not (lock.min_retention_days or 0) <= days <= (lock.max_retention_days or float("inf")):
            raise JobFailed(f"Retention period is not within the limits of the locked vault {vault.name}")

    def unlock(self, kind: Kind, vault: Place) -> None:
        """Raises KMS's error if the vault's key is needed and cannot be used."""
        key = self.vault(vault.name).encryption_key_arn
        if key and kind.vault_encrypts:
            usable_key(self.account_id, self.region_name, key)

    # Time

    def end_of(self, lifecycle: Lifecycle, created: datetime) -> datetime | None:
        days = lifecycle.get("DeleteAfterDays") or -1
        return created + self._days(days) if days > 0 else None

    def _in_days(self, days: float) -> datetime:
        return self.now() + self._days(days)

    def _days(self, days: float) -> timedelta:
        return timedelta(seconds=self.desk.cloud.aws_seconds(days * durations.DAY))
