from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from drillbook.aws.recovery import backup_restore, backup_targets, cluster_instances, recovery_points
from drillbook.aws.recovery.database_kinds import CLUSTER, INSTANCE, look, rds_of
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, UsageError
from drillbook.waiting import wait_for
from drillbook.world import World

from .attempts import Killed, changes, healed
from .databases import CLASS, HERE, THERE, a_cluster, an_instance, fail_after, run

ROLE = "arn:aws:iam::111122223333:role/backup"
BackUp = Callable[[str], str]


@pytest.fixture
def vault(world: World, name: str) -> str:
    for region in (HERE, THERE):
        session_of(world).client("backup", region).create_backup_vault(BackupVaultName=name)
    return name


@pytest.fixture
def back_up(world: World, vault: str) -> BackUp:
    """Back up the resource of that ARN now; the recovery point's ARN."""
    backup = session_of(world).client("backup")

    def take(resource: str) -> str:
        job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=resource, IamRoleArn=ROLE)["BackupJobId"]
        ended = ended_job(world, lambda: backup.describe_backup_job(BackupJobId=job))
        assert ended["State"] == "COMPLETED", ended
        return str(ended["RecoveryPointArn"])

    return take


def ended_job(world: World, look_at: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    ended = ("COMPLETED", "FAILED", "ABORTED")
    return wait_for("the job", look_at, until=lambda job: job["State"] in ended, timeout=60, clock=world.clock)


def copy_there(world: World, vault: str, point: str) -> None:
    backup = session_of(world).client("backup")
    there = f"arn:aws:backup:{THERE}:111122223333:backup-vault:{vault}"
    job = backup.start_copy_job(
        RecoveryPointArn=point, SourceBackupVaultName=vault, DestinationBackupVaultArn=there, IamRoleArn=ROLE
    )["CopyJobId"]
    assert ended_job(world, lambda: backup.describe_copy_job(CopyJobId=job)["CopyJob"])["State"] == "COMPLETED"


def arn_of(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["TableArn"])


def count(world: World, table: str, region: str = HERE) -> int:
    return len(session_of(world).client("dynamodb", region).scan(TableName=table)["Items"])


def test_the_newest_point_before_an_instant_is_chosen(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp
) -> None:
    arn = arn_of(dynamodb, table)
    first = back_up(arn)
    between = world.clock.now() + timedelta(seconds=0.01)
    world.clock.sleep(0.05)
    second = back_up(arn)
    assert recovery_points.choose(world, vault, arn).arn == second
    assert recovery_points.choose(world, vault, arn, before=between).arn == first
    assert [point.arn for point in recovery_points.points(world, vault, arn)] == [second, first]
    with pytest.raises(PermanentError, match=r"no recovery point of .* is of before 2020.*; the oldest: 20"):
        recovery_points.choose(world, vault, arn, before=datetime.fromisoformat("2020-01-01T00:00:00Z"))
    assert recovery_points.choose(world, vault, arn, max_age=86400).arn == second
    with pytest.raises(PermanentError, match="too old for 1 s"):
        recovery_points.choose(world, vault, arn, max_age=1)


def test_a_vault_without_points_and_no_vault_are_told(world: World, vault: str) -> None:
    with pytest.raises(PermanentError, match="there is no recovery point of arn:aws:dynamodb"):
        recovery_points.choose(world, vault, "arn:aws:dynamodb:af-south-1:111122223333:table/none", THERE)
    with pytest.raises(PermanentError) as refused:
        recovery_points.choose(world, f"{vault}-not", "arn:aws:dynamodb:af-south-1:111122223333:table/none")
    assert refused.value.code in ("ResourceNotFoundException", "AccessDeniedException")


def test_a_table_is_restored_in_the_other_region_once_and_heal_deletes_it(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp
) -> None:
    arn = arn_of(dynamodb, table)
    copy_there(world, vault, back_up(arn))
    point = recovery_points.choose(world, vault, arn, THERE)
    made = [backup_restore.restore(world, point, f"{table}-dr", role=ROLE) for _ in range(2)]
    assert made == [f"arn:aws:dynamodb:{THERE}:111122223333:table/{table}-dr"] * 2
    assert count(world, f"{table}-dr", THERE) == 40
    assert changes(world) == 1
    assert healed(world).ok
    assert f"{table}-dr" not in session_of(world).client("dynamodb", THERE).list_tables()["TableNames"]
    assert count(world, table) == 40


@pytest.mark.slow
def test_a_restore_that_a_killed_attempt_began_is_adopted(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = arn_of(dynamodb, table)
    back_up(arn)
    point = recovery_points.choose(world, vault, arn)
    backup = session_of(world).client("backup")
    fail_after(monkeypatch, backup, "start_restore_job")
    with pytest.raises(Killed):
        backup_restore.restore(world, point, f"{table}-r", role=ROLE)
    backup_restore.restore(world, point, f"{table}-r", role=ROLE)
    jobs = [job for job in backup.list_restore_jobs()["RestoreJobs"] if job["RecoveryPointArn"] == point.arn]
    assert [job["Status"] for job in jobs] == ["COMPLETED"]
    assert healed(world).ok
    assert f"{table}-r" not in dynamodb.list_tables()["TableNames"]


def test_a_strangers_table_is_neither_overwritten_nor_deleted(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp
) -> None:
    arn = arn_of(dynamodb, table)
    back_up(arn)
    point = recovery_points.choose(world, vault, arn)
    with pytest.raises(PermanentError, match="a restore overwrites nothing"):
        backup_restore.restore(world, point, table, role=ROLE)
    with pytest.raises(PermanentError, match="was not restored by this run"):
        backup_restore.discard(world, "DynamoDB", table)
    assert healed(world).ok
    assert count(world, table) == 40


def test_a_target_is_restored_from_one_point_only(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp
) -> None:
    arn = arn_of(dynamodb, table)
    back_up(arn), back_up(arn)
    newer, older = recovery_points.points(world, vault, arn)
    backup_restore.restore(world, newer, f"{table}-r", role=ROLE)
    with pytest.raises(PermanentError, match="is restored from"):
        backup_restore.restore(world, older, f"{table}-r", role=ROLE)


def test_a_bucket_is_restored_into_a_new_one_and_heal_deletes_that(
    world: World, name: str, vault: str, back_up: BackUp
) -> None:
    s3 = session_of(world).client("s3")
    point = recovery_points.choose(world, vault, a_bucket(world, name, back_up))
    assert backup_restore.restore(world, point, f"{name}-r", role=ROLE) == f"arn:aws:s3:::{name}-r"
    assert s3.get_object(Bucket=f"{name}-r", Key="a")["Body"].read() == b"content"
    assert healed(world).ok
    assert [one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith(name)] == [name]


def test_what_aws_backup_cannot_restore_here_is_refused(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp
) -> None:
    arn = arn_of(dynamodb, table)
    back_up(arn)
    point = recovery_points.choose(world, vault, arn)
    foreign = recovery_points.RecoveryPoint(**{**vars(point), "kind": "EFS"})
    with pytest.raises(UsageError, match="EFS cannot be restored"):
        backup_restore.restore(world, foreign, "x", role=ROLE)


@pytest.mark.slow
def test_an_instance_and_a_cluster_are_restored(world: World, name: str, vault: str, back_up: BackUp) -> None:
    instance = an_instance(world, name)["DBInstanceArn"]
    cluster = a_cluster(world, f"{name}-c", HERE, f"{name}-c-a")["DBClusterArn"]
    for database, of_cluster in ((name, False), (f"{name}-c", True)):
        run(world, database, "create table t as select 7 as n", cluster=of_cluster)
    back_up(instance)
    copy_there(world, vault, back_up(cluster))
    here = recovery_points.choose(world, vault, instance)
    there = recovery_points.choose(world, vault, cluster, THERE)
    backup_restore.restore(world, here, f"{name}-r", role=ROLE, overrides={"MultiAZ": "false"})
    assert run(world, f"{name}-r", "select n from t") == [7]
    backup_restore.restore(world, there, f"{name}-cr", role=ROLE)
    cluster_instances.add(world, f"{name}-cr", [cluster_instances.shape(CLASS)], THERE)
    assert run(world, f"{name}-cr", "select n from t", THERE, cluster=True) == [7]
    for _ in range(2):
        backup_restore.discard(world, "Aurora", f"{name}-cr", THERE)
    assert look(rds_of(world, THERE), CLUSTER, f"{name}-cr") is None
    assert healed(world).ok
    assert look(rds_of(world, HERE), INSTANCE, f"{name}-r") is None
    assert look(rds_of(world, THERE), CLUSTER, f"{name}-cr") is None
    assert look(rds_of(world, HERE), CLUSTER, f"{name}-c") is not None


def test_metadata_are_taken_whatever_their_case_and_not_across_regions(world: World) -> None:
    told = {"dbclusteridentifier": "old", "Engine": "aurora-postgresql", "kmskeyid": "key", "AvailabilityZones": "[]"}
    target = backup_targets.target(world, "Aurora", "new", THERE)
    assert target.metadata(told, abroad=True) == {"Engine": "aurora-postgresql", "DBClusterIdentifier": "new"}
    assert target.metadata(told, abroad=False)["kmskeyid"] == "key"
    table = backup_targets.target(world, "DynamoDB", "new", THERE)
    encrypted = {"originalTableName": "old", "encryptionType": "KMS", "kmsMasterKeyArn": "key"}
    assert table.metadata(encrypted, abroad=True) == {
        "originalTableName": "old", "encryptionType": "Default", "targetTableName": "new",
    }  # fmt: skip


def test_a_restore_that_failed_is_told_and_begun_anew(
    world: World, name: str, vault: str, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = recovery_points.choose(world, vault, a_bucket(world, name, back_up))
    s3, backup, target = session_of(world).client("s3"), session_of(world).client("backup"), f"{name}-r"
    start = backup.start_restore_job

    def too_late(**arguments: Any) -> Any:
        make_bucket(s3, target)
        return start(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(backup, "start_restore_job", too_late)
        job = backup_restore.begin(world, point, target, role=ROLE)
    with pytest.raises(PermanentError, match=f"the restore job {job} is FAILED: ") as failed:
        backup_restore.wait_until_restored(world, job, timeout=30)
    assert failed.value.code == "FAILED"
    s3.delete_bucket(Bucket=target)
    backup_restore.restore(world, point, target, role=ROLE, timeout=30)
    assert s3.get_object(Bucket=target, Key="a")["Body"].read() == b"content"
    assert healed(world).ok
    assert target not in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_heal_deletes_what_a_failed_restore_left_broken(
    world: World, table: str, dynamodb: Any, vault: str, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = arn_of(dynamodb, table)
    back_up(arn)
    backup_restore.restore(world, recovery_points.choose(world, vault, arn), f"{table}-r", role=ROLE)
    monkeypatch.setattr(backup_restore, "described", failed_without_an_arn)
    assert healed(world).ok
    assert f"{table}-r" not in dynamodb.list_tables()["TableNames"]


def test_heal_leaves_what_a_stranger_made_before_a_restore_failed_over_it(
    world: World, name: str, vault: str, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = recovery_points.choose(world, vault, a_bucket(world, name, back_up))
    s3, backup, target = session_of(world).client("s3"), session_of(world).client("backup"), f"{name}-r"
    start = backup.start_restore_job

    def too_late(**arguments: Any) -> Any:
        make_bucket(s3, target)
        return start(**arguments)

    monkeypatch.setattr(backup, "start_restore_job", too_late)
    job = backup_restore.begin(world, point, target, role=ROLE)
    with pytest.raises(PermanentError, match=f"the restore job {job} is FAILED: "):
        backup_restore.wait_until_restored(world, job, timeout=30)
    assert not healed(world).ok
    assert target in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def failed_without_an_arn(world: World, job: str, region: str | None = None) -> dict[str, Any]:
    told = session_of(world).client("backup", region).describe_restore_job(RestoreJobId=job)
    return {**told, "Status": "FAILED", "CreatedResourceArn": None}


def make_bucket(s3: Any, name: str) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HERE})


def a_bucket(world: World, name: str, back_up: BackUp) -> str:
    """A bucket with one object, backed up; its ARN."""
    s3 = session_of(world).client("s3")
    make_bucket(s3, name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="a", Body=b"content")
    back_up(f"arn:aws:s3:::{name}")
    return f"arn:aws:s3:::{name}"
