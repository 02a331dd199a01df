"""AWS Backup at work: plans that run, lifecycles that end, and a recovery point that equals its moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

HERE, THERE = "us-east-1", "us-west-2"
ROLE = "arn:aws:iam::111122223333:role/backup"
FAST = 36_000.0
"""An AWS hour in 0.1 s."""
PATIENCE = 60.0


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = process.start(tmp_path_factory.mktemp("fast"), owner=os.getpid(), speed=FAST)
    yield running
    process.stop(running)


@pytest.fixture(scope="module")
def api(fast: Cloud) -> Iterator[Callable[..., Any]]:
    made: dict[tuple[str, str], Any] = {}

    def client(service: str, region: str = HERE) -> Any:
        if (service, region) not in made:
            made[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=fast.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
            )
        return made[service, region]

    yield client
    for one in made.values():
        one.close()


def table(api: Callable[..., Any], name: str, **tags: str) -> str:
    made = api("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return str(made["TableDescription"]["TableArn"])


def points(backup: Any, arn: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]
    return found


def seen(what: str, look: Callable[[], Any], until: Callable[[Any], bool] = bool) -> Any:
    return wait_for(what, look, until=until, timeout=PATIENCE, clock=SystemClock())


def plan(backup: Any, name: str, rule: dict[str, Any], **selection: Any) -> str:
    rule = {"RuleName": name, "TargetBackupVaultName": name} | rule
    plan_id = backup.create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": [rule]})["BackupPlanId"]
    chosen = {"SelectionName": name, "IamRoleArn": ROLE} | selection
    backup.create_backup_selection(BackupPlanId=plan_id, BackupSelection=chosen)
    return str(plan_id)


def end(backup: Any, plan_id: str) -> None:
    for one in backup.list_backup_selections(BackupPlanId=plan_id)["BackupSelectionsList"]:
        backup.delete_backup_selection(BackupPlanId=plan_id, SelectionId=one["SelectionId"])
    backup.delete_backup_plan(BackupPlanId=plan_id)


def test_a_plan_backs_up_what_its_tags_select_and_copies_it(api: Callable[..., Any]) -> None:
    backup, there = api("backup"), api("backup", THERE)
    backup.create_backup_vault(BackupVaultName="planned")
    destination = there.create_backup_vault(BackupVaultName="planned")["BackupVaultArn"]
    chosen, other = table(api, "planned", plan="daily"), table(api, "planned-not", plan="never")
    rule = {
        "ScheduleExpression": "cron(0 * ? * * *)",
        "RecoveryPointTags": {"by": "plan"},
        "CopyActions": [{"DestinationBackupVaultArn": destination}],
    }
    tag = {"ConditionType": "STRINGEQUALS", "ConditionKey": "plan", "ConditionValue": "daily"}
    plan_id = plan(backup, "planned", rule, ListOfTags=[tag])
    made = seen("two scheduled backups", lambda: points(backup, chosen), lambda found: len(found) >= 2)
    seen("a copy", lambda: points(there, chosen))
    end(backup, plan_id)
    assert points(backup, other) == []
    assert backup.list_tags(ResourceArn=made[0]["RecoveryPointArn"])["Tags"] == {"plan": "daily", "by": "plan"}
    job = backup.list_backup_jobs(ByResourceArn=chosen)["BackupJobs"][0]
    assert job["CreatedBy"]["BackupPlanId"] == plan_id
    assert "LastExecutionDate" in backup.get_backup_plan(BackupPlanId=plan_id)


def test_a_dark_region_runs_no_plan_until_it_is_back(api: Callable[..., Any], fast: Cloud) -> None:
    backup = api("backup")
    backup.create_backup_vault(BackupVaultName="dark-plan")
    arn = table(api, "dark-plan")
    plan_id = plan(backup, "dark-plan", {"ScheduleExpression": "rate(1 hour)"}, Resources=[arn])
    seen("a scheduled backup", lambda: points(backup, arn))
    process.become(fast, Failures(regions=frozenset({HERE})))
    try:
        before = ran(fast)
        SystemClock().sleep(0.5)
        assert ran(fast) == before
    finally:
        process.become(fast, Failures())
    seen("the plan to go on", lambda: ran(fast) > before)
    end(backup, plan_id)


def ran(cloud: Cloud) -> int:
    return int(process.status(cloud)["planes"]["backup"]["scheduled"])


def test_a_recovery_point_ends_with_its_lifecycle(api: Callable[..., Any]) -> None:
    backup = api("backup")
    backup.create_backup_vault(BackupVaultName="lifecycle")
    arn = table(api, "lifecycle")
    call = {"BackupVaultName": "lifecycle", "ResourceArn": arn, "IamRoleArn": ROLE}
    backup.start_backup_job(**call, Lifecycle={"DeleteAfterDays": 1})  # 2.4 s here
    kept = backup.start_backup_job(**call)["RecoveryPointArn"]
    seen("both points", lambda: points(backup, arn), lambda found: len(found) == 2)
    seen("one to end", lambda: [one["RecoveryPointArn"] for one in points(backup, arn)], lambda left: left == [kept])


def test_cold_storage_asks_for_ninety_days_more(api: Callable[..., Any]) -> None:
    backup = api("backup")
    backup.create_backup_vault(BackupVaultName="cold")
    call = {"BackupVaultName": "cold", "ResourceArn": table(api, "cold"), "IamRoleArn": ROLE}
    with pytest.raises(backup.exceptions.InvalidParameterValueException, match="90 days"):
        backup.start_backup_job(**call, Lifecycle={"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 60})


writes = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(-1000, 1000))), min_size=1, max_size=12
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=writes, after=writes)
def test_what_is_restored_equals_the_recovery_point(
    api: Callable[..., Any], before: list[tuple[str, int | None]], after: list[tuple[str, int | None]]
) -> None:
    backup_and_restore(api, before, after)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=writes, after=writes)
def test_what_is_restored_equals_the_recovery_point_whatever_is_written(
    api: Callable[..., Any], before: list[tuple[str, int | None]], after: list[tuple[str, int | None]]
) -> None:
    backup_and_restore(api, before, after)


def backup_and_restore(
    api: Callable[..., Any], before: list[tuple[str, int | None]], after: list[tuple[str, int | None]]
) -> None:
    """Write, back up, write on, delete, restore: what is there is what was there at the backup."""
    backup, dynamodb, name = api("backup"), api("dynamodb"), "property"
    vault(backup, name)
    arn = table(api, name)
    truth = write(dynamodb, name, before)
    job = backup.start_backup_job(BackupVaultName=name, ResourceArn=arn, IamRoleArn=ROLE)["BackupJobId"]
    done = seen(
        "the backup", lambda: backup.describe_backup_job(BackupJobId=job), lambda it: it["State"] == "COMPLETED"
    )
    write(dynamodb, name, after)
    dynamodb.delete_table(TableName=name)
    restore = backup.start_restore_job(
        RecoveryPointArn=done["RecoveryPointArn"], Metadata={"targetTableName": name}, IamRoleArn=ROLE
    )["RestoreJobId"]
    seen(
        "the restore",
        lambda: backup.describe_restore_job(RestoreJobId=restore)["Status"],
        lambda status: status == "COMPLETED",
    )
    items = dynamodb.scan(TableName=name, ConsistentRead=True)["Items"]
    assert {item["id"]["S"]: int(item["n"]["N"]) for item in items} == truth
    dynamodb.delete_table(TableName=name)


def vault(backup: Any, name: str) -> None:
    with suppress(backup.exceptions.AlreadyExistsException):
        backup.create_backup_vault(BackupVaultName=name)


def write(dynamodb: Any, name: str, changes: list[tuple[str, int | None]]) -> dict[str, int]:
    truth: dict[str, int] = {}
    for key, number in changes:
        if number is None:
            dynamodb.delete_item(TableName=name, Key={"id": {"S": key}})
            truth.pop(key, None)
        else:
            dynamodb.put_item(TableName=name, Item={"id": {"S": key}, "n": {"N": str(number)}})
            truth[key] = number
    return truth
