"""Aurora's backups: snapshots, copies of them, and points in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

HERE, THERE = "us-east-1", "us-west-2"
_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"


def _snapshot(side: Any, name: str, until: Callable[..., Any]) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        return dict(side.rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"][0])

    return dict(until(f"snapshot {name}", look, lambda it: it["Status"] == "available"))


@pytest.mark.rule(
    "a restored cluster has no instances until one is created", f"{_API}/API_RestoreDBClusterFromSnapshot.html"
)
def test_snapshot_copied_and_restored_elsewhere(
    aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]
) -> None:
    here, there = aurora(HERE), aurora(THERE)
    here.create("bk-source", "a")
    here.run("bk-source", "create table t as select 1 as n")
    made = here.rds.create_db_cluster_snapshot(DBClusterIdentifier="bk-source", DBClusterSnapshotIdentifier="bk-snap")
    assert made["DBClusterSnapshot"]["Status"] == "creating"
    arn = _snapshot(here, "bk-snap", until)["DBClusterSnapshotArn"]
    here.run("bk-source", "insert into t values (2)")
    with refused("DBClusterSnapshotNotFoundFault"):
        there.rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier="bk-snap", TargetDBClusterSnapshotIdentifier="bk-copy"
        )
    there.rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=arn, TargetDBClusterSnapshotIdentifier="bk-copy", SourceRegion=HERE
    )
    _snapshot(there, "bk-copy", until)
    here.rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="bk-snap")
    there.rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="bk-restored", SnapshotIdentifier="bk-copy", Engine="aurora-postgresql"
    )
    assert there.available("bk-restored")["DBClusterMembers"] == []
    with pytest.raises(psycopg.OperationalError):
        there.connect("bk-restored")
    there.add("bk-restored", "a")
    assert there.run("bk-restored", "select n from t") == [1]
    there.run("bk-restored", "insert into t values (3)")


@pytest.mark.rule("a cluster is restored as it was at RestoreToTime", f"{_API}/API_RestoreDBClusterToPointInTime.html")
def test_restore_to_a_point_in_time(
    aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]
) -> None:
    here = aurora(HERE)
    here.create("bk-pitr", "a")
    here.run("bk-pitr", "create table t as select 1 as n")
    here.run("bk-pitr", "select pg_sleep(1.1)")  # RestoreToTime has whole seconds on the wire of some clients.
    at = here.run("bk-pitr", "select clock_timestamp()")[0]
    here.run("bk-pitr", "select pg_sleep(1.1)")
    here.run("bk-pitr", "delete from t")
    until("the window", lambda: here.describe("bk-pitr"), lambda it: it["LatestRestorableTime"] >= at)
    window = here.describe("bk-pitr")
    assert window["EarliestRestorableTime"] <= at
    for outside in (window["EarliestRestorableTime"] - timedelta(hours=1), at + timedelta(hours=1)):
        with refused("InvalidRestoreFault"):
            _restore(here, "bk-outside", RestoreToTime=outside)
    with refused("DBClusterAlreadyExistsFault"):
        _restore(here, "bk-pitr", RestoreToTime=at)
    with refused("InvalidParameterCombination"):
        _restore(here, "bk-both", RestoreToTime=at, UseLatestRestorableTime=True)
    with refused("InvalidParameterCombination"):
        _restore(here, "bk-neither")
    _restore(here, "bk-then", RestoreToTime=at)
    assert here.available("bk-then")["DBClusterMembers"] == []
    here.add("bk-then", "a")
    assert here.run("bk-then", "select n from t") == [1]
    assert here.run("bk-pitr", "select n from t") == []


def _restore(side: Any, target: str, **settings: Any) -> None:
    side.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=target, SourceDBClusterIdentifier="bk-pitr", **settings
    )


@pytest.mark.rule(
    "automated backups outlive the cluster if DeleteAutomatedBackups is false",
    f"{_GUIDE}/Aurora.Managing.Backups.Retaining.html",
)
def test_backups_outlive_the_cluster(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    here = aurora(HERE)
    resource = here.create("bk-kept", "a")["DbClusterResourceId"]
    here.run("bk-kept", "create table t as select 1 as n")
    now = here.run("bk-kept", "select clock_timestamp()")[0]
    until("the window", lambda: here.describe("bk-kept"), lambda it: it["LatestRestorableTime"] >= now)
    here.rds.delete_db_instance(DBInstanceIdentifier="bk-kept-a", SkipFinalSnapshot=True)
    here.rds.delete_db_cluster(DBClusterIdentifier="bk-kept", SkipFinalSnapshot=True, DeleteAutomatedBackups=False)

    def kept() -> list[Any]:
        found = here.rds.describe_db_cluster_automated_backups(DbClusterResourceId=resource)
        return [backup["Status"] for backup in found["DBClusterAutomatedBackups"]]

    until("the retained backup", kept, lambda it: it == ["retained"])
    here.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="bk-again", SourceDbClusterResourceId=resource, UseLatestRestorableTime=True
    )
    here.available("bk-again")
    here.add("bk-again", "a")
    assert here.run("bk-again", "select n from t") == [1]


@pytest.mark.rule("unknown snapshots and taken names are refused", f"{_API}/API_CopyDBClusterSnapshot.html")
def test_bad_input(aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]) -> None:
    here = aurora(HERE)
    here.create("bk-bad")
    rds = here.rds
    rds.create_db_cluster_snapshot(DBClusterIdentifier="bk-bad", DBClusterSnapshotIdentifier="bk-bad-snap")
    _snapshot(here, "bk-bad-snap", until)
    with refused("DBClusterSnapshotAlreadyExistsFault"):
        rds.create_db_cluster_snapshot(DBClusterIdentifier="bk-bad", DBClusterSnapshotIdentifier="bk-bad-snap")
    with refused("DBClusterNotFoundFault"):
        rds.create_db_cluster_snapshot(DBClusterIdentifier="bk-nowhere", DBClusterSnapshotIdentifier="bk-x")
    with refused("DBClusterSnapshotNotFoundFault"):
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="bk-nowhere")
    with refused("DBClusterSnapshotNotFoundFault"):
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier="bk-x", SnapshotIdentifier="bk-nowhere", Engine="aurora-postgresql"
        )
    with refused("DBClusterAlreadyExistsFault"):
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier="bk-bad", SnapshotIdentifier="bk-bad-snap", Engine="aurora-postgresql"
        )
    with refused("DBClusterNotFoundFault"):
        rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="bk-x", SourceDBClusterIdentifier="bk-nowhere", UseLatestRestorableTime=True
        )
    with refused("DBClusterAutomatedBackupNotFoundFault"):
        rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="bk-x", SourceDbClusterResourceId="cluster-NOWHERE", UseLatestRestorableTime=True
        )
