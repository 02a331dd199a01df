"""RDS for PostgreSQL: what an instance does on AWS, seen by boto3 and psycopg."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from .conftest import HERE, THERE, Breaking
from .postgres_client import (
    CLOCK,
    DATABASE,
    PASSWORD,
    USER,
    Writer,
    answers,
    available,
    connect,
    create,
    described,
    eventually,
    query,
    until,
)

USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"
Client = Callable[..., Any]
DELAY = 0.1
"""Seconds, one way, between two regions of the embedded cloud."""
NOISE = 0.1
"""Seconds that this machine may be late between two looks at it."""


def refusal(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code with which this is refused."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500, refused.value
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def plain(client: Client) -> dict[str, Any]:
    """An instance that no test changes."""
    return create(client("rds"), "rds-plain")


# Life


@pytest.mark.rule(
    "An instance is creating before it is available, and has no endpoint until then", f"{API}/API_Endpoint.html"
)
def test_a_new_instance_is_created_before_it_can_be_reached(client: Client) -> None:
    rds = client("rds")
    made = rds.create_db_instance(
        DBInstanceIdentifier="rds-new",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername=USER,
        MasterUserPassword=PASSWORD,
        DBName=DATABASE,
    )["DBInstance"]
    assert (made["DBInstanceStatus"], made.get("Endpoint")) == ("creating", None)
    instance = available(rds, "rds-new")
    assert query(instance, "select current_user, current_database()") == [(USER, DATABASE)]
    rds.delete_db_instance(DBInstanceIdentifier="rds-new", SkipFinalSnapshot=True)


@pytest.mark.rule(
    "The master user may create roles and databases and is no superuser",
    f"{USER_GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Roles.html",
)
def test_the_master_user_is_not_a_superuser(plain: dict[str, Any]) -> None:
    asked = "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
    assert query(plain, asked) == [(False, True, True)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(plain, "copy (select 1) to program 'true'")


@pytest.mark.rule("A wrong password is refused", f"{USER_GUIDE}/USER_ConnectToPostgreSQLInstance.html")
def test_a_wrong_password_is_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(plain, "not-the-password")


@pytest.mark.rule(
    "Wrong parameters are refused with the code that says what is wrong", f"{API}/API_CreateDBInstance.html"
)
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"DBInstanceIdentifier": "rds-plain"}, "DBInstanceAlreadyExists"),
        ({"DBInstanceIdentifier": "1st"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "with/a-slash"}, "InvalidParameterValue"),
        ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
        ({"Port": 80}, "InvalidParameterValue"),
        ({"AllocatedStorage": 1}, "InvalidParameterValue"),
        ({"EngineVersion": "1.2"}, "InvalidParameterCombination"),
        ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue"),
        ({"MultiAZ": True, "AvailabilityZone": f"{HERE}a"}, "InvalidParameterCombination"),
    ],
)
def test_a_bad_instance_is_not_created(client: Client, plain: dict[str, Any], wrong: dict[str, Any], code: str) -> None:
    good = {
        "DBInstanceIdentifier": "rds-bad",
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "MasterUsername": USER,
        "MasterUserPassword": PASSWORD,
    }
    assert refusal(client("rds").create_db_instance, **(good | wrong)) == code


@pytest.mark.rule("What is not there is refused as not found", f"{API}/API_DescribeDBInstances.html")
def test_operations_on_no_instance_say_that_it_is_not_found(client: Client) -> None:
    rds, nobody = client("rds"), {"DBInstanceIdentifier": "rds-nobody"}
    calls = (rds.describe_db_instances, rds.modify_db_instance, rds.reboot_db_instance, rds.promote_read_replica)
    assert [refusal(call, **nobody) for call in calls] == ["DBInstanceNotFound"] * 4
    assert refusal(rds.delete_db_instance, **nobody, SkipFinalSnapshot=True) == "DBInstanceNotFound"
    assert refusal(rds.create_db_snapshot, **nobody, DBSnapshotIdentifier="rds-s") == "DBInstanceNotFound"


@pytest.mark.rule("A new master password takes effect as soon as possible", f"{API}/API_ModifyDBInstance.html")
def test_a_new_master_password_is_the_only_one_that_counts(client: Client) -> None:
    rds = client("rds")
    create(rds, "rds-password")
    rds.modify_db_instance(DBInstanceIdentifier="rds-password", MasterUserPassword="another-horse-2")
    instance = available(rds, "rds-password")
    assert query(instance, "select 1", password="another-horse-2") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(instance)


@pytest.mark.rule("RDS keeps a managed master password in a secret", f"{USER_GUIDE}/rds-secrets-manager.html")
def test_a_managed_password_is_the_one_in_the_secret(client: Client) -> None:
    rds = client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="rds-managed",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername=USER,
        ManageMasterUserPassword=True,
        DBName=DATABASE,
    )
    instance = available(rds, "rds-managed")
    arn = instance["MasterUserSecret"]["SecretArn"]
    secret = json.loads(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    assert secret["username"] == USER
    assert query(instance, "select 1", password=secret["password"]) == [(1,)]


@pytest.mark.rule("A stopped instance cannot be reached, and keeps its data", f"{USER_GUIDE}/USER_StopInstance.html")
def test_a_stopped_instance_keeps_its_data(client: Client) -> None:
    rds = client("rds")
    instance = create(rds, "rds-stop")
    query(instance, "create table kept as select 42 as n")
    assert rds.stop_db_instance(DBInstanceIdentifier="rds-stop")["DBInstance"]["DBInstanceStatus"] == "stopping"
    until(rds, "rds-stop", lambda seen: seen["DBInstanceStatus"] == "stopped")
    with pytest.raises(psycopg.OperationalError):
        connect(instance)
    assert refusal(rds.stop_db_instance, DBInstanceIdentifier="rds-stop") == "InvalidDBInstanceState"
    assert rds.start_db_instance(DBInstanceIdentifier="rds-stop")["DBInstance"]["DBInstanceStatus"] == "starting"
    assert query(available(rds, "rds-stop"), "select n from kept") == [(42,)]
    assert refusal(rds.start_db_instance, DBInstanceIdentifier="rds-stop") == "InvalidDBInstanceState"


@pytest.mark.rule("A reboot ends the connections, not the data", f"{USER_GUIDE}/USER_RebootInstance.html")
def test_a_reboot_ends_connections(client: Client) -> None:
    rds = client("rds")
    instance = create(rds, "rds-reboot")
    with connect(instance) as connection:
        connection.execute("create table kept as select 42 as n")
        assert (
            rds.reboot_db_instance(DBInstanceIdentifier="rds-reboot")["DBInstance"]["DBInstanceStatus"] == "rebooting"
        )
        available(rds, "rds-reboot")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    assert query(instance, "select n from kept") == [(42,)]
    assert refusal(rds.reboot_db_instance, DBInstanceIdentifier="rds-reboot", ForceFailover=True) == (
        "InvalidParameterCombination"
    )


@pytest.mark.rule(
    "A protected instance is not deleted; without SkipFinalSnapshot a final snapshot must be named",
    f"{API}/API_DeleteDBInstance.html",
)
def test_deletion_needs_a_final_snapshot_and_no_protection(client: Client) -> None:
    rds, name = client("rds"), "rds-delete"
    query(create(rds, name, DeletionProtection=True), "create table kept as select 42 as n")
    it = {"DBInstanceIdentifier": name}
    assert refusal(rds.delete_db_instance, **it, SkipFinalSnapshot=True) == "InvalidParameterCombination"
    rds.modify_db_instance(**it, DeletionProtection=False)
    available(rds, name)
    assert refusal(rds.delete_db_instance, **it) == "InvalidParameterCombination"
    deleted = rds.delete_db_instance(**it, FinalDBSnapshotIdentifier="rds-final")["DBInstance"]
    assert deleted["DBInstanceStatus"] == "deleting"
    eventually("the end", lambda: refused_as_gone(rds, name))
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="rds-again", DBSnapshotIdentifier="rds-final")
    assert query(available(rds, "rds-again"), "select n from kept") == [(42,)]


def refused_as_gone(rds: Any, name: str) -> bool:
    try:
        return described(rds, name)["DBInstanceStatus"] == "gone"
    except ClientError as error:
        return error.response["Error"]["Code"] == "DBInstanceNotFound"


@pytest.mark.rule(
    "A database whose security group lets nobody in does not answer", f"{USER_GUIDE}/CHAP_Troubleshooting.html"
)
def test_a_revoked_security_group_is_a_timeout(client: Client) -> None:
    rds, ec2 = client("rds"), client("ec2")
    group = ec2.create_security_group(GroupName="rds-group", Description="for the database")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    instance = create(rds, "rds-group", VpcSecurityGroupIds=[group])
    assert query(instance, "select 1") == [(1,)]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert not answers(instance)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert query(instance, "select 1") == [(1,)]


# Multi-AZ


@pytest.mark.rule(
    "A reboot with failover makes the standby in the other zone the primary, at the same endpoint",
    f"{USER_GUIDE}/Concepts.MultiAZSingleStandby.html",
)
def test_a_forced_failover_changes_the_zone_and_not_the_endpoint(client: Client) -> None:
    rds = client("rds")
    before = create(rds, "rds-multi", MultiAZ=True)
    assert before["SecondaryAvailabilityZone"] != before["AvailabilityZone"]
    query(before, "create table kept as select 42 as n")
    rds.reboot_db_instance(DBInstanceIdentifier="rds-multi", ForceFailover=True)
    after = available(rds, "rds-multi")
    assert after["AvailabilityZone"] == before["SecondaryAvailabilityZone"]
    assert after["SecondaryAvailabilityZone"] == before["AvailabilityZone"]
    assert after["Endpoint"] == before["Endpoint"]
    assert query(after, "select n from kept") == [(42,)]
    events = rds.describe_events(SourceIdentifier="rds-multi", SourceType="db-instance")["Events"]
    assert "Multi-AZ instance failover completed" in [event["Message"] for event in events]


@pytest.mark.rule(
    "A Multi-AZ standby is synchronous: the loss of the primary's zone loses nothing that was committed",
    f"{USER_GUIDE}/Concepts.MultiAZSingleStandby.html",
)
def test_a_dark_zone_loses_no_acknowledged_row_of_a_multi_az_instance(client: Client, breaking: Breaking) -> None:
    rds = client("rds")
    instance = create(rds, "rds-zone", MultiAZ=True, BackupRetentionPeriod=0)
    with Writer(instance) as writer:
        writer.has_written(100)
        breaking.zone(instance["AvailabilityZone"])
    count = eventually("the failover", lambda: query(instance, "select count(*) from numbers"))[0][0]
    assert count >= len(writer.acked) > 0
    assert query(instance, "insert into numbers values (-1) returning n") == [(-1,)]
    breaking.mend()
    back = until(rds, "rds-zone", lambda seen: seen["AvailabilityZone"] == instance["SecondaryAvailabilityZone"])
    assert back["Endpoint"] == instance["Endpoint"]


@pytest.mark.rule(
    "A Single-AZ instance can become Multi-AZ, and back; unless at once, in the next maintenance window",
    f"{USER_GUIDE}/Concepts.MultiAZ.Migrating.html",
)
def test_a_standby_can_be_added_and_taken_away(client: Client) -> None:
    rds, it = client("rds"), {"DBInstanceIdentifier": "rds-convert"}
    create(rds, "rds-convert", BackupRetentionPeriod=0)
    rds.modify_db_instance(**it, MultiAZ=True)
    waiting = available(rds, "rds-convert")
    assert (waiting["MultiAZ"], waiting["PendingModifiedValues"]) == (False, {"MultiAZ": True})
    rds.modify_db_instance(**it, MultiAZ=True, ApplyImmediately=True)
    assert available(rds, "rds-convert")["SecondaryAvailabilityZone"] == f"{HERE}b"
    rds.modify_db_instance(**it, MultiAZ=False, ApplyImmediately=True)
    single = available(rds, "rds-convert")
    assert (single["MultiAZ"], single.get("SecondaryAvailabilityZone")) == (False, None)
    query(single, "create table still_writable ()")


# Read replicas


@pytest.mark.rule(
    "A read replica follows its source and is read-only until it is promoted",
    f"{USER_GUIDE}/USER_ReadRepl.html",
)
def test_a_read_replica_follows_until_it_is_promoted(client: Client) -> None:
    rds = client("rds")
    source = create(rds, "rds-source")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="rds-reader", SourceDBInstanceIdentifier="rds-source")
    replica = available(rds, "rds-reader")
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == "rds-source"
    assert described(rds, "rds-source")["ReadReplicaDBInstanceIdentifiers"] == ["rds-reader"]
    query(source, "create table copied as select 42 as n")
    assert eventually("replication", lambda: query(replica, "select n from copied")) == [(42,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        query(replica, "insert into copied values (43)")
    promoted = rds.promote_read_replica(DBInstanceIdentifier="rds-reader")["DBInstance"]
    assert promoted["DBInstanceStatus"] == "modifying"
    promoted = available(rds, "rds-reader")
    assert "ReadReplicaSourceDBInstanceIdentifier" not in promoted
    assert described(rds, "rds-source")["ReadReplicaDBInstanceIdentifiers"] == []
    query(promoted, "insert into copied values (43)")
    query(source, "insert into copied values (44)")
    assert query(promoted, "select n from copied order by n") == [(42,), (43,)]


@pytest.mark.rule("Only a read replica can be promoted", f"{API}/API_PromoteReadReplica.html")
def test_a_standalone_instance_cannot_be_promoted(client: Client, plain: dict[str, Any]) -> None:
    assert refusal(client("rds").promote_read_replica, DBInstanceIdentifier="rds-plain") == "InvalidDBInstanceState"


@pytest.mark.rule("The source of a read replica must have automated backups", f"{USER_GUIDE}/USER_ReadRepl.html")
def test_a_source_without_backups_has_no_replicas(client: Client) -> None:
    rds = client("rds")
    create(rds, "rds-no-backup", BackupRetentionPeriod=0)
    wanted = {"DBInstanceIdentifier": "rds-no-reader", "SourceDBInstanceIdentifier": "rds-no-backup"}
    assert refusal(rds.create_db_instance_read_replica, **wanted) == "InvalidDBInstanceState"
    wanted["SourceDBInstanceIdentifier"] = "rds-nobody"
    assert refusal(rds.create_db_instance_read_replica, **wanted) == "DBInstanceNotFound"


@pytest.mark.rule(
    "Cross-region replication is asynchronous: a promotion after the loss of the source's region loses what was "
    "acknowledged and had not arrived",
    f"{USER_GUIDE}/USER_ReadRepl.XRgn.html",
)
def test_a_dark_region_loses_exactly_what_was_acknowledged_inside_the_links_delay(
    client: Client, breaking: Breaking
) -> None:
    here, there = client("rds"), client("rds", THERE)
    source = create(here, "rds-primary")
    there.create_db_instance_read_replica(
        DBInstanceIdentifier="rds-remote", SourceDBInstanceIdentifier=source["DBInstanceArn"]
    )
    replica = available(there, "rds-remote")
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    with Writer(source) as writer:
        eventually("replication", lambda: query(replica, "select count(*) from numbers")[0][0] > 100)
        late = max(replay_lags(writer, replica, 20))
        before = CLOCK.monotonic()
        breaking.region(HERE)
        dark = CLOCK.monotonic()
    assert not answers(source)
    there.promote_read_replica(DBInstanceIdentifier="rds-remote")
    promoted = available(there, "rds-remote")
    kept = {n for (n,) in query(promoted, "select n from numbers")}
    lost = [(n, at) for n, at in writer.acked if n not in kept]
    query(promoted, "insert into numbers values (-1)")
    # The lost rows are the last ones. None that was acknowledged within the delay before the cut can have arrived; and
    # all have that are older than the lag that was measured (the delay, and what replaying takes here).
    assert lost
    assert [n for n, _ in lost] == [n for n, _ in writer.acked[-len(lost) :]]
    arrived = max(at for n, at in writer.acked if n in kept)
    assert arrived <= dark - DELAY + 0.02
    assert arrived >= before - late - NOISE


def replay_lags(writer: Writer, replica: dict[str, Any], looks: int) -> list[float]:
    """How old, since its acknowledgement, the newest row of the replica was at each look."""
    lags = []
    with connect(replica) as reader:
        for _ in range(looks):
            row = reader.execute("select max(n) from numbers").fetchone()
            assert row is not None
            lags.append(CLOCK.monotonic() - writer.acked[row[0] - 1][1])
            CLOCK.sleep(0.02)
    return lags


@pytest.mark.rule(
    "The state of a region survives its outage",
    "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/",
)
def test_a_region_that_returns_has_its_data(client: Client, breaking: Breaking) -> None:
    there = client("rds", THERE)
    instance = create(there, "rds-returns")
    query(instance, "create table kept as select 42 as n")
    breaking.region(THERE)
    assert not answers(instance)
    breaking.mend()
    assert query(instance, "select n from kept") == [(42,)]


# Snapshots


@pytest.mark.rule(
    "A snapshot holds the data of its time, and can be copied to another region by its ARN",
    f"{USER_GUIDE}/USER_CopySnapshot.html",
)
def test_a_snapshot_is_restored_in_another_region(client: Client) -> None:
    here, there = client("rds"), client("rds", THERE)
    source = create(here, "rds-photo")
    query(source, "create table kept as select 1 as n")
    made = here.create_db_snapshot(DBInstanceIdentifier="rds-photo", DBSnapshotIdentifier="rds-photo-1")["DBSnapshot"]
    assert made["Status"] == "creating"
    assert snapshot_status(here, "rds-photo-1") == "available"
    available(here, "rds-photo")
    query(source, "insert into kept values (2)")
    it = {"SourceDBSnapshotIdentifier": made["DBSnapshotArn"], "TargetDBSnapshotIdentifier": "rds-photo-2"}
    there.copy_db_snapshot(**it, SourceRegion=HERE)
    eventually("the copy", lambda: snapshot_status(there, "rds-photo-2") == "available")
    there.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="rds-photo-3", DBSnapshotIdentifier="rds-photo-2")
    assert query(available(there, "rds-photo-3"), "select n from kept") == [(1,)]
    assert described(there, "rds-photo-3")["AvailabilityZone"].startswith(THERE)


def snapshot_status(rds: Any, name: str) -> str:
    return str(rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"])


@pytest.mark.rule(
    "Names are taken once, and what is not there is not found", f"{API}/API_RestoreDBInstanceFromDBSnapshot.html"
)
def test_snapshots_are_refused_with_their_codes(client: Client, plain: dict[str, Any]) -> None:
    rds = client("rds")
    it = {"DBInstanceIdentifier": "rds-plain", "DBSnapshotIdentifier": "rds-plain-1"}
    rds.create_db_snapshot(**it)
    available(rds, "rds-plain")
    assert refusal(rds.create_db_snapshot, **it) == "DBSnapshotAlreadyExists"
    assert refusal(rds.restore_db_instance_from_db_snapshot, **it) == "DBInstanceAlreadyExists"
    it["DBSnapshotIdentifier"] = "rds-no-snapshot"
    assert refusal(rds.restore_db_instance_from_db_snapshot, **it) == "DBSnapshotNotFound"
    assert refusal(rds.delete_db_snapshot, DBSnapshotIdentifier="rds-no-snapshot") == "DBSnapshotNotFound"


# Points in time


@pytest.mark.rule(
    "An instance can be restored to any second up to LatestRestorableTime, by the transaction log",
    f"{USER_GUIDE}/USER_PIT.html",
)
def test_a_point_in_time_restore_has_what_was_committed_by_then(client: Client) -> None:
    rds = client("rds")
    source = create(rds, "rds-past")
    query(source, "create table numbers (n int)")
    query(source, "insert into numbers values (1)")
    then = query(source, "select clock_timestamp()")[0][0]
    query(source, "insert into numbers values (2)")
    query(source, "delete from numbers where n = 1")
    until(rds, "rds-past", lambda seen: seen["LatestRestorableTime"] > then)
    restore = rds.restore_db_instance_to_point_in_time
    it = {"SourceDBInstanceIdentifier": "rds-past", "TargetDBInstanceIdentifier": "rds-past-then"}
    assert restore(**it, RestoreTime=then)["DBInstance"]["DBInstanceStatus"] == "creating"
    restored = available(rds, "rds-past-then")
    assert query(restored, "select n from numbers") == [(1,)]
    assert query(restored, "insert into numbers values (3) returning n") == [(3,)]
    assert query(source, "select n from numbers") == [(2,)]


@pytest.mark.rule(
    "Restores outside the window, onto a name in use, of an instance without backups, or to no one time are refused",
    f"{API}/API_RestoreDBInstanceToPointInTime.html",
)
def test_impossible_points_in_time_are_refused(client: Client, plain: dict[str, Any]) -> None:
    rds = client("rds")
    restore, now = rds.restore_db_instance_to_point_in_time, described(rds, "rds-plain")["LatestRestorableTime"]
    it = {"SourceDBInstanceIdentifier": "rds-plain", "TargetDBInstanceIdentifier": "rds-never"}
    assert refusal(restore, **it, RestoreTime=now + timedelta(days=1)) == "InvalidParameterValue"
    assert refusal(restore, **it, RestoreTime=now - timedelta(days=1)) == "InvalidParameterValue"
    assert refusal(restore, **it) == "InvalidParameterCombination"
    assert refusal(restore, **it, RestoreTime=now, UseLatestRestorableTime=True) == "InvalidParameterCombination"
    taken = it | {"TargetDBInstanceIdentifier": "rds-plain"}
    assert refusal(restore, **taken, UseLatestRestorableTime=True) == "DBInstanceAlreadyExists"
    nobody = it | {"SourceDBInstanceIdentifier": "rds-nobody"}
    assert refusal(restore, **nobody, UseLatestRestorableTime=True) == "DBInstanceNotFound"
    create(rds, "rds-unkept", BackupRetentionPeriod=0)
    unkept = it | {"SourceDBInstanceIdentifier": "rds-unkept"}
    assert refusal(restore, **unkept, UseLatestRestorableTime=True) == "PointInTimeRestoreNotEnabled"


@pytest.mark.rule(
    "Automated backups can be retained when an instance is deleted, and restored by its resource id",
    f"{USER_GUIDE}/USER_WorkingWithAutomatedBackups.Retaining.html",
)
def test_a_deleted_instance_is_restored_from_its_retained_backup(client: Client) -> None:
    rds = client("rds")
    instance = create(rds, "rds-retained")
    query(instance, "create table kept as select 42 as n")
    written = query(instance, "select clock_timestamp()")[0][0]
    until(rds, "rds-retained", lambda seen: seen["LatestRestorableTime"] > written)
    rds.delete_db_instance(DBInstanceIdentifier="rds-retained", SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    eventually("the end", lambda: refused_as_gone(rds, "rds-retained"))
    number = instance["DbiResourceId"]
    backups = rds.describe_db_instance_automated_backups(DbiResourceId=number)["DBInstanceAutomatedBackups"]
    assert [(backup["Status"], backup["DBInstanceIdentifier"]) for backup in backups] == [("retained", "rds-retained")]
    rds.restore_db_instance_to_point_in_time(
        SourceDbiResourceId=number, TargetDBInstanceIdentifier="rds-revived", UseLatestRestorableTime=True
    )
    assert query(available(rds, "rds-revived"), "select n from kept") == [(42,)]
