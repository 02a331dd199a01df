"""Clusters in a saved world."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from drillbook.embedded import process, worlds
from drillbook.embedded.process import Cloud

HOME, AWAY = "us-east-1", "us-west-2"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Cloud]]:
    started: list[Cloud] = []

    def one(name: str) -> Cloud:
        (tmp_path / name).mkdir()
        started.append(process.start(tmp_path / name, owner=os.getpid(), speed=100))
        return started[-1]

    yield one
    for cloud in started:
        process.stop(cloud)


def _rds(cloud: Cloud, region: str) -> Any:
    keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("rds", region_name=region, endpoint_url=cloud.endpoint, **keys)


@pytest.mark.slow
def test_clusters_replicate_again_and_snapshots_can_be_restored(
    start: Callable[[str], Cloud], cluster_of: Any, tmp_path: Path, until: Callable[..., Any]
) -> None:
    first = start("first")
    one, other = cluster_of(_rds(first, HOME), "kept-one", HOME), cluster_of(_rds(first, AWAY), "kept-two", AWAY)
    one.create("a", "b")
    one.run("create table t as select 1 as n")
    arn = one.described()["DBClusterArn"]
    one.rds.create_global_cluster(GlobalClusterIdentifier="kept", SourceDBClusterIdentifier=arn)
    other.rds.create_db_cluster(
        DBClusterIdentifier="kept-two", Engine="aurora-postgresql", GlobalClusterIdentifier="kept"
    )
    other.await_status("available")
    other.add("a")
    one.rds.create_db_cluster_snapshot(DBClusterIdentifier="kept-one", DBClusterSnapshotIdentifier="kept-snap")
    one.await_status("available")
    worlds.save(first, tmp_path / "a.world")
    one.run("insert into t values (99)")

    second = start("second")
    worlds.load(second, tmp_path / "a.world")
    one, other = cluster_of(_rds(second, HOME), "kept-one", HOME), cluster_of(_rds(second, AWAY), "kept-two", AWAY)
    assert one.soon("select n from t") == [1]
    assert one.writer() == "kept-one-a"
    one.run("insert into t values (2)")
    for side in (one, other):
        until("replication", lambda side=side: side.soon("select max(n) from t", reader=True), lambda it: it == [2])
    restored = cluster_of(_rds(second, HOME), "kept-again", HOME)
    restored.rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="kept-again", SnapshotIdentifier="kept-snap", Engine="aurora-postgresql"
    )
    restored.await_status("available")
    restored.add("a")
    assert restored.run("select n from t") == [1]
    earliest = one.described()["EarliestRestorableTime"]
    past = cluster_of(_rds(second, HOME), "kept-past", HOME)
    past.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="kept-past", SourceDBClusterIdentifier="kept-one", RestoreToTime=earliest
    )
    past.await_status("available")
