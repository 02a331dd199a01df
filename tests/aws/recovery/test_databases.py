"""Restores, snapshots and rebuilt replicas of databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from drillbook import configuration
from drillbook.aws.probes.cluster import describe_configuration
from drillbook.aws.recovery import (
    alarms,
    cluster_instances,
    database_point_in_time,
    database_snapshot,
    replaced_cluster,
    replica_rebuild,
)
from drillbook.aws.recovery.database_kinds import CLUSTER, CLUSTER_SNAPSHOT, INSTANCE, SNAPSHOT, described, look, rds_of
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.probe import Reading
from drillbook.world import World

from .attempts import Killed, changes, healed
from .databases import CLASS, HERE, THERE, a_cluster, a_member, an_instance, eventually, fail_after, run

GOOD = Reading(True, "200 rows")
OWNED = [{"Key": "team", "Value": "orders"}]


def corrupt_later(world: World, database: str, *, cluster: bool) -> datetime:
    """A table with one row, which is lost after the instant that is returned."""
    run(world, database, "create table t as select 1 as n", cluster=cluster)
    world.clock.sleep(1.2)
    at: datetime = run(world, database, "select clock_timestamp()", cluster=cluster)[0].replace(microsecond=0)
    world.clock.sleep(1.2)
    run(world, database, "delete from t", cluster=cluster)
    return at


def lost_settings(world: World, source: str, target: str) -> list[str]:
    described = [describe_configuration(session_of(world), each, HERE) for each in (source, target)]
    return [each.path for each in configuration.diff(*described)]


@pytest.mark.slow
def test_a_bare_restore_of_a_cluster_loses_settings_and_that_is_told(world: World, name: str) -> None:
    a_cluster(world, name, DeletionProtection=True, BackupRetentionPeriod=5, Tags=OWNED)
    a_member(world, name, f"{name}-w")
    alarm = {"Namespace": "AWS/RDS", "MetricName": "DatabaseConnections", "Statistic": "Sum", "Period": 60}
    session_of(world).client("cloudwatch", HERE).put_metric_alarm(
        AlarmName=name, EvaluationPeriods=1, Threshold=9, ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": name}], **alarm,
    )  # fmt: skip
    database_snapshot.take(world, CLUSTER, name, f"{name}-s", HERE)
    database_snapshot.restore_cluster(world, f"{name}-s", f"{name}-bare", [], HERE)
    lost = lost_settings(world, name, f"{name}-bare")
    assert {"alarms", "deletion protection", "instances", "tags.team"} <= set(lost)
    for _ in range(2):
        alarms.copy_alarms(world, name, f"{name}-bare", HERE, dimension=alarms.OF_A_CLUSTER)
    assert "alarms" not in lost_settings(world, name, f"{name}-bare")
    assert healed(world).ok


@pytest.mark.slow
def test_a_cluster_is_restored_to_an_instant_with_its_instances_and_settings(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rds = rds_of(world, HERE)
    a_cluster(world, name, DeletionProtection=True, BackupRetentionPeriod=5, Tags=OWNED)
    a_member(world, name, f"{name}-w", PromotionTier=0, Tags=OWNED)
    a_member(world, name, f"{name}-r", PromotionTier=3)
    at, target = corrupt_later(world, name, cluster=True), f"{name}-then"
    database_point_in_time.wait_until_restorable(world, CLUSTER, name, at)
    fail_after(monkeypatch, rds, "restore_db_cluster_to_point_in_time")
    with pytest.raises(Killed):
        database_point_in_time.restore_cluster(world, name, target, at)
    fail_after(monkeypatch, rds, "create_db_instance")
    with pytest.raises(Killed):
        database_point_in_time.restore_cluster(world, name, target, at)
    for _ in range(2):
        made = database_point_in_time.restore_cluster(world, name, target, at)
    assert changes(world) == 3
    assert (made["DeletionProtection"], made["BackupRetentionPeriod"]) == (True, 5)
    assert OWNED[0] in made["TagList"]
    assert [one["PromotionTier"] for one in made["DBClusterMembers"]] == [0, 3]
    assert cluster_instances.is_served(world, target)
    assert run(world, target, "select n from t", cluster=True) == [1]
    assert lost_settings(world, name, target) == []
    with pytest.raises(PermanentError, match="was not made by this drill"):
        database_point_in_time.restore_cluster(world, name, target, at.replace(year=2020))
    assert healed(world).ok
    assert look(rds, CLUSTER, target) is None
    assert run(world, name, "select n from t", cluster=True) == []


@pytest.mark.slow
def test_an_instance_is_restored_to_an_instant(world: World, name: str) -> None:
    an_instance(world, name, BackupRetentionPeriod=3, DeletionProtection=True, Tags=OWNED)
    at = corrupt_later(world, name, cluster=False)
    database_point_in_time.wait_until_restorable(world, INSTANCE, name, at)
    for _ in range(2):
        made = database_point_in_time.restore_instance(world, name, f"{name}-then", at)
    assert run(world, f"{name}-then", "select n from t") == [1]
    assert (made["DeletionProtection"], made["BackupRetentionPeriod"]) == (True, 3)
    assert OWNED[0] in made["TagList"]
    assert changes(world) == 1
    assert healed(world).ok
    assert look(rds_of(world, HERE), INSTANCE, f"{name}-then") is None


@pytest.mark.slow
def test_what_cannot_be_restored_is_told(world: World, name: str) -> None:
    an_instance(world, name)
    an_instance(world, f"{name}-bare", BackupRetentionPeriod=0)
    long_ago = datetime.fromisoformat("2020-01-01T00:00:00Z")
    with pytest.raises(PermanentError, match=r"before .* the beginning of what can be restored"):
        database_point_in_time.wait_until_restorable(world, INSTANCE, name, long_ago)
    with pytest.raises(PermanentError, match="has no automated backups"):
        database_point_in_time.wait_until_restorable(world, INSTANCE, f"{name}-bare", long_ago)
    with pytest.raises(PermanentError, match="was not made by this drill"):
        database_point_in_time.restore_instance(world, name, f"{name}-bare", long_ago)
    assert healed(world).ok
    assert look(rds_of(world, HERE), INSTANCE, f"{name}-bare") is not None


def test_databases_that_are_not_there_are_told_with_rdss_code(world: World, name: str) -> None:
    now = world.clock.now()
    with pytest.raises(PermanentError) as refused:
        database_point_in_time.restore_cluster(world, name, f"{name}-r", now)
    assert refused.value.code == "DBClusterNotFoundFault"
    with pytest.raises(PermanentError) as refused:
        database_point_in_time.restore_instance(world, name, f"{name}-r", now)
    assert refused.value.code == "DBInstanceNotFound"
    with pytest.raises(PermanentError) as refused:
        database_snapshot.take(world, CLUSTER, name, f"{name}-s")
    assert refused.value.code == "DBClusterNotFoundFault"
    with pytest.raises(PermanentError) as refused:
        database_snapshot.restore_instance(world, f"{name}-s", f"{name}-r")
    assert refused.value.code == "DBSnapshotNotFound"
    assert healed(world).ok


@pytest.mark.slow
def test_data_comes_home_by_a_snapshot(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cluster(world, name, THERE, f"{name}-a")
    run(world, name, "create table t as select 5 as n", THERE, cluster=True)
    snapshot = f"{name}-home"
    fail_after(monkeypatch, rds_of(world, THERE), "create_db_cluster_snapshot")
    with pytest.raises(Killed):
        database_snapshot.take(world, CLUSTER, name, snapshot, THERE)
    for _ in range(2):
        database_snapshot.take(world, CLUSTER, name, snapshot, THERE)
        database_snapshot.copy_to(world, CLUSTER, snapshot, from_region=THERE, to_region=HERE)
        shapes = [cluster_instances.shape(CLASS)]
        database_snapshot.restore_cluster(world, snapshot, f"{name}-at-home", shapes, HERE)
    assert run(world, f"{name}-at-home", "select n from t", cluster=True) == [5]
    assert database_snapshot.is_taken(world, CLUSTER, snapshot, HERE)
    assert changes(world) == 4
    with pytest.raises(PermanentError, match="was not made by this drill"):
        database_snapshot.take(world, CLUSTER, f"{name}-at-home", snapshot, HERE)
    assert healed(world).ok
    for region in (HERE, THERE):
        assert look(rds_of(world, region), CLUSTER_SNAPSHOT, snapshot) is None
    assert look(rds_of(world, HERE), CLUSTER, f"{name}-at-home") is None
    assert look(rds_of(world, THERE), CLUSTER, name) is not None


@pytest.mark.slow
def test_an_instances_snapshot_is_copied_and_restored_and_its_replica_rebuilt(world: World, name: str) -> None:
    an_instance(world, name)
    run(world, name, "create table t as select 6 as n")
    database_snapshot.take(world, INSTANCE, name, f"{name}-s")
    database_snapshot.copy_to(world, INSTANCE, f"{name}-s", from_region=HERE, to_region=THERE)
    database_snapshot.restore_instance(world, f"{name}-s", f"{name}-there", THERE)
    assert run(world, f"{name}-there", "select n from t", THERE) == [6]
    for _ in range(2):
        replica_rebuild.rebuild_replica(world, name, f"{name}-replica", source_region=HERE, region=THERE)
    assert eventually(world, "the row", lambda: run(world, f"{name}-replica", "select n from t", THERE)) == [6]
    assert changes(world) == 4
    assert healed(world).ok
    for target in (f"{name}-there", f"{name}-replica"):
        assert look(rds_of(world, THERE), INSTANCE, target) is None
    assert look(rds_of(world, THERE), SNAPSHOT, f"{name}-s") is None


@pytest.mark.slow
def test_a_replaced_cluster_goes_only_when_its_successor_is_good_and_heal_makes_it_again(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rds, old = rds_of(world, HERE), f"{name}-old"
    a_cluster(world, name, HERE, f"{name}-a")
    a_cluster(world, old, HERE, f"{old}-a", DeletionProtection=True)
    run(world, old, "create table t as select 8 as n", cluster=True)

    def go(reading: Reading = GOOD, **more: Any) -> None:
        replaced_cluster.delete_replaced(world, old, name, lambda: reading, **more)

    for reading in (Reading(False, "3 orphans"), Reading(None, "no answer")):
        with pytest.raises(PermanentError, match=f"is not known to be good .{reading}"):
            go(reading, protected=True)
    with pytest.raises(PermanentError, match="protected against deletion"):
        go()
    with pytest.raises(PermanentError, match="cannot replace itself"):
        replaced_cluster.delete_replaced(world, name, name, lambda: GOOD)
    assert changes(world) == 0
    fail_after(monkeypatch, rds, "delete_db_cluster")
    with pytest.raises(Killed):
        go(protected=True)
    go(protected=True)
    go(protected=True)
    assert look(rds, CLUSTER, old) is None
    assert look(rds, CLUSTER_SNAPSHOT, f"{old}-last") is not None
    assert healed(world).ok
    assert run(world, old, "select n from t", cluster=True) == [8]
    again = described(rds, CLUSTER, old)
    assert again["DeletionProtection"]
    assert [one["DBInstanceIdentifier"] for one in again["DBClusterMembers"]] == [f"{old}-a"]


@pytest.mark.slow
def test_a_successor_without_a_writer_replaces_nothing(world: World, name: str) -> None:
    a_cluster(world, name)
    a_cluster(world, f"{name}-old")
    with pytest.raises(PermanentError, match="has no available writer"):
        replaced_cluster.delete_replaced(world, f"{name}-old", name, lambda: GOOD)
