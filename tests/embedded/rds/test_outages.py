"""What an outage interrupts is finished when it is over, and nothing runs meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud

HERE, THERE = "eu-west-1", "eu-west-2"
clock = SystemClock()


@pytest.fixture(scope="module")
def slow_link(cloud: Cloud) -> Iterator[float]:
    process.set_links(cloud, {f"rds:{HERE}|{THERE}": 0.4})
    yield 0.4
    process.set_links(cloud, {})


def test_whatever_is_being_made_when_its_region_goes_dark_is_there_when_it_is_back(
    cloud: Cloud, instance: Callable[..., Any], dark: Callable[..., None], until: Callable[..., Any]
) -> None:
    source = instance("outage-source").begin().ready()
    source.run("create table kept as select 42 as n")
    source.rds.create_db_snapshot(**source.it, DBSnapshotIdentifier="outage-photo")
    source.ready()
    instance("outage-new").begin(MultiAZ=True)
    source.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="outage-restored", DBSnapshotIdentifier="outage-photo"
    )
    source.rds.create_db_instance_read_replica(
        DBInstanceIdentifier="outage-replica", SourceDBInstanceIdentifier="outage-source"
    )
    dark(regions=[HERE])
    assert process.status(cloud)["planes"]["rds"]["pids"] == []
    dark()
    instance("outage-new").ready().run("create table writable ()")
    for name in ("outage-restored", "outage-replica"):
        assert instance(name).ready().run("select n from kept") == [42]
    assert process.status(cloud)["planes"]["rds"]["failures"] == []


def test_a_new_replica_has_what_its_source_had_and_a_promoted_one_lacks_what_was_under_way(
    instance: Callable[..., Any], slow_link: float
) -> None:
    source = instance("lag-source").begin().ready()
    source.run("create table kept as select 1 as n, clock_timestamp() as at")
    replica = instance("lag-replica", THERE)
    replica.rds.create_db_instance_read_replica(
        **replica.it, SourceDBInstanceIdentifier=source.described()["DBInstanceArn"]
    )
    assert replica.ready().run("select n from kept") == [1]
    with source.connect() as writer:
        end = clock.monotonic() + 2 * slow_link
        # On a busy machine the first of them may take longer than the link alone.
        while clock.monotonic() < end or not replica.run("select count(*) from kept where n = 2")[0]:
            writer.execute("insert into kept values (2, clock_timestamp())")
        cut = writer.execute("select clock_timestamp()").fetchone()
    replica.rds.promote_read_replica(**replica.it)
    assert cut is not None
    (newest,) = replica.ready().run("select max(at) from kept where n = 2")
    assert (cut[0] - newest).total_seconds() >= slow_link - 0.2
    assert replica.run("select count(*) from kept where n = 2")[0] > 0


@pytest.mark.slow
def test_a_link_that_is_cut_makes_a_replica_lag_until_it_is_mended(
    client: Callable[..., Any],
    instance: Callable[..., Any],
    dark: Callable[..., None],
    until: Callable[..., Any],
) -> None:
    source, replica = instance("cut-source").begin().ready(), instance("cut-replica", THERE)
    replica.rds.create_db_instance_read_replica(
        **replica.it, SourceDBInstanceIdentifier=source.described()["DBInstanceArn"]
    )
    replica.ready()
    source.run("create table before_the_cut as select 1 as n")
    until("replication", lambda: replica.run("select to_regclass('before_the_cut')")[0])
    dark(partitions=[frozenset({HERE, THERE})])
    source.run("create table cut_off as select 1 as n")

    def lag() -> float:
        measured = client("cloudwatch", THERE).get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "lag",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/RDS",
                            "MetricName": "ReplicaLag",
                            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "cut-replica"}],
                        },
                        "Period": 1,
                        "Stat": "Maximum",
                    },
                }
            ],
            StartTime=clock.now().timestamp() - 60,
            EndTime=clock.now().timestamp() + 60,
        )
        return max(measured["MetricDataResults"][0]["Values"], default=0.0)

    until("lag", lambda: lag() > 0)
    with pytest.raises(psycopg.errors.UndefinedTable):
        replica.run("select n from cut_off")
    dark()
    assert until("replication", lambda: _seen(replica)) == [1]


def _seen(replica: Any) -> list[Any] | None:
    try:
        return list(replica.run("select n from cut_off"))
    except psycopg.errors.UndefinedTable:
        return None


def test_a_database_that_hangs_can_be_photographed_and_rebooted(cloud: Cloud, instance: Callable[..., Any]) -> None:
    hung = instance("hang").begin().ready()
    hung.run("create table kept as select 42 as n")
    process.command(cloud, "databases", {"region": HERE, "id": "hang", "fault": "hang"})
    hung.rds.create_db_snapshot(**hung.it, DBSnapshotIdentifier="hang-photo")
    hung.ready()
    hung.rds.reboot_db_instance(**hung.it)
    assert hung.ready().run("select n from kept") == [42]
    assert process.status(cloud)["planes"]["rds"]["faults"] == {}
    hung.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="unhung", DBSnapshotIdentifier="hang-photo")
    assert instance("unhung").ready().run("select n from kept") == [42]


def test_a_database_answers_as_soon_as_it_is_mended_even_if_it_recovers_from_a_panic(
    cloud: Cloud, instance: Callable[..., Any]
) -> None:
    frozen = instance("frozen").begin().ready()
    frozen.run("create table much_to_replay as select n from generate_series(1, 300000) as n")
    panicking = frozen.connect()
    process.command(cloud, "databases", {"region": HERE, "id": "frozen", "fault": "hang"})
    os.kill(panicking.info.backend_pid, signal.SIGKILL)
    process.command(cloud, "databases", {"region": HERE, "id": "frozen", "fault": "none"})
    assert frozen.run("select count(*) from much_to_replay") == [300000]
    panicking.close()


def test_a_renamed_instance_is_known_to_its_source_and_its_replica_by_its_new_name(
    instance: Callable[..., Any],
) -> None:
    source = instance("name-a").begin().ready()
    source.rds.create_db_instance_read_replica(DBInstanceIdentifier="name-r", SourceDBInstanceIdentifier="name-a")
    instance("name-r").ready()
    with pytest.raises(source.rds.exceptions.DBInstanceAlreadyExistsFault):
        source.rds.modify_db_instance(**source.it, NewDBInstanceIdentifier="name-r", ApplyImmediately=True)
    pending = source.rds.modify_db_instance(**source.it, NewDBInstanceIdentifier="name-b")["DBInstance"]
    assert pending["PendingModifiedValues"] == {"DBInstanceIdentifier": "name-b"}
    source.ready()
    source.rds.reboot_db_instance(**source.it)
    instance("name-b").ready()
    source.rds.modify_db_instance(
        DBInstanceIdentifier="name-r", NewDBInstanceIdentifier="name-s", ApplyImmediately=True
    )
    assert instance("name-s").ready().described()["ReadReplicaSourceDBInstanceIdentifier"] == "name-b"
    assert instance("name-b").described()["ReadReplicaDBInstanceIdentifiers"] == ["name-s"]


def test_a_replica_may_be_deleted_together_with_its_source(
    cloud: Cloud, instance: Callable[..., Any], until: Callable[..., Any]
) -> None:
    source = instance("both-a").begin().ready()
    source.rds.create_db_instance_read_replica(DBInstanceIdentifier="both-b", SourceDBInstanceIdentifier="both-a")
    for one in (instance("both-b").ready(), source):
        one.rds.delete_db_instance(**one.it, SkipFinalSnapshot=True)
    left = {"both-a", "both-b"}
    until("deletion", lambda: not left & {one["DBInstanceIdentifier"] for one in _all(source.rds)})
    assert process.status(cloud)["planes"]["rds"]["failures"] == []


def _all(rds: Any) -> list[dict[str, Any]]:
    return list(rds.describe_db_instances()["DBInstances"])


def test_bad_settings_change_nothing(instance: Callable[..., Any]) -> None:
    it = instance("settings").begin().ready()
    for wrong in ({"EngineVersion": "1.2"}, {"AllocatedStorage": 20 - 1}, {"VpcSecurityGroupIds": ["sg-nobody"]}):
        with pytest.raises(it.rds.exceptions.ClientError, match="InvalidParameter"):
            it.rds.modify_db_instance(**it.it, **wrong, ApplyImmediately=True)
    before = it.described()
    assert (before["DBInstanceStatus"], before["AllocatedStorage"]) == ("available", 20)
    for source in ("arn:nonsense", "arn:aws:rds:mars-1:111122223333:snapshot:one"):
        with pytest.raises(it.rds.exceptions.ClientError, match="InvalidParameterValue"):
            it.rds.copy_db_snapshot(SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier="settings-copy")
