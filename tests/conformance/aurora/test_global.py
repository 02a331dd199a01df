"""Aurora across regions: global databases and replica clusters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from drillbook.clock import SystemClock

HERE, THERE, ELSEWHERE = "us-east-1", "us-west-2", "eu-central-1"
_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
_FAILOVER = f"{_GUIDE}/aurora-global-database-disaster-recovery.html"
_API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference"


def _global(aurora: Callable[..., Any], name: str, here: str, there: str) -> tuple[Any, Any]:
    """A global database ``name`` with a writer in one region and a reader in the other."""
    one, other = aurora(here), aurora(there)
    created = one.create(f"{name}-one", "a")
    one.rds.create_global_cluster(GlobalClusterIdentifier=name, SourceDBClusterIdentifier=created["DBClusterArn"])
    other.secondary(f"{name}-two", "a", GlobalClusterIdentifier=name)
    one.run(f"{name}-one", "create table t (n int)")
    return one, other


def _writers(side: Any, name: str) -> dict[str, bool]:
    """Cluster name → is it the writer of the global database?"""
    found = side.rds.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"][0]
    return {one["DBClusterArn"].rpartition(":")[2]: one["IsWriter"] for one in found["GlobalClusterMembers"]}


@pytest.mark.rule(
    "a secondary region reads what the primary wrote, and takes no writes", f"{_GUIDE}/aurora-global-database.html"
)
def test_secondary_region_reads(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    one, other = _global(aurora, "gl-reads", HERE, THERE)
    one.run("gl-reads-one", "insert into t values (1)")
    until("the row", lambda: other.try_run("gl-reads-two", "select n from t", reader=True), lambda it: it == [1])
    with other.connect("gl-reads-two", reader=True) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("insert into t values (2)")
    assert _writers(one, "gl-reads") == {"gl-reads-one": True, "gl-reads-two": False}
    assert _writers(other, "gl-reads") == {"gl-reads-one": True, "gl-reads-two": False}
    assert other.writer("gl-reads-two") is None


@pytest.mark.rule(
    "a secondary cluster's writer endpoint is inactive", f"{_GUIDE}/aurora-global-database-connecting.html"
)
def test_secondary_has_no_writer_endpoint(aurora: Callable[..., Any]) -> None:
    _, other = _global(aurora, "gl-inactive", HERE, THERE)
    with pytest.raises(psycopg.OperationalError):
        other.connect("gl-inactive-two")


@pytest.mark.rule("a failover with data loss loses what was not replicated, and nothing else", _FAILOVER)
def test_failover_from_a_dark_region(aurora: Callable[..., Any], until: Callable[..., Any], breaking: Any) -> None:
    one, other = _global(aurora, "gl-dark", "eu-west-2", THERE)
    acknowledged: list[float] = []
    threading.Thread(target=one.write_until_cut, args=("gl-dark-one", acknowledged), daemon=True).start()
    until("a second of writes", lambda: acknowledged and acknowledged[-1] - acknowledged[0] > 1.0)
    until("the first of them there", lambda: other.try_run("gl-dark-two", "select n from t limit 1", reader=True), bool)
    breaking.region("eu-west-2")
    rows, dark = len(acknowledged), acknowledged[-1]
    assert (
        other.rds.failover_global_cluster(
            GlobalClusterIdentifier="gl-dark",
            TargetDbClusterIdentifier=other.describe("gl-dark-two")["DBClusterArn"],
            AllowDataLoss=True,
        )["GlobalCluster"]["Status"]
        == "failing-over"
    )
    until(
        "the failover", lambda: _writers(other, "gl-dark"), lambda it: it == {"gl-dark-one": False, "gl-dark-two": True}
    )
    other.writes("gl-dark-two")
    kept = other.run("gl-dark-two", "select n from t order by n")
    assert kept == list(range(len(kept))), "what is lost is the end"
    assert 0 < len(kept) < rows
    assert len(acknowledged) <= rows + 1, "nobody answers in a dark region, but one answer may have been on its way"
    assert dark - acknowledged[len(kept)] < 2.0, "what the link had not carried yet, and no more"
    _returns_as_a_secondary(one, other, until, breaking)


def _returns_as_a_secondary(one: Any, other: Any, until: Callable[..., Any], breaking: Any) -> None:
    """The old primary follows the new one; what only it had is in a snapshot."""
    other.run("gl-dark-two", "insert into t values (-1)")
    breaking.mend()
    one.available("gl-dark-one")
    until(
        "the old primary follows",
        lambda: one.try_run("gl-dark-one", "select n from t where n < 0", reader=True),
        lambda it: it == [-1],
    )
    assert one.writer("gl-dark-one") is None
    assert one.try_run("gl-dark-one", "insert into t values (-2)") is None
    found = one.rds.describe_db_cluster_snapshots(DBClusterIdentifier="gl-dark-one")["DBClusterSnapshots"]
    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in found]
    assert any(name.startswith("rds:unplanned-global-failover-gl-dark-one-") for name in names), names


@pytest.mark.rule("a switchover loses nothing, and the old primary replicates from the new one", _FAILOVER)
def test_switchover(aurora: Callable[..., Any], until: Callable[..., Any]) -> None:
    one, other = _global(aurora, "gl-switch", HERE, THERE)
    target = other.describe("gl-switch-two")["DBClusterArn"]

    acknowledged: list[float] = []

    def switch_over(rows: int) -> None:
        if rows == 50:
            one.rds.switchover_global_cluster(GlobalClusterIdentifier="gl-switch", TargetDbClusterIdentifier=target)

    one.write_until_cut("gl-switch-one", acknowledged, switch_over)
    roles = {"gl-switch-one": False, "gl-switch-two": True}
    until("the switchover", lambda: _writers(one, "gl-switch"), lambda it: it == roles)
    other.writes("gl-switch-two")
    assert other.run("gl-switch-two", "select count(*) from t")[0] >= len(acknowledged)
    other.run("gl-switch-two", "insert into t values (-1)")
    until(
        "replication back",
        lambda: one.try_run("gl-switch-one", "select n from t where n < 0", reader=True),
        lambda it: it == [-1],
    )
    assert one.try_run("gl-switch-one", "insert into t values (-2)") is None


@pytest.mark.rule("a secondary that is removed becomes a cluster of its own, open for writes", _FAILOVER)
def test_removed_secondary_stands_alone(
    aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]
) -> None:
    one, other = _global(aurora, "gl-remove", HERE, THERE)
    one.run("gl-remove-one", "insert into t values (1)")
    until("the row", lambda: other.try_run("gl-remove-two", "select n from t", reader=True), lambda it: it == [1])
    with refused("InvalidGlobalClusterStateFault"):
        one.rds.delete_global_cluster(GlobalClusterIdentifier="gl-remove")
    other.rds.remove_from_global_cluster(
        GlobalClusterIdentifier="gl-remove", DbClusterIdentifier=other.describe("gl-remove-two")["DBClusterArn"]
    )
    other.available("gl-remove-two")
    other.writes("gl-remove-two")
    other.run("gl-remove-two", "insert into t values (2)")
    assert other.run("gl-remove-two", "select count(*) from t") == [2]
    assert one.run("gl-remove-one", "select n from t") == [1]
    assert _writers(one, "gl-remove") == {"gl-remove-one": True}


@pytest.mark.rule(
    "a cluster of a global database is not deleted before it is removed", f"{_API}/API_DeleteDBCluster.html"
)
def test_rules_of_global_clusters(aurora: Callable[..., Any], refused: Callable[[str], Any]) -> None:
    here = aurora(HERE)
    arn = here.create("gl-rules-one")["DBClusterArn"]
    here.rds.create_global_cluster(GlobalClusterIdentifier="gl-rules", SourceDBClusterIdentifier=arn)
    with refused("GlobalClusterAlreadyExistsFault"):
        here.rds.create_global_cluster(GlobalClusterIdentifier="gl-rules", Engine="aurora-postgresql")
    with refused("InvalidDBClusterStateFault"):
        here.rds.create_global_cluster(GlobalClusterIdentifier="gl-rules-again", SourceDBClusterIdentifier=arn)
    with refused("InvalidDBClusterStateFault"):
        here.rds.delete_db_cluster(DBClusterIdentifier="gl-rules-one", SkipFinalSnapshot=True)
    with refused("GlobalClusterNotFoundFault"):
        here.rds.delete_global_cluster(GlobalClusterIdentifier="gl-nowhere")
    with refused("GlobalClusterNotFoundFault"):
        here.rds.failover_global_cluster(
            GlobalClusterIdentifier="gl-nowhere", TargetDbClusterIdentifier=arn, AllowDataLoss=True
        )
    with refused("InvalidGlobalClusterStateFault"):
        here.rds.switchover_global_cluster(GlobalClusterIdentifier="gl-rules", TargetDbClusterIdentifier=arn)
    with refused("DBClusterNotFoundFault"):
        here.rds.switchover_global_cluster(
            GlobalClusterIdentifier="gl-rules", TargetDbClusterIdentifier=arn.replace("rules-one", "nowhere")
        )
    with refused("GlobalClusterNotFoundFault"):
        here.rds.remove_from_global_cluster(GlobalClusterIdentifier="gl-nowhere", DbClusterIdentifier=arn)
    here.rds.remove_from_global_cluster(GlobalClusterIdentifier="gl-rules", DbClusterIdentifier=arn)
    here.rds.delete_global_cluster(GlobalClusterIdentifier="gl-rules")
    here.available("gl-rules-one")
    here.rds.delete_db_cluster(DBClusterIdentifier="gl-rules-one", SkipFinalSnapshot=True)


@pytest.mark.rule(
    "a replica cluster of another region becomes independent when promoted",
    f"{_API}/API_PromoteReadReplicaDBCluster.html",
)
def test_promotion_of_a_replica_cluster(
    aurora: Callable[..., Any], until: Callable[..., Any], refused: Callable[[str], Any]
) -> None:
    here, there = aurora(HERE), aurora(ELSEWHERE)
    arn = here.create("rc-source", "a")["DBClusterArn"]
    here.run("rc-source", "create table t as select 1 as n")
    replica = there.secondary("rc-replica", "a", ReplicationSourceIdentifier=arn)
    assert replica["ReplicationSourceIdentifier"] == arn
    assert here.describe("rc-source")["ReadReplicaIdentifiers"] == [replica["DBClusterArn"]]
    until("the row", lambda: there.try_run("rc-replica", "select n from t", reader=True), lambda it: it == [1])
    answer = there.rds.promote_read_replica_db_cluster(DBClusterIdentifier="rc-replica")
    assert answer["DBCluster"]["Status"] == "promoting"
    promoted = there.available("rc-replica")
    there.run("rc-replica", "insert into t values (2)")
    assert not promoted.get("ReplicationSourceIdentifier")
    assert here.describe("rc-source")["ReadReplicaIdentifiers"] == []
    assert here.run("rc-source", "select n from t") == [1]
    with refused("InvalidDBClusterStateFault"):
        there.rds.promote_read_replica_db_cluster(DBClusterIdentifier="rc-replica")


@pytest.mark.rule("replication lag is a metric in milliseconds", f"{_GUIDE}/Aurora.AuroraMonitoring.Metrics.html")
def test_lag_is_a_metric(aurora: Callable[..., Any], until: Callable[..., Any], client: Callable[..., Any]) -> None:
    one, _ = _global(aurora, "gl-lag", HERE, THERE)
    one.add("gl-lag-one", "b")

    def seen(region: str, metric: str, dimension: str, value: str) -> list[float]:
        now = SystemClock().now()
        found = client("cloudwatch", region).get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName=metric,
            Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Maximum"],
        )
        return [point["Maximum"] for point in found["Datapoints"]]

    def busy(*asked: str) -> list[float]:
        one.run("gl-lag-one", "insert into t select generate_series(1, 10)")
        return seen(*asked)

    until(
        "the lag of the region",
        lambda: busy(THERE, "AuroraGlobalDBReplicationLag", "DBClusterIdentifier", "gl-lag-two"),
    )
    lags = until(
        "the lag of the reader", lambda: busy(HERE, "AuroraReplicaLag", "DBInstanceIdentifier", "gl-lag-one-b")
    )
    assert all(0 <= lag < 30_000 for lag in lags)


@pytest.mark.rule(
    "DatabaseConnections counts clients' connections to an instance", f"{_GUIDE}/Aurora.AuroraMonitoring.Metrics.html"
)
def test_clients_are_counted(aurora: Callable[..., Any], until: Callable[..., Any], client: Callable[..., Any]) -> None:
    here = aurora(HERE)
    here.create("gl-clients", "a")

    def most(dimensions: dict[str, str]) -> float:
        now = SystemClock().now()
        found = client("cloudwatch", HERE).get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName="DatabaseConnections",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Maximum"],
        )
        return max((point["Maximum"] for point in found["Datapoints"]), default=-1.0)

    with here.connect("gl-clients"), here.connect("gl-clients"):
        for dimensions in (
            {"DBInstanceIdentifier": "gl-clients-a"},
            {"DBClusterIdentifier": "gl-clients", "Role": "WRITER"},
        ):
            until("both clients being counted", lambda asked=dimensions: most(asked), lambda seen: seen == 2)
