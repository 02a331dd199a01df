"""Clusters that an outage interrupts, and refusals that must leave them whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud

REGION = "eu-west-1"
LOGIN = {"MasterUsername": "app", "MasterUserPassword": "secret-one", "DatabaseName": "shop"}


def test_a_cluster_that_is_being_made_when_its_region_goes_dark_is_there_when_it_is_back(
    cloud: Cloud, client: Callable[..., Any], cluster_of: Callable[..., Any]
) -> None:
    rds = client("rds", REGION)
    made = cluster_of(rds, "dark-made")
    rds.create_db_cluster(DBClusterIdentifier="dark-made", Engine="aurora-postgresql", **LOGIN)
    process.become(cloud, Failures(regions=frozenset({REGION})))
    try:
        assert process.status(cloud)["planes"]["aurora"]["pids"] == []
    finally:
        process.become(cloud, Failures())
    made.await_status("available")
    made.add("a")
    made.run("create table writable ()")


def test_what_is_refused_leaves_the_cluster_and_its_instance_as_they_are(cluster: Callable[..., Any]) -> None:
    one = cluster("refusing", "a")
    rds, it, member = one.rds, {"DBClusterIdentifier": "refusing"}, {"DBInstanceIdentifier": "refusing-a"}
    refused: list[Callable[[], Any]] = [
        lambda: rds.modify_db_cluster(**it, MasterUserPassword="short"),
        lambda: rds.modify_db_cluster(**it, DBClusterParameterGroupName="nobody"),
        lambda: rds.create_db_cluster(DBClusterIdentifier="r2", Engine="aurora-postgresql", **LOGIN, Port=80),
        lambda: rds.create_db_cluster(
            DBClusterIdentifier="r2", Engine="aurora-postgresql", **(LOGIN | {"MasterUsername": "rdsadmin"})
        ),
        lambda: rds.modify_db_instance(**member, MasterUserPassword="long-enough-1"),
        lambda: rds.stop_db_instance(**member),
        lambda: rds.promote_read_replica(**member),
        lambda: rds.create_db_snapshot(**member, DBSnapshotIdentifier="refused"),
        lambda: rds.create_db_instance_read_replica(DBInstanceIdentifier="r3", SourceDBInstanceIdentifier="refusing-a"),
        lambda: rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="refusing-a", TargetDBInstanceIdentifier="r4", UseLatestRestorableTime=True
        ),
    ]
    for call in refused:
        with pytest.raises(rds.exceptions.ClientError, match=r"InvalidParameter|NotFound"):
            call()
    assert one.described()["Status"] == "available"
    assert one.run("select 1") == [1]


def test_a_renamed_instance_is_still_the_writer_and_restarts(cluster: Callable[..., Any], until: Any) -> None:
    one = cluster("renaming", "a", "b")
    one.rds.modify_db_instance(
        DBInstanceIdentifier="renaming-a", NewDBInstanceIdentifier="renaming-c", ApplyImmediately=True
    )
    one.await_instance("c")
    assert one.writer() == "renaming-c"
    one.run("create table kept as select 42 as n")
    one.rds.reboot_db_instance(DBInstanceIdentifier="renaming-c")
    one.await_instance("c")
    assert one.soon("select n from kept") == [42]
