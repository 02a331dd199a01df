"""The calls about vaults, plans and tags."""

from __future__ import annotations

from typing import Any

from moto.backup.models import Vault
from moto.core.responses import ActionResult, EmptyResult

from drillbook.embedded.backup.backend import VaultBackend
from drillbook.embedded.backup.request import BackupRequest


class PlanCalls(BackupRequest):
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Operations.html"""

    # Vaults

    def create_backup_vault(self) -> ActionResult:
        name, tags, key, request = self.given(
            "BackupVaultName", "BackupVaultTags", "EncryptionKeyArn", "CreatorRequestId"
        )
        vault = self.backend.create_backup_vault(name, tags, key, request)
        return ActionResult(_described(self.backend, vault))

    def describe_backup_vault(self) -> ActionResult:
        (name,) = self.given("BackupVaultName")
        return ActionResult(_described(self.backend, self.backend.vault(name)))

    def list_backup_vaults(self) -> ActionResult:
        vaults = self.backend.list_backup_vaults()
        return self.page("BackupVaultList", (_described(self.backend, vault) for vault in vaults))

    def delete_backup_vault(self) -> EmptyResult:
        (name,) = self.given("BackupVaultName")
        self.backend.delete_backup_vault(name)
        return EmptyResult()

    def put_backup_vault_lock_configuration(self) -> EmptyResult:
        self.backend.put_backup_vault_lock_configuration(
            *self.given("BackupVaultName", "MinRetentionDays", "MaxRetentionDays", "ChangeableForDays")
        )
        return EmptyResult()

    def delete_backup_vault_lock_configuration(self) -> EmptyResult:
        (name,) = self.given("BackupVaultName")
        self.backend.delete_backup_vault_lock_configuration(name)
        return EmptyResult()

    # Plans

    def create_backup_plan(self) -> ActionResult:
        plan, tags, request = self.given("BackupPlan", "BackupPlanTags", "CreatorRequestId")
        return ActionResult(self.backend.create_backup_plan(plan, tags, request).to_dict())

    def get_backup_plan(self) -> ActionResult:
        plan_id, version = self.given("BackupPlanId", "VersionId")
        return ActionResult(self.backend.get_backup_plan(plan_id, version).to_get_dict())

    def update_backup_plan(self) -> ActionResult:
        return ActionResult(self.backend.update_plan(*self.given("BackupPlanId", "BackupPlan")).to_dict())

    def delete_backup_plan(self) -> ActionResult:
        (plan_id,) = self.given("BackupPlanId")
        names = "BackupPlanId", "BackupPlanArn", "DeletionDate", "VersionId"
        return ActionResult(dict(zip(names, self.backend.delete_backup_plan(plan_id), strict=True)))

    def list_backup_plans(self) -> ActionResult:
        plans = self.backend.list_backup_plans(self.params.get("IncludeDeleted"))
        return self.page("BackupPlansList", (plan.to_list_dict() for plan in plans))

    def create_backup_selection(self) -> ActionResult:
        plan_id, content, request = self.given("BackupPlanId", "BackupSelection", "CreatorRequestId")
        return ActionResult(self.backend.select(plan_id, content, request or "").described())

    def get_backup_selection(self) -> ActionResult:
        selection = self.backend.selection(*self.given("BackupPlanId", "SelectionId"))
        return ActionResult(selection.described() | {"BackupSelection": selection.content})

    def list_backup_selections(self) -> ActionResult:
        (plan_id,) = self.given("BackupPlanId")
        selections = self.backend.selections_of(plan_id)
        return self.page("BackupSelectionsList", (selection.described() for selection in selections))

    def delete_backup_selection(self) -> EmptyResult:
        self.backend.unselect(*self.given("BackupPlanId", "SelectionId"))
        return EmptyResult()

    # Tags

    def list_tags(self) -> ActionResult:
        (arn,) = self.given("ResourceArn")
        return ActionResult({"Tags": self.backend.list_tags(arn)})

    def tag_resource(self) -> EmptyResult:
        self.backend.tag_resource(*self.given("ResourceArn", "Tags"))
        return EmptyResult()

    def untag_resource(self) -> EmptyResult:
        self.backend.untag_resource(*self.given("ResourceArn", "TagKeyList"))
        return EmptyResult()


def _described(backend: VaultBackend, vault: Vault) -> dict[str, Any]:
    told: dict[str, Any] = vault.to_list_dict()
    return told | {
        "NumberOfRecoveryPoints": len(backend.points_in(vault.backup_vault_name)),
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
    }
