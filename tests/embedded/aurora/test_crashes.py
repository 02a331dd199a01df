"""What becomes of a cluster whose processes die."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError


def test_a_crashed_writer_is_replaced_by_its_reader_and_nothing_is_lost(
    cluster: Callable[..., Any], crash: Callable[..., None], until: Callable[..., Any]
) -> None:
    made = cluster("crash-reader", "a", "b")
    made.run("create table t as select generate_series(1, 500) as n")
    crash("crash-reader")
    until("the promotion", made.writer, lambda it: it == "crash-reader-b")
    assert made.soon("select count(*) from t") == [500]
    made.run("insert into t values (0)")
    made.await_instance("a")
    until("the old writer reads", lambda: made.soon("select min(n) from t", reader=True), lambda it: it == [0])


def test_a_crashed_lone_writer_is_restarted(cluster: Callable[..., Any], crash: Callable[..., None]) -> None:
    made = cluster("crash-lone", "a")
    made.run("create table t as select generate_series(1, 500) as n")
    crash("crash-lone-a")
    assert made.soon("select count(*) from t") == [500]
    assert made.writer() == "crash-lone-a"


def test_a_crashed_reader_is_restarted_and_the_writer_stays(
    cluster: Callable[..., Any], crash: Callable[..., None], cloud: Cloud, until: Callable[..., Any]
) -> None:
    made = cluster("crash-read", "a", "b")
    with made.connect() as session:
        crash("crash-read-b")
        until("the crash", lambda: process.status(cloud)["planes"]["aurora"]["crashes"].get("crash-read"))
        reads = "select pg_is_in_recovery()"
        until("the reader's return", lambda: made.soon(reads, reader=True), lambda it: it == [True])
        assert session.execute("select 1").fetchone() == (1,)
    assert made.writer() == "crash-read-a"


@pytest.mark.parametrize(("name", "fault"), [("nowhere", "crash"), ("crash-empty", "crash"), ("crash-empty", "dance")])
def test_what_does_not_run_cannot_crash(
    cluster: Callable[..., Any], crash: Callable[..., None], client: Callable[..., Any], name: str, fault: str
) -> None:
    known = client("rds").describe_db_clusters()["DBClusters"]
    if "crash-empty" not in [one["DBClusterIdentifier"] for one in known]:
        cluster("crash-empty")
    with pytest.raises(TargetError, match="name a cluster or an instance"):
        crash(name, fault=fault)


def test_the_status_tells_the_processes(cluster: Callable[..., Any], cloud: Cloud) -> None:
    before = set(process.status(cloud)["planes"]["aurora"]["pids"])
    made = cluster("status-pids", "a", "b")
    assert len(set(process.status(cloud)["planes"]["aurora"]["pids"]) - before) == 2
    made.rds.stop_db_cluster(DBClusterIdentifier="status-pids")
    made.await_status("stopped")
    assert set(process.status(cloud)["planes"]["aurora"]["pids"]) <= before
    assert process.status(cloud)["planes"]["aurora"]["failures"] == []
