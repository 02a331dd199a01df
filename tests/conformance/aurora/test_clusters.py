"""Aurora PostgreSQL in one region: writer, readers, endpoints, failover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

_HA = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html"
_ENDPOINTS = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Endpoints.html"
_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"
_FAILOVER = f"{_API}/API_FailoverDBCluster.html"


@pytest.mark.rule("the first instance of a cluster is its writer, the others read what it wrote", _HA)
def test_readers_read_what_the_writer_wrote(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    here = aurora()
    created = here.create("au-readers")
    assert created["DBClusterMembers"] == []
    here.add("au-readers", "a")
    here.add("au-readers", "b")
    assert here.writer("au-readers") == "au-readers-a"
    here.run("au-readers", "create table t (n int)")
    here.run("au-readers", "insert into t values (7)")
    until("the row", lambda: here.try_run("au-readers", "select n from t", reader=True), lambda it: it == [7])
    with here.connect("au-readers", reader=True) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("insert into t values (8)")
    with here.connect_instance("au-readers-b") as reader:
        assert reader.execute("select pg_is_in_recovery()").fetchone() == (True,)


@pytest.mark.rule("with no reader, the reader endpoint connects to the writer", _ENDPOINTS)
def test_reader_endpoint_of_a_lone_writer(aurora: Callable[..., Any]) -> None:
    here = aurora()
    here.create("au-lone", "a")
    here.run("au-lone", "create table t (n int)", reader=True)
    assert here.run("au-lone", "select count(*) from t") == [0]


@pytest.mark.rule("a failover promotes the reader that was named, and loses nothing that was acknowledged", _FAILOVER)
def test_failover_to_a_named_reader(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    here = aurora()
    here.create("au-failover", "a", "b", "c")
    here.run("au-failover", "create table t (n int)")
    answers: list[Any] = []

    acknowledged: list[float] = []

    def fail_over(rows: int) -> None:
        if rows == 20:
            answers.append(
                here.rds.failover_db_cluster(
                    DBClusterIdentifier="au-failover", TargetDBInstanceIdentifier="au-failover-c"
                )
            )

    here.write_until_cut("au-failover", acknowledged, fail_over)
    assert [answer["DBCluster"]["Status"] for answer in answers] == ["failing-over"]
    here.available("au-failover")
    assert here.writer("au-failover") == "au-failover-c"
    assert here.run("au-failover", "select count(*) from t")[0] >= len(acknowledged)
    here.run("au-failover", "insert into t values (-1)")
    here.instance_available("au-failover-a")
    until(
        "the old writer reads",
        lambda: _count(here, "au-failover-a", "select count(*) from t where n = -1"),
        lambda seen: seen == 1,
    )


@pytest.mark.rule("a failover needs a second instance", _FAILOVER)
def test_failover_of_a_lone_writer_is_refused(aurora: Callable[..., Any], refused: Callable[[str], Any]) -> None:
    here = aurora()
    here.create("au-single", "a")
    with refused("InvalidDBClusterStateFault"):
        here.rds.failover_db_cluster(DBClusterIdentifier="au-single")
    with refused("DBClusterNotFoundFault"):
        here.rds.failover_db_cluster(DBClusterIdentifier="au-nowhere")


@pytest.mark.rule("when the writer's zone is lost, Aurora promotes a reader of another zone by itself", _HA)
def test_loss_of_the_writers_zone(aurora: Callable[..., Any], until: Callable[..., Any], breaking: Any) -> None:
    here = aurora("eu-west-1")
    here.create("au-zone", "a", "b")
    here.run("au-zone", "create table t (n int)")
    here.run("au-zone", "insert into t select generate_series(1, 100)")
    breaking.zone("eu-west-1a")
    until("the promotion", lambda: here.writer("au-zone"), lambda writer: writer == "au-zone-b")
    here.writes("au-zone")
    assert here.run("au-zone", "select count(*) from t") == [100]
    with pytest.raises(psycopg.Error):
        here.connect_instance("au-zone-a")
    breaking.mend()
    here.instance_available("au-zone-a")
    until("the old writer", lambda: _count(here, "au-zone-a", "select count(*) from t"), lambda seen: seen == 100)
    assert here.writer("au-zone") == "au-zone-b"


@pytest.mark.rule(
    "when the writer is deleted, a reader is promoted",
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html",
)
def test_deletion_of_the_writer(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    here = aurora()
    here.create("au-writerless", "a", "b")
    here.run("au-writerless", "create table t (n int)")
    here.rds.delete_db_instance(DBInstanceIdentifier="au-writerless-a", SkipFinalSnapshot=True)
    until("the promotion", lambda: here.writer("au-writerless"), lambda writer: writer == "au-writerless-b")
    here.writes("au-writerless")
    assert here.run("au-writerless", "select count(*) from t") == [0]
    assert len(here.describe("au-writerless")["DBClusterMembers"]) == 1


@pytest.mark.rule(
    "a stopped cluster answers nobody and keeps its data",
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html",
)
def test_stop_and_start(aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]) -> None:
    here = aurora()
    here.create("au-stop", "a")
    here.run("au-stop", "create table t as select 5 as n")
    with refused("InvalidDBClusterStateFault"):
        here.rds.start_db_cluster(DBClusterIdentifier="au-stop")
    assert here.rds.stop_db_cluster(DBClusterIdentifier="au-stop")["DBCluster"]["Status"] == "stopping"
    until("the stop", lambda: here.describe("au-stop")["Status"], lambda status: status == "stopped")
    assert here.instance("au-stop-a")["DBInstanceStatus"] == "stopped"
    with pytest.raises(psycopg.Error):
        here.connect("au-stop")
    with refused("InvalidDBClusterStateFault"):
        here.rds.stop_db_cluster(DBClusterIdentifier="au-stop")
    assert here.rds.start_db_cluster(DBClusterIdentifier="au-stop")["DBCluster"]["Status"] == "starting"
    here.available("au-stop")
    assert here.run("au-stop", "select n from t") == [5]


@pytest.mark.rule("a new master password takes effect", f"{_API}/API_ModifyDBCluster.html")
def test_new_master_password(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    here = aurora()
    here.create("au-password", "a")
    here.rds.modify_db_cluster(
        DBClusterIdentifier="au-password", MasterUserPassword="secret-two", ApplyImmediately=True
    )
    here.available("au-password")
    with here.connect("au-password", password="secret-two") as database:
        assert database.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        here.connect("au-password", password="secret-one")


@pytest.mark.rule(
    "a cluster is deleted only without instances and without protection", f"{_API}/API_DeleteDBCluster.html"
)
def test_deletion_rules(aurora: Callable[..., Any], refused: Callable[[str], Any], until: Callable[..., Any]) -> None:
    here = aurora()
    here.create("au-delete", "a", DeletionProtection=True)
    with refused("InvalidParameterCombination"):
        here.rds.delete_db_cluster(DBClusterIdentifier="au-delete", SkipFinalSnapshot=True)
    here.rds.modify_db_cluster(DBClusterIdentifier="au-delete", DeletionProtection=False)
    here.available("au-delete")
    with refused("InvalidDBClusterStateFault"):
        here.rds.delete_db_cluster(DBClusterIdentifier="au-delete", SkipFinalSnapshot=True)
    here.rds.delete_db_instance(DBInstanceIdentifier="au-delete-a", SkipFinalSnapshot=True)
    until("no member", lambda: here.describe("au-delete")["DBClusterMembers"] == [])
    with refused("InvalidParameterCombination"):
        here.rds.delete_db_cluster(DBClusterIdentifier="au-delete")
    deleted = here.rds.delete_db_cluster(DBClusterIdentifier="au-delete", FinalDBSnapshotIdentifier="au-delete-final")
    assert deleted["DBCluster"]["Status"] == "deleting"
    here.rds.get_waiter("db_cluster_deleted").wait(
        DBClusterIdentifier="au-delete", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    found = here.rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="au-delete-final")["DBClusterSnapshots"]
    assert [snapshot["Status"] for snapshot in found] == ["available"]


@pytest.mark.rule("names and passwords that cannot be are refused", f"{_API}/API_CreateDBCluster.html")
def test_bad_input(aurora: Callable[..., Any], refused: Callable[[str], Any]) -> None:
    here = aurora()
    here.create("au-taken")
    with refused("DBClusterAlreadyExistsFault"):
        here.create("au-taken")
    with refused("InvalidParameterValue"):
        here.create("au-short", MasterUserPassword="short")
    with refused("InvalidParameterValue"):
        here.create("9-digit-first")
    with refused("DBClusterNotFoundFault"):
        here.add("au-nowhere", "a")
    with refused("DBClusterNotFoundFault"):
        here.rds.modify_db_cluster(DBClusterIdentifier="au-nowhere", BackupRetentionPeriod=3)
    with refused("DBClusterNotFoundFault"):
        here.rds.delete_db_cluster(DBClusterIdentifier="au-nowhere", SkipFinalSnapshot=True)
    with refused("DBClusterNotFoundFault"):
        here.rds.promote_read_replica_db_cluster(DBClusterIdentifier="au-nowhere")
    with refused("InvalidDBClusterStateFault"):
        here.rds.promote_read_replica_db_cluster(DBClusterIdentifier="au-taken")


def _count(here: Any, instance: str, sql: str) -> int | None:
    try:
        with here.connect_instance(instance) as database:
            return int(database.execute(sql).fetchone()[0])
    except psycopg.Error:
        return None


@pytest.mark.rule(
    "a cluster whose security group lets nobody in does not answer",
    "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.RDSSecurityGroups.html",
)
def test_revoked_security_group(aurora: Callable[..., Any], client: Callable[..., Any]) -> None:
    here, ec2 = aurora(), client("ec2")
    network = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="au-group", Description="who may", VpcId=network)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    here.create("au-group", "a", VpcSecurityGroupIds=[group])
    assert here.run("au-group", "select 1") == [1]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        here.connect("au-group")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert here.run("au-group", "select 1") == [1]
