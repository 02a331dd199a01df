"""AWS Backup: what a recovery relies on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .backup_client import DOCS, PATIENCE, Backups, Table, refused
from .conftest import HERE, THERE, Breaking, Endpoint


@pytest.fixture
def backups(client: Callable[..., Any], endpoint: Endpoint) -> Backups:
    return Backups(client, endpoint.account)


@pytest.fixture
def backups_there(client: Callable[..., Any], endpoint: Endpoint) -> Backups:
    return Backups(client, endpoint.account, THERE)


@pytest.mark.rule("a deleted table comes back from its recovery point as it was then", DOCS + "restoring-dynamodb.html")
def test_a_deleted_table_comes_back_as_it_was(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("comes-back")
    table = Table(client, "comes-back")
    arn = table.create()
    table.put(a=1, b=2)
    job = backups.back_up("comes-back", arn)
    assert job["State"] == "COMPLETED"
    table.put(a=-1, c=3)
    table.api.delete_table(TableName=table.name)
    restored = backups.restore(job["RecoveryPointArn"], {"targetTableName": table.name})
    assert (restored["Status"], restored["CreatedResourceArn"]) == ("COMPLETED", arn)
    assert table.content() == {"a": 1, "b": 2}


@pytest.mark.rule(
    "a backup job names its resource, vault, role and recovery point", DOCS + "API_DescribeBackupJob.html"
)
def test_a_job_says_what_it_did(client: Callable[..., Any], backups: Backups, endpoint: Endpoint) -> None:
    vault_arn = backups.vault("job-says")
    arn = Table(client, "job-says").create()
    job = backups.back_up("job-says", arn)
    assert {
        name: job[name] for name in ("BackupVaultArn", "ResourceArn", "ResourceType", "IamRoleArn", "AccountId")
    } == {
        "BackupVaultArn": vault_arn,
        "ResourceArn": arn,
        "ResourceType": "DynamoDB",
        "IamRoleArn": backups.role,
        "AccountId": endpoint.account,
    }
    listed = backups.api.list_backup_jobs(ByResourceArn=arn, ByState="COMPLETED")["BackupJobs"]
    assert [one["BackupJobId"] for one in listed] == [job["BackupJobId"]]
    assert job["CompletionDate"] >= job["CreationDate"]


@pytest.mark.rule(
    "a recovery point is listed by its vault and by its resource", DOCS + "API_ListRecoveryPointsByResource.html"
)
def test_a_point_is_found_by_vault_and_by_resource(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("found-by")
    arn = Table(client, "found-by").create()
    points = [backups.back_up("found-by", arn)["RecoveryPointArn"] for _ in range(2)]
    by_vault = backups.api.list_recovery_points_by_backup_vault(BackupVaultName="found-by")["RecoveryPoints"]
    by_resource = backups.api.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]
    assert (
        {one["RecoveryPointArn"] for one in by_vault} == {one["RecoveryPointArn"] for one in by_resource} == set(points)
    )
    assert backups.api.describe_backup_vault(BackupVaultName="found-by")["NumberOfRecoveryPoints"] == 2
    described = backups.api.describe_recovery_point(BackupVaultName="found-by", RecoveryPointArn=points[0])
    assert (described["Status"], described["ResourceType"], described["ResourceArn"]) == ("COMPLETED", "DynamoDB", arn)


@pytest.mark.rule("a vault whose key is disabled neither takes nor gives anything", DOCS + "encryption.html")
def test_a_vault_needs_its_key(client: Callable[..., Any], backups: Backups) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    backups.api.create_backup_vault(BackupVaultName="vault-key", EncryptionKeyArn=key)
    arn = Table(client, "vault-key").create()
    point = backups.back_up("vault-key", arn)["RecoveryPointArn"]
    kms.disable_key(KeyId=key)
    refusals = backups.back_up("vault-key", arn), backups.restore(point, {"targetTableName": "vault-key-2"})
    assert [job.get("State") or job["Status"] for job in refusals] == ["FAILED", "FAILED"]
    assert all("disabled" in job["StatusMessage"] for job in refusals)
    kms.enable_key(KeyId=key)
    assert backups.restore(point, {"targetTableName": "vault-key-2"})["Status"] == "COMPLETED"


@pytest.mark.rule(
    "only what exists can be backed up, and only into a vault that exists", DOCS + "API_StartBackupJob.html"
)
def test_nothing_is_backed_up_that_is_not_there(
    client: Callable[..., Any], backups: Backups, endpoint: Endpoint
) -> None:
    backups.vault("nothing-there")
    missing = f"arn:aws:dynamodb:{HERE}:{endpoint.account}:table/nothing-there"
    assert refused(backups.back_up, "nothing-there", missing) == "ResourceNotFoundException"
    arn = Table(client, "nothing-there").create()
    assert refused(backups.back_up, "no-such-vault", arn) == "ResourceNotFoundException"
    assert refused(backups.back_up, "nothing-there", "arn:aws:sqs:us-east-1:1:q") == "InvalidParameterValueException"
    for nonsense in ("x", "arn:aws:rds:us-east-1:1:db", "arn:aws:dynamodb:us-east-1::table/", "arn:aws:s3:::a/b"):
        assert refused(backups.back_up, "nothing-there", nonsense) == "InvalidParameterValueException", nonsense
    for call, name in (
        (backups.api.describe_backup_job, "BackupJobId"),
        (backups.api.describe_restore_job, "RestoreJobId"),
        (backups.api.describe_copy_job, "CopyJobId"),
        (backups.api.stop_backup_job, "BackupJobId"),
    ):
        assert refused(call, **{name: "no-such-job"}) == "ResourceNotFoundException"
    assert backups.api.list_recovery_points_by_backup_vault(BackupVaultName="nothing-there")["RecoveryPoints"] == []


@pytest.mark.rule("a copy goes to a vault that exists, and to another one", DOCS + "API_StartCopyJob.html")
def test_a_copy_needs_its_destination(client: Callable[..., Any], backups: Backups, endpoint: Endpoint) -> None:
    own = backups.vault("copy-nowhere")
    point = backups.back_up("copy-nowhere", Table(client, "copy-nowhere").create())["RecoveryPointArn"]
    prefix = f"arn:aws:backup:{THERE}:{endpoint.account}:backup-vault"
    for destination, code in (
        (own, "InvalidRequestException"),
        ("nonsense", "InvalidParameterValueException"),
        (f"{prefix}:no-such-vault", "ResourceNotFoundException"),
        (f"{prefix}:x".replace(THERE, "no-region-1"), "ResourceNotFoundException"),
    ):
        assert refused(backups.copy, "copy-nowhere", point, destination) == code, destination
    assert refused(backups.copy, "copy-nowhere", point + "x", f"{prefix}:x") == "ResourceNotFoundException"


@pytest.mark.rule("lists come in pages, and by state and time", DOCS + "API_ListBackupJobs.html")
def test_lists_come_in_pages(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("pages")
    arn = Table(client, "pages").create()
    jobs = [backups.back_up("pages", arn)["BackupJobId"] for _ in range(3)]
    pages = backups.api.get_paginator("list_backup_jobs").paginate(
        ByBackupVaultName="pages", PaginationConfig={"PageSize": 2}
    )
    assert [[one["BackupJobId"] for one in page["BackupJobs"]] for page in pages] == [jobs[:0:-1], jobs[:1]]
    middle = backups.api.describe_backup_job(BackupJobId=jobs[1])["CreationDate"]
    later = backups.api.list_backup_jobs(ByBackupVaultName="pages", ByCreatedAfter=middle + timedelta(milliseconds=1))
    assert {one["BackupJobId"] for one in later["BackupJobs"]} <= set(jobs[1:])
    assert backups.api.list_backup_jobs(ByBackupVaultName="pages", ByState="FAILED")["BackupJobs"] == []


@pytest.mark.rule("a vault can be deleted only if it is empty", DOCS + "API_DeleteBackupVault.html")
def test_a_vault_with_points_is_not_deleted(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("not-empty")
    job = backups.back_up("not-empty", Table(client, "not-empty").create())
    assert refused(backups.api.delete_backup_vault, BackupVaultName="not-empty") == "InvalidRequestException"
    point = {"BackupVaultName": "not-empty", "RecoveryPointArn": job["RecoveryPointArn"]}
    backups.api.delete_recovery_point(**point)
    assert refused(backups.api.describe_recovery_point, **point) == "ResourceNotFoundException"
    backups.api.delete_backup_vault(BackupVaultName="not-empty")
    assert refused(backups.api.describe_backup_vault, BackupVaultName="not-empty") == "ResourceNotFoundException"


@pytest.mark.rule("a locked vault's recovery points cannot be deleted by anybody", DOCS + "vault-lock.html")
def test_a_locked_vault_keeps_its_points(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("locked")
    arn = Table(client, "locked").create()
    point = backups.back_up("locked", arn, Lifecycle={"DeleteAfterDays": 30})["RecoveryPointArn"]
    backups.api.put_backup_vault_lock_configuration(BackupVaultName="locked", MinRetentionDays=7)
    gone = {"BackupVaultName": "locked", "RecoveryPointArn": point}
    assert refused(backups.api.delete_recovery_point, **gone) == "InvalidRequestException"
    assert backups.api.describe_recovery_point(**gone)["Status"] == "COMPLETED"
    too_short = backups.back_up("locked", arn, Lifecycle={"DeleteAfterDays": 1})
    assert too_short["State"] == "FAILED"
    assert "etention" in too_short["StatusMessage"]


@pytest.mark.rule(
    "a restore of a table needs targetTableName, and metadata that it does not know are refused",
    DOCS + "restoring-dynamodb.html",
)
def test_a_restore_needs_its_metadata(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("needs-metadata")
    point = backups.back_up("needs-metadata", Table(client, "needs-metadata").create())["RecoveryPointArn"]
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"encryptionType": "Default"},
        {"targetTableName": "t", "encryptionType": "ROT13"},
        {"targetTableName": "t", "colour": "blue"},
    )
    for metadata in wrong:
        assert refused(backups.restore, point, metadata) == "InvalidParameterValueException", metadata
    assert refused(backups.restore, point + "x", {"targetTableName": "t"}) == "ResourceNotFoundException"
    told = backups.api.get_recovery_point_restore_metadata(BackupVaultName="needs-metadata", RecoveryPointArn=point)
    assert told["RestoreMetadata"]["encryptionType"] == "Default"


@pytest.mark.rule("a restore onto an existing name fails and changes nothing", DOCS + "restoring-dynamodb.html")
def test_a_restore_never_overwrites(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("overwrites")
    table = Table(client, "overwrites")
    arn = table.create()
    table.put(a=1)
    point = backups.back_up("overwrites", arn)["RecoveryPointArn"]
    table.put(a=2)
    job = backups.restore(point, {"targetTableName": table.name})
    assert job["Status"] == "FAILED"
    assert "xists" in job["StatusMessage"]
    assert table.content() == {"a": 2}


@pytest.mark.rule(
    "a copy in another region can be restored there while the source region is unavailable",
    DOCS + "cross-region-backup.html",
)
def test_a_copy_is_restored_in_the_other_region(
    client: Callable[..., Any], backups: Backups, backups_there: Backups, breaking: Breaking
) -> None:
    backups.vault("copied")
    destination = backups_there.vault("copied")
    table = Table(client, "copied")
    arn = table.create()
    table.put(a=1, b=2)
    point = backups.back_up("copied", arn)["RecoveryPointArn"]
    copied = backups.copy("copied", point, destination)
    assert (copied["State"], copied["ResourceArn"]) == ("COMPLETED", arn)
    breaking.region(HERE)
    (listed,) = backups_there.api.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]
    assert listed["RecoveryPointArn"] == copied["DestinationRecoveryPointArn"]
    restored = backups_there.restore(listed["RecoveryPointArn"], {"targetTableName": "copied"})
    assert restored["Status"] == "COMPLETED"
    assert f":{THERE}:" in restored["CreatedResourceArn"]
    assert Table(client, "copied", THERE).content() == {"a": 1, "b": 2}


@pytest.mark.rule("a copy needs the path between the two regions", DOCS + "cross-region-backup.html")
def test_a_copy_waits_while_the_regions_are_apart(
    client: Callable[..., Any], backups: Backups, backups_there: Backups, breaking: Breaking
) -> None:
    backups.vault("apart")
    destination = backups_there.vault("apart")
    arn = Table(client, "apart").create()
    point = backups.back_up("apart", arn)["RecoveryPointArn"]
    breaking.link(HERE, THERE)
    started = backups.api.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName="apart",
        DestinationBackupVaultArn=destination,
        IamRoleArn=backups.role,
    )
    assert backups.api.describe_copy_job(CopyJobId=started["CopyJobId"])["CopyJob"]["State"] in ("CREATED", "RUNNING")
    assert backups_there.api.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"] == []
    breaking.mend()
    wait_for(
        "the copy",
        lambda: backups_there.api.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"],
        timeout=PATIENCE,
        clock=SystemClock(),
    )


@pytest.mark.rule("a dark region's backups neither start nor end", DOCS + "whatisbackup.html")
def test_a_dark_region_backs_nothing_up(client: Callable[..., Any], backups: Backups, breaking: Breaking) -> None:
    backups.vault("dark")
    arn = Table(client, "dark").create()
    breaking.region(HERE)
    with pytest.raises(Exception, match=r"(?i)connect|endpoint|unavailable|closed"):
        backups.api.start_backup_job(BackupVaultName="dark", ResourceArn=arn, IamRoleArn=backups.role)
    breaking.mend()
    assert backups.api.list_backup_jobs(ByResourceArn=arn)["BackupJobs"] == []


@pytest.mark.rule("the same idempotency token begins no second job", DOCS + "API_StartBackupJob.html")
def test_a_retried_start_is_the_same_job(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("retried")
    arn = Table(client, "retried").create()
    first = backups.back_up("retried", arn, IdempotencyToken="once")
    second = backups.back_up("retried", arn, IdempotencyToken="once")
    assert first["BackupJobId"] == second["BackupJobId"]
    assert len(backups.api.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]) == 1


@pytest.mark.rule(
    "tags of the resource are kept with the recovery point, and restored if asked for",
    DOCS + "API_StartRestoreJob.html",
)
def test_tags_come_along_if_asked_for(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("tags")
    table = Table(client, "tags")
    arn = table.create(Tags=[{"Key": "team", "Value": "orders"}])
    point = backups.back_up("tags", arn, RecoveryPointTags={"kind": "drill"})["RecoveryPointArn"]
    assert backups.api.list_tags(ResourceArn=point)["Tags"] == {"team": "orders", "kind": "drill"}
    plain = backups.restore(point, {"targetTableName": "tags-plain"})["CreatedResourceArn"]
    tagged = backups.restore(point, {"targetTableName": "tags-tagged"}, CopySourceTagsToRestoredResource=True)
    assert table.api.list_tags_of_resource(ResourceArn=plain)["Tags"] == []
    found = table.api.list_tags_of_resource(ResourceArn=tagged["CreatedResourceArn"])["Tags"]
    assert found == [{"Key": "team", "Value": "orders"}]


@pytest.mark.rule(
    "backups made by AWS Backup can only be deleted there",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/UsageNotesAWS.html",
)
def test_dynamodb_cannot_delete_a_recovery_point(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("only-there")
    table = Table(client, "only-there")
    point = backups.back_up("only-there", table.create())["RecoveryPointArn"]
    listed = table.api.list_backups(TableName=table.name, BackupType="AWS_BACKUP")["BackupSummaries"]
    assert [one["BackupArn"] for one in listed] == [point]
    assert refused(table.api.delete_backup, BackupArn=point) == "ValidationException"
    assert backups.restore(point, {"targetTableName": "only-there-2"})["Status"] == "COMPLETED"


@pytest.mark.rule(
    "a schedule is at most hourly, and a plan with selections is not deleted", DOCS + "API_DeleteBackupPlan.html"
)
def test_plans_and_their_selections(client: Callable[..., Any], backups: Backups) -> None:
    backups.vault("plans")
    rule = {"RuleName": "daily", "TargetBackupVaultName": "plans", "ScheduleExpression": "cron(0 5 ? * * *)"}
    for expression in ("cron(*/5 * * * ? *)", "every day", "cron(0 5 * * * *)"):
        plan = {"BackupPlanName": "plans", "Rules": [rule | {"ScheduleExpression": expression}]}
        assert refused(backups.api.create_backup_plan, BackupPlan=plan) == "InvalidParameterValueException", expression
    plan_id = backups.api.create_backup_plan(BackupPlan={"BackupPlanName": "plans", "Rules": [rule]})["BackupPlanId"]
    selection = {"SelectionName": "all", "IamRoleArn": backups.role, "Resources": ["arn:aws:dynamodb:*"]}
    made = backups.api.create_backup_selection(BackupPlanId=plan_id, BackupSelection=selection)["SelectionId"]
    got = backups.api.get_backup_selection(BackupPlanId=plan_id, SelectionId=made)["BackupSelection"]
    assert got == selection
    assert refused(backups.api.delete_backup_plan, BackupPlanId=plan_id) == "InvalidRequestException"
    backups.api.delete_backup_selection(BackupPlanId=plan_id, SelectionId=made)
    backups.api.delete_backup_plan(BackupPlanId=plan_id)
    assert plan_id not in [one["BackupPlanId"] for one in backups.api.list_backup_plans()["BackupPlansList"]]
